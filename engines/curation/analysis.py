"""The analysis of a catalogue: every image's shape confidence, side, box, outline and thumbnail, kept beside it.

It is made once, when a catalogue is added, and again only when the catalogue or these rules change. Originals are read
and never touched.
"""

import json
import time
from typing import Any

from engines import files
from engines.curation.inspection import Inspection, inspect_file
from engines.curation.pool import Pool
from engines.curation.shape import WEIGHTS
from engines.errors import LabError, explain
from engines.jobs.context import JobContext
from engines.records import now
from engines.workspace import Workspace

# Counted up whenever segmentation or scores change: older analyses are then made again.
RULES_VERSION = 1
COLUMNS = (
    "item", "label", "patient", "side", "view", "shape_confidence", *WEIGHTS, "found_side", "flipped",
    "crop_x", "crop_y", "crop_w", "crop_h", "reason", "colour",
)  # fmt: skip
UNREADABLE = "could not be read"


def analyse_catalogue(
    ws: Workspace, catalogue_id: str, context: JobContext, share: tuple[float, float] = (0.0, 1.0)
) -> dict[str, Any]:
    """Analyse every image of a catalogue into its `analysis` folder, which appears whole; an old one is replaced.

    `share` is the span of the job's progress that this work fills. Gives counts. A picture that cannot be read gets a
    row with confidence 0 and the reason. Raises JobStopped when the job is stopped, LabError if nothing can be read.
    """
    items = ws.catalogue_items(catalogue_id)
    sources = ws.sources(catalogue_id)
    folder = ws.folder("catalogues", catalogue_id) / "analysis"
    mark = _mark(ws, catalogue_id)
    rows: list[dict[str, Any]] = []
    outlines: list[str] = []
    unreadable = 0
    started = time.monotonic()
    files.remove_folder(folder)
    with files.new_folder(folder) as target, Pool() as pool:
        (target / "thumbnails").mkdir()
        paths = [source.path if (source := sources.get(item["item"])) else None for item in items]
        for index, outcome in pool.map(inspect_file, paths, context.check):
            item = items[index]
            if isinstance(outcome, Inspection):
                row = _row(item, outcome)
                files.write_bytes(target / "thumbnails" / f"{item['item']}.webp", outcome.thumbnail)
                outlines.append(_line(item["item"], outcome.outline))
            else:
                unreadable += 1
                row = _failed(item, outcome)
            rows.append(row)
            done = (index + 1) / len(items)
            eta_s = (time.monotonic() - started) * (1 - done) / done
            context.progress(
                share[0] + (share[1] - share[0]) * done, f"Looking at image {index + 1} of {len(items)}", eta_s
            )
        files.write_csv(target / "curation.csv", rows, COLUMNS)
        files.write_text(target / "outlines.jsonl", "".join(outlines))
        files.write_json(target / "record.json", {**mark, "items": len(rows), "unreadable": unreadable, "made": now()})
    conflicts = sum(SIDE_DIFFERS in row["reason"] for row in rows)
    return {"items": len(rows), "unreadable": unreadable, "side_conflicts": conflicts}


SIDE_DIFFERS = "chest wall is not on the side that the catalogue says"


def is_current(ws: Workspace, catalogue_id: str) -> bool:
    """Whether an analysis is there that fits the catalogue's tables and these rules."""
    try:
        record = files.read_json(ws.folder("catalogues", catalogue_id) / "analysis" / "record.json")
    except (OSError, LabError):
        return False
    return isinstance(record, dict) and _mark(ws, catalogue_id).items() <= record.items()


def read_analysis(ws: Workspace, catalogue_id: str) -> list[dict[str, str]]:
    """The rows of a catalogue's analysis, in the catalogue's order."""
    return files.read_csv(ws.folder("catalogues", catalogue_id) / "analysis" / "curation.csv")


def drop_items(ws: Workspace, catalogue_id: str, items: set[str]) -> None:
    """Take items out of an analysis after the catalogue let go of them, so that it need not be made again."""
    folder = ws.folder("catalogues", catalogue_id) / "analysis"
    record = files.read_json(folder / "record.json")
    rows = [row for row in read_analysis(ws, catalogue_id) if row["item"] not in items]
    dropped = record["items"] - len(rows)
    files.write_csv(folder / "curation.csv", rows, COLUMNS)
    counts = {"items": len(rows), "unreadable": record["unreadable"] - dropped}
    files.write_json(folder / "record.json", {**record, **_mark(ws, catalogue_id), **counts})


def _mark(ws: Workspace, catalogue_id: str) -> dict[str, Any]:
    folder = ws.folder("catalogues", catalogue_id)
    hashes = {f"{name}_sha256": files.sha256_file(folder / f"{name}.csv") for name in ("items", "sources")}
    return {"rules_version": RULES_VERSION, **hashes}


def _known(item: dict[str, str]) -> dict[str, Any]:
    return {key: item.get(key, "") for key in ("item", "label", "patient", "side", "view")}


def _row(item: dict[str, str], seen: Inspection) -> dict[str, Any]:
    reasons = list(seen.shape.reasons)
    side = item.get("side", "").strip().lower()[:1]
    if seen.side and side in ("l", "r") and side != seen.side[0] and not seen.colour:
        reasons.append(SIDE_DIFFERS)
    box = seen.crop
    return {
        **_known(item),
        "shape_confidence": round(seen.shape.confidence, 4),
        **{name: round(float(part), 4) for name, part in seen.shape.parts.items()},
        "found_side": seen.side,
        "flipped": int(seen.side == "right"),
        "crop_x": box.x if box else 0,
        "crop_y": box.y if box else 0,
        "crop_w": box.width if box else seen.width,
        "crop_h": box.height if box else seen.height,
        "reason": "; ".join(reasons),
        "colour": int(seen.colour),
    }


def _failed(item: dict[str, str], error: BaseException) -> dict[str, Any]:
    numbers = ("shape_confidence", *WEIGHTS, "flipped", "crop_x", "crop_y", "crop_w", "crop_h", "colour")
    zeros = dict.fromkeys(numbers, 0)
    return {**_known(item), **zeros, "found_side": "", "reason": f"{UNREADABLE}: {explain(error).what}"}


def _line(item: str, points: list[list[float]]) -> str:
    return json.dumps({"item": item, "outline": points}, separators=(",", ":")) + "\n"
