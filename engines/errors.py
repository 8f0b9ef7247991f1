"""Errors in the researcher's words: what happened, why, what to do next."""

from __future__ import annotations

import errno
import traceback
from pathlib import PurePath


class LabError(Exception):
    """Something a researcher can act on; shown as a card, never as a traceback."""

    def __init__(self, what: str, why: str = "", advice: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.advice = what, why, advice

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.advice) if part)

    # Exceptions with a custom signature must say how they travel between processes.
    def __reduce__(self) -> tuple[type[LabError], tuple[str, str, str]]:
        return type(self), (self.what, self.why, self.advice)

    def as_dict(self) -> dict[str, str]:
        return {"what": self.what, "why": self.why, "advice": self.advice}


# Files that Phantom Lab names itself.
OWN_NAMES = frozenset(
    "workspace.json record.json run.json job.json private.json events.jsonl worker.log items.csv sources.csv "
    "rejected.csv rejected_sources.csv curation.csv outlines.jsonl decisions.jsonl audit.jsonl images.npy".split()
)

_OS_WORDS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("The disk is full.", "Free some space, then press Resume: the last checkpoint is intact."),
    errno.EDQUOT: ("Your disk quota is used up.", "Free some space, then press Resume."),
    errno.EACCES: ("The file may not be read or written.", "Check the permissions of that folder, then try again."),
    errno.EPERM: ("The file may not be read or written.", "Check the permissions of that folder, then try again."),
    errno.EROFS: ("The disk is read-only.", "Choose a workspace on a disk that can be written, then try again."),
    errno.ENOENT: (
        "A file or folder is missing.",
        "Was it moved, renamed, or is its drive disconnected? Bring it back, then try again.",
    ),
    errno.EIO: ("The disk reported a read or write fault.", "Check the drive and its cable, then try again."),
}


def explain(error: BaseException) -> LabError:
    """Turn any exception into what, why and advice; a LabError passes unchanged.

    Of a file's path only the last part is said, and only where Phantom Lab gave that name: others can be patients'.
    """
    if isinstance(error, LabError):
        return error
    if isinstance(error, OSError):
        what, advice = _OS_WORDS.get(
            error.errno or 0, ("A file could not be read or written.", "Check the disk, then try again.")
        )
        name = PurePath(str(error.filename)).name if error.filename else ""
        name = name if name in OWN_NAMES else ""
        return LabError(what, f"{error.strerror or 'Unknown reason'}{f' ({name})' if name else ''}.", advice)
    if type(error).__name__ == "OutOfMemoryError":  # torch's, by name: this floor never imports torch
        return LabError(
            "The GPU ran out of memory.",
            str(error).split("\n")[0][:300],
            "Halve the batch or the resolution, or close other programs that use the GPU; then press Resume.",
        )
    if isinstance(error, MemoryError):
        return LabError(
            "The computer ran out of memory.", "", "Close other programs, or choose a smaller size; then try again."
        )
    if type(error).__name__ == "ValidationError" and hasattr(error, "errors"):
        faults = [
            f"{'.'.join(str(part) for part in fault['loc']) or 'settings'}: {fault['msg']}" for fault in error.errors()
        ]
        return LabError("A setting is out of bounds.", "; ".join(faults), "Correct it in the form, then start again.")
    return LabError(
        "The work stopped on an error that Phantom Lab did not expect.",
        # Not its own text: a library may quote what it read, such as a patient's name.
        f"{type(error).__name__}; its text is not shown, since it may quote patients' data.",
        "Try again. If it comes back, look through worker.log in the job's folder and send it with your report.",
    )


def trace(error: BaseException, quoting: bool) -> str:
    """The story of an error for a log: where it happened, and its kind, in the usual form.

    The text of an error is told with `quoting` only, or where it is our own: a library quotes what it read, such as a
    file's name or a cell of a table.
    """
    parts: list[str] = []
    at: BaseException | None = error
    while at is not None and len(parts) < 10:
        text = str(at) if quoting or isinstance(at, LabError) else ""
        lines = "".join(traceback.format_tb(at.__traceback__))
        parts.append(
            f"Traceback (most recent call last):\n{lines}{type(at).__qualname__}{f': {text}' if text else ''}\n"
        )
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return "\nThen:\n".join(reversed(parts))
