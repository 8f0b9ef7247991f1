"""Export: the accepted images of a set, with a manifest, as a folder or an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engines import decisions, files, registry
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.options import Options, option
from engines.records import ExportRecord
from engines.tasks.base import TaskSpec
from engines.workspace import ImageSet


class ExportParameters(Options):
    image_set: str = option(..., "Image set", "The set whose accepted images are written.", layer="dial")
    format: str = option("zip", "Format", "How the images are handed on.", layer="basic")
    to: str = option(
        "",
        "Folder",
        "Where to write. Empty keeps the export in the workspace, from where the page offers it as a download.",
        layer="basic",
    )
    name: str = option("", "Name", "The export's name; empty takes the set's.", layer="all", max_length=80)


def accepted(image_set: ImageSet) -> list[int]:
    """Positions of the images that nobody rejected."""
    verdicts = decisions.current(image_set.folder)
    rejected = {item for item, (verdict, _) in verdicts.items() if verdict == "reject"}
    return [position for position, row in enumerate(image_set.items) if row["item"] not in rejected]


def run(parameters: ExportParameters, context: JobContext) -> dict[str, Any]:
    formats = registry.load("exporting")
    if parameters.format not in formats:
        raise LabError(
            f"“{parameters.format}” is not an export format.", "", f"Choose one of: {', '.join(sorted(formats))}."
        )
    workspace = context.workspace
    image_set = workspace.image_set(parameters.image_set)
    chosen = accepted(image_set)
    if not chosen:
        raise LabError("There is nothing to export.", "Every image of this set is rejected.", "Accept some first.")
    files.require_space(workspace.path, 2 * image_set.images[0].nbytes * len(chosen))
    id = workspace.new_id("exports", parameters.name or image_set.record.name)
    target = Path(parameters.to).expanduser().resolve() / id if parameters.to else workspace.folder("exports", id)

    def progress(fraction: float) -> None:
        context.check()
        context.progress(fraction, f"Writing {len(chosen):,} images")

    with files.new_folder(target) as folder:
        product = formats[parameters.format].write(image_set, chosen, folder, progress)
        product_name = product.name
        record = ExportRecord(
            id=id, name=parameters.name or image_set.record.name, image_set=image_set.record.id,
            format=parameters.format, files=len(chosen), path=product_name,
            parents={f"image_sets/{image_set.record.id}": image_set.record.content_sha256},
            parameters=parameters.model_dump(exclude={"to"}),
        )  # fmt: skip
        if not parameters.to:
            workspace.save("exports", record, folder)
    if parameters.to:
        workspace.save("exports", record)
    workspace.audit("owner", "export", export=id, image_set=image_set.record.id, images=len(chosen))
    return {"id": id, "path": str(target / product_name), "files": len(chosen), "manifest": "manifest.csv"}


TASK = TaskSpec(
    name="export",
    title="Export",
    summary="Write the accepted images of a set with a manifest and checksums.",
    parameters=ExportParameters,
    run=run,
)
