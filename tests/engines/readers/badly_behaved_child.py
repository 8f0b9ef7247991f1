"""The child of the sandbox, with readers that do what a file says: for the sandbox's own tests."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np

from engines.readers import base, child


def obey(path: Path, limits: base.Limits, member: str = "", least_side: int = 0) -> base.Picture:
    what = path.read_text()
    if what == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hang":
        while True:
            time.sleep(1)
    if what == "memory":
        return base.Picture(np.ones(2**29, np.uint8).reshape(2**10, -1), 8)
    if what == "noise":
        os.write(1, b"this must not get between the replies\n")
    return base.Picture(np.full((2, 3), len(what), np.uint8), 8, {"said": what})


def header(path: Path, limits: base.Limits, member: str = "") -> base.Header:
    what = path.read_text()
    if what == "header of words":
        return base.Header("=wide", 3, 1, 8)  # type: ignore[arg-type]
    if what == "tags of lists":
        return base.Header(3, 3, 1, 8, 1, {"said": [1, 2]})  # type: ignore[dict-item]
    return base.Header(*obey(path, limits).pixels.shape, 1, 8)


if __name__ == "__main__":
    obedient = type("Obedient", (), {"read": obey, "probe": header})
    base._reader = lambda path, limits, member: obedient  # type: ignore[assignment,return-value]
    child.main()
