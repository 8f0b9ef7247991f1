"""Pictures inside an HDF5 file: `member` is a dataset's path, with [number] behind it for one of a stack.

A dataset holds pixels, or the bytes of a JPEG or PNG file as in ISIC 2024. Links to other files, external storage and
virtual datasets are refused: they would read what nobody chose.
"""

from __future__ import annotations

import io
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engines.errors import LabError
from engines.readers.arrays import check_values, header_of, picture_of
from engines.readers.base import Header, Limits, Picture, Pixels, check_size, unsupported

EXTRA = "hdf5"
_NUMBERED = re.compile(r"(?P<name>.+)\[(?P<number>\d{1,12})\]$")
_MODES = {"L": 1, "RGB": 3, "I;16": 1}


def probe(path: Path, limits: Limits, member: str = "") -> Header:
    """Read the shape of a dataset, or the header of the picture file inside it."""
    dataset, number = _find(path, member)
    if (data := _encoded(dataset, limits)) is not None:
        with _image(data, limits) as image:
            return Header(*image.size, _MODES[image.mode], 16 if image.mode == "I;16" else 8)
    shape = dataset.shape if number is None else dataset.shape[1:]
    check_values(shape, dataset.dtype, limits)
    return header_of(shape, dataset.dtype)


def read(path: Path, limits: Limits, member: str = "", least_side: int = 0) -> Picture:
    """Read the pixels of a dataset, or decode the picture file inside it."""
    dataset, number = _find(path, member)
    if (data := _encoded(dataset, limits)) is not None:
        with _image(data, limits) as image:
            pixels: Pixels = np.asarray(image)
            return Picture(pixels.astype(np.uint16 if image.mode == "I;16" else np.uint8), 8 * pixels.itemsize)
    check_values(dataset.shape if number is None else dataset.shape[1:], dataset.dtype, limits)
    return picture_of(np.asarray(dataset[()] if number is None else dataset[number]))


def _find(path: Path, member: str) -> tuple[Any, int | None]:
    """The dataset of a member and the number within its stack. Raises LabError where there is none."""
    about = path.stat()
    file = _open(path, about.st_mtime_ns, about.st_size)
    number = None
    if not member:
        member = _only(file)
    elif numbered := _NUMBERED.fullmatch(member):
        member, number = numbered["name"], int(numbered["number"])
    import h5py

    place = file
    for part in member.strip("/").split("/"):
        link = place.get(part, getlink=True) if isinstance(place, h5py.Group) else None
        if link is None:
            raise LabError("The HDF5 file has no picture of this name.", "", "Leave out its row of the table.")
        if not isinstance(link, h5py.HardLink):
            raise unsupported("This picture is a link to another place.", "It could lead to any file.", "Copy it in.")
        place = place[part]
    if not isinstance(place, h5py.Dataset):
        raise unsupported("This name in the HDF5 file is a group, not a picture.")
    if place.is_virtual or place.external:
        raise unsupported("This picture's values lie in another file.", "", "Copy them into the HDF5 file.")
    if number is not None and not (place.ndim > 2 and number < place.shape[0]):
        raise LabError("This stack has no picture of that number.", "", "Add its folder again.")
    return place, number


@lru_cache(maxsize=1)
def _open(path: Path, _changed_ns: int, _size_bytes: int) -> Any:
    """The open file, kept from one picture to the next: finding its first group costs more than a small picture."""
    try:
        import h5py
    except ImportError:
        raise unsupported(
            "HDF5 files need a library that is not installed.", "It is called h5py.",
            f"Install it with: pip install 'phantom-lab[{EXTRA}]'",
        ) from None  # fmt: skip
    return h5py.File(path, "r", locking=False)


def _only(file: Any) -> str:
    """The name of the single dataset of a file. Raises LabError where there are several."""
    names = [str(name) for name, _ in zip(file, range(2), strict=False)]
    if len(names) != 1:
        raise unsupported(
            "This HDF5 file holds several pictures.", "Only a table tells which there are.",
            "Put its table (such as train-metadata.csv) beside it, or convert the pictures to PNG.",
        )  # fmt: skip
    return names[0]


def _encoded(dataset: Any, limits: Limits) -> bytes | None:
    """The bytes of a picture file in a dataset; None where the dataset holds pixels."""
    kind = dataset.dtype
    if dataset.shape == () and kind.kind in "SVO":
        if kind.itemsize > limits.max_file_bytes:
            raise unsupported("This picture is too large.")
        value = dataset[()]
        value = value.tobytes() if isinstance(value, np.ndarray | np.void) else value
        return value if isinstance(value, bytes) else None
    if len(dataset.shape) == 1 and kind == np.uint8:
        if dataset.shape[0] > limits.max_file_bytes:
            raise unsupported("This picture is too large.")
        return bytes(dataset[()])
    return None


def _image(data: bytes, limits: Limits) -> Image.Image:
    """Open a picture file's bytes without decoding. Raises LabError for what is no plain grey or colour picture."""
    try:
        image = Image.open(io.BytesIO(data), formats=["PNG", "JPEG"])
    except Image.DecompressionBombError:
        raise unsupported("This picture claims more pixels than memory holds.") from None
    check_size(*image.size, limits)
    if image.mode not in _MODES:
        raise unsupported(f"This picture's colours ({image.mode}) are neither grey nor RGB.")
    return image
