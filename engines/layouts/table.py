"""Any table with a column of paths: one row for each picture, with a label, and what else of the known columns it has.

Only columns of known meaning are taken over: a table of unknown columns may name patients.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from engines.layouts.base import OTHER_PICTURES, PICTURES, UNLABELLED, Item, LayoutSpec, Looked, Note, Rejection
from engines.layouts.joining import Files, join
from engines.layouts.names import split_in
from engines.layouts.tables import Table, decade, first_pictures, known, rows, tables_near

PATHS = (
    "path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "image_file",
    "image_file_path", "image_name", "imagename", "img", "img_path", "picture", "image_id",
)  # fmt: skip
LABELS = ("label", "labels", "class", "class_name", "classname", "target", "diagnosis", "dx", "category", "pathology")
PATIENTS = ("patient", "patient_id", "patientid", "subject", "subject_id", "case", "case_id", "person")
SIDES = ("side", "laterality", "image_laterality", "breast", "left_or_right_breast")
VIEWS = ("view", "view_position", "image_view", "projection")
SPLITS = ("split", "set", "subset", "partition")
EXTRAS = {
    "abnormality": ("abnormality", "abnormality_type", "finding"),
    "assessment": ("assessment", "birads", "bi_rads"),
    "pathology": ("pathology",),
    "subtlety": ("subtlety",),
    "density": ("density", "breast_density", "acr"),
    "source": ("source", "collection", "site_id"),
}
_TRIED = 20  # rows that must lead to files for a table to count
_DEPTH = 4  # folders that the table's paths may name above the added one
_SIDES = {"l": "L", "left": "L", "r": "R", "right": "R"}


def detect(folder: Path) -> float:
    """Fair where a table's paths lead to pictures and it has labels or patients; low without these."""
    for table in _tables(folder):
        if _resolver(table, folder):
            says = _first(table, LABELS) or _first(table, PATIENTS)
            return 0.5 if says else 0.05
    return 0.0


def scan(folder: Path) -> Iterator[Item | Rejection | Note | Looked]:
    """Yield the picture of every row of the nearest table whose paths lead to files here."""
    chosen = next(((table, key) for table in _tables(folder) if (key := _resolver(table, folder))), None)
    if chosen is None:
        yield Note("No table near this folder has a column of paths that lead to its pictures.")
        return
    table, key = chosen
    column = _first(table, PATHS)

    def place(path: Path) -> str:
        return path.stem if key is _stem else _without_suffix(path.relative_to(folder).as_posix())

    there = Files(place)
    yield from there.look(folder)
    yield from join(table, there, folder, lambda row: key(row[column]), _item)


def _tables(folder: Path) -> list[Table]:
    return [table for table in tables_near(folder) if _first(table, PATHS)]


def _first(table: Table, names: tuple[str, ...]) -> str:
    return next((name for name in names if name in table.columns), "")


def _resolver(table: Table, folder: Path) -> Callable[[str], str] | None:
    """How a table's paths become paths below the folder without suffix, or names alone; None if they lead nowhere."""
    column = _first(table, PATHS)
    sample = [row[column] for _, row in itertools.islice(rows(table, column), _TRIED)]
    above = table.path.parent.relative_to(folder).as_posix() if table.path.parent.is_relative_to(folder) else "."
    for prefix in dict.fromkeys(("" if above == "." else f"{above}/", "")):
        for drop in range(_DEPTH):

            def key(value: str, prefix: str = prefix, drop: int = drop) -> str:
                parts = PurePosixPath(value.replace("\\", "/")).parts
                return _without_suffix(prefix + "/".join(part for part in parts[drop:] if part not in ("..", "/")))

            if sum(_exists(folder, key(value), value) for value in sample) * 2 > len(sample):
                return key
    names = {path.stem for path in first_pictures(folder, 5000)}
    found = sum(_stem(row[column]) in names for _, row in itertools.islice(rows(table, column), 20_000))
    return _stem if names and found * 2 > min(len(names), 5000) else None


def _stem(value: str) -> str:
    return _without_suffix(PurePosixPath(value.replace("\\", "/")).name)


def _without_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in PICTURES | OTHER_PICTURES else name


def _exists(folder: Path, key: str, value: str) -> bool:
    suffix = PurePosixPath(value.replace("\\", "/")).suffix
    return bool(key) and any((folder / f"{key}{end}").is_file() for end in (suffix, ".png", ".jpg", ".dcm"))


def _item(path: Path, row: Mapping[str, str]) -> Item:
    def cell(names: tuple[str, ...]) -> str:
        return next((row[name] for name in names if row.get(name)), "")

    extra = known(
        **{name: cell(names) for name, names in EXTRAS.items()}, age_group=decade(cell(("age", "age_approx")))
    )
    return Item(
        path,
        " ".join(cell(LABELS).split())[:64] or UNLABELLED,
        cell(PATIENTS),
        _SIDES.get(cell(SIDES).lower(), ""),
        cell(VIEWS).upper()[:8],
        split_in(cell(SPLITS)),
        extra,
    )


LAYOUT = LayoutSpec(
    name="table",
    title="Table with paths",
    summary="A CSV file with a column such as path, file or image that leads to the pictures, and columns such as "
    "label, patient_id, side, view and split. Columns of unknown meaning are not taken over.",
    source="",
    detect=detect,
    scan=scan,
)
