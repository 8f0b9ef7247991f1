"""The process that decodes files from outside: `python -m engines.readers.child`, started by the sandbox only.

Covered: address space, files it may write (none), core dumps and, as a last resort, wall-clock time are limited where
the platform has such limits. Replies are JSON and raw pixels, so a decoder taken over by a hostile file can hand back
wrong pixels, but no code. Not covered: reading other files, and the network; that takes a container.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from engines.errors import LabError
from engines.readers import base


def main() -> None:
    """Answer one request line after another until the parent closes the pipe."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a decoder prints must not get between the replies
    limits = base.Limits(**json.loads(sys.argv[1]))
    _limit_resources(limits)
    _send(replies, {"ready": True})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        _alarm(limits.timeout_s + 5)
        reply, pixels = _answer(request, limits)
        _alarm(0)
        _send(replies, reply, pixels)


def _answer(request: dict[str, Any], limits: base.Limits) -> tuple[dict[str, Any], base.Pixels | None]:
    path, member = Path(request["path"]), request.get("member", "")
    try:
        if request["verb"] == "probe":
            return {"header": dataclasses.asdict(base.probe(path, limits, member))}, None
        picture = base.read(path, limits, member, request.get("least_side", 0))
    except LabError as error:
        return {"error": error.as_dict()}, None
    about = {"shape": picture.pixels.shape, "dtype": picture.pixels.dtype.name}
    return {
        "picture": {**about, "bits": picture.bits, "tags": picture.tags, "reduced": picture.reduced}
    }, picture.pixels


def _send(replies: BinaryIO, reply: dict[str, Any], pixels: base.Pixels | None = None) -> None:
    _write_all(replies, memoryview(json.dumps(reply).encode() + b"\n"))
    if pixels is not None:
        _write_all(replies, pixels.data.cast("B"))


def _write_all(file: BinaryIO, data: memoryview) -> None:
    while data:
        data = data[file.write(data) :]


def _limit_resources(limits: base.Limits) -> None:
    """Set what the platform can limit; elsewhere the parent watches memory and time."""
    if sys.platform == "win32":
        return
    import resource

    for kind, value in (
        (resource.RLIMIT_AS, limits.max_memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):  # macOS refuses some of them
            continue


def _alarm(after_s: float) -> None:
    """Let the system end this process if the parent is no longer there to do it; 0 calls it off."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, after_s)


if __name__ == "__main__":
    main()
