"""POST and GET /lab/latents: hands what the page asks of a latent space to the job that draws it, and waits with it."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from engines import files
from engines.errors import LabError, explain
from engines.jobs import store
from engines.records import ENDED_STATES
from engines.workspace import Workspace
from lab.answers import body, fault, only_owner

KIND, REQUESTS, FOLDER = "latents", "requests.jsonl", "latents"  # as in engines/tasks/latents.py
CLIENT = re.compile(r"[a-z0-9]{1,16}")
MOST_FIELDS = 16
WAIT_S = 8.0  # below the page's patience with any request
LOOK_EVERY_S = 0.006
LOOK_AT_JOB_S = 0.3
GONE = 410  # the page starts the job again, and asks again


def alive(workspace: Workspace, id: str) -> Path | None:
    """The folder of a drawing job, None if it has ended as it should. Raises LabError if it failed, or is none."""
    folder = workspace.folder("jobs", id)
    if not folder.is_dir():
        return None
    job = store.read(folder)
    if job.kind != KIND:
        raise LabError("This job draws no latent space.", "", "Reload the page.")
    if job.state in ENDED_STATES and job.error:
        raise LabError(**job.error)
    return None if job.state in ENDED_STATES else folder


def ask(workspace: Workspace, id: str, given: dict[str, Any]) -> bool:
    """Hand a request over; whether the job is there to answer it. The job itself checks what is asked."""
    folder = alive(workspace, id)
    if folder is None:
        return False
    if len(given) > MOST_FIELDS:
        raise LabError("The request could not be read.", "", "Reload the page.")
    try:
        files.append_jsonl(folder / REQUESTS, given)
    except ValueError as error:
        raise LabError("The request could not be read.", "A number in it is none.", "Reload the page.") from error
    return True


def answered(folder: Path, client: str, view: str, number: int) -> dict[str, Any] | None:
    """The newest answer to a client's view, None while it is older than what was asked."""
    try:
        found = files.read_json(folder / FOLDER / f"{client}-{view}.json")
    except (OSError, LabError):
        return None
    return found if isinstance(found, dict) and found.get("number", -1) >= number else None


def make(workspace: Workspace) -> APIRouter:
    """Routes below /lab for the owner; not part of the viewer. Starting the job is job_routes.py's."""
    router = APIRouter()

    @router.post("/latents/{id}")
    async def hand_over(request: Request, id: str) -> Any:
        if refused := only_owner(request):
            return refused
        try:
            if not await run_in_threadpool(ask, workspace, id, await body(request)):
                return fault(LabError("The drawing has ended."), GONE)
            return {"ok": True}
        except LabError as error:
            return fault(error, 409)
        except OSError as error:
            return fault(explain(error), 507)

    @router.get("/latents/{id}/{client}/{view}")
    async def wait(request: Request, id: str, client: str, view: Literal["map", "strip"], number: int = 0) -> Any:
        if refused := only_owner(request):
            return refused
        if not CLIENT.fullmatch(client):
            return fault(LabError("The request could not be read.", "", "Reload the page."), 404)
        until, look_at = time.monotonic() + WAIT_S, 0.0
        folder: Path | None = None
        while (now := time.monotonic()) < until:
            if now >= look_at:
                try:
                    folder, look_at = alive(workspace, id), now + LOOK_AT_JOB_S
                except LabError as error:
                    return fault(error, 409)
            if folder is None:
                return fault(LabError("The drawing has ended."), GONE)
            if (found := answered(folder, client, view, number)) is not None:
                return found
            if await request.is_disconnected():
                break
            await asyncio.sleep(LOOK_EVERY_S)
        return JSONResponse({"pending": True}, 202)

    return router
