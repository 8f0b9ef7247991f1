"""A real browser on a real app: `app` starts launch.py on a workspace of its own, `page` is a tab that is let in."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN_S = 120
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LINK = re.compile(r"https?://\S+token=\S+")


def find_chromium() -> str | None:
    """PHANTOM_LAB_CHROMIUM, a Chromium or Chrome of the system, else the one that Playwright installed."""
    named = os.environ.get("PHANTOM_LAB_CHROMIUM")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            path = playwright.chromium.executable_path
    except Exception:
        return None
    return path if Path(path).exists() else None


@dataclass
class App:
    """A running launch.py; `link()` is an unused one-time link, `url` its address without one."""

    process: subprocess.Popen[str]
    url: str
    workspace: Path
    printed: list[str] = field(default_factory=list)
    _lines: Queue[str] = field(default_factory=Queue)

    def link(self) -> str:
        """The newest link; each can be used once, and using it makes the app print the next."""
        return [found[0] for line in self.printed if (found := LINK.search(line))][-1]

    def wait_for(self, pattern: str, timeout_s: float = START_WITHIN_S) -> str:
        """The next printed line that matches. Fails if the app ends or stays silent."""
        while True:
            try:
                line = self._lines.get(timeout=timeout_s)
            except Empty:
                raise AssertionError(f"the app did not print {pattern!r}: {self.printed}") from None
            if line is None:
                raise AssertionError(f"the app ended: {self.printed}")
            if re.search(pattern, line):
                return line

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask the app to end; its exit code. Fails if it is still there after ten seconds."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_app(workspace: Path, port: int | None = None, *flags: str) -> App:
    """Start launch.py and wait until it serves."""
    port = port or free_port()
    command = [sys.executable, str(ROOT / "launch.py"), "--workspace", str(workspace), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--no-browser", *flags],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    app = App(process, f"http://127.0.0.1:{port}", workspace)

    def hear() -> None:
        assert process.stdout is not None
        with process.stdout as stdout:
            for line in stdout:
                app.printed.append(line.rstrip())
                app._lines.put(line.rstrip())
        app._lines.put(None)  # type: ignore[arg-type]

    threading.Thread(target=hear, daemon=True).start()
    app.wait_for(r"Open: http")
    return app


def end_everything(workspace: Path) -> None:
    """End the jobs of a workspace, which outlive their app by design."""
    for path in [*workspace.glob("runs/*"), *workspace.glob("jobs/*")]:
        for process in psutil.process_iter(["cmdline", "pid"]):
            if str(path) in (process.info["cmdline"] or []):
                process.kill()
        try:
            import json

            job = json.loads((path / "job.json").read_text())
            process = psutil.Process(job["pid"])
            if job["state"] in {"running", "paused", "pausing", "stopping"} and "engines.worker" in process.cmdline():
                process.kill()
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            continue


def empty_workspace(folder: Path) -> Path:
    """A workspace without the demo, which a new one would draw first."""
    from engines.workspace import Workspace

    return Workspace.open(folder).path


@contextmanager
def apps(folder: Path) -> Iterator[Callable[..., App]]:
    """Starts apps; at the end none of them and none of their jobs remains.

    Without a spare worker unless a test asks for one: it costs each app four seconds of a core.
    """
    running: list[App] = []

    def begin(workspace: Path | None = None, port: int | None = None, *flags: str, spare: bool = False) -> App:
        flags = flags if spare else (*flags, "--no-spare")
        running.append(start_app(workspace or empty_workspace(folder / "workspace"), port, *flags))
        return running[-1]

    try:
        yield begin
    finally:
        for app in running:
            try:
                app.stop()
            except subprocess.TimeoutExpired:
                app.process.kill()
                app.process.wait()
            end_everything(app.workspace)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., App]]:
    """Starts apps of this test's own."""
    with apps(tmp_path) as begin:
        yield begin


@pytest.fixture
def app(start: Callable[..., App]) -> App:
    """The full app on an empty workspace of this test's own."""
    return start()


@pytest.fixture(scope="module")
def shared_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One app for all tests of a file that leave its workspace as it was."""
    with apps(tmp_path_factory.mktemp("shared")) as begin:
        yield begin()


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A headless Chromium; skips where there is none, and fails instead in CI."""
    path = find_chromium()
    if path is None:
        reason = "no Chromium: install one, or name it in PHANTOM_LAB_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def new_page(browser: object) -> Iterator[Callable[..., object]]:
    """Opens tabs, each in a browser profile of its own; `page.faults` gathers what went wrong in it."""
    contexts: list[object] = []

    def open_page(link: str = "", width: int = 1440, height: int = 900) -> object:
        context = browser.new_context(viewport={"width": width, "height": height})  # type: ignore[attr-defined]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda said: page.faults.append(said.text) if "Content Security" in said.text else None)
        if link:
            page.goto(link)
            page.wait_for_selector(".lab-footer-keys")
            page.wait_for_selector(".lab-columns")
        return page

    yield open_page
    for context in contexts:
        context.close()  # type: ignore[attr-defined]


@pytest.fixture
def page(app: App, new_page: Callable[..., object]) -> object:
    """A tab that the owner opened."""
    return new_page(app.link())
