"""How fast every method trains on this machine, and the memory that it takes.

    python tests/benchmarks/bench_methods.py [--size 64] [--preset standard] [--batch N] [--only=dcgan,fast_gan]

Each method takes steps for some seconds on random pixels, in a process of its own, as the app's estimate does. A method
without the preset is measured with its first one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

COUNT = 256


def measure(name: str, preset: str, changes: dict[str, Any]) -> dict[str, Any]:
    """One method, in this process."""
    import numpy as np

    from engines import registry
    from engines.jobs.context import JobContext
    from engines.training.feed import Data
    from engines.training.plan import Budget, Plan
    from engines.training.trial import try_out
    from engines.workspace import Workspace

    method = registry.load("methods")[name]
    preset = preset if preset in method.presets else next(iter(method.presets))
    options = method.choose(preset, changes)
    pixels = np.random.default_rng(0).integers(0, 256, (COUNT, options.size, options.size, 1), dtype=np.uint8)
    data = Data.of(pixels, ["a" if number % 2 else "b" for number in range(COUNT)])
    if method.translates:
        data = data.translating("a", "b")
    plan = Plan(method, options, preset, 1, seed=0, budget=Budget(images=1), classes=data.classes)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.open(Path(folder))
        trial = try_out(plan, data, JobContext.detached(workspace, workspace.folder("jobs", "bench")))
    return {"method": name, "preset": preset, "size": options.size, "batch": options.batch, **asdict(trial)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int)
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    changes = {name: value for name in ("size", "batch") if (value := getattr(chosen, name))}
    if chosen.one:
        print(json.dumps(measure(chosen.one, chosen.preset, changes)))
        return
    from engines import registry

    for name in chosen.only.split(",") if chosen.only else registry.load("methods"):
        command = [
            sys.executable,
            __file__,
            "--one",
            name,
            *[word for word in sys.argv[1:] if not word.startswith("--only")],
        ]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        print(ended.stdout.strip() or f"{name}: {ended.stderr.strip().splitlines()[-1]}", flush=True)


if __name__ == "__main__":
    main()
