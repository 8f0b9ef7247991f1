"""Tables that lie beside pictures: found near a folder, and read row by row."""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engines.layouts.base import natural

_PICTURES = frozenset(".png .jpg .jpeg .dcm .dicom .tif .tiff .pgm".split())
MOST_ENTRIES = 5000  # of a folder other than the added one; tables do not hide among more pictures than that
MOST_FOLDERS = 40  # children looked into for tables; collections keep theirs near the top
_DELIMITERS = (",", ";", "\t")
_SUFFIXES = (".csv", ".tsv", ".tab")
_HEAD_BYTES = 2**16
_LINE_LETTERS = 2**20
_PLAIN_NAME = re.compile(
    r"(train|test|val|validation|labels?|metadata|meta|dicom_info|info|data|images|ham10000_metadata"
    r"|(train|test)[-_](metadata|labels)|(mass|calc)_case_description_(train|test)_set|isic_20\d\d_[a-z_]{1,30})"
    r"\.(csv|tsv|tab)",
    re.I,
)
_TABLE_FOLDERS = frozenset("csv csvs tables metadata labels annotations".split())  # they lie beside the pictures'


@dataclass(frozen=True)
class Table:
    """A table on the disk: its columns in one spelling (lower case, words joined by _), and how it is written."""

    path: Path
    columns: tuple[str, ...]
    delimiter: str
    encoding: str

    @property
    def title(self) -> str:
        """The table's name where it is a published or a plain one: any other can be a person's."""
        return self.path.name if _PLAIN_NAME.fullmatch(self.path.name) else "The table"

    def has(self, *columns: str) -> bool:
        return set(columns) <= set(self.columns)


def files_near(folder: Path, wanted: Callable[[str], bool], up: int = 2, down: int = 2) -> list[Path]:
    """Files with a wanted name in the folder, up to `down` levels below it, and beside its parents, nearest first."""
    found: list[Path] = []
    level = [folder]
    for depth in range(down + 1):
        below: list[Path] = []
        for place in level:
            names, folders = _listing(place, wanted, 0 if place == folder else MOST_ENTRIES)
            found += names
            below += folders
        level = below[:MOST_FOLDERS] if depth < down else []
    for parent in list(folder.parents)[:up]:
        names, folders = _listing(parent, wanted, MOST_ENTRIES)
        found += names
        for place in folders:
            if place.name.lower() in _TABLE_FOLDERS and place != folder:
                found += _listing(place, wanted, MOST_ENTRIES)[0]
    return found


def tables_near(folder: Path, *columns: str, up: int = 2) -> list[Table]:
    """Tables near a folder that have all these columns, nearest first."""
    paths = files_near(folder, lambda name: os.path.splitext(name)[1].lower() in _SUFFIXES, up)
    tables = (open_table(path) for path in paths)
    return [table for table in tables if table and table.has(*columns)]


def open_table(path: Path) -> Table | None:
    """Read a table's first line; None for a file that is no table."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    if b"\0" in head or not head.strip() or (len(head) == _HEAD_BYTES and b"\n" not in head and b"\r" not in head):
        return None
    try:
        text, encoding = head.decode("utf-8-sig"), "utf-8-sig"
    except UnicodeDecodeError as error:
        cut = error.start > len(head) - 4  # a letter cut in two at the end of what was read
        encoding = "utf-8-sig" if cut else "latin-1"
        text = head.decode(encoding, errors="ignore")
    line = text.lstrip().splitlines()[0]
    delimiter = max(_DELIMITERS, key=line.count)
    try:
        names = next(csv.reader(itertools.islice(text.lstrip().splitlines(True), 5), delimiter=delimiter))
    except (csv.Error, StopIteration):
        return None
    columns = tuple(re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_") for name in names)
    return Table(path, columns, delimiter, encoding) if len(columns) > 1 or len(names[0]) < 64 else None


def rows(table: Table, *wanted: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Number (from 1, header left out) and wanted cells of every row, without blanks and line ends around them.

    Cells of short rows are empty; a damaged rest of the table ends it.
    """
    places = [(name, table.columns.index(name)) for name in (wanted or table.columns) if name in table.columns]
    with open(table.path, encoding=table.encoding, errors="replace", newline="") as file:
        # A line without end must not fill the memory; its pieces make rows that fit nothing.
        reader = csv.reader(iter(lambda: file.readline(_LINE_LETTERS), ""), delimiter=table.delimiter)
        try:
            next(reader, None)
            for number, cells in enumerate((cells for cells in reader if cells), start=1):
                yield number, {name: cells[n].strip() if n < len(cells) else "" for name, n in places}
        except csv.Error:
            return


def decade(age: str) -> str:
    """An age in years as a group of ten years, since a full age can help to find a person."""
    try:
        years = int(float(age))
    except ValueError:
        return ""
    if not 0 <= years <= 130:
        return ""
    return "80 and over" if years >= 80 else f"{years // 10 * 10}-{years // 10 * 10 + 9}"


def known(**columns: str) -> dict[str, str]:
    """The columns that are not empty."""
    return {name: value for name, value in columns.items() if value}


def first_pictures(folder: Path, most: int = 60) -> list[Path]:
    """A few pictures below a folder, found without walking through all of it."""
    found: list[Path] = []
    level = [folder]
    while level and len(found) < most:
        below: list[Path] = []
        for place in level[:MOST_FOLDERS]:
            here, folders = _listing(place, lambda name: os.path.splitext(name)[1].lower() in _PICTURES, MOST_ENTRIES)
            found += here[:most]
            below += folders
        level = below
    return found[:most]


def _listing(place: Path, wanted: Callable[[str], bool], most: int = 0) -> tuple[list[Path], list[Path]]:
    """Wanted files and first folders of a folder, both sorted; nothing for one that may not be read.

    Only its first `most` entries are looked at, if that is not 0.
    """
    names: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(place) as entries:
            for entry in itertools.islice(entries, most or None):
                if entry.name.startswith("."):
                    continue
                if wanted(entry.name) and entry.is_file():
                    names.append(entry.name)
                elif len(folders) < 4 * MOST_FOLDERS and entry.is_dir():
                    folders.append(entry.name)
    except OSError:
        return [], []
    return [place / n for n in sorted(names, key=natural)], [place / n for n in sorted(folders, key=natural)]
