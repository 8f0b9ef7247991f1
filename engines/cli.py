"""phantom-lab: the same jobs from a terminal, for scripts, clusters and checks."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from engines.errors import LabError, explain
from engines.jobs import follow, store
from engines.options import parse_assignments
from engines.records import KINDS, library_versions
from engines.workspace import Workspace, default_workspace

app = typer.Typer(
    help="Phantom Lab on the command line. Research use only. Not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", help="The lab's folder (default: $PHANTOM_LAB_WORKSPACE or ~/PhantomLab).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting of this job; repeatable.")
]


def _open(workspace: Path | None, create: bool = False) -> Workspace:
    return Workspace.open(workspace or default_workspace(), create=create)


def _say(value: dict[str, Any], as_json: bool) -> None:
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


def _job(
    kind: str, parameters: dict[str, Any], extra: list[str] | None, workspace: Path | None, as_json: bool, title: str
) -> None:
    """Make a job of a kind, run it in a worker process, show how far it is, and print its result."""
    given = {key: value for key, value in parameters.items() if value is not None}
    try:
        given |= parse_assignments(extra or [])
    except ValueError as error:
        raise LabError(str(error), "", "Write settings as --set key=value.") from error
    opened = _open(workspace, create=True)
    job = store.create(opened, kind, given, title)
    _say(follow.run(opened.job_folder(job.id), quiet=as_json), as_json)


@app.command()
def demo(
    count: Annotated[int | None, typer.Option(help="How many phantoms to draw.")] = None,
    extra: SetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw the demo catalogue: procedural mammograms, called phantoms, offline and always the same."""
    _job("demo", {"count": count}, extra, workspace, as_json, "demo phantoms")


@app.command()
def add(
    path: Annotated[Path, typer.Argument(help="The folder of images; it stays where it is.")],
    name: Annotated[str | None, typer.Option(help="The catalogue's name.")] = None,
    layout: Annotated[str | None, typer.Option(help="How the folder is laid out; auto finds it.")] = None,
    extra: SetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a folder of real images as a catalogue; originals are never copied or changed."""
    given = {"path": str(path.expanduser().resolve()), "name": name, "layout": layout}
    _job("add", given, extra, workspace, as_json, f"add {name or 'a folder'}")


@app.command()
def curate(
    catalogue: Annotated[str, typer.Argument(help="Id of the catalogue.")],
    shape_confidence: Annotated[float | None, typer.Option(help="Keep images that score at least this.")] = None,
    keep_best: Annotated[int | None, typer.Option(help="Keep this many best-scored images instead.")] = None,
    size: Annotated[int | None, typer.Option(help="Width and height of the set's images, in pixels.")] = None,
    no_crop: Annotated[bool, typer.Option("--no-crop", help="Keep the whole frame.")] = False,
    no_flip: Annotated[bool, typer.Option("--no-flip", help="Leave the sides as they are.")] = False,
    classes: Annotated[list[str] | None, typer.Option(help="Take these classes only; repeatable.")] = None,
    name: Annotated[str | None, typer.Option(help="The image set's name.")] = None,
    extra: SetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose, crop, turn and resize a catalogue's images into an image set."""
    given = {
        "catalogue": catalogue, "shape_confidence": shape_confidence, "keep_best": keep_best, "size": size,
        "crop": False if no_crop else None, "flip": False if no_flip else None, "classes": classes or None,
        "name": name,
    }  # fmt: skip
    _job("curate", given, extra, workspace, as_json, f"curate {name or catalogue}")


@app.command()
def train(
    image_set: Annotated[str, typer.Argument(help="Id of the image set.")],
    method: Annotated[str, typer.Option(help="How to generate; see `phantom-lab list methods`.")] = "custom_gan",
    preset: Annotated[str | None, typer.Option(help="A named choice of options.")] = None,
    images: Annotated[int | None, typer.Option(help="Stop after this many images seen.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Stop after this many passes over the set.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop after this long.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed draws the same numbers.")] = None,
    only_class: Annotated[str | None, typer.Option(help="Learn the images of one class.")] = None,
    init_from: Annotated[str | None, typer.Option(help="Begin with the weights of RUN, or of RUN@IMAGES.")] = None,
    estimate: Annotated[bool, typer.Option(help="Only say how long it would take, and how much memory.")] = False,
    extra: SetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a generative model on an image set; Ctrl-C stops and saves."""
    given: dict[str, Any] = {"image_set": image_set, "method": method, "preset": preset, "seed": seed}
    given |= {"images": images, "epochs": epochs, "minutes": minutes, "only_class": only_class, "init_from": init_from}
    try:
        changes = parse_assignments(extra or [])
    except ValueError as error:
        raise LabError(str(error), "", "Write settings as --set key=value.") from error
    if changes:
        given["options"] = changes
    _job("trial" if estimate else "train", given, None, workspace, as_json, f"{image_set} {method}")


@app.command()
def generate(
    run: Annotated[str, typer.Argument(help="Id of the run.")],
    count: Annotated[int, typer.Option(help="How many images.")],
    checkpoint: Annotated[str | None, typer.Option(help="latest, or images seen.")] = None,
    label: Annotated[str | None, typer.Option(help="The class to draw.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same images.")] = None,
    extra: SetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a synthetic image set from a checkpoint of a run."""
    given = {"run": run, "checkpoint": checkpoint, "count": count, "label": label, "seed": seed}
    _job("generate", given, extra, workspace, as_json, f"generate {run}")


@app.command()
def evaluate(
    real: Annotated[str, typer.Option(help="Id of the real image set.")],
    synthetic: Annotated[str, typer.Option(help="Id of a synthetic set, or of a run to measure at its checkpoints.")],
    metrics: Annotated[list[str] | None, typer.Option(help="Which metrics; repeatable.")] = None,
    extractor: Annotated[str | None, typer.Option(help="What describes an image: texture, inception, …")] = None,
    held_out: Annotated[str | None, typer.Option(help="Id of real images that were not learned from.")] = None,
    extra: SetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure synthetic images against real ones."""
    given = {
        "real": real, "synthetic": synthetic, "metrics": metrics or None, "extractor": extractor, "held_out": held_out,
    }  # fmt: skip
    _job("evaluate", given, extra, workspace, as_json, f"evaluate {synthetic}")


@app.command()
def export(
    image_set: Annotated[str, typer.Argument(help="Id of the image set.")],
    to: Annotated[Path, typer.Option(help="The folder to write into.")],
    format: Annotated[str | None, typer.Option(help="folder, png16 or zip.")] = None,
    extra: SetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the accepted images of a set with a manifest and checksums."""
    given = {"image_set": image_set, "to": str(to.expanduser().resolve()), "format": format}
    _job("export", given, extra, workspace, as_json, f"export {image_set}")


@app.command(name="run")
def run_job(
    folder: Annotated[Path, typer.Argument(help="A job's folder.")],
    as_json: JsonOption = False,
) -> None:
    """Run, or go on with, the job of a folder, here and now."""
    _say(follow.run(folder.resolve(), quiet=as_json), as_json)


@app.command()
def jobs(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the jobs and where they stand."""
    opened = _open(workspace)
    records = [store.read(folder) for folder in store.folders(opened)]
    rows = [
        {"id": job.id, "kind": job.kind, "state": job.state, "progress": job.progress, "created": job.created}
        for job in records
    ]
    _rows("jobs", rows, as_json)


PLUGINS = ("methods", "metrics", "extractors", "layouts", "exporting", "tasks")


@app.command(name="list")
def list_things(
    what: Annotated[str, typer.Argument(help="catalogues, image-sets, runs, evaluations, exports, methods, …")],
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
    elif kind in KINDS:
        found = _open(workspace).records(kind)
        _rows(
            what,
            [{"id": record.id, "name": getattr(record, "name", ""), "created": record.created} for record in found],
            as_json,
        )
    else:
        known = ", ".join((*(kind.replace("_", "-") for kind in KINDS), *PLUGINS))
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
    opened = _open(workspace)
    for kind in KINDS:
        if opened.folder(kind, id).is_dir():
            value = opened.record(kind, id).model_dump(mode="json") | {"what": kind}
            if kind == "runs":
                value["job"] = store.read(opened.folder(kind, id)).model_dump(mode="json")
            _say(value, as_json)
            return
    raise LabError(f"There is nothing with the id “{id}”.", "", "Look with `phantom-lab list`.")


@app.command()
def doctor(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Check this computer: Python, libraries, processor or GPU, disk, workspace."""
    folder = (workspace or default_workspace()).expanduser().resolve()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    description = follow.describe()
    report: dict[str, Any] = {
        "python": platform.python_version(),
        "system": platform.platform(),
        **library_versions(),
        "device": description.get("device", {}),
        "disk_free_gb": round(shutil.disk_usage(existing).free / 1e9, 1),
        "workspace": "found" if (folder / "workspace.json").exists() else "not made yet",
        **{folder: len(description[folder]) for folder in PLUGINS},
    }
    _say(report, as_json)


def main() -> None:
    """Run the command line; every error is said in words, with exit code 2."""
    as_json = "--json" in sys.argv
    try:
        app()
    except Exception as error:
        words = explain(error)
        if as_json:
            print(json.dumps({"error": words.as_dict()}, ensure_ascii=False))
        else:
            console = Console(stderr=True)
            console.print(f"[bold red]{words.what}[/bold red] {words.why}\n{words.advice}".rstrip(), highlight=False)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
