"""phantom-lab: the same jobs from a terminal, for scripts, clusters and checks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from engines import cli_views
from engines.classifiers.studies import STUDIES, settings_of
from engines.cli_views import JsonOption, WorkspaceOption, open_workspace, say
from engines.errors import LabError, explain
from engines.jobs import follow, store
from engines.options import parse_assignments

app = typer.Typer(
    help="Phantom Lab on the command line. Research use only. Not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting of this job; repeatable.")
]


def _job(
    kind: str, parameters: dict[str, Any], extra: list[str] | None, workspace: Path | None, as_json: bool, title: str
) -> None:
    """Make a job of a kind, run it in a worker process, show how far it is, and print its result."""
    given = {key: value for key, value in parameters.items() if value is not None} | _assigned(extra)
    opened = open_workspace(workspace, create=True)
    job = store.create(opened, kind, given, title)
    say(follow.run(opened.job_folder(job.id), quiet=as_json), as_json)


def _assigned(extra: list[str] | None) -> dict[str, Any]:
    """What --set says."""
    try:
        return parse_assignments(extra or [])
    except ValueError as error:
        raise LabError(str(error), "", "Write settings as --set key=value.") from error


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
    if changes := _assigned(extra):
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
def combine(
    image_sets: Annotated[list[str], typer.Argument(help="Ids of synthetic sets of one size and kind.")],
    name: Annotated[str | None, typer.Option(help="Name of the new set.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Combine synthetic sets into one, such as those of one generator for each class."""
    _job("combine", {"image_sets": image_sets, "name": name}, None, workspace, as_json, f"combine {image_sets[0]}")


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


@app.command(name="own-features")
def own_features(
    image_set: Annotated[str, typer.Argument(help="Id of a real image set with two or more classes.")],
    side: Annotated[int | None, typer.Option(help="Images are made this small: 32, 64, 128 or 224.")] = None,
    epochs: Annotated[int | None, typer.Option(help="How often each image is shown.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same network.")] = None,
    extra: SetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train the in-house classifier, whose features then measure images: evaluate --extractor in_house."""
    given = {"image_set": image_set, "side": side, "epochs": epochs, "seed": seed}
    _job("own_features", given, extra, workspace, as_json, f"own features of {image_set}")


@app.command()
def compare(
    real: Annotated[str, typer.Option(help="Id of the real image set to learn from.")],
    synthetic: Annotated[list[str] | None, typer.Option(help="Id of a synthetic set; repeatable.")] = None,
    test: Annotated[str | None, typer.Option(help="split, or the id of a real set of its own to test on.")] = None,
    classifiers: Annotated[
        list[str] | None, typer.Option(help="name, name:preset or name@features; repeatable.")
    ] = None,
    protocols: Annotated[list[str] | None, typer.Option(help="real, mixed, phases, …; repeatable.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Trainings of each cell.")] = None,
    study: Annotated[str | None, typer.Option(help="As in a study; see `phantom-lab list studies`.")] = None,
    extra: SetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare classifiers trained on real, synthetic and mixed images; what is said here goes before a study's."""
    given: dict[str, Any] = {
        "real": real, "synthetic": synthetic or None, "test": "" if test == "split" else test,
        "classifiers": classifiers or None, "protocols": protocols or None, "seeds": seeds,
    }  # fmt: skip
    if study:
        given = _of_study(study, real, _assigned(extra), workspace) | {
            name: value for name, value in given.items() if value is not None
        }
    _job("compare", given, extra, workspace, as_json, f"compare classifiers on {real}")


def _of_study(name: str, real: str, said: dict[str, Any], workspace: Path | None) -> dict[str, Any]:
    """A study's settings for a real set; `said` by --set may name its classes, and those with synthetic images."""
    if name not in STUDIES:
        raise LabError(f"There is no study “{name[:40]}”.", f"There are: {', '.join(STUDIES)}.", "Choose among these.")
    counts = open_workspace(workspace).image_set(real).record.classes
    classes = said.get("classes") or [label for label, count in counts.items() if label and count]
    return settings_of(STUDIES[name], classes, str(said.get("positive") or said.get("synthetic_classes") or ""))


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
    say(follow.run(folder.resolve(), quiet=as_json), as_json)


app.add_typer(cli_views.app)  # after the jobs, so that help lists these first


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
