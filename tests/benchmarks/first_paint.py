"""Seconds from the command to the first line, to serving, to the first paint and to a usable page; and SIGTERM.

`python tests/benchmarks/first_paint.py [WORKSPACE] [REPEATS]`, on an otherwise idle computer.
"""

from __future__ import annotations

import importlib.util
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("journeys", HERE.parent / "journeys" / "conftest.py")
assert spec and spec.loader
journeys = importlib.util.module_from_spec(spec)
sys.modules["journeys"] = journeys
spec.loader.exec_module(journeys)


def once(browser: Browser, workspace: Path) -> dict[str, float]:
    """One start, one visit, one SIGTERM with the page open."""
    port = journeys.free_port()
    command = [sys.executable, "launch.py", "--workspace", str(workspace), "--port", str(port), "--no-browser"]
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=HERE.parents[1], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    found = {"first line": time.perf_counter() - began}
    for line in process.stdout:
        if "Open: " in line:
            break
    else:
        raise SystemExit("the app did not start")
    found["serving"] = time.perf_counter() - began
    page = browser.new_context().new_page()
    page.goto(line.split("Open: ")[1].strip())
    page.wait_for_selector(".lab-footer-keys")
    page.wait_for_selector(".lab-columns")
    found["usable"] = time.perf_counter() - began
    visited = found["usable"] - found["serving"]
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
    found["first paint"] = found["serving"] + min(paint, visited)
    process.send_signal(signal.SIGTERM)
    ended = time.perf_counter()
    process.wait(20)
    found["gone after SIGTERM"] = time.perf_counter() - ended
    page.context.close()
    return found


def main() -> None:
    workspace = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp()) / "workspace"
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    journeys.empty_workspace(workspace)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=journeys.find_chromium(), args=list(journeys.FLAGS))
        rounds = [once(browser, workspace) for _ in range(repeats)]
    for name in rounds[0]:
        values = [values[name] for values in rounds]
        print(f"{name:20} median {statistics.median(values):5.2f} s   range {min(values):5.2f} to {max(values):5.2f} s")


if __name__ == "__main__":
    main()
