"""One engine per workspace: two apps that start jobs in the same folder would spoil each other's queue."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engines import files
from engines.errors import LabError
from engines.jobs import process

LOCK_FILE = "engine.lock"
HOLDER_FILE = "engine.json"

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def holding(path: Path) -> Iterator[bool]:
    """Hold a lock file while the block runs; False if somebody else holds it. On a drive without locks it is True."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(handle)
            held = True
        except (BlockingIOError, PermissionError):
            held = False
        except OSError:
            held = True
        yield held
    finally:
        os.close(handle)


class WorkspaceLock:
    """Held from `acquire` to `release`. The system lets go of it when its process dies, so that it is never stale.

    engine.json beside it says who holds it, for the message, and decides alone (process number and start time) on the
    rare network drive that has no locks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises LabError if another living process holds it."""
        handle = os.open(self._folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take(handle)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        me = process.this_process()
        files.write_json(self._folder / HOLDER_FILE, {"pid": me.pid, "started": me.started, "host": me.host})

    def release(self) -> None:
        if self._handle is not None:
            (self._folder / HOLDER_FILE).unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None

    def _take(self, handle: int) -> None:
        try:
            _lock(handle)
        except (BlockingIOError, PermissionError) as error:
            raise self._refusal() from error
        except OSError as error:  # a drive without locks
            if self._holder_lives():
                raise self._refusal() from error

    def _holder(self) -> dict[str, object]:
        try:
            holder = files.read_json(self._folder / HOLDER_FILE)
        except (OSError, LabError):
            return {}
        return holder if isinstance(holder, dict) else {}

    def _holder_lives(self) -> bool:
        match self._holder():
            case {"pid": int(pid), "started": float(started)} if pid != os.getpid():
                return process.alive(pid, started)
        return False

    def _refusal(self) -> LabError:
        holder = self._holder()
        who = f"process {holder['pid']} on {holder.get('host')}" if "pid" in holder else "another program"
        return LabError(
            "This workspace is open in another Phantom Lab.",
            f"It is held by {who}.",
            "Use the page that is open already, close the other program, or choose another workspace.",
        )
