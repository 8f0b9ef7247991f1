"""What a reader gives back, the limits that hold before anything is decoded, and which reader a file goes to.

Call `probe` and `read` of this module inside the sandbox's child only, or on files of our own making: files from
outside go through `engines.readers.sandbox`, which calls these two in a process with a memory and a time limit.
"""

from __future__ import annotations

import importlib
import os
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from engines.errors import LabError, explain

Pixels = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Limits:
    """What is refused before decoding, and what a child process may use up while decoding."""

    max_file_bytes: int = 2 * 2**30
    max_pixels: int = 64_000_000  # width x height; the largest digital mammograms have 30 million
    timeout_s: float = 20.0  # wall clock for one file
    max_memory_bytes: int = 2 * 2**30  # address space of the child, where the platform can limit it


@dataclass(frozen=True)
class Header:
    """What a file says of itself: known without decoding pixels."""

    width: int
    height: int
    channels: int  # 1 or 3
    bits: int  # significant bits of a stored value, 1 to 16
    frames: int = 1
    tags: dict[str, str | float | int] = field(default_factory=dict)
    patient: str = ""  # a digest of the patient's identifier, to tell patients apart; never write it as it is


@dataclass(frozen=True)
class Picture:
    """Pixels as stored: (H, W) or (H, W, 3), uint8 for up to 8 bits, else uint16 within 0 .. 2**bits - 1.

    Black is 0 and white is 2**bits - 1 whatever the file's convention. `tags` holds allow-listed facts only.
    `reduced` says how many times smaller than stored the picture was decoded on request.
    """

    pixels: Pixels
    bits: int
    tags: dict[str, str | float | int] = field(default_factory=dict)
    reduced: int = 1


class Reader(Protocol):
    """A reader module. Both functions raise LabError for a file they refuse and may raise anything for a broken one.

    `member` names one picture of a file that holds several. With `least_side` above 0 a reader that can decode cheaply
    smaller may give the picture 2, 4, 8 ... times smaller, as long as both its sides are at least that long.
    """

    def probe(self, path: Path, limits: Limits, member: str = "") -> Header: ...

    def read(self, path: Path, limits: Limits, member: str = "", least_side: int = 0) -> Picture: ...


# Content decides, never the name: the module, and a test on the first 132 bytes.
_READERS: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    # First, since what stands before DICM is free: some files are TIFF and DICOM at once.
    ("dicom", lambda head: head[128:132] == b"DICM"),
    ("images", lambda head: head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"))),
    ("tiff", lambda head: head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    ("netpbm", lambda head: head[:1] == b"P" and head[1:2] in b"2356" and head[2:3] in b" \t\r\n#"),
    ("arrays", lambda head: head.startswith(b"\x93NUMPY")),
    ("hdf5", lambda head: head.startswith(b"\x89HDF\r\n\x1a\n")),
    # DICOM without its preamble starts with an early element of group 8, little or big endian.
    ("dicom", lambda head: head[:2] == b"\x08\0" and head[3:4] == b"\0" and head[2:3] <= b"\x18"),
    ("dicom", lambda head: head[:3] == b"\0\x08\0" and head[3:4] <= b"\x18"),
)


# Readers of files that hold several pictures, each under a name or number.
_WITH_MEMBERS = ("arrays", "hdf5")


def probe(path: Path, limits: Limits | None = None, member: str = "") -> Header:
    """Read the header only. Raises LabError, and nothing else, for a file that is refused or broken."""
    limits = limits or Limits()
    with _in_words():
        return _reader(path, limits, member).probe(path, limits, member)


def read(path: Path, limits: Limits | None = None, member: str = "", least_side: int = 0) -> Picture:
    """Read the pixels. Raises LabError, and nothing else, for a file that is refused or broken.

    With `least_side` above 0 they may come smaller than stored by `Picture.reduced`, where that saves time.
    """
    limits = limits or Limits()
    with _in_words():
        picture = _reader(path, limits, member).read(path, limits, member, least_side)
        pixels = picture.pixels
        if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim not in (2, 3) or pixels.size == 0:
            raise LabError("This file does not hold one grey or colour picture.", "", "Convert it to PNG, then add it.")
        return Picture(np.ascontiguousarray(pixels), picture.bits, picture.tags, picture.reduced)


def check_size(width: int, height: int, limits: Limits) -> None:
    """Refuse an empty or an over-large picture; readers call this before they decode."""
    if width < 1 or height < 1:
        raise broken("its header gives it no pixels")
    if width * height > limits.max_pixels:
        raise LabError(
            f"This picture has {width} × {height} pixels.",
            f"The limit is {limits.max_pixels // 1_000_000} million pixels, since a small file can claim any size.",
            "If the size is real, scale the picture down or cut it into tiles, then add it.",
        )


def broken(why: str) -> LabError:
    """The refusal of a file that is damaged."""
    return LabError("This file is damaged.", f"Its content does not hold together: {why}.", "Fetch it again.")


def unsupported(what: str, why: str = "", advice: str = "") -> LabError:
    """The refusal of a file that is sound, but holds what Phantom Lab does not read."""
    return LabError(what, why, advice or "Convert it to an 8- or 16-bit grey or RGB PNG, then add it.")


def scale_to_bits(values: Pixels, top: int, bits: int) -> Pixels:
    """Map 0 .. top linearly onto 0 .. 2**bits - 1 (rounded), through a table; identity where both agree."""
    white = 2**bits - 1
    kind = np.uint8 if bits <= 8 else np.uint16
    if top == white:
        return values.astype(kind, copy=False)
    table = np.minimum(np.rint(np.arange(top + 1) * white / top), white).astype(kind)
    return cast(Pixels, table[np.minimum(values, top)])


def _reader(path: Path, limits: Limits, member: str) -> Reader:
    about = os.stat(path)
    if not stat.S_ISREG(about.st_mode):  # opening a pipe or a device could wait for ever
        raise unsupported("This is not a regular file.", "", "Add the picture itself.")
    if about.st_size == 0:
        raise LabError("This file is empty.", "It has 0 bytes.", "Fetch it again.")
    if about.st_size > limits.max_file_bytes and not member:  # a file of many pictures may be large
        raise LabError(
            f"This file has {about.st_size / 2**30:.1f} GB.",
            f"The limit for one picture is {limits.max_file_bytes / 2**30:.1f} GB.",
            "Split or convert it, then add it.",
        )
    with open(path, "rb") as file:
        head = file.read(132)
    for module, fits in _READERS:
        if fits(head):
            if member and module not in _WITH_MEMBERS:
                raise unsupported("This file does not hold several pictures.", "", "Add its folder again.")
            return cast(Reader, importlib.import_module(f"engines.readers.{module}"))
    raise unsupported(
        "This is not a picture that Phantom Lab reads.",
        "Its first bytes are not those of PNG, JPEG, TIFF, PGM, NPY, HDF5 or DICOM.",
    )


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn whatever a decoder raises on foreign bytes into a LabError without any value of the file in it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders warn with values of the file, which can name a patient
            yield
    except LabError:
        raise
    except OSError as error:
        if error.errno is None:  # Pillow's way of saying that the content is broken
            raise broken("the decoder could not make sense of it") from None
        known = explain(error)
        raise LabError(known.what, f"{error.strerror or 'Unknown reason'}.", known.advice) from None
    except MemoryError:
        raise LabError(
            "This file needs too much memory.",
            "It is damaged, or larger than it seems.",
            "Fetch it again, or convert it to PNG, then add it.",
        ) from None
    except RecursionError:
        raise broken("it is nested too deeply") from None
    except Exception as error:  # a decoder on hostile bytes may raise anything; one bad file must not stop an import
        raise broken(f"its parts do not fit one another ({type(error).__name__})") from None
