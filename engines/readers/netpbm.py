"""PGM and PPM, 8 and 16 bit. Pillow reads them too, but cuts 16-bit colour to 8 bits and rescales 12-bit grey."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import cast

import numpy as np

from engines.readers.base import Header, Limits, Picture, Pixels, broken, check_size, scale_to_bits

# Magic number, then width, height and white value, each after white space or comments; one white space ends the header.
_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_HEADER = re.compile(rb"P([2356])" + (_GAP + rb"(\d{1,9})") * 3 + rb"\s")
_HEADER_BYTES = 4096


def probe(path: Path, limits: Limits, member: str = "") -> Header:
    """Read the header and check that the pixels are all there."""
    return _header(path, limits)[0]


def read(path: Path, limits: Limits, member: str = "", least_side: int = 0) -> Picture:
    """Read the pixels; a white value other than 2**bits - 1 is stretched to it."""
    header, white, start, is_text = _header(path, limits)
    count = header.width * header.height * header.channels
    if is_text:
        with open(path, "rb") as file:
            file.seek(start)
            # Read no more than the most roomy spelling of the numbers takes.
            text = re.sub(rb"#[^\r\n]*", b"", file.read(count * 16))
        words = text.split(None, count)[:count]
        if len(words) < count:
            raise broken("it ends before its last pixel")
        values = np.array([int(word) for word in words], np.int64)
        if values.min() < 0 or values.max() > white:
            raise broken("a pixel is brighter than white")
    else:
        values = np.fromfile(path, np.uint8 if white < 256 else ">u2", count, offset=start)
    shape = (header.height, header.width) if header.channels == 1 else (header.height, header.width, 3)
    return Picture(scale_to_bits(cast(Pixels, values), white, header.bits).reshape(shape), header.bits)


def _header(path: Path, limits: Limits) -> tuple[Header, int, int, bool]:
    """Header, white value, offset of the first pixel, and whether pixels are spelled as text."""
    with open(path, "rb") as file:
        found = _HEADER.match(file.read(_HEADER_BYTES))
    if not found:
        raise broken("its header is incomplete")
    kind, width, height, white = (int(part) for part in found.groups())
    if not 1 <= white <= 65535:
        raise broken("its white value is out of bounds")
    check_size(width, height, limits)
    channels = 3 if kind in (3, 6) else 1
    is_text = kind in (2, 3)
    least = width * height * channels * (2 if is_text or white > 255 else 1) - (1 if is_text else 0)
    if os.path.getsize(path) - found.end() < least:
        raise broken("it ends before its last pixel")
    return Header(width, height, channels, white.bit_length()), white, found.end(), is_text
