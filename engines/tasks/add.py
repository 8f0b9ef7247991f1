"""The job `add`: a folder of pictures becomes a catalogue. Pictures stay where they lie; only headers are read."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from engines import files
from engines.errors import LabError
from engines.jobs.context import JobContext, JobStopped
from engines.layouts.base import LayoutSpec, Rejection
from engines.options import Options, option
from engines.records import CatalogueRecord
from engines.tasks.base import TaskSpec
from engines.tasks.gathering import AUTO, HEADER_SHARE, Found, Kept, choose_layout, nothing, read_headers, scan
from engines.workspace import Workspace

COLUMNS = ("item", "label", "patient", "side", "view", "split", "width", "height", "bits", "channels")
REJECTED_COLUMNS = ("file", "reason", "advice")
MOST_TOLD = 500  # refusals in the result; rejected.csv holds all


class AddParameters(Options):
    """Which folder to add, and how to read its names."""

    path: str = option(
        ..., "Folder", "The folder that holds the pictures. They stay where they are.", layer="basic", min_length=1
    )
    name: str = option(
        "", "Name", "The name of the catalogue; without one, the folder's.", max_length=80, layer="basic"
    )
    layout: str = option(
        AUTO, "Layout", "How the collection lies on the disk; auto looks for a known one.", layer="basic", min_length=1
    )  # fmt: skip


def run(parameters: AddParameters, context: JobContext) -> dict[str, Any]:
    """Make a catalogue of a folder and analyse it. Raises LabError where there is no picture, JobStopped on Stop."""
    # The pipeline brings scipy and skimage: a description of this task must not wait for them.
    from engines.curation.analysis import analyse_catalogue, drop_items

    workspace = context.workspace
    folder = _folder(parameters.path, workspace)
    context.progress(0.0, "Looking for pictures")
    layout = choose_layout(folder, parameters.layout)
    found = scan(layout, folder, context)
    kept = read_headers(found, workspace, context)
    if not kept.rows:
        raise nothing(found)
    name = (parameters.name.strip() or folder.name)[:80] or "Pictures"
    id = workspace.new_id("catalogues", name)
    with files.new_folder(workspace.folder("catalogues", id)) as home:
        record = _write(workspace, home, _record(id, name, layout, kept, found), kept, found, folder)
    try:
        analyse_catalogue(workspace, id, context, share=(HEADER_SHARE, 1.0))
    except JobStopped as stop:
        if stop.discard:  # after Stop the catalogue stays; whoever needs its analysis makes it
            files.remove_folder(workspace.folder("catalogues", id))
        raise
    if unreadable := _take_unreadable(workspace, id, kept, found):
        if not kept.rows:
            files.remove_folder(workspace.folder("catalogues", id))
            raise nothing(found)
        record = _record(id, name, layout, kept, found)
        _write(workspace, workspace.folder("catalogues", id), record, kept, found, folder)
        drop_items(workspace, id, unreadable)
    rejected = [_refusal(rejection, folder) for rejection in found.rejected]
    return {
        "id": record.id,
        "items": record.items,
        "classes": record.classes,
        "patients": record.patients,
        "rejected": rejected[:MOST_TOLD],
        "rejected_count": len(rejected),
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


def _record(id: str, name: str, layout: LayoutSpec, kept: Kept, found: Found) -> CatalogueRecord:
    digest = hashlib.sha256()
    for row, content in zip(kept.rows, kept.digests, strict=True):
        digest.update(f"{row['item']} {content}\n".encode())
    return CatalogueRecord(
        id=id,
        name=name,
        layout=layout.name,
        items=len(kept.rows),
        classes=dict(sorted(Counter(row["label"] for row in kept.rows).items())),
        patients=len({row["patient"] for row in kept.rows} - {""}),
        rejected=len(found.rejected),
        source=layout.title if layout.source else "",
        parameters={"layout": layout.name},  # without the path, which can name a person
        content_sha256=digest.hexdigest(),
        warnings=[*found.notes, *_warnings(kept)],
    )


def _warnings(kept: Kept) -> list[str]:
    """What a researcher should know of the collection before training on it."""
    warnings = []
    intents = {row.get("intent", "") for row in kept.rows} - {""}
    if len(intents) > 1:
        warnings.append(
            "Some pictures are FOR PROCESSING (raw), others FOR PRESENTATION. They differ in looks: train on one kind."
        )
    if burned := sum(row.get("burned_in") == "YES" for row in kept.rows):
        warnings.append(f"{burned} pictures say that text is burned into them. Look whether it names a person.")
    contents = Counter(digest for digest in kept.digests if digest)
    if copies := sum(contents.values()) - len(contents):
        warnings.append(f"{copies} files are exact copies of others. Copies in two parts of a split spoil every score.")
    if not any(row["patient"] for row in kept.rows):
        warnings.append("Patients are not known, so a split cannot keep one person's pictures together.")
    return warnings


def _write(
    workspace: Workspace, home: Path, record: CatalogueRecord, kept: Kept, found: Found, folder: Path
) -> CatalogueRecord:
    """Write the catalogue's tables and record into `home`."""
    extra = dict.fromkeys(column for row in kept.rows for column in row if column not in COLUMNS)
    sources = [{"item": row["item"], "path": str(path)} for row, path in zip(kept.rows, kept.paths, strict=True)]
    rejected = [_refusal(rejection, folder) for rejection in found.rejected]
    files.write_csv(home / "items.csv", kept.rows, (*COLUMNS, *extra))
    files.write_csv(home / "sources.csv", sources, ("item", "path"))
    files.write_csv(home / "rejected.csv", rejected, REJECTED_COLUMNS)
    workspace.save("catalogues", record, home)
    return record


def _take_unreadable(workspace: Workspace, id: str, kept: Kept, found: Found) -> set[str]:
    """Move pictures with a sound header whose pixels the analysis could not decode from `kept` to `found.rejected`."""
    from engines.curation.analysis import UNREADABLE, read_analysis

    reasons = {row["item"]: row["reason"] for row in read_analysis(workspace, id)}
    bad = {item for item, reason in reasons.items() if reason.startswith(UNREADABLE)}
    whole = list(zip(kept.rows, kept.paths, kept.digests, strict=True))
    for row, path, _ in whole:
        if row["item"] in bad:
            reason = reasons[row["item"]].removeprefix(f"{UNREADABLE}: ")
            found.rejected.append(Rejection(path, reason, "Fetch the file again, then add the folder again."))
    if bad:
        good = [parts for parts in whole if parts[0]["item"] not in bad]
        kept.rows, kept.paths, kept.digests = ([parts[n] for parts in good] for n in range(3))  # type: ignore[assignment]
    return bad


def _refusal(rejection: Rejection, folder: Path) -> dict[str, str]:
    """A refusal with the file's name below the added folder."""
    try:
        name = rejection.path.relative_to(folder).as_posix()
    except ValueError:
        name = rejection.path.name
    name = name.encode(errors="replace").decode()
    return {"file": name, "reason": rejection.reason, "advice": rejection.advice}


TASK = TaskSpec(
    name="add",
    title="Add a folder",
    summary="Makes a catalogue of the pictures in a folder. They stay where they are and are never changed; files that "
    "cannot be read are listed with the reason.",
    parameters=AddParameters,
    run=run,
)
