"""Large pictures for the page's large view: `python -m engines.readers.viewing`, kept alive by the app while needed.

The app itself never decodes a file from outside. It asks this process, line by line, for one picture; this process has
it decoded by the sandbox's child, makes it at most VIEW_SIDE pixels long with all its grey depth, and sends it back as
a line of JSON and raw pixels. It ends when the app closes its pipe.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engines import files
from engines.errors import LabError, explain
from engines.readers.base import Picture, Pixels
from engines.readers.sandbox import Sandbox
from engines.records import Source
from engines.resize import fit_inside, resize

VIEW_SIDE = 1600  # more than most screens show at once; 16-bit grey of that size is 5 MB at most
LEAST_SIDE = 1024  # a reader that decodes smaller for less work stays above this


def main() -> None:
    """Answer one request line after another until the app closes the pipe."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may get between the replies
    with Sandbox(workers=1) as sandbox:
        for line in sys.stdin.buffer:
            reply(replies, *answer(json.loads(line), sandbox))


def answer(request: dict[str, Any], sandbox: Sandbox) -> tuple[dict[str, Any], bytes]:
    """Describe the picture that is asked for, and its pixels; or the error in words and nothing.

    A request names a file with `path` and `member`, or a picture of an image set with `images` and `index`.
    """
    try:
        if "images" in request:
            pixels = files.open_npy(Path(request["images"]))[int(request["index"])]
            pixels = np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
            picture = Picture(pixels, 8 * pixels.dtype.itemsize)
        else:
            source = Source(Path(request["path"]), str(request.get("member", "")))
            picture = sandbox.read(source, least_side=LEAST_SIDE)
        return describe(picture)
    except LabError as error:
        return {"error": error.as_dict()}, b""
    except (OSError, MemoryError) as error:
        return {"error": explain(error).as_dict()}, b""
    except (IndexError, ValueError):
        gone = LabError("This picture is no longer there.", "Its set does not hold it.", "Reload the page.")
        return {"error": gone.as_dict()}, b""


def describe(picture: Picture) -> tuple[dict[str, Any], bytes]:
    """Size, depth and usual window of a picture as it is sent, and its pixels row by row, little endian.

    `low` and `high` are the 0.5 % and 99.5 % percentiles in stored grey values: what thumbnails are stretched between.
    """
    stored_height, stored_width = (side * picture.reduced for side in picture.pixels.shape[:2])
    pixels = shrink(picture.pixels)
    low, high = (float(value) for value in np.percentile(pixels, [0.5, 99.5]))
    if high <= low:
        low, high = float(pixels.min()), max(float(pixels.max()), float(pixels.min()) + 1.0)
    about = {
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "channels": 1 if pixels.ndim == 2 else 3,
        "bytes": pixels.dtype.itemsize,
        "bits": picture.bits,
        "low": round(low),
        "high": max(round(high), round(low) + 1),
        "stored_width": stored_width,
        "stored_height": stored_height,
    }
    return about, pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def shrink(pixels: Pixels) -> Pixels:
    """A picture that fits VIEW_SIDE; one that fits already is left as it is."""
    height, width = pixels.shape[:2]
    if max(height, width) <= VIEW_SIDE:
        return pixels
    return resize(pixels, fit_inside(height, width, VIEW_SIDE))


def reply(replies: BinaryIO, about: dict[str, Any], pixels: bytes) -> None:
    """One answer: a line of JSON that says how many bytes follow, then those."""
    replies.write(json.dumps({**about, "size_bytes": len(pixels)}).encode() + b"\n")
    replies.write(pixels)
    replies.flush()


if __name__ == "__main__":
    main()
