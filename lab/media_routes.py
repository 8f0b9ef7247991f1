"""GET /lab/media: pictures of the workspace, and nothing else of it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from engines.errors import LabError
from engines.workspace import Workspace
from lab.answers import fault, missing
from lab.catalogue_columns import ANALYSIS, GROWING
from lab.security import role_of

# Kind -> what may be asked for: the first part of the path below the thing's folder, or a picture in the folder itself.
ALLOWED: dict[str, tuple[str, ...]] = {
    "runs": ("samples", "reals.webp"),
    "catalogues": ("analysis",),
    "image_sets": ("thumbnails",),
    "evaluations": ("pictures",),
    "jobs": ("preview", "samples", "latents"),
}
TYPES = {".webp": "image/webp", ".png": "image/png"}
OWNER_ONLY_FILES = frozenset({"reals.webp"})


def is_real(workspace: Workspace, kind: str, id: str, path: PurePosixPath) -> bool:
    """Whether a picture shows, or may show, patients: then only the owner sees it."""
    if kind in ("catalogues", "evaluations", "jobs") or path.name in OWNER_ONLY_FILES:
        return True
    if kind == "image_sets":
        try:
            return not workspace.record("image_sets", id).drawn_here
        except LabError:
            return True
    return False


def find(workspace: Workspace, kind: str, id: str, path: str) -> Path | None:
    """The picture's file, or None for anything that is not an allowed picture inside that thing's folder."""
    parts = PurePosixPath(path).parts
    if kind not in ALLOWED or not parts or parts[0] not in ALLOWED[kind] or "\\" in path or "\0" in path:
        return None
    try:
        folder = workspace.folder(kind, id).resolve()  # type: ignore[arg-type]
    except LabError:
        return None
    if parts[0] == ANALYSIS and not (folder / ANALYSIS).exists():
        parts = (GROWING, *parts[1:])
    file = folder.joinpath(*parts).resolve()
    if not folder.is_relative_to(workspace.path.resolve()) or not file.is_relative_to(folder):
        return None
    return file if file.suffix in TYPES and file.is_file() else None


def make(workspace: Workspace) -> APIRouter:
    """Routes below /lab; real images for the owner only."""
    router = APIRouter()

    @router.get("/media/{kind}/{id}/{path:path}")
    async def media(request: Request, kind: str, id: str, path: str) -> Response:
        file = find(workspace, kind, id, path)
        if file is None:
            return missing("There is no such picture.")
        if role_of(request) != "owner" and is_real(workspace, kind, id, PurePosixPath(path)):
            return fault(LabError("Real images are not part of this view.", "", "Ask the owner to show them."), 403)
        # Sheets never change under their name; a thumbnail may when a catalogue is analysed again.
        lasting = "private, max-age=31536000, immutable" if parts_lasting(kind, path) else "private, max-age=60"
        return FileResponse(file, media_type=TYPES[file.suffix], headers={"Cache-Control": lasting})

    return router


def parts_lasting(kind: str, path: str) -> bool:
    """Whether a picture keeps its content for ever under its name."""
    return kind == "runs" and path.startswith("samples/")
