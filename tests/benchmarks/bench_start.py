"""From a click on Start to the first event and the first loss, with the spare worker warm and without.

    python tests/benchmarks/bench_start.py [--rounds 3]

A real training of 64 images on the CPU; times in seconds, smallest and median of the rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))
from kill_storm import make_image_set, parameters

from engines.jobs import events
from engines.jobs.queue import EngineThread
from engines.workspace import Workspace

pause = threading.Event()


def one(engine: EngineThread, image_set: str) -> tuple[float, float]:
    """Seconds until the worker's first event, and until its first loss."""
    began = time.time()
    id = engine.submit("train", parameters(image_set, 16))
    folder = engine.workspace.job_folder(id)
    while (loss := events.newest(folder, "metrics")) is None:
        pause.wait(0.005)
    running = next(event for event in events.read(folder, "state") if event["state"] == "running")
    engine.wait(id)
    return running["t"] - began, loss["t"] - began


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.open(Path(folder) / "workspace")
        image_set = make_image_set(workspace)
        for spare in (True, False):
            with EngineThread(workspace, spare=spare) as engine:
                times = []
                for _ in range(rounds):
                    while spare and not engine.spare_ready:
                        pause.wait(0.1)
                    times.append(one(engine, image_set))
            for name, values in zip(("first event", "first loss"), zip(*times, strict=True), strict=True):
                told = f"{min(values):.2f} s, median {statistics.median(values):.2f} s"
                print(f"{'spare' if spare else 'no spare'}: {name} {told} (load {os.getloadavg()[0]:.1f})", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    main(parser.parse_args().rounds)
