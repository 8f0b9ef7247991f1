"""What the Data tab reads: the lists of the workspace, the scores of a catalogue, the details of what is on screen."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
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
from lab.catalogue_columns import Analyses, Columns, items_table, number, truth
from lab.catalogue_overview import TITLES, matching, overview, table_of

One = Literal["catalogue", "image_set"]
KINDS: dict[One, Kind] = {"catalogue": "catalogues", "image_set": "image_sets"}
PARTS = ("closed", "edge", "solid", "ellipse", "smooth", "area")  # of the shape confidence
ITEM = re.compile(r"[A-Za-z0-9_-]{1,40}")
CANDIDATES_PER_REQUEST = 120
LONGEST_FILTER = 20_000


def _candidate(row: dict[str, str], outline: list[Any]) -> dict[str, Any]:
    width, height = int(number(row.get("width"))), int(number(row.get("height")))
    crop = [number(row.get(name)) for name in ("crop_x", "crop_y", "crop_w", "crop_h")]
    inside = bool(width and height and crop[2] and crop[3])
    return {
        "label": row.get("label", ""),
        "patient": row.get("patient", ""),
        "side": row.get("side", ""),
        "view": row.get("view", ""),
        "reason": row.get("reason", ""),
        "flags": row.get("flags", ""),
        "flipped": truth(row.get("flipped")),
        "width": width,
        "height": height,
        "parts": {name: round(number(row.get(name)), 3) for name in PARTS if row.get(name)},
        "outline": outline,
        "crop": [round(crop[i] / (width, height)[i % 2], 4) for i in range(4)] if inside else [],
    }


def read_filter(text: str) -> dict[str, list[str]]:
    """Columns and the values that they may have. Raises LabError for anything else."""
    try:
        given = json.loads(text) if len(text) <= LONGEST_FILTER else None
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(
        column in TITLES.keys() - {"pixels"}
        and isinstance(values, list)
        and all(isinstance(value, str) for value in values)
        for column, values in given.items()
    ):
        raise LabError("The filter was not understood.", "", "Clear it, and choose again.")
    return given


def grouped(workspace: Workspace, clustering: str, clusters: str) -> set[str]:
    """The items of some groups of a clustering job. Raises LabError if it is not there."""
    chosen = set(clusters.split(","))
    try:
        table = files.iter_csv(workspace.folder("jobs", clustering) / "clusters.csv")
        return {row["item"] for row in table if row.get("cluster") in chosen}
    except FileNotFoundError:
        raise LabError("These groups are no longer there.", "", "Find the groups again.") from None


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
            "id": record.id, "name": record.name, "origin": record.kind_of_images, "items": record.items,
            "patients": record.patients, "classes": record.classes, "kept": record.kept,
            "rejected": record.rejected, "width": record.width, "height": record.height,
            "channels": record.channels, "dtype": record.dtype, "resizer": record.resizer,
            "split": str(record.parameters.get("split") or ""), "parents": sorted(record.parents),
            "version": record.version, "replaces": record.replaces, "changes": record.changes,
            "warnings": record.warnings, "split_counts": record.split_counts,
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


class Desk:
    """What is read of one catalogue or image set; everything raises LabError for one that is not there."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.analyses = Analyses(workspace)

    def scores(self, kind: Kind, id: str) -> dict[str, Any]:
        columns, growing = self.analyses.read(kind, id)
        columns = columns or Columns(Path())  # nothing was scored yet
        said = decisions.current(self.workspace.folder(kind, id))
        verdicts = {item: list(verdict) for item, verdict in said.items() if item in columns.place}
        known = {
            "analysed": bool(columns.items),
            "growing": growing,
            "hash_group": self.analyses.groups(kind, id, columns.items),
        }
        return {"id": id, **known, **columns.as_answer(), "verdicts": verdicts}

    def candidates(self, kind: Kind, id: str, items: list[str]) -> dict[str, Any]:
        columns, _ = self.analyses.read(kind, id)
        if columns is None:
            return {"items": {}}
        outlines = columns.outlines(items)
        sizes = self.analyses.sizes(kind, id, items)
        return {
            "items": {
                item: _candidate({**row, **sizes.get(item, {})}, outlines.get(item, []))
                for item, row in columns.rows(items).items()
            }
        }

    def matching(self, kind: Kind, id: str, where: str, clustering: str, clusters: str) -> dict[str, Any]:
        chosen = read_filter(where)
        among = grouped(self.workspace, clustering, clusters) if clustering else None
        columns, _ = self.analyses.read(kind, id)
        items = columns.items if columns else []
        return {
            "items": len(items),
            "mask": matching(table_of(items_table(self.workspace, kind, id)), chosen, items, among),
        }


def make(workspace: Workspace) -> APIRouter:
    """Routes below /lab; all only read, off the event loop."""
    router = APIRouter()
    desk = Desk(workspace)

    @router.get("/catalogues")
    async def catalogues() -> Any:
        return await run_in_threadpool(lists, workspace)

    @router.get("/{one}/{id}/scores")
    async def scores(request: Request, one: One, id: str) -> Any:
        return await to_owner(request, desk.scores, KINDS[one], id)

    @router.get("/{one}/{id}/candidates")
    async def candidates(request: Request, one: One, id: str, items: str = "") -> Any:
        wanted = [item for item in items.split(",") if ITEM.fullmatch(item)]
        if len(wanted) > CANDIDATES_PER_REQUEST:
            advice = f"Ask for at most {CANDIDATES_PER_REQUEST}."
            return fault(LabError("Too many images were asked for at once.", "", advice))
        return await to_owner(request, desk.candidates, KINDS[one], id, wanted)

    @router.get("/{one}/{id}/matching")
    async def matching_items(
        request: Request, one: One, id: str, where: str = "{}", clustering: str = "", clusters: str = ""
    ) -> Any:
        return await to_owner(request, desk.matching, KINDS[one], id, where, clustering, clusters)

    @router.get("/{one}/{id}/overview")
    async def what_it_is_made_of(request: Request, one: One, id: str) -> Any:
        return await to_owner(request, lambda: overview(table_of(items_table(workspace, KINDS[one], id))))

    @router.get("/image_set/{id}/parameters")
    async def set_parameters(request: Request, id: str) -> Any:
        """What an image set was made with: making it again goes back to it."""
        return await to_owner(request, lambda: {"parameters": workspace.image_set(id).record.parameters})

    @router.get("/work/{id}")
    async def read_work(request: Request, id: str) -> Any:
        return await to_owner(request, work, workspace, id)

    return router


async def to_owner(request: Request, read: Callable[..., Any], *about: Any) -> Any:
    """Answer the owner with what `read` gives, off the event loop; its errors in words."""
    if refused := only_owner(request):
        return refused
    try:
        return await run_in_threadpool(read, *about)
    except LabError as error:
        return fault(error, 404)
    except FileNotFoundError:
        return missing("This is no longer there.")
