"""The scored candidates of a catalogue as columns: 400,000 of them take some tens of megabytes, and can still grow.

Only what a whole list needs is kept (item, score, label, reason, group); the rest of a row is read again from its place
in the file when it is on screen.
"""

from __future__ import annotations

import csv
import json
import re
import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engines import files
from engines.errors import LabError
from engines.records import Kind
from engines.workspace import Workspace

KEPT_IN_MEMORY = 6
UNREADABLE = "could not be read"  # how the analysis begins the reason of such a file
ANALYSIS, GROWING = "analysis", "analysis.part"  # a whole analysis, and one that is under way
GROUPS_FILE = "groups.json"  # of near-duplicates: a list of lists of items
_OUTLINE_ITEM = re.compile(rb'"item"\s*:\s*"([^"]+)"')


class Words:
    """The different words of a column, and which of them each row has."""

    def __init__(self) -> None:
        self.index = array("I")
        self._places: dict[str, int] = {}

    @property
    def words(self) -> list[str]:
        return list(self._places)

    def add(self, word: str) -> None:
        self.index.append(self._places.setdefault(word, len(self._places)))


class Columns:
    """The rows of one table, read as far as it goes; `more` reads what was appended since."""

    def __init__(self, table: Path) -> None:
        self.table = table
        self.items: list[str] = []
        self.place: dict[str, int] = {}
        self.scores = array("f")
        self.labels, self.reasons, self.splits = Words(), Words(), Words()
        self.flipped = 0
        self.outline_at: dict[str, int] = {}
        self._row_at = array("Q")
        self._header: list[str] = []
        self._read_to = self._outlines_read_to = 0
        self.reasons.add("")  # “no remark” is always the first word
        self.reasons.index.pop()

    def more(self) -> None:
        """Read on from where the last reading ended; a row that is being written is left for the next time."""
        with open(self.table, "rb") as file:
            file.seek(self._read_to)
            for at, end, cells in _rows(file, self._read_to):
                self._read_to = end
                if not self._header:
                    self._header = cells
                    continue
                self._add(at, dict(zip(self._header, cells, strict=False)))
        self._more_outlines(self.table.with_name("outlines.jsonl"))

    def _add(self, at: int, row: dict[str, str]) -> None:
        if (item := row.get("item", "")) in self.place:
            return
        self.place[item] = len(self.items)
        self.items.append(item)
        self._row_at.append(at)
        self.scores.append(number(row.get("shape_confidence")))
        self.labels.add(row.get("label", ""))
        self.reasons.add(row.get("reason", ""))
        self.splits.add(row.get("split", ""))
        self.flipped += truth(row.get("flipped"))

    def _more_outlines(self, path: Path) -> None:
        if not path.exists():
            return
        with open(path, "rb") as file:
            file.seek(self._outlines_read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                if found := _OUTLINE_ITEM.search(line):
                    self.outline_at[found[1].decode()] = self._outlines_read_to
                self._outlines_read_to += len(line)

    def rows(self, items: list[str]) -> dict[str, dict[str, str]]:
        """The whole rows of some items, from the file; unknown ones are left out."""
        found: dict[str, dict[str, str]] = {}
        with open(self.table, "rb") as file:
            for item in items:
                if (place := self.place.get(item)) is None:
                    continue
                file.seek(self._row_at[place])
                cells = next(_rows(file, 0), (0, 0, []))[2]
                found[item] = dict(zip(self._header, cells, strict=False))
        return found

    def outlines(self, items: list[str]) -> dict[str, list[Any]]:
        """The outlines of some items as points; a damaged line costs its own outline only."""
        found: dict[str, list[Any]] = {}
        wanted = [item for item in items if item in self.outline_at]
        if not wanted:
            return found
        with open(self.table.with_name("outlines.jsonl"), "rb") as file:
            for item in wanted:
                file.seek(self.outline_at[item])
                try:
                    found[item] = json.loads(file.readline()).get("outline", [])
                except ValueError:
                    continue
        return found

    def as_answer(self) -> dict[str, Any]:
        """Scores as one list, words as a list of the different ones and an index for each item."""
        unreadable = {place for place, word in enumerate(self.reasons.words) if word.startswith(UNREADABLE)}
        return {
            "items": self.items,
            "scores": [round(score, 4) for score in self.scores],
            "labels": self.labels.words,
            "label": self.labels.index.tolist(),
            "reasons": self.reasons.words,
            "reason": self.reasons.index.tolist(),
            "unreadable": [index for index, word in enumerate(self.reasons.index) if word in unreadable],
            "flipped": self.flipped,
        }


class Analyses:
    """The tables last looked at, as columns; one that grows is read on, not anew."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._known: OrderedDict[tuple[Any, ...], Columns] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, kind: Kind, id: str) -> tuple[Columns | None, bool]:
        """The scores (None while nothing was scored), and whether the analysis goes on. Raises LabError if unknown."""
        self.workspace.record(kind, id)
        table, growing = scores_table(self.workspace, kind, id)
        return self._columns(table, growing), growing

    def sizes(self, kind: Kind, id: str, items: list[str]) -> dict[str, dict[str, str]]:
        """Width and height of some items: a catalogue's differ, an image set's do not."""
        if kind == "image_sets":
            record = self.workspace.image_set(id).record
            return {item: {"width": str(record.width), "height": str(record.height)} for item in items}
        columns = self._columns(items_table(self.workspace, kind, id), growing=False)
        rows = columns.rows(items) if columns else {}
        return {item: {name: row.get(name, "") for name in ("width", "height")} for item, row in rows.items()}

    def groups(self, kind: Kind, id: str, items: list[str]) -> list[int]:
        """The group of near-duplicates that each item is in, -1 for none."""
        try:
            found = files.read_json(self.workspace.folder(kind, id) / ANALYSIS / GROUPS_FILE)
        except (FileNotFoundError, LabError):
            return []
        group_of = {str(item): number for number, group in enumerate(found) for item in group}
        return [group_of.get(item, -1) for item in items]

    def _columns(self, table: Path, growing: bool) -> Columns | None:
        try:
            status = table.stat()
        except FileNotFoundError:
            return None
        key = (table, growing, status.st_ino, 0 if growing else (status.st_mtime_ns, status.st_size))
        with self._lock:
            if key not in self._known:
                self._known[key] = Columns(table)
                while len(self._known) > KEPT_IN_MEMORY:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            columns = self._known[key]
            if growing or not columns.items:
                columns.more()
            return columns


def items_table(workspace: Workspace, kind: Kind, id: str) -> Path:
    """The table of all items. Raises LabError for an id that is none."""
    return workspace.folder(kind, id) / "items.csv"


def scores_table(workspace: Workspace, kind: Kind, id: str) -> tuple[Path, bool]:
    """The table of scores of a catalogue, or the items of an image set; and whether it is still being written."""
    folder = workspace.folder(kind, id)
    if kind == "image_sets":
        return folder / "items.csv", False
    whole, part = folder / ANALYSIS / "curation.csv", folder / GROWING / "curation.csv"
    growing = part.exists() and not whole.exists()
    return (part if growing else whole), growing


def _rows(file: Any, start: int) -> Iterator[tuple[int, int, list[str]]]:
    """Whole rows of a CSV file from a place on: where each begins, where it ends, and its cells.

    Cells may hold line breaks, so a row may take several lines; a last line without its end is not given.
    """
    at = [start]

    def lines() -> Iterator[str]:
        for line in file:
            if not line.endswith(b"\n"):
                return
            at[0] += len(line)
            yield line.decode("utf-8-sig" if at[0] == len(line) else "utf-8", errors="replace")

    begin = start
    for cells in csv.reader(lines()):
        yield begin, at[0], [files.plain_cell(cell) for cell in cells]
        begin = at[0]


def number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def truth(text: str | None) -> bool:
    return (text or "").lower() in {"1", "true", "yes"}
