"""What the review of images reads: large pictures, a reader's own marks and undo, and how far two readers agree."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from engines import decisions, files, registry
from engines.errors import LabError, explain
from engines.jobs import description
from engines.records import Kind
from engines.workspace import Workspace
from lab.answers import fault, only_owner
from lab.viewing import Viewing

One = Literal["catalogue", "image_set"]
KINDS: dict[One, Kind] = {"catalogue": "catalogues", "image_set": "image_sets"}
ITEM = re.compile(r"[A-Za-z0-9_-]{1,40}")
UNDO_AT_ONCE = 2000  # the page asks again when it has gone through these
LONGEST_NAME = 40


def known(workspace: Workspace, one: One, id: str) -> Any:
    """The folder of a catalogue or image set. Raises LabError if there is none."""
    folder = workspace.folder(KINDS[one], id)
    if not folder.is_dir():
        raise LabError("It is no longer there.", f"“{id}” was not found.", "Reload the page.")
    return folder


def asked_for(workspace: Workspace, one: One, id: str, item: str) -> dict[str, Any]:
    """What to ask the decoding process for. Paths can hold identities: they go to that process and nowhere else."""
    folder = known(workspace, one, id)
    rows = files.iter_csv(folder / ("sources.csv" if one == "catalogue" else "items.csv"))
    try:
        for index, row in enumerate(rows):
            if row["item"] != item:
                continue
            if one == "image_set":
                return {"images": str(folder / "images.npy"), "index": index}
            return {"path": row["path"], "member": row.get("member") or ""}
    except (FileNotFoundError, KeyError):
        pass  # a catalogue made by hand has no sources; said below
    raise LabError("This picture's file is not known.", "The catalogue does not say where it lies.", "Add it again.")


def marks(workspace: Workspace, one: One, id: str, by: str) -> dict[str, Any]:
    """A reader's own marks; without a name, those that hold for curation. `undo` goes back before this page's own."""
    folder = known(workspace, one, id)
    said = decisions.current(folder, by=by or None)
    steps = decisions.history(folder, by or decisions.OWNER)
    return {
        "by": by,
        "verdicts": {item: list(verdict) for item, verdict in said.items()},
        "undo": [list(step) for step in steps[-UNDO_AT_ONCE:]],
        "earlier": max(0, len(steps) - UNDO_AT_ONCE),
        "readers": decisions.readers(folder),
    }


def agreement(workspace: Workspace, one: One, id: str, first: str, second: str) -> dict[str, Any]:
    """Kappa of two readers with its interval, the table, the images on which they differ and what each said of them."""
    folder = known(workspace, one, id)
    found = decisions.agreement(folder, first, second)
    said = [decisions.current(folder, by=name) for name in (first, second, decisions.CONSENSUS)]
    differ = [[item, *(list(verdicts.get(item, ("none", ""))) for verdicts in said)] for item in found.differ]
    return {**found._asdict(), "first": first, "second": second, "differ": differ}


def presets() -> list[dict[str, Any]]:
    """The presets of the task `curate` as the engine describes them; none until it has said what it can."""
    said = description.recall(registry.code_version()) or {}
    found = said.get("tasks", {}).get("curate", {}).get("presets", {})
    rows = found.items() if isinstance(found, dict) else ((row.get("name", ""), row) for row in found)
    return [
        {"name": name, **{part: row.get(part) for part in ("title", "summary", "changes")}}
        for name, row in rows
        if isinstance(row, dict)
    ]


def make(workspace: Workspace) -> APIRouter:
    """Routes below /lab; all only read, off the event loop, and are for the owner: they show real images."""
    router = APIRouter()
    viewing = Viewing()

    async def told(request: Request, work: Callable[..., Any], *about: Any) -> Any:
        if refused := only_owner(request):
            return refused
        try:
            return await run_in_threadpool(work, *about)
        except LabError as error:
            return fault(error, 404)
        except OSError as error:
            return fault(explain(error), 404)

    def view(one: One, id: str, item: str) -> Response:
        if not ITEM.fullmatch(item):
            raise LabError("This is not an item of the set.", "", "Reload the page.")
        made = (known(workspace, one, id) / "record.json").stat().st_mtime_ns  # an id may come again after a removal
        key = (one, id, str(made), item)
        found = viewing.kept(key) or viewing.picture(key, asked_for(workspace, one, id, item))
        headers = {"X-Picture": json.dumps(found.about), "Cache-Control": "no-store"}
        return Response(found.pixels, media_type="application/octet-stream", headers=headers)

    @router.get("/review/presets")
    async def read_presets(request: Request) -> Any:
        with suppress(OSError, AttributeError):  # a description of another shape offers no presets
            return await told(request, presets)
        return []

    @router.get("/review/{one}/{id}/marks")
    async def read_marks(request: Request, one: One, id: str, by: str = "") -> Any:
        return await told(request, marks, workspace, one, id, by[:LONGEST_NAME].strip())

    @router.get("/review/{one}/{id}/agreement")
    async def read_agreement(request: Request, one: One, id: str, first: str = "", second: str = "") -> Any:
        return await told(request, agreement, workspace, one, id, first[:LONGEST_NAME], second[:LONGEST_NAME])

    @router.get("/review/{one}/{id}/view/{item}")
    async def read_view(request: Request, one: One, id: str, item: str) -> Any:
        return await told(request, view, one, id, item)

    return router
