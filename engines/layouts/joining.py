"""Joins a table's rows with the files below a folder, and tells what does not fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from engines.layouts.base import Item, Looked, Note, Rejection, candidate, walk
from engines.layouts.tables import Table, rows

LOOKED_EVERY = 2000  # files or rows between two signs of life
MOST_LISTED = 200  # gaps told one by one; beyond that a sentence with their number says more


class Gaps:
    """What tables list and folders lack: told file by file while there are few, then as a number."""

    def __init__(self, folder: Path, table: str, what: str = "picture") -> None:
        self.folder, self.table, self.what, self.count = folder, table, what, 0
        self._first: list[str] = []

    def add(self, name: str) -> None:
        """Note that this one is missing."""
        self.count += 1
        if self.count <= MOST_LISTED:
            self._first.append(name)

    def told(self, found: int) -> Iterator[Rejection | Note]:
        """At the end of a scan: each missing file, or how many there are beside the `found` ones."""
        if self.count > MOST_LISTED:
            yield Note(
                f"{self.table} lists {self.count} {self.what}s that are not in this folder; "
                f"the {found} others were added."
            )
            return
        for name in self._first:
            yield Rejection(
                self.folder / name,
                f"{self.table} lists this {self.what}, but it is not there.",
                "Fetch it again if it should be there.",
            )


class Files:
    """The pictures below a folder by a key made of their names; holds names only, since there may be many."""

    def __init__(self, key: Callable[[Path], str] = lambda path: path.stem) -> None:
        self._key = key
        self.refused: list[Rejection] = []
        self._folders: list[Path] = []
        self._shapes: dict[tuple[str, int], int] = {}  # suffix, and letters of the key before the file's own name
        self._places: dict[str, int] = {}  # key -> number of folder and shape; below 0 once taken
        self._copies: list[Path] = []

    def look(self, folder: Path) -> Iterator[Looked]:
        """Take up all pictures below a folder, with signs of life."""
        for count, path in enumerate(walk(folder), start=1):
            found = candidate(path)
            if isinstance(found, Rejection):
                self.refused.append(found)
            elif found is not None:
                self._add(path, self._key(path))
            if count % LOOKED_EVERY == 0:
                yield Looked(count)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def take(self, key: str) -> Path | None:
        """The file of a key, or None; a taken one no longer counts as left over."""
        place = self._places.get(key)
        if place is None:
            return None
        self._places[key] = place if place < 0 else -1 - place
        return self._path(key)

    def is_taken(self, key: str) -> bool:
        return self._places.get(key, 0) < 0

    def left(self, table: str) -> Iterator[Rejection]:
        """Refusals of what no row spoke of, and of second files with the same name."""
        yield from self.refused
        for key, place in self._places.items():
            if place >= 0:
                yield Rejection(
                    self._path(key), f"{table} has no row for this picture.", "Add the row, or leave the picture out."
                )
        for path in self._copies:
            yield Rejection(path, "A picture of this name is there twice.", "Keep one copy of each picture.")

    def _add(self, path: Path, key: str) -> None:
        if key in self._places:
            self._copies.append(path)
            return
        if not self._folders or self._folders[-1] != path.parent:
            self._folders.append(path.parent)
        shape = self._shapes.setdefault((path.suffix, len(key) - len(path.stem)), len(self._shapes))
        self._places[key] = (len(self._folders) - 1) << 8 | min(shape, 255)

    def _path(self, key: str) -> Path:
        place = self._places[key]
        place = place if place >= 0 else -1 - place
        suffix, cut = list(self._shapes)[place & 255]
        return self._folders[place >> 8] / (key[cut:] + suffix)


def join(
    table: Table,
    there: Files,
    folder: Path,
    key: Callable[[Mapping[str, str]], str],
    item: Callable[[Path, Mapping[str, str]], Item],
    *columns: str,
) -> Iterator[Item | Rejection | Note | Looked]:
    """The pictures of a table's rows in its order; what does not fit together is told.

    One row counts per picture. Rows hold the named columns, or all of them.
    """
    gaps, found, doubles = Gaps(folder, table.title), 0, 0
    for number, row in rows(table, *columns):
        if number % LOOKED_EVERY == 0:
            yield Looked(number)
        name = key(row)
        if there.is_taken(name):
            doubles += 1
        elif (path := there.take(name)) is None:
            gaps.add(name or "(a row without a name)")
        else:
            found += 1
            yield item(path, row)
    yield from told_doubles(table, doubles)
    yield from gaps.told(found)
    yield from there.left(table.title)


def told_doubles(table: Table, doubles: int) -> Iterator[Note]:
    if doubles:
        text = "1 further row for a picture" if doubles == 1 else f"{doubles} further rows for pictures"
        yield Note(f"{table.title} has {text} that it listed before; the first one counts.")
