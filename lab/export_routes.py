"""GET /lab/export: an export that was kept in the workspace, as a download for the owner."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from engines.errors import LabError
from engines.workspace import Workspace
from lab.answers import missing, only_owner


def make(workspace: Workspace) -> APIRouter:
    """Routes below /lab for the owner; an export may hold real images."""
    router = APIRouter()

    @router.get("/export/{id}/{name}")
    async def download(request: Request, id: str, name: str) -> Response:
        if refused := only_owner(request):
            return refused
        try:
            record = workspace.record("exports", id)
            folder = workspace.folder("exports", id).resolve()
        except LabError:
            return missing("There is no such export.")
        file = (folder / name).resolve()
        # Only the one file that the record names: a folder export is opened in the file manager instead.
        if name != record.path or file.parent != folder or file.suffix != ".zip" or not file.is_file():
            return missing("There is no such export.")
        return FileResponse(file, media_type="application/zip", filename=name)

    return router
