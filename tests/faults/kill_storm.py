"""Kill the worker, the app, or both at random moments of a real training, and see whether anything is lost.

    python tests/faults/kill_storm.py [--kills 50] [--images 1200] [--seed 1] [--keep FOLDER]

By hand, since it takes minutes. An unbroken run comes first; then the same training is killed again and again, at
random moments and, every third time, in the middle of writing a checkpoint. After each kill every file of the
workspace is read, every checkpoint is checked against its hashes, and the images lost are counted. At the end the
weights and the optimisers' state must equal those of the unbroken run, bit for bit (CPU, exact mode).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from engines import files
from engines.jobs import events, process, store
from engines.jobs.queue import EngineThread
from engines.records import ENDED_STATES, ImageSetRecord
from engines.training import checkpoints
from engines.workspace import Workspace

CHECKPOINT_EVERY_IMAGES = 32
SEED_OF_TRAINING = 11


def app(path: Path) -> None:
    """The app's part that matters here: an engine thread. Reads requests as JSON lines, answers each with one."""
    with EngineThread(Workspace.open(path), spare=False) as engine:
        print(json.dumps({"ready": True}), flush=True)
        for line in sys.stdin:
            request = json.loads(line)
            if "submit" in request:
                answer = {"id": engine.submit("train", request["submit"], request["title"])}
            else:
                engine.act(request["id"], request["verb"])
                answer = {"id": request["id"]}
            print(json.dumps(answer), flush=True)


class App:
    """That process, seen from outside."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, __file__, "--app", str(path)]
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._answer()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.child.stdin
        self.child.stdin.write(json.dumps(request).encode() + b"\n")
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.child.stdout
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit("the app ended by itself")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()

    def leave(self) -> None:
        assert self.child.stdin
        self.child.stdin.close()
        self.child.wait()


def make_image_set(workspace: Workspace) -> str:
    """96 images of bright discs, 64 pixels square."""
    numbers = np.random.default_rng(0)
    rows, columns = np.mgrid[:64, :64]
    with files.new_folder(workspace.folder("image_sets", "discs")) as folder:
        images = files.create_npy(folder / "images.npy", (96, 64, 64, 1), np.uint8)
        for n in range(96):
            y, x, r = *numbers.uniform(16, 48, 2), numbers.uniform(8, 18)
            images[n, :, :, 0] = 30 + 200 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / r**2)
        images.flush()
        items = [{"item": f"{n:06d}", "label": "disc", "patient": f"p{n}"} for n in range(96)]
        files.write_csv(folder / "items.csv", items, ["item", "label", "patient", "split"])
        sha256 = files.sha256_file(folder / "images.npy")
        shape: dict[str, Any] = {"items": 96, "width": 64, "height": 64, "channels": 1, "dtype": "uint8"}
        record = ImageSetRecord(id="discs", name="Discs", origin="real", content_sha256=sha256, **shape)
        workspace.save("image_sets", record, folder)
    return record.id


def parameters(image_set: str, images: int) -> dict[str, Any]:
    return {
        "image_set": image_set,
        "preset": "quick_look",
        "options": {"batch": 4},
        "images": images,
        "seed": SEED_OF_TRAINING,
        "exact": True,
        "device": "cpu",
        "threads": 1,
        "sample_every_images": 128,
        "sheet_columns": 4,
        "sheet_rows": 2,
        "checkpoint_every_images": CHECKPOINT_EVERY_IMAGES,
        "milestones": 0,
    }


class Storm:
    """One workspace with an unbroken run and one that is killed, and what was seen."""

    def __init__(self, path: Path, images: int, seed: int) -> None:
        self.workspace = Workspace.open(path)
        self.random = random.Random(seed)
        self.pause = threading.Event()
        self.image_set, self.images = make_image_set(self.workspace), images
        self.app = App(path)
        self.faults: list[str] = []
        self.most_lost = 0
        self.kinds: Counter[str] = Counter()
        self.in_checkpoint = 0

    def start(self, title: str) -> str:
        request = {"submit": parameters(self.image_set, self.images), "title": title}
        id: str = self.app.ask(request)["id"]
        return id

    def wait_for_end(self, id: str) -> str:
        while (state := store.read(self.workspace.job_folder(id)).state) not in ENDED_STATES:
            self.pause.wait(0.05)
        return state

    def moment(self, folder: Path, count: int) -> None:
        """Wait for the next moment: after a random time, also before the first step, or in a checkpoint's writing."""
        seen = len(events.read(folder, "metrics")) + self.random.choice((0, 1, 1, 2))
        while len(events.read(folder, "metrics")) < seen and store.read(folder).state not in ENDED_STATES:
            self.pause.wait(0.01)
        if count % 3 == 2:
            until = time.monotonic() + 30
            while time.monotonic() < until and store.read(folder).state not in ENDED_STATES:
                if any((folder / "checkpoints").glob(f"{files.TEMPORARY}*")):
                    self.in_checkpoint += 1
                    self.pause.wait(self.random.random() * 0.02)
                    return
                self.pause.wait(0.0005)
        self.pause.wait(self.random.random() * 2)

    def strike(self, id: str, count: int) -> None:
        folder = self.workspace.job_folder(id)
        what = self.random.choice(("worker", "app", "both"))
        self.moment(folder, count)
        record = store.read(folder)
        if record.state in ENDED_STATES:
            return
        self.kinds[what] += 1
        if what != "worker":
            self.app.kill()
        if what != "app" and record.pid and process.alive(record.pid, record.pid_started):
            os.kill(record.pid, signal.SIGKILL)
            while process.alive(record.pid, record.pid_started):
                self.pause.wait(0.005)
        self.check(f"kill {count} ({what})", folder, dead=what != "app")
        if what != "worker":
            self.app = App(self.workspace.path)
        if what == "app":
            return
        # The engine marks it; a job that the worker had not yet taken up starts again by itself.
        while (now := store.read(folder)).pid == record.pid and now.state not in ENDED_STATES:
            self.pause.wait(0.05)
        if now.state == "interrupted":
            self.app.ask({"id": id, "verb": "resume"})

    def check(self, when: str, folder: Path, dead: bool) -> None:
        """Read everything that has a name of its own."""
        for path in self.workspace.path.rglob("*.json"):
            if files.TEMPORARY not in str(path):
                try:
                    json.loads(path.read_bytes())
                except FileNotFoundError:
                    continue  # a living worker thinned out its checkpoints meanwhile
                except ValueError:
                    self.faults.append(f"{when}: {path.name} is unreadable")
        for line in (folder / events.FILE).read_bytes().split(b"\n")[:-1]:
            if not _is_json(line):
                self.faults.append(f"{when}: a damaged line in the events")
        if not dead:
            return
        found = checkpoints.found(folder)
        for checkpoint in found:
            if not checkpoints.is_valid(checkpoint):
                self.faults.append(f"{when}: checkpoint {checkpoint.images_seen} is damaged")
        reached = max((event["images_seen"] for event in events.read(folder, "metrics")), default=0)
        kept = found[-1].images_seen if found else 0
        self.most_lost = max(self.most_lost, reached - kept)

    def equal(self, one: str, other: str) -> bool:
        """Whether the last checkpoints of two runs hold the same tensors, bit for bit."""
        names = ("ema.safetensors", "state.safetensors")
        last = [checkpoints.newest_valid(self.workspace.job_folder(id))[0] for id in (one, other)]
        if last[0] is None or last[1] is None or last[0].images_seen != last[1].images_seen:
            return False
        pair = [[files.sha256_file(checkpoint.folder / name) for name in names] for checkpoint in last if checkpoint]
        return pair[0] == pair[1]


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def main(path: Path, kills: int, images: int, seed: int) -> int:
    storm = Storm(path, images, seed)
    began = time.monotonic()
    unbroken = storm.start("unbroken")
    storm.wait_for_end(unbroken)
    print(f"unbroken run: {storm.wait_for_end(unbroken)} in {time.monotonic() - began:.0f} s", flush=True)
    equal: list[bool] = []
    while sum(storm.kinds.values()) < kills or not equal:
        killed = storm.start("killed")
        folder = storm.workspace.job_folder(killed)
        while sum(storm.kinds.values()) < kills and store.read(folder).state != "done":
            storm.strike(killed, sum(storm.kinds.values()))
            reached = events.newest(folder, "metrics") or {"images_seen": 0}
            told = f"kills {sum(storm.kinds.values())}: {reached['images_seen']} images, faults {storm.faults}"
            print(f"{time.monotonic() - began:.0f} s, {told}", flush=True)
        state = storm.wait_for_end(killed)
        storm.check("at the end", folder, dead=True)
        equal.append(state == "done" and storm.equal(unbroken, killed))
    storm.app.leave()
    report = {
        "kills": sum(storm.kinds.values()),
        "kinds": dict(storm.kinds),
        "during_a_checkpoint_write": storm.in_checkpoint,
        "unreadable_files": len(storm.faults),
        "faults": storm.faults,
        "most_images_lost": storm.most_lost,
        "checkpoint_every_images": CHECKPOINT_EVERY_IMAGES,
        "runs": len(equal),
        "runs_bit_equal": sum(equal),
        "seconds": round(time.monotonic() - began),
    }
    print(json.dumps(report, indent=1))
    return 0 if all(equal) and not storm.faults and storm.most_lost <= CHECKPOINT_EVERY_IMAGES else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--images", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="an empty folder for the workspace, kept afterwards")
    parser.add_argument("--app", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.app:
        app(chosen.app)
        sys.exit(0)
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(chosen.keep or Path(temporary) / "workspace", chosen.kills, chosen.images, chosen.seed))
