"""NumPy arrays in NPY files, never with pickled objects: one picture, or a stack of which `member` is the number."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from engines.errors import LabError
from engines.readers.base import Header, Limits, Picture, Pixels, broken, check_size, unsupported

_CONVERT = "Save it with numpy.save as uint8 or uint16, shape (height, width) or (height, width, 3)."


def probe(path: Path, limits: Limits, member: str = "") -> Header:
    """Read shape and kind of values, and check that the values are all there."""
    shape, kind, _, _ = _header(path, limits, member)
    return header_of(shape, kind)


def read(path: Path, limits: Limits, member: str = "", least_side: int = 0) -> Picture:
    """Read the values: integers as they are, fractions of 0 to 1 as 16 bits with the mapping in the tags."""
    shape, kind, fortran, start = _header(path, limits, member)
    flat = np.fromfile(path, kind, int(np.prod(shape)), offset=start)
    return picture_of(flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape))


def header_of(shape: tuple[int, ...], kind: np.dtype[np.generic]) -> Header:
    """The header of one picture's values, which `check_values` let pass."""
    return Header(shape[1], shape[0], 3 if len(shape) == 3 and shape[2] == 3 else 1, 8 if kind == np.uint8 else 16)


def picture_of(values: Pixels) -> Picture:
    """The picture that these values are. Raises LabError for fractions outside 0 to 1."""
    values = values[..., 0] if values.ndim == 3 and values.shape[2] == 1 else values
    kind = values.dtype
    if kind.kind == "u":
        return Picture(values.astype(np.uint8 if kind.itemsize == 1 else np.uint16, copy=False), 8 * kind.itemsize)
    if not (values.min() >= 0 and values.max() <= 1):  # also false for NaN
        raise LabError(
            "This array's values are outside 0 to 1.", "Fractions are read as black = 0, white = 1.", _CONVERT
        )
    pixels = np.empty(values.shape, np.uint16)
    np.rint(values * np.asarray(65535, values.dtype), out=pixels, casting="unsafe")
    return Picture(pixels, 16, {"value_low": 0.0, "value_high": 1.0})


def check_values(shape: tuple[int, ...], kind: np.dtype[np.generic], limits: Limits) -> None:
    """Refuse values that are not one picture. Raises LabError with the reason."""
    if kind.hasobject:
        raise unsupported("This array holds Python objects.", "Opening them could run code.", _CONVERT)
    if not (kind.kind == "u" and kind.itemsize <= 2) and not (kind.kind == "f" and kind.itemsize in (4, 8)):
        raise unsupported(f"This array holds values of the kind {kind.name[:20]}.", "", _CONVERT)
    if not (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))):
        text = " × ".join(str(size) for size in shape[:6])
        raise unsupported(f"This array is not one picture: its shape is {text}.", "", _CONVERT)
    if min(shape) < 0:
        raise broken("its shape is negative")
    check_size(shape[1], shape[0], limits)


def _header(path: Path, limits: Limits, member: str) -> tuple[tuple[int, ...], np.dtype[np.generic], bool, int]:
    """Shape, kind of values, column order and offset of the first value of the picture."""
    with open(path, "rb") as file:
        version = np.lib.format.read_magic(file)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in readers:
            raise unsupported("This array file has an unknown version.", advice=_CONVERT)
        shape, fortran, kind = readers[version](file, max_header_size=10_000)
        start = file.tell()
    number = 0
    if member:
        count, shape = shape[0], shape[1:]
        if fortran and count > 1:
            raise unsupported(
                "This stack is stored column by column.", "Its pictures lie scattered through the file.",
                "Save numpy.ascontiguousarray of it.",
            )  # fmt: skip
        if not (member.isdecimal() and int(member) < count):
            raise LabError("This stack has no picture of that number.", f"It holds {count}.", "Add its folder again.")
        number = int(member)
    check_values(shape, kind, limits)
    size_bytes = int(np.prod(shape)) * kind.itemsize
    if os.path.getsize(path) - start < (number + 1) * size_bytes:
        raise broken("it ends before its last value")
    return shape, kind, fortran and not member, start + number * size_bytes
