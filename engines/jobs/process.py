"""Which process is meant: a number is used again by the system, a number with its start time is not."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Identity:
    """A process on one computer. `started` is in seconds on a clock that setting the time does not move (Linux)."""

    pid: int
    started: float
    host: str


def host() -> str:
    return platform.node()


def identify(pid: int) -> Identity | None:
    """The process with that number now, or None if there is none or it is a zombie."""
    started = _started(pid)
    return None if started is None else Identity(pid, started, host())


def this_process() -> Identity:
    identity = identify(os.getpid())
    assert identity is not None, "a running process has a start time"
    return identity


def alive(pid: int | None, started: float | None) -> bool:
    """Whether that very process still runs on this computer."""
    if not pid or started is None:
        return False
    found = _started(pid)
    return found is not None and abs(found - started) < 0.005


def end(pid: int | None, started: float | None) -> None:
    """End that very process at once, with all it started; nothing happens if it is gone already."""
    if not alive(pid, started):
        return
    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        family = [*parent.children(recursive=True), parent]
        for member in family:
            with suppress(psutil.Error):
                member.kill()


def _started(pid: int) -> float | None:
    stat = Path(f"/proc/{pid}/stat")
    if os.name == "posix" and Path("/proc/self/stat").exists():
        # psutil adds the boot time, which moves when the clock is set; the kernel's own field 22 does not.
        try:
            fields = stat.read_bytes().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if fields[0] in (b"Z", b"X") else int(fields[19]) / os.sysconf("SC_CLK_TCK")
    try:
        found = psutil.Process(pid)
        return None if found.status() == psutil.STATUS_ZOMBIE else round(found.create_time(), 3)
    except psutil.Error:
        return None
