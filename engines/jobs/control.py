"""Requests to a running job: empty files in its control/ folder, written by the page and consumed by the worker.

A file survives a restart of either side, needs no connection, and can be made by hand (`touch control/stop`).
"""

from __future__ import annotations

from pathlib import Path

from engines import files
from engines.errors import LabError

VERBS = ("pause", "resume", "stop", "discard", "sample_now", "checkpoint_now")


def _file(folder: Path, verb: str) -> Path:
    if verb not in VERBS:
        raise LabError(f"A job cannot be asked to “{verb[:40]}”.", "", f"Ask for one of: {', '.join(VERBS)}.")
    return folder / "control" / verb


def request(folder: Path, verb: str) -> None:
    """Ask a job for something; asking twice is asking once. Raises LabError for an unknown verb."""
    path = _file(folder, verb)
    path.parent.mkdir(exist_ok=True)
    # Pause and resume cancel each other: a leftover of one must not answer the other later.
    if verb == "resume" and take(folder, "pause"):
        return
    if verb == "pause":
        take(folder, "resume")
    files.write_bytes(path, b"")


def requested(folder: Path, verb: str) -> bool:
    """Whether that was asked and not yet consumed."""
    return _file(folder, verb).exists()


def take(folder: Path, verb: str) -> bool:
    """Consume a request; only one of several takers gets True."""
    try:
        _file(folder, verb).unlink()
    except FileNotFoundError:
        return False
    return True


def clear(folder: Path) -> None:
    """Forget all requests, as before a job is started again."""
    for verb in VERBS:
        take(folder, verb)
