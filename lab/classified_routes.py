"""GET /lab/comparisons, /lab/comparison and /lab/classifying: comparisons of classifiers, their tables and files."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from engines import files
from engines.errors import LabError
from engines.jobs import description, events
from engines.records import ComparisonRecord
from engines.workspace import Workspace
from lab import classified_published, classified_report, classified_tables, classifying
from lab.answers import fault, missing, only_owner
from lab.catalogue_routes import to_owner
from lab.evaluation_pictures import inside

DOWNLOADS = {
    classifying.TEST_FILE: "text/csv; charset=utf-8",
    classifying.RECORD_FILE: "application/json",
    classifying.CURVES_FILE: "application/json",
}
MADE = {
    "table.csv": "text/csv; charset=utf-8",
    "table.tex": "text/x-tex; charset=utf-8",
    "table.md": "text/markdown; charset=utf-8",
    classified_report.FILE: "text/html; charset=utf-8",
    **classified_published.MADE,
}
NAMES = ("id", "name", "created", "real", "synthetic", "test", "classes", "positive", "seeds", "train_varies",
         "classifiers", "arms", "rows", "guards", "leaks", "tuned", "not_done", "cells", "warnings", "parameters",
         "versions")  # fmt: skip


class Desk:
    """What is read of comparisons; everything raises LabError for what is not there."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.lines = classifying.Lines(workspace)
        self._about: dict[str, Any] = {}

    @property
    def measures(self) -> dict[str, Any]:
        """The measures as the engine describes them."""
        found: dict[str, Any] = self.about().get("measures", {})
        return found

    def about(self) -> dict[str, Any]:
        """What the engine says of comparisons; looked up until it has said it."""
        if not self._about:
            task = (description.recall() or {}).get("tasks", {}).get(classifying.KIND, {})
            self._about = task.get("about", {})
        return self._about

    def published(self, record: ComparisonRecord) -> list[dict[str, Any]]:
        """What studies printed, beside this comparison's numbers; nothing where it is no study's."""
        methods = classified_published.methods_of(self.workspace, record)
        return classified_published.told(record, self.about().get("studies", {}), self.measures, methods)

    def record(self, id: str) -> ComparisonRecord:
        try:
            inside(self.workspace, self.workspace.folder("comparisons", id) / classifying.RECORD_FILE)
        except (OSError, LabError):
            raise LabError("There is no such comparison.", "", "Reload the page: it may have been removed.") from None
        found: ComparisonRecord = self.workspace.record("comparisons", id)
        return found

    def listed(self) -> dict[str, Any]:
        shown = {"id", "title", "state", "created"}
        at_work = [job.model_dump(include=shown) for job in classifying.jobs(self.workspace)]
        return {"comparisons": self.lines.all(), "jobs": at_work}

    def classifying(self, id: str, since: int) -> dict[str, Any]:
        return {**classifying.work(self.workspace, id, since), "measures": self.measures}

    def whole(self, id: str) -> dict[str, Any]:
        """Everything of a comparison but what single images were said to be."""
        record, folder = self.record(id), self.workspace.folder("comparisons", id)
        found: dict[str, Any] = events.finite({name: getattr(record, name) for name in NAMES})
        return {
            **found,
            "live": False,
            "whole": classifying.is_whole(record),
            "described": bool(self.measures),
            "measures": self.measures,
            "main": list(classifying.MAIN),
            "primary": classifying.primary(record),
            "headline": classifying.headline(record, self.measures),
            "summary": [classifying.dressed(line, self.measures) for line in record.summary],
            "overall": [classifying.dressed(line, self.measures) for line in classifying.overall(record)],
            "overall_title": classifying.overall_title(record),
            "published": self.published(record),
            "curves": self.curves(id),
            "files": [*MADE, *(name for name in DOWNLOADS if (folder / name).is_file())],
        }

    def curves(self, id: str) -> Any:
        """What its charts are drawn from; none where the file is gone: the numbers are there all the same."""
        with suppress(OSError, LabError):
            folder = self.workspace.folder("comparisons", id)
            return files.read_json(inside(self.workspace, folder / classifying.CURVES_FILE))
        return []

    def made(self, id: str, name: str, measures: str) -> str:
        """One of the files that are written when they are asked for."""
        record = self.record(id)
        if name == classified_report.FILE:
            published = classified_published.section(self.published(record))
            return classified_report.page(record, self.measures, self.curves(id), published)
        if name in classified_published.WRITERS:
            return classified_published.WRITERS[name](self.published(record))
        chosen = [one for one in measures.split(",") if one] or list(classifying.MAIN)
        return classified_tables.WRITERS[name](record, self.measures, chosen)


def make(workspace: Workspace) -> APIRouter:
    """Routes below /lab; all only read, off the event loop, and name patients: none is part of the viewer."""
    router = APIRouter()
    desk = Desk(workspace)

    @router.get("/comparisons")
    async def listed(request: Request) -> Any:
        return await to_owner(request, desk.listed)

    @router.get("/classifying/{id}")
    async def at_work(request: Request, id: str, since: int = 0) -> Any:
        return await to_owner(request, desk.classifying, id, since)

    @router.get("/comparison/{id}")
    async def whole(request: Request, id: str) -> Any:
        return await to_owner(request, desk.whole, id)

    @router.get("/comparison/{id}/download/{name}")
    async def download(request: Request, id: str, name: str, measures: str = "") -> Response:
        if refused := only_owner(request):
            return refused
        try:
            if name in MADE:
                text = await run_in_threadpool(desk.made, id, name, measures)
                about = {"Content-Disposition": f'attachment; filename="{id}-{name}"', "Cache-Control": "no-store"}
                return Response(text, media_type=MADE[name], headers=about)
            desk.record(id)
            if name not in DOWNLOADS:
                return missing("There is no such file.")
            file = inside(workspace, workspace.folder("comparisons", id) / name)
        except LabError as error:
            return fault(error, 404)
        return FileResponse(file, media_type=DOWNLOADS[name], filename=f"{id}-{name}")

    return router
