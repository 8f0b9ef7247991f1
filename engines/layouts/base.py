"""What a layout is: it recognises a folder, and names each picture's label, patient, side and view unopened."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

UNLABELLED = "unlabelled"

# A file with one of these suffixes is meant to be a picture; files without any suffix may be DICOM.
PICTURES = frozenset(".png .jpg .jpeg .jpe .tif .tiff .pgm .ppm .pnm .npy .dcm .dicom .dic .ima".split())
# These are meant to be pictures too, but nothing here reads them: they are listed as refused, not passed over.
OTHER_PICTURES = frozenset(
    ".bmp .gif .webp .heic .avif .jp2 .j2k .jpx .jls .jxl .exr .hdr .npz .mat .nii .mha .mhd .nrrd .ljpeg .h5 .hdf5 "
    ".zip .tar .gz .tgz .bz2 .xz .7z .rar .svs .ndpi .mrxs .mp4 .avi".split()
)
_NOT_DATA = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})
_NUMBER = re.compile("[0-9]+")


@dataclass(frozen=True)
class Item:
    """One picture and what is known of it. `patient` is as the source names it; the catalogue keeps a pseudonym.

    `side` is L or R, `view` CC, MLO or another DICOM view code, `split` train, validation or test; empty = not known.
    `extra` holds further columns of the catalogue: never names, dates, identifiers or file names. `member` names one
    picture inside a file that holds several.
    """

    path: Path
    label: str = UNLABELLED
    patient: str = ""
    side: str = ""
    view: str = ""
    split: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    member: str = ""


@dataclass(frozen=True)
class Rejection:
    """A file that is left out, and what can be done about it."""

    path: Path
    reason: str
    advice: str


@dataclass(frozen=True)
class Note:
    """A sentence about the whole folder that the researcher should read."""

    text: str


@dataclass(frozen=True)
class Looked:
    """A sign of life while a layout looks through many files or rows before it can name a picture."""

    count: int


@dataclass(frozen=True)
class LayoutSpec:
    """One way a collection lies on the disk; a layout file ends with `LAYOUT = LayoutSpec(...)`.

    `detect(folder)` gives 0 to 1 for how surely the folder is of this layout, quickly. `scan(folder)` opens no picture.
    """

    name: str
    title: str
    summary: str
    source: str
    detect: Callable[[Path], float]
    scan: Callable[[Path], Iterator[Item | Rejection | Note | Looked]]


def walk(folder: Path) -> Iterator[Path]:
    """All files below a folder in the order of their names; hidden ones are passed over, and loops of links end."""
    seen: set[tuple[int, int]] = set()

    def visit(place: Path) -> Iterator[Path]:
        names: list[str] = []  # names only: a folder may hold hundreds of thousands of files
        folders: set[str] = set()
        try:
            about = place.stat()
            if (about.st_dev, about.st_ino) in seen:
                return
            seen.add((about.st_dev, about.st_ino))
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.name in _NOT_DATA:
                        continue
                    names.append(entry.name)
                    if entry.is_dir():
                        folders.add(entry.name)
        except OSError:  # a folder that may not be read; its own line in the list of refusals says so
            yield place
            return
        names.sort(key=natural)
        for name in names:
            if name in folders:
                yield from visit(place / name)
            else:
                yield place / name

    yield from visit(folder)


def candidate(path: Path) -> Item | Rejection | None:
    """What a file is by its name: a picture, a picture that nothing here reads, or None for anything else."""
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return Item(path)
    if path.is_dir():
        return Rejection(path, "This folder may not be read.", "Check its permissions, then add it again.")
    if suffix in OTHER_PICTURES:
        is_archive = suffix in (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
        advice = "Unpack it, then add the folder." if is_archive else "Convert it to PNG or TIFF, then add it."
        return Rejection(path, f"Files of the kind {suffix} are not read.", advice)
    if not suffix or suffix[1:].isdigit():  # DICOM files often have a number for a name, or none of our suffixes
        return Item(path) if _is_dicom(path) else None
    return None


def natural(name: str) -> str:
    """A key that sorts image2 before image10: every number is preceded by how many digits it has."""
    return _NUMBER.sub(_ranked, name.lower())


def _ranked(number: re.Match[str]) -> str:
    digits = number[0].lstrip("0")
    return f"\0{len(digits):03}{digits}"


def _is_dicom(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM" if path.is_file() else False
    except OSError:
        return False
