"""The job `add`: a folder of pictures becomes a catalogue. Pictures stay where they lie; only headers are read."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any, Literal

from engines import files
from engines.errors import LabError
from engines.jobs.context import JobContext, JobStopped
from engines.layouts.base import LayoutSpec, Rejection
from engines.options import Options, option
from engines.records import CatalogueRecord
from engines.tasks.base import TaskSpec
from engines.tasks.gathering import (
    AUTO,
    HEADER_SHARE,
    REJECTED_COLUMNS,
    REJECTED_SOURCE_COLUMNS,
    SOURCE_COLUMNS,
    Gathered,
    Tally,
    choose_layout,
    count_pictures,
    gather,
    nothing,
    written,
)
from engines.workspace import Workspace

# From here on the processes that look at pictures start while the headers are read: the first page is there sooner.
MANY = 2000


class AddParameters(Options):
    """Which folder to add, and how to read its names."""

    path: str = option(
        ..., "Folder", "The folder that holds the pictures. They stay where they are.", layer="basic", min_length=1
    )
    name: str = option(
        "", "Name", "The name of the catalogue; without one, the collection's.", max_length=80, layer="basic"
    )
    layout: str = option(
        AUTO, "Layout", "How the collection lies on the disk; auto looks for a known one.", layer="basic", min_length=1
    )  # fmt: skip
    origin: Literal["real", "synthetic"] = option(
        "real",
        "These images are",
        "Real images, or synthetic ones that somebody else's generator made: those are measured and compared like the "
        "lab's own, and are never taken for real in a test.",
        layer="basic",
    )


def run(parameters: AddParameters, context: JobContext) -> dict[str, Any]:
    """Make a catalogue of a folder and analyse it. Raises LabError where there is no picture, JobStopped on Stop."""
    # The pipeline brings scipy and skimage: a description of this task must not wait for them.
    from engines.curation.analysis import analyse_catalogue, drop_items
    from engines.curation.inspection import inspect_file
    from engines.curation.pool import Pool

    workspace = context.workspace
    folder = _folder(parameters.path, workspace)
    context.progress(0.0, "Looking for pictures")
    layout = choose_layout(folder, parameters.layout)
    # Never the folder's name, which can be a patient's: it would go into ids, titles and exports.
    name = parameters.name.strip() or (layout.title if layout.source else "Pictures")
    id = workspace.new_id("catalogues", name)
    total = count_pictures(layout, folder, context)
    with Pool() as pool:
        if total >= MANY:
            pool.begin(inspect_file)
        with files.new_folder(workspace.folder("catalogues", id)) as home:
            gathered = gather(layout, folder, total, home, workspace, context)
            record = _record(id, name, layout, gathered, parameters.origin)
            workspace.save("catalogues", record, home)
        try:
            analyse_catalogue(workspace, id, context, (HEADER_SHARE, 1.0), pool)
        except JobStopped as stop:
            if stop.discard:  # after Stop the catalogue stays; whoever needs its analysis makes it
                files.remove_folder(workspace.folder("catalogues", id))
            raise
    if unreadable := _unreadable(workspace, id):
        _leave_out(workspace, id, unreadable, gathered)
        gathered.tally = Tally.of(workspace.folder("catalogues", id) / "items.csv")
        record = _record(id, name, layout, gathered, parameters.origin)
        workspace.save("catalogues", record)
        drop_items(workspace, id, set(unreadable))
    return {
        "id": record.id,
        "items": record.items,
        "classes": record.classes,
        "patients": record.patients,
        "rejected": gathered.refusals.told,
        "rejected_count": gathered.refusals.count,
        "layout": layout.name,
        "warnings": record.warnings,
    }


def _folder(text: str, workspace: Workspace) -> Path:
    """The folder to add. Raises LabError where it cannot be one."""
    folder = Path(text).expanduser().resolve()
    if folder.is_file():
        is_archive = folder.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
        advice = "Unpack it, then add the folder." if is_archive else "Add the folder that it lies in."
        raise LabError("This is a file, not a folder.", "", advice)
    if not folder.is_dir():
        raise LabError(
            "This folder does not exist.", "It may have been moved or renamed, or its drive is not connected.",
            "Check the path: it is one on the computer that runs Phantom Lab.",
        )  # fmt: skip
    if folder == workspace.path or folder in workspace.path.parents:
        raise LabError(
            "This folder holds the workspace itself.", "Its thumbnails would be added as pictures.",
            "Choose a folder that holds the pictures only.",
        )  # fmt: skip
    return folder


def _record(
    id: str, name: str, layout: LayoutSpec, gathered: Gathered, origin: Literal["real", "synthetic"]
) -> CatalogueRecord:
    """The record of a catalogue whose rows have been counted."""
    tally = gathered.tally
    return CatalogueRecord(
        id=id,
        name=name,
        layout=layout.name,
        items=tally.items,
        origin=origin,
        classes=dict(sorted(tally.classes.items())),
        patients=len(tally.patients),
        rejected=gathered.refusals.count,
        source=layout.title if layout.source else "",
        parameters={"layout": layout.name, "origin": origin},  # without the path, which can name a person
        content_sha256=tally.content_sha256,
        warnings=[*gathered.notes, *_warnings(tally, origin)],
    )


def _warnings(tally: Tally, origin: str) -> list[str]:
    """What a researcher should know of the collection before training on it."""
    warnings = []
    if len(tally.intents) > 1:
        warnings.append(
            "Some pictures are FOR PROCESSING (raw), others FOR PRESENTATION. They differ in looks: train on one kind."
        )
    if tally.burned_in:
        warnings.append(
            f"{tally.burned_in} pictures say that text is burned into them. Look whether it names a person."
        )
    if tally.copies:
        warnings.append(
            f"{tally.copies} files are exact copies of others. Copies in two parts of a split spoil every score."
        )
    if not tally.patients and origin == "real":
        warnings.append("Patients are not known, so a split cannot keep one person's pictures together.")
    return warnings


def _unreadable(workspace: Workspace, id: str) -> dict[str, str]:
    """Pictures with a sound header whose pixels the analysis could not decode, and why."""
    from engines.curation.analysis import UNREADABLE, read_analysis

    return {
        row["item"]: row["reason"].removeprefix(f"{UNREADABLE}: ")
        for row in read_analysis(workspace, id)
        if row["reason"].startswith(UNREADABLE)
    }


def _leave_out(workspace: Workspace, id: str, unreadable: dict[str, str], gathered: Gathered) -> None:
    """Move pictures from the catalogue's tables to its refusals. Raises LabError, without it, if none is left."""
    home = workspace.folder("catalogues", id)
    advice = "Fetch the file again, then add the folder again."
    paths = [
        (row["item"], Path(row["path"])) for row in files.iter_csv(home / "sources.csv") if row["item"] in unreadable
    ]
    refused = [gathered.refusals.add(Rejection(path, unreadable[item], advice)) for item, path in paths]
    refused_sources = [
        {"file": row["file"], "path": written(path)} for row, (_, path) in zip(refused, paths, strict=True)
    ]
    if len(unreadable) >= gathered.tally.items:
        files.remove_folder(home)
        raise nothing(gathered.refusals)
    with open(home / "items.csv", encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    for name, names in (("items", columns), ("sources", SOURCE_COLUMNS)):
        rows = (row for row in files.iter_csv(home / f"{name}.csv") if row["item"] not in unreadable)
        files.write_csv(home / f"{name}.csv", rows, names)
    for table, more, heads in (
        ("rejected", refused, REJECTED_COLUMNS),
        ("rejected_sources", refused_sources, REJECTED_SOURCE_COLUMNS),
    ):
        files.write_csv(home / f"{table}.csv", itertools.chain(files.iter_csv(home / f"{table}.csv"), more), heads)


TASK = TaskSpec(
    name="add",
    title="Add a folder",
    summary="Makes a catalogue of the pictures in a folder. They stay where they are and are never changed; files that "
    "cannot be read are listed with the reason.",
    parameters=AddParameters,
    run=run,
)
