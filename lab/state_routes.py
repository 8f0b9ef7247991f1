"""GET /lab/state and /lab/live: what every open page asks for each second."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from engines.errors import LabError
from engines.jobs import events
from engines.workspace import Workspace
from lab.answers import missing
from lab.live import LiveState
from lab.security import role_of


def make(workspace: Workspace, state: LiveState) -> APIRouter:
    """Routes below /lab for any role; async and cheap, so that they never wait behind slow handlers."""
    router = APIRouter()

    @router.get("/state")
    async def read_state(request: Request) -> Any:
        return {**state.read(), "role": role_of(request)}

    @router.get("/live/{id}")
    async def live(id: str, since: int = 0) -> Response:
        try:
            folder = workspace.job_folder(id)
        except LabError:
            return missing("There is no such job.")
        if not folder.is_dir():
            return missing("There is no such job.")
        cursor, lines = events.read_since(folder / events.FILE, since)
        text = f'{{"next":{cursor},"events":[{",".join(lines)}]}}'
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    return router
