"""What the command line shows without starting anything: jobs, lists, records, the computer."""

from __future__ import annotations

import json
import platform
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from engines.classifiers.studies import STUDIES
from engines.errors import LabError
from engines.jobs import follow, store
from engines.records import KINDS, library_versions
from engines.workspace import Workspace, default_workspace

app = typer.Typer()

WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", help="The lab's folder (default: $PHANTOM_LAB_WORKSPACE or ~/PhantomLab).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def open_workspace(workspace: Path | None, create: bool = False) -> Workspace:
    """The workspace asked for, or the usual one."""
    return Workspace.open(workspace or default_workspace(), create=create)


def say(value: dict[str, Any], as_json: bool) -> None:
    """The result: one JSON object, or a table of names and values."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False, allow_nan=False))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for key, item in value.items():
        table.add_row(
            f"[dim]{key}[/dim]",
            str(item) if not isinstance(item, list | dict) else json.dumps(item, ensure_ascii=False),
        )
    Console().print(table)


@app.command()
def jobs(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the jobs and where they stand."""
    opened = open_workspace(workspace)
    records = [store.read(folder) for folder in store.folders(opened)]
    rows = [
        {"id": job.id, "kind": job.kind, "state": job.state, "progress": job.progress, "created": job.created}
        for job in records
    ]
    _rows("jobs", rows, as_json)


PLUGINS = ("methods", "metrics", "extractors", "classifiers", "layouts", "exporting", "tasks")


@app.command(name="list")
def list_things(
    what: Annotated[str, typer.Argument(help="catalogues, image-sets, runs, evaluations, methods, studies, …")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what the workspace holds, or what the engine can do."""
    kind = what.replace("-", "_")
    if kind in PLUGINS:
        specs = follow.describe()[kind].values()
        _rows(
            what,
            [{"name": spec["name"], "title": spec["title"], "summary": spec["summary"]} for spec in specs],
            as_json,
        )
    elif kind == "studies":
        rows = [{"name": one.name, "title": one.title, "data": one.data} for one in STUDIES.values()]
        _rows(what, rows, as_json)
    elif kind in KINDS:
        found = open_workspace(workspace).records(kind)
        _rows(
            what,
            [{"id": record.id, "name": getattr(record, "name", ""), "created": record.created} for record in found],
            as_json,
        )
    else:
        known = ", ".join((*(kind.replace("_", "-") for kind in KINDS), *PLUGINS, "studies"))
        raise LabError(f"“{what}” cannot be listed.", "", f"Choose one of: {known}.")


def _rows(title: str, rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps({title: rows}, ensure_ascii=False, allow_nan=False))
        return
    if not rows:
        Console().print(f"No {title} yet.")
        return
    table = Table(*rows[0], box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="An id of anything in the workspace.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the record of anything by its id."""
    opened = open_workspace(workspace)
    for kind in KINDS:
        if opened.folder(kind, id).is_dir():
            value = opened.record(kind, id).model_dump(mode="json") | {"what": kind}
            if kind == "runs":
                value["job"] = store.read(opened.folder(kind, id)).model_dump(mode="json")
            say(value, as_json)
            return
    raise LabError(f"There is nothing with the id “{id}”.", "", "Look with `phantom-lab list`.")


@app.command()
def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Check this computer: Python, libraries, processor or GPU, disk, workspace."""
    folder = (workspace or default_workspace()).expanduser().resolve()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    from engines.device import find  # torch takes seconds to import, and only this command needs it

    description = follow.describe()
    report: dict[str, Any] = {
        "python": platform.python_version(),
        "system": platform.platform(),
        **library_versions(),
        "device": find().as_dict(),
        "disk_free_gb": round(shutil.disk_usage(existing).free / 1e9, 1),
        "workspace": "found" if (folder / "workspace.json").exists() else "not made yet",
        **{folder: len(description[folder]) for folder in PLUGINS},
    }
    say(report, as_json)
