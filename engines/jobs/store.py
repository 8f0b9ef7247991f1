"""Job folders on disk: made whole, read whatever their condition, listed, removed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engines import files
from engines.errors import LabError
from engines.jobs import control, events
from engines.jobs.context import JOB_FILE
from engines.records import JobRecord, Kind
from engines.workspace import ID_PATTERN, Workspace

# Parameters that can name a person, such as a folder: job.json, which pages and reports show, goes without them.
PRIVATE_PARAMETERS = frozenset({"path", "to"})
PRIVATE_FILE = "private.json"
TRAIN = "train"  # the one kind whose job folder is its product: a run
# Kinds that serve an open page: they start at once beside all others, stand in no list, and leave no folder behind.
PASSING = frozenset({"latents"})


def create(
    workspace: Workspace, kind: str, parameters: dict[str, Any], title: str = "", client_key: str = ""
) -> JobRecord:
    """Make the folder of a new job in state `queued`: runs/<id> for a training, jobs/<id> for any other kind."""
    if not kind.isidentifier():
        raise LabError(f"“{kind[:40]}” is not a kind of job.", "", "Choose one of the kinds that the engine lists.")
    home: Kind = "runs" if kind == TRAIN else "jobs"
    name = title or kind
    while True:
        id = workspace.new_id(home, name)
        if not any((workspace.path / other / id).exists() for other in ("runs", "jobs")):
            break
        name = f"{kind} {name}" if not name.startswith(kind) else f"{kind}-{name}"
    private = {name: value for name, value in parameters.items() if name in PRIVATE_PARAMETERS}
    shown = {name: value for name, value in parameters.items() if name not in private}
    record = JobRecord(id=id, kind=kind, title=title or kind, parameters=shown, client_key=client_key)
    with files.new_folder(workspace.folder(home, id)) as folder:
        (folder / "control").mkdir()
        if private:
            files.write_json(folder / PRIVATE_FILE, private)
            os.chmod(folder / PRIVATE_FILE, 0o600)
        write(folder, record)
        events.append(folder, "state", state="queued")
    return record


def parameters(folder: Path, record: JobRecord) -> dict[str, Any]:
    """All parameters of a job, those that job.json goes without included."""
    private = folder / PRIVATE_FILE
    return {**record.parameters, **(files.read_json(private) if private.exists() else {})}


def write(folder: Path, record: JobRecord) -> None:
    files.write_json(folder / JOB_FILE, record.model_dump(mode="json"))


def read(folder: Path) -> JobRecord:
    """A job's record; a damaged or missing one reads as a failed job that says so, and is left as it is on disk."""
    try:
        return JobRecord.model_validate(files.read_json(folder / JOB_FILE))
    except FileNotFoundError:
        error = LabError(
            "The job's folder is missing.",
            f"“{folder.name}” was moved, renamed or removed, or its drive is disconnected.",
            "Bring the folder back, or start the job anew.",
        )
    except ValidationError as fault:
        error = LabError("The job's record is damaged.", str(fault.errors()[0]["msg"])[:200], _DAMAGED)
    except (LabError, OSError) as fault:
        error = LabError("The job's record cannot be read.", str(fault)[:200], _DAMAGED)
    kind = TRAIN if folder.parent.name == "runs" else "unknown"
    return JobRecord.model_construct(
        **JobRecord(id=folder.name, kind=kind, title=folder.name, state="failed", error=error.as_dict()).model_dump(),
        damaged=True,
    )


_DAMAGED = "Restore job.json from a backup, or discard the job; its other files are untouched."


def damaged(record: JobRecord) -> bool:
    """Whether the record stands for one that could not be read; such a one is never written."""
    return bool((record.model_extra or {}).get("damaged"))


def folders(workspace: Workspace) -> Iterator[Path]:
    """All job folders, oldest first within each kind. A run that holds no job.json was made without a job."""
    for home in ("runs", "jobs"):
        found = [p for p in (workspace.path / home).iterdir() if ID_PATTERN.fullmatch(p.name) and p.is_dir()]
        for folder in sorted(found, key=lambda path: (path.stat().st_mtime, path.name)):
            if home == "jobs" or (folder / JOB_FILE).exists():
                yield folder


def find(workspace: Workspace, id: str) -> Path:
    """The folder of a job. Raises LabError if there is none of that id."""
    folder = workspace.job_folder(id)
    if not folder.is_dir():
        raise LabError(f"There is no job “{id}”.", "It was removed, or never was.", "Look at the list of jobs.")
    return folder


def remove(workspace: Workspace, folder: Path) -> None:
    """Remove a job's folder, and nothing that is not one. Raises LabError for any other folder."""
    homes = {workspace.path / "runs", workspace.path / "jobs"}
    if folder.parent not in homes or not ID_PATTERN.fullmatch(folder.name) or folder.is_symlink():
        raise LabError("This folder is not a job's.", "", "Remove it by hand if you are sure.")
    files.remove_folder(folder)


def discarded(folder: Path) -> bool:
    return control.requested(folder, "discard")
