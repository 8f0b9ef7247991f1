"""GET /lab/runs, /lab/run and /lab/compare: all trainings, one with its sheets and checkpoints, where some differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from engines import files
from engines.errors import LabError
from engines.jobs import description, events
from engines.workspace import Workspace
from lab.answers import fault
from lab.comparing import compared


def _numbered(folder: Path, suffix: str) -> list[int]:
    """Images seen, from names such as 00012800.webp; anything else in the folder is passed over."""
    if not folder.is_dir():
        return []
    return sorted(int(path.stem) for path in folder.iterdir() if path.stem.isdigit() and path.suffix == suffix)


def _job(folder: Path) -> dict[str, Any]:
    try:
        found = files.read_json(folder / "job.json")
    except (OSError, LabError):
        return {}
    return found if isinstance(found, dict) else {}


def _sheet(folder: Path) -> dict[str, Any]:
    """Columns, rows and tile size of the sample sheets, as the first sample event says them."""
    for event in files.read_jsonl(folder / events.FILE):
        if isinstance(event, dict) and event.get("kind") == "sample":
            return {name: event.get(name) for name in ("columns", "rows", "tile")}
    return {}


def target_images(record: dict[str, Any], job: dict[str, Any]) -> float | None:
    """How many images the run is to see, where its budget says so."""
    budget = record.get("budget") or {}
    if budget.get("images"):
        return float(budget["images"])
    if budget.get("epochs") and record.get("set_items"):
        return float(budget["epochs"]) * float(record["set_items"])
    seen = (job.get("result") or {}).get("images_seen")
    return float(seen) if seen else None


def line(workspace: Workspace, id: str) -> dict[str, Any]:
    """A run as lists show it."""
    folder = workspace.folder("runs", id)
    job = _job(folder)
    record = workspace.record("runs", id).model_dump(mode="json")
    names = ("id", "name", "method", "preset", "image_set", "created")
    return {
        **{name: record.get(name) for name in names},
        "title": job.get("title") or record.get("name"),
        "state": job.get("state", "interrupted"),
        "progress": job.get("progress", 0.0),
        "ended": job.get("ended"),
        "error": job.get("error"),
    }


def run(workspace: Workspace, id: str) -> dict[str, Any]:
    """Everything a page needs to show one run. Raises LabError for an unknown run."""
    folder = workspace.folder("runs", id)
    record = workspace.record("runs", id).model_dump(mode="json")
    job = _job(folder)
    return {
        "record": record,
        "title": job.get("title") or record.get("name"),
        "sheets": _numbered(folder / "samples", ".webp"),
        "checkpoints": _numbered(folder / "checkpoints", ""),
        "sheet": _sheet(folder),
        "target_images": target_images(record, job),
        "state": job.get("state", "interrupted"),
        "progress": job.get("progress", 0.0),
        "error": job.get("error"),
    }


def lines(workspace: Workspace) -> list[dict[str, Any]]:
    """All readable runs, newest first."""
    found = []
    for id in reversed(workspace.ids("runs")):
        try:
            found.append(line(workspace, id))
        except LabError:
            continue
    return found


def comparison(workspace: Workspace, ids: list[str]) -> dict[str, Any]:
    """Where runs differ, and the state of each. Raises LabError for runs that cannot be compared."""
    found = compared(workspace, ids, description.recall() or {})
    return {**found, "runs": [line(workspace, id) for id in ids]}


def make(workspace: Workspace) -> APIRouter:
    """Routes below /lab for any role; they only read."""
    router = APIRouter()

    @router.get("/runs")
    async def all_runs() -> Any:
        return {"runs": await run_in_threadpool(lines, workspace)}

    @router.get("/run/{id}")
    async def one_run(id: str) -> Any:
        try:
            return await run_in_threadpool(run, workspace, id)
        except LabError as error:
            return fault(error, 404)

    @router.get("/compare")
    async def compare(runs: str = "") -> Any:
        try:
            return await run_in_threadpool(comparison, workspace, runs.split(","))
        except LabError as error:
            return fault(error, 404)

    return router
