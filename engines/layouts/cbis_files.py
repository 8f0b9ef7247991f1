"""The files of CBIS-DDSM as TCIA hands them out: a folder for each case, another one for each of its lesions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from engines.layouts.base import Item, Rejection, candidate, walk
from engines.layouts.cbis_cases import Lesion, Name, name_in
from engines.layouts.tables import MOST_FOLDERS, first_pictures

_HEAD_BYTES = 4096  # the description of a series stands near the start of its header
_DESCRIPTION = b"\x08\x00\x3e\x10"  # (0008,103E) in little endian, as TCIA writes it
FULL, CROP, MASK = "full", "cropped", "mask"


def share_of_cases(folder: Path) -> tuple[float, float]:
    """Shares of the first pictures that lie in folders of whole mammograms, and of lesions."""
    names = [name_in(path) for path in first_pictures(folder, 4 * MOST_FOLDERS)]
    if not names:
        return 0.0, 0.0
    whole = sum(name is not None and not name.lesion for name in names)
    lesions = sum(name is not None and bool(name.lesion) for name in names)
    return whole / len(names), lesions / len(names)


def groups(folder: Path) -> Iterator[tuple[Name, list[Path]] | Rejection]:
    """The pictures of one case or lesion after the other; what lies in no case's folder is refused."""
    for name, paths in itertools.groupby(walk(folder), name_in):
        found = []
        for path in paths:
            kind = candidate(path)
            if isinstance(kind, Rejection):
                yield kind
            elif kind is not None and name is None:
                yield Rejection(
                    path, "It does not lie in a folder of a CBIS-DDSM case.",
                    "Such folders have names like Mass-Training_P_00001_LEFT_CC. Leave it out, or move it there.",
                )  # fmt: skip
            elif isinstance(kind, Item):
                found.append(path)
        if name is not None and found:
            yield name, found


def role(path: Path) -> str:
    """Whether a file says that it is a full mammogram, a cropped image or a mask; empty if it does not say.

    Names and tables cannot tell: in many lesions the two files are swapped. The header's description of the series
    can, or that in the folder's name.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        head = b""
    at = head.find(_DESCRIPTION) if head[128:132] == b"DICM" else -1
    said = head[at + 8 : at + 40] if at >= 0 else path.parent.name.encode(errors="replace")
    return next((one for one in (FULL, CROP, MASK) if one.encode() in said.lower()), "")


def tell_apart(paths: list[Path]) -> tuple[list[Path], list[Path], list[Path]]:
    """Crops, masks, and files of which nobody knows; where headers do not tell two apart, the larger is the mask.

    A mask covers the whole mammogram; its crop is many times smaller. Both can carry the same description, since they
    can belong to one series.
    """
    roles = {path: role(path) for path in paths}
    if len(paths) == 2 and {CROP, MASK} != set(roles.values()):
        said = next((one for one in roles.values() if one), "")
        if len(set(roles.values())) == 1:
            small, large = sorted(paths, key=_size_bytes)
            roles = {small: CROP, large: MASK}
        else:  # one of them says what it is, so the other is the other
            other = {CROP: MASK, MASK: CROP}.get(said, "")
            roles = {path: one or other for path, one in roles.items()}
    crops = [path for path in paths if roles[path] == CROP]
    masks = [path for path in paths if roles[path] == MASK]
    return crops, masks, [path for path in paths if path not in crops and path not in masks]


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # a link to nowhere; its reader will say so
        return 0


def is_swapped(lesion: Lesion | None, masks: list[Path]) -> bool:
    """Whether the table names as the crop what is the mask."""
    return lesion is not None and any(f"{path.parent.name}/{path.name}" == lesion.crop for path in masks)
