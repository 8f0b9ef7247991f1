"""GET /lab/evaluations, /lab/evaluation and /lab/measuring: what was measured, its pictures and its files."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from engines import files
from engines.errors import LabError
from engines.jobs import description
from engines.workspace import Workspace
from lab import evaluating, evaluation_compare, evaluation_map, evaluation_report, evaluation_scorecard, numbers
from lab.answers import fault, missing, only_owner
from lab.catalogue_routes import to_owner
from lab.evaluation_pictures import Pictures, inside

DOWNLOADS = {
    evaluating.METRICS_FILE: "text/csv; charset=utf-8",
    evaluating.IMAGES_FILE: "text/csv; charset=utf-8",
    evaluation_map.FILE: "text/csv; charset=utf-8",
    evaluating.RECORD_FILE: "application/json",
}
DIGITS = 5  # significant: more than a histogram can show
Kind = Literal["synthetic", "real", "held_out", "laid", "difference"]


class Desk:
    """What is read of evaluations; everything raises LabError for what is not there."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.pictures = Pictures(workspace)
        self.lines = evaluating.Lines(workspace)
        self._specs: dict[str, Any] = {}

    @property
    def specs(self) -> dict[str, Any]:
        """The metrics as the engine describes them; looked up until it has done so."""
        if not self._specs:
            self._specs = (description.recall() or {}).get("metrics", {})
        return self._specs

    def listed(self, of: str) -> dict[str, Any]:
        return {"evaluations": self.lines.of(of), "job": evaluating.at_work(self.workspace, of)}

    def measuring(self, id: str, since: int) -> dict[str, Any]:
        return evaluating.work(self.workspace, id, since, self.specs)

    def whole(self, id: str) -> dict[str, Any]:
        """Everything of an evaluation but its pictures and the numbers of single images."""
        record, specs = self.pictures.record(id), self.specs
        folder = self.workspace.folder("evaluations", id)
        try:
            height, width = self.pictures.synthetic(record).shape[1:3]
            shown = bool(len(self.pictures.real(record)))
        except (LabError, OSError, ValueError):
            height, width, shown = 0, 0, False
        names = ("id", "created", "real", "synthetic", "held_out", "extractor", "resizer", "warnings", "not_measured")
        return {
            **{name: getattr(record, name) for name in names},
            "of_run": self.workspace.folder("runs", record.synthetic).is_dir(),
            "seed": record.parameters.get("seed", 0),
            "described": bool(specs),
            "rows": [evaluating.dressed(row, specs) for row in record.metrics],
            "best": evaluating.bests(record.metrics, specs),
            "copies": evaluating.copies(record, height, width),
            "columns": evaluating.columns(self._header(folder), record, specs),
            "pictures": shown,
            "map": (folder / evaluation_map.FILE).is_file(),
            "scorecard": evaluation_scorecard.criteria(self.workspace, record),
            "files": [name for name in DOWNLOADS if (folder / name).is_file()],
        }

    def compared(self, ids: str) -> dict[str, Any]:
        """Two to four measurements side by side; `ids` with commas between them."""
        records = [self.pictures.record(id) for id in ids.split(",") if id]
        return evaluation_compare.compared(records, self.specs)

    def map(self, id: str) -> dict[str, Any]:
        """Where all images lie beside one another."""
        self.pictures.record(id)
        return evaluation_map.read(self.workspace.folder("evaluations", id))

    def _header(self, folder: Any) -> list[str]:
        """The columns of the table of images."""
        try:
            return list(next(files.iter_csv(folder / evaluating.IMAGES_FILE), {}))
        except OSError:
            return []

    def column(self, id: str, name: str) -> dict[str, Any]:
        """One number of every synthetic image, its nearest real one, and what new patients' images score."""
        record = self.pictures.record(id)
        folder = self.workspace.folder("evaluations", id)
        known = {column["name"]: column for column in evaluating.columns(self._header(folder), record, self.specs)}
        if name not in known:
            raise LabError("This was not measured of single images.", "", "Reload the page.")
        metric = known[name]["metric"]
        values: list[float | None] = []
        nearest: list[int | None] = []
        for row in files.iter_csv(folder / evaluating.IMAGES_FILE):
            values.append(_number(row.get(name)))
            real = _number(row.get(f"{metric}_nearest"))
            nearest.append(None if real is None else int(real))
        details = (evaluating.newest_row(record, metric) or {}).get("details") or {}
        compared = str(details.get("compared_with") or details.get("calibrated_on") or "real images of other patients")
        return {
            **known[name], "values": values, "nearest": nearest, "compared_with": compared,
            "unseen": evaluating.unseen(details, name), "threshold": numbers.finite(details.get("threshold")),
        }  # fmt: skip


def _number(text: Any) -> float | None:
    try:
        return numbers.finite(float(f"{float(text):.{DIGITS}g}"))
    except (TypeError, ValueError):
        return None


def make(workspace: Workspace) -> APIRouter:
    """Routes below /lab; all only read, off the event loop, and show real images: none is part of the viewer."""
    router = APIRouter()
    desk = Desk(workspace)

    @router.get("/evaluations")
    async def listed(request: Request, of: str = "") -> Any:
        return await to_owner(request, desk.listed, of)

    @router.get("/evaluations/all")
    async def everything(request: Request) -> Any:
        return await to_owner(request, lambda: {"evaluations": desk.lines.all()})

    @router.get("/evaluations/compared")
    async def side_by_side(request: Request, ids: str = "") -> Any:
        return await to_owner(request, desk.compared, ids)

    @router.get("/measuring/{id}")
    async def measuring(request: Request, id: str, since: int = 0) -> Any:
        return await to_owner(request, desk.measuring, id, since)

    @router.get("/evaluation/{id}")
    async def whole(request: Request, id: str) -> Any:
        return await to_owner(request, desk.whole, id)

    @router.get("/evaluation/{id}/map")
    async def places(request: Request, id: str) -> Any:
        return await to_owner(request, desk.map, id)

    @router.get("/evaluation/{id}/column/{name}")
    async def column(request: Request, id: str, name: str) -> Any:
        return await to_owner(request, desk.column, id, name)

    @router.get("/evaluation/{id}/picture/{kind}/{index}")
    async def picture(request: Request, id: str, kind: Kind, index: int, nearest: int = -1, side: int = 0) -> Response:
        if refused := only_owner(request):
            return refused
        try:
            drawn = await run_in_threadpool(desk.pictures.draw, id, kind, index, nearest, side)
        except LabError as error:
            return fault(error, 404)
        except (OSError, ValueError):
            return missing("This picture cannot be read.")
        # What was measured never changes; the page's address names the time of it, should an id be used again.
        return Response(drawn, media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})

    @router.get("/evaluation/{id}/download/{name}")
    async def download(request: Request, id: str, name: str) -> Response:
        if refused := only_owner(request):
            return refused
        try:
            record = desk.pictures.record(id)
            if name == evaluation_report.FILE:
                criteria = evaluation_scorecard.criteria(workspace, record)
                page = await run_in_threadpool(evaluation_report.page, record, desk.specs, criteria)
                about = {"Content-Disposition": f'attachment; filename="{id}-{name}"', "Cache-Control": "no-store"}
                return Response(page, media_type="text/html; charset=utf-8", headers=about)
            if name not in DOWNLOADS:
                return missing("There is no such file.")
            file = inside(workspace, workspace.folder("evaluations", id) / name)
        except LabError as error:
            return fault(error, 404)
        return FileResponse(file, media_type=DOWNLOADS[name], filename=f"{id}-{name}")

    return router
