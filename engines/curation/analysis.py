"""The analysis of a catalogue: every image's shape confidence, side, box, outline and thumbnail, kept beside it.

It is made once, when a catalogue is added, and again only when the catalogue or these rules change. Originals are read
and never touched. While it is under way it grows in `analysis.part`, a spread sample first, so that a page can show it;
an interrupted one goes on where it stopped. Nothing is held in memory but what is being looked at.
"""

import csv
import time
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from engines import files, growing
from engines.curation.duplicates import groups
from engines.curation.inspection import Inspection, inspect_file
from engines.curation.pool import Pool
from engines.curation.shape import WEIGHTS
from engines.errors import LabError, explain
from engines.jobs.context import JobContext
from engines.jobs.lock import holding
from engines.records import Source, now
from engines.workspace import Workspace

# Counted up whenever segmentation, scores or columns change: older analyses are then made again.
RULES_VERSION = 4
COLUMNS = (
    "item", "label", "patient", "side", "view", "shape_confidence", *WEIGHTS, "found_side", "flipped",
    "crop_x", "crop_y", "crop_w", "crop_h", "reason", "colour", "hash", "flags",
)  # fmt: skip
UNREADABLE = "could not be read"
SIDE_DIFFERS = "chest wall is not on the side that the catalogue says"
TURNED = "lies the other way round than its orientation tag says"
DONE, PART = "analysis", "analysis.part"
GROUPS_FILE = "groups.json"  # of near-duplicates: a list of lists of items
FIRST = 60  # images spread over the catalogue that are looked at before the others: a first page
_WRITE_EVERY_S = 1.0
_WAIT_S = 0.5


def analyse_catalogue(
    ws: Workspace,
    catalogue_id: str,
    context: JobContext,
    share: tuple[float, float] = (0.0, 1.0),
    pool: Pool | None = None,
) -> dict[str, Any]:
    """Analyse every image of a catalogue into its `analysis` folder; an old one is replaced, a half-made one goes on.

    `share` is the span of the job's progress that this work fills; `pool` may have been begun. Gives counts. A picture
    that cannot be read gets a row with confidence 0 and the reason. Where another job analyses this catalogue already,
    its end is waited for.
    Raises JobStopped when the job is stopped; what was found until then is kept.
    """
    home = ws.folder("catalogues", catalogue_id)
    while True:
        with holding(home / "analysis.lock") as mine:
            if mine:
                return _analyse(home, context, share, pool or Pool())
        context.progress(share[0], "Another job is looking at these images: waiting for it")
        context.pause_point()
        time.sleep(_WAIT_S)
        if is_current(ws, catalogue_id):
            record = files.read_json(home / DONE / "record.json")
            return {key: record[key] for key in ("items", "unreadable", "side_conflicts")}


def _analyse(home: Path, context: JobContext, share: tuple[float, float], pool: Pool) -> dict[str, Any]:
    mark = _mark(home)
    grown = _Grown(home / PART, mark)
    files.remove_folder(home / DONE)
    total = max(1, int(files.read_json(home / "record.json")["items"]))
    spread = {number * total // FIRST for number in range(FIRST)}
    looking: deque[dict[str, str]] = deque()  # the items that the pool has been given, in its order

    def tasks() -> Iterator[Source | None]:
        for item, source in chain(_joined(home, spread, True), _joined(home, spread, False)):
            if item["item"] not in grown.items:
                looking.append(item)
                yield source

    begun, started = len(grown.items), time.monotonic()
    try:
        with pool:
            for index, outcome in pool.map(inspect_file, tasks(), context.pause_point, count=total - begun):
                grown.add(looking.popleft(), outcome)
                at = begun + index + 1
                eta_s = (time.monotonic() - started) * (total - at) / (index + 1)
                span = share[0] + (share[1] - share[0]) * at / total
                context.progress(span, f"Looking at image {at} of {total}", eta_s)
    finally:
        grown.write()
    grown.finish([item["item"] for item, _ in _joined(home, spread, True)], home)
    files.write_json(home / PART / GROUPS_FILE, _alike(home / PART / "curation.csv"))
    counts = {"items": len(grown.items), "unreadable": grown.unreadable, "side_conflicts": grown.side_conflicts}
    files.write_json(home / PART / "record.json", {**mark, **counts, "made": now()})
    growing.publish(home / PART, home / DONE)
    return counts


class _Grown:
    """The unfinished analysis on disk: what an earlier start left, if it fits the catalogue, and what is added."""

    def __init__(self, folder: Path, mark: dict[str, Any]) -> None:
        self.folder = folder
        self.items: set[str] = set()
        self.unreadable = self.side_conflicts = 0
        self._rows: list[dict[str, Any]] = []
        self._written = time.monotonic()
        if not _fits(folder, mark):
            files.remove_folder(folder)
            (folder / "thumbnails").mkdir(parents=True)
            growing.append_rows(folder / "curation.csv", (), COLUMNS)
            files.write_json(folder / "record.json", mark)
        files.repair_jsonl(folder / "curation.csv")
        files.repair_jsonl(folder / "outlines.jsonl")
        for row in files.iter_csv(folder / "curation.csv"):
            self._count(row)

    def add(self, item: dict[str, str], outcome: Any) -> None:
        """Take up what was found out about an image, or why nothing could be."""
        if isinstance(outcome, Inspection):
            # A row is written last: an image with a row has its thumbnail and outline.
            growing.write_unsynced(self.folder / "thumbnails" / f"{item['item']}.webp", outcome.thumbnail)
            line = {"item": item["item"], "outline": outcome.outline}
            files.append_jsonl(self.folder / "outlines.jsonl", line)
            row = _row(item, outcome)
        else:
            row = _failed(item, outcome)
        self._rows.append(row)
        self._count(row)
        if len(self.items) <= FIRST or time.monotonic() - self._written > _WRITE_EVERY_S:
            self.write()

    def write(self) -> None:
        """Bring to the disk what has been found out since."""
        growing.append_rows(self.folder / "curation.csv", self._rows, COLUMNS)
        self._rows, self._written = [], time.monotonic()

    def finish(self, first: list[str], home: Path) -> None:
        """Bring the rows, of which those of `first` were made before the others, into the catalogue's order."""
        table = self.folder / "curation.csv"
        with open(table, "rb") as lines:
            head = next(lines)
            early = dict(zip(first, lines, strict=False))
            order = (item["item"] for item in files.iter_csv(home / "items.csv"))
            rows = (early.get(item) or next(lines) for item in order)
            files.write_chunks(table, chain([head], rows))

    def _count(self, row: dict[str, Any]) -> None:
        self.items.add(row["item"])
        self.unreadable += row["reason"].startswith(UNREADABLE)
        self.side_conflicts += SIDE_DIFFERS in row["reason"]


def _alike(table: Path) -> list[list[str]]:
    """Groups of items whose pictures are near-duplicates."""
    known = [(row["item"], row["hash"]) for row in files.iter_csv(table)]
    return [[known[place][0] for place in group] for group in groups([fingerprint for _, fingerprint in known])]


def _joined(home: Path, spread: set[int], wanted: bool) -> Iterator[tuple[dict[str, str], Source | None]]:
    """Items in or out of the spread sample with their sources; neither table is held, as both are in one order.

    Cells are looked at only where a row is wanted: the sample of 400,000 items is there after a second.
    """
    (names, items), (source_names, sources) = _raw(home / "items.csv"), _raw(home / "sources.csv")
    key, source_key = names.index("item"), source_names.index("item")
    early: dict[str, list[str]] = {}
    for index, cells in enumerate(items):
        while cells[key] not in early and (row := next(sources, None)) is not None:
            early[row[source_key]] = row
        found = early.pop(cells[key], None)
        if (index in spread) == wanted:
            source = _named(source_names, found) if found else {}
            path, member = source.get("path", ""), source.get("member", "")
            yield _named(names, cells), Source(Path(path), member) if path else None


def _raw(table: Path) -> tuple[list[str], Iterator[list[str]]]:
    """The column names of a table and its rows as bare cells."""

    def lines() -> Iterator[list[str]]:
        with open(table, encoding="utf-8", newline="") as file:
            yield from csv.reader(file)

    rows = lines()
    return next(rows, []), rows


def _named(names: list[str], cells: list[str]) -> dict[str, str]:
    return {name: files.plain_cell(cell) for name, cell in zip(names, cells, strict=False)}


def _fits(folder: Path, mark: dict[str, Any]) -> bool:
    """Whether the folder's record carries this mark."""
    try:
        record = files.read_json(folder / "record.json")
    except (OSError, LabError):
        return False
    return isinstance(record, dict) and mark.items() <= record.items()


def is_current(ws: Workspace, catalogue_id: str) -> bool:
    """Whether an analysis is there that fits the catalogue's tables and these rules."""
    home = ws.folder("catalogues", catalogue_id)
    return (home / DONE / "record.json").exists() and _fits(home / DONE, _mark(home))


def read_analysis(ws: Workspace, catalogue_id: str) -> list[dict[str, str]]:
    """The rows of a catalogue's analysis, in the catalogue's order; of one under way, those that are there."""
    return list(iter_analysis(ws, catalogue_id))


def iter_analysis(ws: Workspace, catalogue_id: str) -> Iterator[dict[str, str]]:
    """The rows one by one; none where no analysis was begun."""
    home = ws.folder("catalogues", catalogue_id)
    for name in (DONE, PART, DONE):  # one that is under way may get its final name between two looks
        if (table := home / name / "curation.csv").exists():
            yield from files.iter_csv(table)
            return


def drop_items(ws: Workspace, catalogue_id: str, items: set[str]) -> None:
    """Take items out of an analysis after the catalogue let go of them, so that it need not be made again."""
    folder = ws.folder("catalogues", catalogue_id) / DONE
    record = files.read_json(folder / "record.json")
    before = record["items"]
    rows = (row for row in files.iter_csv(folder / "curation.csv") if row["item"] not in items)
    files.write_csv(folder / "curation.csv", rows, COLUMNS)
    left = sum(1 for _ in files.iter_csv(folder / "curation.csv"))
    counts = {"items": left, "unreadable": record["unreadable"] - (before - left)}
    files.write_json(folder / "record.json", {**record, **_mark(folder.parent), **counts})


def _mark(home: Path) -> dict[str, Any]:
    hashes = {f"{name}_sha256": files.sha256_file(home / f"{name}.csv") for name in ("items", "sources")}
    return {"rules_version": RULES_VERSION, **hashes}


def _known(item: dict[str, str]) -> dict[str, Any]:
    return {key: item.get(key, "") for key in ("item", "label", "patient", "side", "view")}


def _row(item: dict[str, str], seen: Inspection) -> dict[str, Any]:
    reasons, flags = list(seen.shape.reasons), list(seen.flags)
    for sentence in _disagreements(item, seen):
        reasons.append(sentence)
        flags.append("orientation in doubt")
    if item.get("burned_in", "").strip().upper() == "YES":
        flags.append("burned-in text")
    # A reduced decode may have dropped part of a last block: what reaches its end reaches the picture's end.
    width, height = int(item.get("width") or 0) or seen.width, int(item.get("height") or 0) or seen.height
    x, y, right, bottom = 0, 0, width, height
    if box := seen.crop:
        x, y = box.x, box.y
        right = width if box.x + box.width >= seen.width else min(width, box.x + box.width)
        bottom = height if box.y + box.height >= seen.height else min(height, box.y + box.height)
    return {
        **_known(item),
        "shape_confidence": round(seen.shape.confidence, 4),
        **{name: round(float(part), 4) for name, part in seen.shape.parts.items()},
        "found_side": seen.side,
        "flipped": int(seen.side == "right"),
        "crop_x": x,
        "crop_y": y,
        "crop_w": right - x,
        "crop_h": bottom - y,
        "reason": "; ".join(reasons),
        "colour": int(seen.colour),
        "hash": seen.hash,
        "flags": "; ".join(dict.fromkeys(flags)),
    }


def _disagreements(item: dict[str, str], seen: Inspection) -> Iterator[str]:
    """Where the picture contradicts what the catalogue says of its side and orientation."""
    if not seen.side or seen.colour:
        return
    side = item.get("side", "").strip().lower()[:1]
    if side in ("l", "r") and side != seen.side[0]:
        yield SIDE_DIFFERS
    # The first value says to where rows run: to the front (A) where the chest wall lies on the left, else to the back.
    towards = item.get("orientation", "").strip().upper()[:1]
    if towards in ("A", "P") and (towards == "A") != (seen.side == "left"):
        yield TURNED


def _failed(item: dict[str, str], error: BaseException) -> dict[str, Any]:
    numbers = ("shape_confidence", *WEIGHTS, "flipped", "crop_x", "crop_y", "crop_w", "crop_h", "colour")
    why = f"{UNREADABLE}: {explain(error).what}"
    return {**_known(item), **dict.fromkeys(numbers, 0), "found_side": "", "reason": why, "hash": "", "flags": ""}
