"""POST /lab/jobs, /lab/star and /lab/decide: the few things that the page's scripts change; no part of the viewer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from engines.errors import LabError, explain
from engines.workspace import Workspace
from lab.answers import body, fault, only_owner
from lab.engine import Engine

VERBS = frozenset(
    {
        "pause",
        "resume",
        "stop",
        "discard",
        "sample_now",
        "checkpoint_now",
        "remove",
        "up",
        "down",
        "hold",
        "release",
        "kill",
    }
)
DECIDED_KINDS = frozenset({"catalogues", "image_sets"})


def _text(given: dict[str, Any], name: str, most: int = 200) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or len(value) > most:
        raise LabError(f"“{name}” must be a text of at most {most} characters.", "", "Reload the page.")
    return value


def _decide(workspace: Workspace, given: dict[str, Any]) -> None:
    from engines import decisions

    kind, id = _text(given, "kind"), _text(given, "id")
    if kind not in DECIDED_KINDS:
        raise LabError("Only images of catalogues and image sets can be accepted or rejected.")
    folder = workspace.folder(kind, id)  # type: ignore[arg-type]
    if not folder.is_dir():
        raise LabError("It is no longer there.", f"“{id}” was not found.", "Reload the page.")
    sequence = given.get("seq", 0)
    if not isinstance(sequence, int):
        raise LabError("“seq” must be a whole number.", "", "Reload the page.")
    decisions.record_decision(
        folder,
        item=_text(given, "item", 40),
        verdict=_text(given, "verdict", 10),
        reason=_text(given, "reason"),
        client=_text(given, "client", 60),
        seq=sequence,
        by=_text(given, "by", 40).strip() or decisions.OWNER,
        undo=given.get("undo") is True,
    )


def _star(workspace: Workspace, id: str, given: dict[str, Any]) -> list[int]:
    """Mark or unmark a checkpoint of a run as one to keep; returns those that are marked now."""
    seen, on = given.get("images_seen"), given.get("on")
    if not isinstance(seen, int) or isinstance(seen, bool) or seen < 0 or not isinstance(on, bool):
        raise LabError("“images_seen” must be a whole number and “on” true or false.", "", "Reload the page.")
    run = workspace.run(id)
    if on and not (workspace.folder("runs", id) / "checkpoints" / f"{seen:08d}").is_dir():
        raise LabError("This checkpoint is no longer there.", "Old checkpoints are removed.", "Choose another one.")
    starred = sorted({*run.starred, seen} if on else {*run.starred} - {seen})
    workspace.save("runs", run.model_copy(update={"starred": starred}))
    workspace.audit("owner", "starred a checkpoint" if on else "unstarred a checkpoint", run=id, images_seen=seen)
    return starred


def make(workspace: Workspace, engine: Engine) -> APIRouter:
    """Routes below /lab for the owner."""
    router = APIRouter()

    @router.post("/jobs")
    async def submit(request: Request) -> Any:
        if refused := only_owner(request):
            return refused
        try:
            given = await body(request)
            parameters = given.get("parameters", {})
            if not isinstance(parameters, dict):
                raise LabError("“parameters” must be an object.", "", "Reload the page.")
            kind, title, key = _text(given, "kind", 40), _text(given, "title"), _text(given, "client_key", 80)
            id = await run_in_threadpool(engine.submit, kind, parameters, title, key)
            workspace.audit("owner", f"queued {kind}", job=id)
            return {"id": id}
        except LabError as error:
            return fault(error)
        except OSError as error:
            return fault(explain(error), 507)

    @router.post("/jobs/{id}/{verb}")
    async def ask(request: Request, id: str, verb: str) -> Any:
        if refused := only_owner(request):
            return refused
        if verb not in VERBS:
            return fault(LabError("That is not something a job can be asked.", "", "Reload the page."), 404)
        try:
            await run_in_threadpool(engine.act, id, verb)
            workspace.audit("owner", verb, job=id)
            return {"ok": True}
        except LabError as error:
            return fault(error, 409)
        except OSError as error:
            return fault(explain(error), 507)

    @router.post("/star/{id}")
    async def star(request: Request, id: str) -> Any:
        if refused := only_owner(request):
            return refused
        try:
            return {"starred": await run_in_threadpool(_star, workspace, id, await body(request))}
        except LabError as error:
            return fault(error)
        except OSError as error:
            return fault(explain(error), 507)

    @router.post("/decide")
    async def decide(request: Request) -> Any:
        if refused := only_owner(request):
            return refused
        try:
            await run_in_threadpool(_decide, workspace, await body(request))
            return {"ok": True}
        except LabError as error:
            return fault(error)
        except OSError as error:
            return fault(explain(error), 507)

    return router
