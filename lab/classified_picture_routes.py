"""GET /lab/comparison/{id}/images, /picture, /saliency and /predictions: single test images of a comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from engines.errors import LabError
from engines.workspace import Workspace
from lab.answers import fault, missing, only_owner
from lab.catalogue_routes import to_owner
from lab.classified_pictures import Predictions

# A comparison never changes; the page's address names the time of it, should an id be used again.
LASTING = {"Cache-Control": "private, max-age=86400"}


def make(workspace: Workspace) -> APIRouter:
    """Routes below /lab; all only read, off the event loop, and show patients' images: none is part of the viewer."""
    router = APIRouter()
    predictions = Predictions(workspace)

    @router.get("/comparison/{id}/images")
    async def images(
        request: Request,
        id: str,
        classifier: int = 0,
        arm: int = 0,
        true: int = 0,
        predicted: int = 0,
        start: int = 0,
        count: int = 24,
    ) -> Any:
        return await to_owner(request, predictions.images, id, classifier, arm, true, predicted, start, count)

    @router.get("/comparison/{id}/picture/{set_id}/{index}")
    async def picture(request: Request, id: str, set_id: str, index: int, side: int = 0) -> Response:
        return await _bytes(request, "image/png", LASTING, predictions.picture, id, set_id, index, side)

    @router.get("/comparison/{id}/saliency/{index}")
    async def saliency(request: Request, id: str, index: int, classifier: int = 0, arm: int = 0) -> Response:
        return await _bytes(request, "image/png", LASTING, predictions.saliency, id, classifier, arm, index)

    @router.get("/comparison/{id}/predictions")
    async def table(request: Request, id: str, classifier: int = 0, arm: int = 0) -> Response:
        name = f"{id}-predictions-{classifier}-{arm}.csv"
        about = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return await _bytes(request, "text/csv; charset=utf-8", about, predictions.table, id, classifier, arm)

    return router


async def _bytes(
    request: Request, kind: str, headers: dict[str, str], read: Callable[..., bytes], *about: Any
) -> Response:
    """Answer the owner with what `read` gives; its errors in words."""
    if refused := only_owner(request):
        return refused
    try:
        return Response(await run_in_threadpool(read, *about), media_type=kind, headers=headers)
    except LabError as error:
        return fault(error, 404)
    except (OSError, ValueError):
        return missing("This cannot be read.")
