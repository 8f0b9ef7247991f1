"""Interrupt engines/files.py at every single call that touches the disk: `python inject.py (kill|full) FOLDER`.

Each scenario runs in a forked child whose n-th call dies by SIGKILL, or finds the disk full (half of the bytes are
taken, as a real disk does); then the parent looks at what is left. Prints one JSON line per scenario:
{scenario, points, faults: [what was wrong]}.
"""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engines import files

OLD, NEW = {"version": "old", "filler": "a" * 9000}, {"version": "new", "filler": "b" * 9000}
CALLS = ("fsync", "replace", "open", "mkdir", "unlink", "rmdir", "truncate", "ftruncate")


class Interrupted:
    """Counts calls that touch the disk and interrupts one of them."""

    def __init__(self, mode: str, at: int) -> None:
        self.mode, self.at, self.calls = mode, at, 0

    def due(self) -> bool:
        self.calls += 1
        return self.calls - 1 == self.at

    def strike(self) -> None:
        if self.mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def call(self, original: Callable[..., Any], may_fail: bool) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            if self.due() and (may_fail or self.mode == "kill"):
                self.strike()
            return original(*arguments, **named)

        return wrapped

    def open(self, path: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        file = builtins.open(path, mode, *arguments, **named)
        if not set(mode) & set("wxa+"):
            return file
        return File(self, file)

    def install(self) -> None:
        # Removing frees space: a full disk never refuses it.
        for name in CALLS:
            setattr(os, name, self.call(getattr(os, name), may_fail=name not in ("unlink", "rmdir", "open")))
        files.open = self.open  # type: ignore[attr-defined]


class File:
    """A file whose write takes half of the bytes before it fails."""

    def __init__(self, interrupted: Interrupted, file: Any) -> None:
        self._interrupted, self._file = interrupted, file

    def write(self, data: bytes) -> int:
        if self._interrupted.due():
            taken: int = self._file.write(data[: len(data) // 2])
            if self._interrupted.mode == "full" and isinstance(self._file, io.FileIO):
                return taken  # an unbuffered write does not raise: it says how little it took
            self._file.flush()
            self._interrupted.strike()
        written: int = self._file.write(data)
        return written

    def truncate(self, size_bytes: int) -> int:
        if self._interrupted.due() and self._interrupted.mode == "kill":
            self._interrupted.strike()
        size: int = self._file.truncate(size_bytes)
        return size

    def __enter__(self) -> File:
        return self

    def __exit__(self, *fault: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


# Each scenario: what is there before, what is done, and what is wrong with what is found (empty: nothing).


def before_file(folder: Path) -> None:
    files.write_json(folder / "job.json", OLD)


def write_file(folder: Path) -> None:
    files.write_json(folder / "job.json", NEW)


def look_at_file(folder: Path) -> str:
    found = files.read_json(folder / "job.json")
    return "" if found in (OLD, NEW) else "neither old nor new"


def write_checkpoint(folder: Path) -> None:
    with files.new_folder(folder / "checkpoints" / "00000064") as new:
        files.write_bytes(new / "ema.safetensors", b"w" * 5000)
        array = files.create_npy(new / "images.npy", (4, 8, 8, 1), np.uint8)
        array[:] = 7
        array.flush()
        files.write_json(new / "state.json", {"images_seen": 64})


def look_at_checkpoint(folder: Path) -> str:
    new = folder / "checkpoints" / "00000064"
    if not new.exists():
        return ""
    whole = (
        (new / "ema.safetensors").read_bytes() == b"w" * 5000
        and bool((files.open_npy(new / "images.npy") == 7).all())
        and files.read_json(new / "state.json") == {"images_seen": 64}
        and len(list(new.iterdir())) == 3
    )
    return "" if whole else "a checkpoint under its name is not whole"


def before_log(folder: Path) -> None:
    for n in range(3):
        files.append_jsonl(folder / "events.jsonl", {"n": n})


def append_log(folder: Path) -> None:
    for n in range(3, 6):
        files.append_jsonl(folder / "events.jsonl", {"n": n}, sync=True)


def look_at_log(folder: Path) -> str:
    files.append_jsonl(folder / "events.jsonl", {"n": 99})
    found = [event["n"] for event in files.read_jsonl(folder / "events.jsonl")]
    return "" if found in ([*range(n), 99] for n in range(3, 7)) else f"the log reads {found}"


def before_torn(folder: Path) -> None:
    (folder / "events.jsonl").write_bytes(b'{"n":0}\n{"n":1}\n{"n":2}\n{"n":')


def repair_log(folder: Path) -> None:
    files.repair_jsonl(folder / "events.jsonl")


def remove_run(folder: Path) -> None:
    files.remove_folder(folder / "run")


def before_run(folder: Path) -> None:
    (folder / "run" / "samples").mkdir(parents=True)
    for name in ("run.json", "samples/1.webp"):
        (folder / "run" / name).write_bytes(b"x")


def look_at_run(folder: Path) -> str:
    run = folder / "run"
    return "" if not run.exists() or len(list(run.rglob("*"))) == 3 else "half a run under its name"


Step = Callable[[Path], Any]
SCENARIOS: dict[str, tuple[Step, Step, Step]] = {
    "write over a file": (before_file, write_file, look_at_file),
    "write a checkpoint folder": (lambda folder: None, write_checkpoint, look_at_checkpoint),
    "append to a log": (before_log, append_log, look_at_log),
    "repair a log": (before_torn, repair_log, look_at_log),
    "remove a run": (before_run, remove_run, look_at_run),
}


def strike_once(mode: str, at: int, work: Step, folder: Path) -> tuple[bool, str]:
    """Whether the interrupted call was reached, and what was wrong with how the failure was told."""
    child = os.fork()
    if child == 0:
        interrupted = Interrupted(mode, at)
        interrupted.install()
        try:
            work(folder)
            os._exit(0 if interrupted.calls <= at else 3)
        except OSError as error:
            os._exit(2 if error.errno == errno.ENOSPC else 4)
        except BaseException:
            os._exit(5)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return True, ""
    code = os.WEXITSTATUS(status)
    words = {0: "", 2: "", 3: "", 4: "another error than a full disk", 5: "not an OSError"}
    return code != 0, words[code]


def main(mode: str, home: Path) -> None:
    for name, (before, work, look) in SCENARIOS.items():
        faults: list[str] = []
        at = 0
        while True:
            folder = home / f"{at}"
            folder.mkdir(parents=True)
            before(folder)
            reached, fault = strike_once(mode, at, work, folder)
            fault = fault or look(folder)
            leftovers = [path for path in folder.rglob("*") if path.name.startswith(files.TEMPORARY)]
            if mode == "full" and leftovers and name != "remove a run":
                fault = fault or f"left behind: {leftovers[0].name}"
            files.sweep(folder, older_than_s=-1)
            if any(path.name.startswith(files.TEMPORARY) for path in folder.rglob("*")):
                fault = fault or "the sweep leaves something"
            if fault:
                faults.append(f"call {at}: {fault}")
            shutil.rmtree(folder)
            if not reached:
                break
            at += 1
        print(json.dumps({"scenario": name, "points": at, "faults": faults}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
