"""What the Data tab reads: the lists of the workspace, the scores of a catalogue, the details of what is on screen."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from engines import decisions, files
from engines.errors import LabError
from engines.records import JobRecord, Kind
from engines.workspace import Workspace
from lab.answers import fault, missing, only_owner

One = Literal["catalogue", "image_set"]
KINDS: dict[One, Kind] = {"catalogue": "catalogues", "image_set": "image_sets"}
PARTS = ("closed", "edge", "solid", "ellipse", "smooth", "area")  # of the shape confidence
ITEM = re.compile(r"[A-Za-z0-9_-]{1,40}")
CANDIDATES_PER_REQUEST = 120
KEPT_IN_MEMORY = 4
UNREADABLE = "could not be read"  # how the analysis begins the reason of such a file


@dataclass
class Analysis:
    """The scored candidates of one catalogue as columns, and where each outline stands in its file."""

    rows: list[dict[str, str]] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    outline_at: dict[str, int] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)


class Analyses:
    """What is known of each candidate, read once per version of the table; the few last used stay in memory."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._known: OrderedDict[tuple[Any, ...], Analysis] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, kind: Kind, id: str) -> Analysis:
        """A catalogue's analysis (empty while none was made) or an image set's items. Raises LabError if unknown."""
        record = self.workspace.record(kind, id)
        folder = self.workspace.folder(kind, id)
        table = folder / ("analysis/curation.csv" if kind == "catalogues" else "items.csv")
        try:
            status = table.stat()
        except FileNotFoundError:
            return Analysis(columns=_columns([]))
        key = (kind, id, status.st_mtime_ns, status.st_size)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
            sizes = self.workspace.catalogue_items(id) if kind == "catalogues" else None
            found = self._known[key] = _load(table, sizes, getattr(record, "width", 0), getattr(record, "height", 0))
            while len(self._known) > KEPT_IN_MEMORY:
                self._known.popitem(last=False)
            return found


def _load(table: Path, items: list[dict[str, str]] | None, width: int, height: int) -> Analysis:
    """Read a table; each item's own size is in `items`, or all are of one size."""
    rows = files.read_csv(table)
    sizes = {item["item"]: (item.get("width", ""), item.get("height", "")) for item in items or ()}
    for row in rows:
        row["width"], row["height"] = sizes.get(row["item"], (str(width), str(height)))
    place = {row["item"]: index for index, row in enumerate(rows)}
    return Analysis(rows, place, _outline_offsets(table.with_name("outlines.jsonl")), _columns(rows))


def _columns(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Scores as one list, words as a list of the different ones and an index per item: 10,000 items stay small."""
    labels = sorted({row.get("label", "") for row in rows})
    reasons = ["", *sorted({row.get("reason", "") for row in rows} - {""})]
    label_index = {word: index for index, word in enumerate(labels)}
    reason_index = {word: index for index, word in enumerate(reasons)}
    return {
        "items": [row["item"] for row in rows],
        "scores": [round(_number(row.get("shape_confidence")), 4) for row in rows],
        "labels": labels,
        "label": [label_index[row.get("label", "")] for row in rows],
        "reasons": reasons,
        "reason": [reason_index[row.get("reason", "")] for row in rows],
        "unreadable": [index for index, row in enumerate(rows) if row.get("reason", "").startswith(UNREADABLE)],
        "flipped": sum(_truth(row.get("flipped")) for row in rows),
    }


def _outline_offsets(path: Path) -> dict[str, int]:
    """Byte offset of each item's line, so that a screenful is read without the rest of the file."""
    offsets: dict[str, int] = {}
    if not path.exists():
        return offsets
    name = re.compile(rb'"item"\s*:\s*"([^"]+)"')
    at = 0
    with open(path, "rb") as file:
        for line in file:
            if found := name.search(line):
                offsets[found[1].decode()] = at
            at += len(line)
    return offsets


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _truth(text: str | None) -> bool:
    return (text or "").lower() in {"1", "true", "yes"}


def _outlines(path: Path, offsets: dict[str, int], items: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    wanted = [item for item in items if item in offsets]
    if not wanted:
        return found
    with open(path, "rb") as file:
        for item in wanted:
            file.seek(offsets[item])
            try:
                found[item] = json.loads(file.readline()).get("outline", [])
            except ValueError:
                continue  # a torn line costs one outline, not the page
    return found


def _candidate(row: dict[str, str], outline: list[Any]) -> dict[str, Any]:
    width, height = int(_number(row.get("width"))), int(_number(row.get("height")))
    crop = [_number(row.get(name)) for name in ("crop_x", "crop_y", "crop_w", "crop_h")]
    inside = bool(width and height and crop[2] and crop[3])
    return {
        "label": row.get("label", ""),
        "patient": row.get("patient", ""),
        "side": row.get("side", ""),
        "view": row.get("view", ""),
        "reason": row.get("reason", ""),
        "flipped": _truth(row.get("flipped")),
        "width": width,
        "height": height,
        "parts": {name: round(_number(row.get(name)), 3) for name in PARTS if row.get(name)},
        "outline": outline,
        "crop": [round(crop[i] / (width, height)[i % 2], 4) for i in range(4)] if inside else [],
    }


def lists(workspace: Workspace) -> dict[str, Any]:
    """Catalogues and image sets, newest first, with the counts that the left column shows."""
    catalogues = [
        {
            "id": record.id, "name": record.name, "items": record.items, "patients": record.patients,
            "classes": record.classes, "rejected": record.rejected, "layout": record.layout,
            "source": record.source, "warnings": record.warnings,
        }
        for record in reversed(workspace.records("catalogues"))
    ]  # fmt: skip
    image_sets = [
        {
            "id": record.id, "name": record.name, "origin": record.origin, "items": record.items,
            "patients": record.patients, "classes": record.classes, "kept": record.kept,
            "rejected": record.rejected, "width": record.width, "height": record.height,
            "channels": record.channels, "dtype": record.dtype, "resizer": record.resizer,
            "split": str(record.parameters.get("split") or ""), "parents": sorted(record.parents),
        }
        for record in reversed(workspace.records("image_sets"))
    ]  # fmt: skip
    return {"catalogues": catalogues, "image_sets": image_sets}


def work(workspace: Workspace, id: str) -> dict[str, Any]:
    """Where a job stands and what came of it; paths stay out. Raises LabError for an unknown job."""
    job = JobRecord.model_validate(files.read_json(workspace.job_folder(id) / "job.json"))
    shown = {"id", "kind", "title", "state", "progress", "message", "eta_s", "error"}
    result = {name: value for name, value in (job.result or {}).items() if "path" not in name}
    return {**job.model_dump(include=shown), "result": result}


def make(workspace: Workspace) -> APIRouter:
    """Routes below /lab; all only read, off the event loop."""
    router = APIRouter()
    analyses = Analyses(workspace)

    def read_scores(kind: Kind, id: str) -> dict[str, Any]:
        analysis = analyses.read(kind, id)
        said = decisions.current(workspace.folder(kind, id))
        verdicts = {item: list(verdict) for item, verdict in said.items() if item in analysis.place}
        return {"id": id, "analysed": bool(analysis.rows), **analysis.columns, "verdicts": verdicts}

    def read_candidates(kind: Kind, id: str, items: list[str]) -> dict[str, Any]:
        analysis = analyses.read(kind, id)
        known = [item for item in items if item in analysis.place]
        file = workspace.folder(kind, id) / "analysis" / "outlines.jsonl"
        outlines = _outlines(file, analysis.outline_at, known)
        rows = {item: analysis.rows[analysis.place[item]] for item in known}
        return {"items": {item: _candidate(row, outlines.get(item, [])) for item, row in rows.items()}}

    @router.get("/catalogues")
    async def catalogues() -> Any:
        return await run_in_threadpool(lists, workspace)

    @router.get("/{one}/{id}/scores")
    async def scores(request: Request, one: One, id: str) -> Any:
        if refused := only_owner(request):
            return refused
        try:
            return await run_in_threadpool(read_scores, KINDS[one], id)
        except LabError as error:
            return fault(error, 404)

    @router.get("/{one}/{id}/candidates")
    async def candidates(request: Request, one: One, id: str, items: str = "") -> Any:
        if refused := only_owner(request):
            return refused
        wanted = [item for item in items.split(",") if ITEM.fullmatch(item)]
        if len(wanted) > CANDIDATES_PER_REQUEST:
            advice = f"Ask for at most {CANDIDATES_PER_REQUEST}."
            return fault(LabError("Too many images were asked for at once.", "", advice))
        try:
            return await run_in_threadpool(read_candidates, KINDS[one], id, wanted)
        except LabError as error:
            return fault(error, 404)

    @router.get("/work/{id}")
    async def read_work(request: Request, id: str) -> Any:
        if refused := only_owner(request):
            return refused
        try:
            return await run_in_threadpool(work, workspace, id)
        except (LabError, FileNotFoundError):
            return missing("There is no such job.")

    return router
