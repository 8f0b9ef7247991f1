"""Any folder of pictures: one folder for each class, with or without train and test folders, or all in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from engines.layouts.base import UNLABELLED, Item, LayoutSpec, Note, Rejection, candidate, walk
from engines.layouts.names import patient_in, side_and_view_in, split_in
from engines.layouts.tables import first_pictures

# Folders with such names say how files are kept, not what they show.
_PLAIN = frozenset("images image img imgs pictures data png jpg jpeg tif tiff pgm npy dicom dcm".split())

# More folders than MOST_CLASSES with FEW_PICTURES each are an archive by patient: a class of three pictures trains
# nothing, and the name of a patient's folder must not become a label that everybody sees.
MOST_CLASSES, FEW_PICTURES = 30, 20
MOST_DEPTH = 5  # folders above a picture that can matter


def detect(folder: Path) -> float:
    """Low, so that any layout that knows more comes first; 0 without a picture."""
    return 0.1 if first_pictures(folder, 1) or any(candidate(path) is not None for path in walk(folder)) else 0.0


def scan(folder: Path) -> Iterator[Item | Rejection | Note]:
    """Yield every picture; the first folder below the added one that is no split is its class, or its patient.

    The folder is walked through twice, so that its pictures need not be held to count their classes.
    """
    parents = Counter(path.parent for path in walk(folder) if _is_picture(candidate(path)))
    places: Counter[tuple[str, ...]] = Counter()
    for parent, count in parents.items():
        places[parent.relative_to(folder).parts[:MOST_DEPTH]] += count
    inner = _common(list(places))
    classes: Counter[str] = Counter()
    for parts, count in places.items():
        classes[_place(parts[inner:])[1]] += count
    by_patient = len(classes) > MOST_CLASSES and median(classes.values()) <= FEW_PICTURES
    if by_patient:
        yield Note(
            f"There are {len(classes)} folders with few pictures each, so they are taken for patients, not for classes."
            " If they are classes, add fewer of them."
        )
    elif loose := classes[""] if len(classes) > 1 else 0:
        yield Note(
            f"{loose} pictures lie beside the class folders; they are called “{UNLABELLED}”. "
            "Move them into a class folder, or leave that class out."
        )
    own = split_in(folder.name)
    place = {parent: _place(parent.relative_to(folder).parts[inner:]) for parent in parents}
    for path in walk(folder):
        found = candidate(path)
        if not isinstance(found, Item):
            if found is not None:
                yield found
            continue
        split, label = place.get(path.parent) or _place(path.relative_to(folder).parent.parts[inner:])
        side, view = side_and_view_in(path.stem)
        patient = patient_in(path.name)
        if by_patient:
            label, patient = "", label or patient
        label, split = label or UNLABELLED, split or own
        yield replace(found, label=label, split=split, side=side, view=view, patient=patient)


def _is_picture(found: Item | Rejection | None) -> bool:
    return isinstance(found, Item)


def _common(places: list[tuple[str, ...]]) -> int:
    """How many folders all pictures share, where classes or splits stand below them: one was added from too high up."""
    for depth in range(1, MOST_DEPTH - 1):
        if any(len(parts) <= depth for parts in places) or len({parts[:depth] for parts in places}) > 1:
            return 0
        if len({_place(parts[depth:])[1] for parts in places} - {""}) > 1:
            return depth
    return 0


def _place(folders: tuple[str, ...]) -> tuple[str, str]:
    """Split and class of a picture from the folders above it: train/benign and benign/train both count."""
    folders = tuple(part for part in folders if part.lower() not in _PLAIN)
    for position, part in enumerate(folders[:2]):
        if split := split_in(part):
            rest = folders[:position] + folders[position + 1 :]
            return split, rest[0] if rest else ""
    return "", folders[0] if folders else ""


LAYOUT = LayoutSpec(
    name="folder",
    title="Folder of pictures",
    summary="One folder for each class, with or without train, val and test folders around them; or all pictures in "
    "one folder, without classes; many folders with few pictures each are patients. Patients are also told apart by "
    "DICOM headers, or by names such as patient12.",
    source="",
    detect=detect,
    scan=scan,
)
