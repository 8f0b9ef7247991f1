"""The job `demo`: draws a catalogue of phantom mammograms, offline and always the same, and analyses it."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from engines import files
from engines.jobs.context import JobContext
from engines.options import Options, option
from engines.records import CatalogueRecord
from engines.tasks.base import TaskSpec
from engines.workspace import Workspace

DRAWING_VERSION = 1  # raise it when the same seed would give other pixels: the demo is then drawn anew
DRAWING_SHARE = 0.6  # of the progress bar; the analysis fills the rest
LAYOUT = "phantoms"
COLUMNS = (
    "item", "label", "patient", "side", "view", "split", "width", "height", "bits", "channels",
    "flaws", "deserves_rejection", "lesions", "grade", "style",
)  # fmt: skip


class DemoParameters(Options):
    """What to draw."""

    name: str = option(
        "Demo phantoms", "Name", "The name of the catalogue.", min_length=1, max_length=80, layer="basic"
    )
    count: int = option(
        640,
        "Images",
        "How many phantom mammograms to draw: four views of each phantom woman, half of the breasts with a lesion.",
        too_low="too few to train on",
        too_high="takes longer to draw and to curate",
        layer="basic",
        ge=4,
        le=20_000,
    )
    seed: int = option(
        1, "Seed", "Another number draws other women; the same number gives the same pixels.", ge=0, le=2**31 - 1
    )


def run(parameters: DemoParameters, context: JobContext) -> dict[str, Any]:
    """Give the demo catalogue: the one that is there, else a new one, drawn and analysed."""
    from engines.curation.pipeline import analyse_catalogue

    ws = context.workspace
    record = _existing(ws, parameters)
    new = record is None
    drawing_s = 0.0
    if record is None:
        started = time.monotonic()
        record = _draw_catalogue(ws, parameters, context)
        drawing_s = time.monotonic() - started
    if new or not _analysed(ws, record.id):
        context.progress(DRAWING_SHARE if new else 0.0, "Analysing the phantoms")
        analyse_catalogue(ws, record.id, context, share=(DRAWING_SHARE if new else 0.0, 1.0))
    return {
        "id": record.id,
        "items": record.items,
        "classes": record.classes,
        "patients": record.patients,
        "rejected": [],
        "drawn": new,
        "drawing_s": round(drawing_s, 2),
    }


def _existing(ws: Workspace, parameters: DemoParameters) -> CatalogueRecord | None:
    """Return the demo that was drawn with these numbers, if its images are still there."""
    wanted = {"count": parameters.count, "seed": parameters.seed, "drawing_version": DRAWING_VERSION}
    for record in ws.records("catalogues"):
        if record.layout == LAYOUT and wanted.items() <= record.parameters.items():
            if all(source.path.exists() for source in ws.sources(record.id).values()):
                found: CatalogueRecord = record
                return found
    return None


def _analysed(ws: Workspace, id: str) -> bool:
    from engines.curation.analysis import is_current

    return is_current(ws, id)


def _draw_catalogue(ws: Workspace, parameters: DemoParameters, context: JobContext) -> CatalogueRecord:
    """Draw all images into `phantoms/<id>` and write the catalogue; each of the two folders appears whole."""
    id = ws.new_id("catalogues", parameters.name)
    home = ws.path / "phantoms" / id
    files.require_space(ws.path, parameters.count * 80_000)
    files.remove_folder(home)  # left by a demo that was killed between its two folders: no catalogue names it
    with files.new_folder(home) as folder:
        rows, names = _draw_images(ws, parameters, context, folder)
        content = files.sha256_folder(folder)
    record = CatalogueRecord(
        id=id,
        name=parameters.name,
        layout=LAYOUT,
        items=len(rows),
        classes=dict(sorted(Counter(row["label"] for row in rows).items())),
        patients=len({row["patient"] for row in rows}),
        source="procedural phantoms",
        content_sha256=content,
        parameters={**parameters.model_dump(mode="json"), "drawing_version": DRAWING_VERSION},
        warnings=["These are procedural phantoms, drawn by this program. They show no patient."],
    )
    sources = [{"item": row["item"], "path": str(home / name)} for row, name in zip(rows, names, strict=True)]
    with files.new_folder(ws.folder("catalogues", id)) as folder:
        files.write_csv(folder / "items.csv", rows, COLUMNS)
        files.write_csv(folder / "sources.csv", sources, ("item", "path"))
        files.write_csv(folder / "rejected.csv", [], ("file", "reason", "advice"))
        ws.save("catalogues", record, folder)
    return record


def _draw_images(
    ws: Workspace, parameters: DemoParameters, context: JobContext, folder: Path
) -> tuple[list[dict[str, Any]], list[str]]:
    """Draw every image into a folder that is not yet public; gives the catalogue's rows and the file names."""
    from engines.phantoms.many import draw_many

    rows: list[dict[str, Any]] = []
    names: list[str] = []
    started = time.monotonic()
    for index, drawn in enumerate(draw_many(parameters.seed, parameters.count, context.pause_point)):
        phantom = drawn.phantom
        name = f"phantom_{index + 1:06d}_{phantom.side}_{phantom.view}.png"
        files.write_bytes(folder / name, drawn.png)
        names.append(name)
        rows.append(
            {
                "item": f"{index + 1:06d}",
                "label": phantom.label,
                "patient": ws.pseudonym(f"phantom {parameters.seed}/{phantom.patient}"),
                "side": phantom.side,
                "view": phantom.view,
                "width": drawn.width,
                "height": drawn.height,
                "bits": 8,
                "channels": 1,
                "flaws": ";".join(phantom.flaws),
                "deserves_rejection": int(phantom.deserves_rejection),
                "lesions": json.dumps([lesion.as_dict() for lesion in phantom.lesions]),
                "grade": phantom.grade,
                "style": phantom.style,
            }
        )
        done = (index + 1) / parameters.count
        eta_s = (time.monotonic() - started) * (1 / done - 1)
        context.progress(DRAWING_SHARE * done, f"Drawing phantom {index + 1} of {parameters.count}", eta_s)
    return rows, names


TASK = TaskSpec(
    name="demo",
    title="Demo phantoms",
    summary="Draws a catalogue of procedural mammograms, called phantoms, with and without lesions, some with the "
    "flaws that curation is for. Offline, always the same for one seed.",
    parameters=DemoParameters,
    run=run,
)
