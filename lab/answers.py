"""Answers of our own routes: errors as words with a real status code, and small request bodies read with a limit."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engines.errors import LabError
from lab.security import role_of

MOST_BODY_BYTES = 256 * 1024


def fault(error: LabError, status: int = 400) -> JSONResponse:
    """An error as the page shows it: what, why and advice."""
    return JSONResponse({"error": error.what, "detail": error.why or error.what, "advice": error.advice}, status)


def missing(what: str) -> JSONResponse:
    """404 in words."""
    return fault(LabError(what, "", "Reload the page: it may have been removed."), 404)


def only_owner(request: Request) -> Response | None:
    """The refusal for everybody but the owner, else None."""
    if role_of(request) == "owner":
        return None
    return fault(LabError("This is a read-only view.", "", "Ask the owner of the workspace to do it."), 403)


async def body(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises LabError if it is none or too long."""
    data = bytearray()
    async for chunk in request.stream():
        data.extend(chunk)
        if len(data) > MOST_BODY_BYTES:
            raise LabError("The request is too long.", "", "Send less at once.")
    try:
        value = json.loads(bytes(data))
    except ValueError as error:
        raise LabError("The request could not be read.", "It is not valid JSON.", "Reload the page.") from error
    if not isinstance(value, dict):
        raise LabError("The request could not be read.", "It is no JSON object.", "Reload the page.")
    return value
