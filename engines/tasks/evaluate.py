"""Measure a synthetic set, or a run at its checkpoints, against real images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engines import files, registry, weights
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.metrics.base import FEWEST, Inputs, MetricSpec
from engines.metrics.maps import Map, map_of, projections
from engines.options import Options, option
from engines.records import EvaluationRecord
from engines.resize import RESIZER, resize_batch
from engines.tasks.base import TaskSpec
from engines.tasks.drawing import drawing_of
from engines.tasks.reference import held_out_of, labels_of, patients_of, real_set
from engines.training import checkpoints
from engines.training.generation import Sampler
from engines.workspace import ImageSet, Workspace

Array = np.ndarray[Any, np.dtype[Any]]


METRICS_FILE, IMAGES_FILE, MAP_FILE = "metrics.csv", "images.csv", "map.csv"
EXTRACTORS = ("inception", "mobilenet_v2", "texture")  # the best first, of which the first that is here is taken


class EvaluateParameters(Options):
    """What is compared with what, and by which metrics."""

    real: str = option(
        ..., "Real images", "The real image set to compare with; usually the one trained on.", layer="dial"
    )
    synthetic: str = option(..., "Synthetic images", "A synthetic image set, or a run to measure.", layer="dial")
    held_out: str = option(
        "",
        "Held-out real images",
        "A real image set that the model has not learned from. With it, copies of training images are told from images "
        "that merely look alike: what a new patient scores is the yardstick.",
        layer="basic",
        max_length=200,
    )
    metrics: list[str] = option(
        [],
        "Metrics",
        "Which metrics. If empty: of a set all that this computer can compute, of a training the light ones.",
    )
    extractor: str = option(
        "",
        "Features",
        "What describes an image where a metric leaves the choice open: texture needs nothing, networks need their "
        "weights on this computer. If empty, the best that is here: inception, mobilenet_v2, texture.",
        layer="basic",
        max_length=200,
    )
    checkpoints: Literal["latest", "all"] = option(
        "all", "Checkpoints", "Of a run: the newest checkpoint, or all that were kept.", layer="basic"
    )
    count: int = option(
        256,
        "Images at each checkpoint",
        "How many images are drawn to measure a checkpoint.",
        too_low="Wide intervals, and distances biased upwards.",
        too_high="Only slower.",
        unit="images",
        layer="basic",
        ge=FEWEST,
        le=50_000,
    )
    map: Literal["none", "pca", "tsne", "umap"] = option(
        "none",
        "Map",
        "Places all images on a plane by their features, those of the newest checkpoint. PCA is quick and keeps "
        "distances roughly; t-SNE, and UMAP where it is installed, show groups, and take some seconds more.",
        layer="basic",
    )
    seed: int = option(0, "Seed", "The same seed draws the same images and the same resamples.", ge=0, lt=2**32)


def run(parameters: EvaluateParameters, context: JobContext) -> dict[str, Any]:
    """Compute every metric at every checkpoint; each number also becomes an event as soon as it is known.

    A metric that cannot be computed is told and passed over; if none can, the first one's reason is raised.
    """
    workspace = context.workspace
    of_a_training = _is_run(workspace, parameters.synthetic) and parameters.checkpoints == "all"
    chosen = _metrics(parameters.metrics, of_a_training, workspace.weights)
    _check_map(parameters.map)
    extractor = parameters.extractor or best_extractor(workspace.weights)
    real = real_set(workspace, parameters.real)
    held_out, warnings = held_out_of(workspace, parameters.held_out, real)
    sources = list(_sources(workspace, parameters))
    found = _Found(context)
    drawn: Array
    steps = len(sources) * len(chosen) + (parameters.map != "none")
    for n, (images_seen, source) in enumerate(sources):
        drawn, drawn_labels = _pixels(source, parameters, context)
        size = drawn.shape[1]
        inputs = Inputs(
            resize_batch(real.images, size), drawn, patients_of(real), parameters.seed,
            cache=workspace.path / "cache" / "features", extractor=extractor, weights=workspace.weights,
            held_out=resize_batch(held_out.images, size) if held_out else None,
            held_out_patients=held_out.patients if held_out else (),
        )  # fmt: skip
        found.columns = {}
        for m, metric in enumerate(chosen):
            what = f"{metric.title}, checkpoint {n + 1} of {len(sources)}" if images_seen is not None else metric.title
            progress = _reporter(context, n * len(chosen) + m, steps, what)
            found.measure(metric, replace(inputs, progress=progress), images_seen)
    found.raise_if_nothing()
    drawn_map = None
    if parameters.map != "none":
        progress = _reporter(context, steps - 1, steps, "Map")
        labels = [labels_of(real), held_out.labels if held_out else [], drawn_labels]
        try:
            drawn_map = map_of(replace(inputs, progress=progress), labels, list(dict.fromkeys(("pca", parameters.map))))
        except LabError as error:  # what was measured is kept
            warnings.append(f"The map was not drawn. {error}")
    record = EvaluationRecord(
        id=workspace.new_id("evaluations", parameters.synthetic),
        name=parameters.synthetic,
        real=parameters.real,
        synthetic=parameters.synthetic,
        held_out=parameters.held_out,
        extractor=extractor,
        resizer=RESIZER,
        metrics=found.rows,
        not_measured=found.not_measured,
        warnings=warnings,
        parents=_parents(workspace, parameters, real),
        parameters=parameters.model_dump(mode="json"),
    )
    if drawn_map and held_out:  # its places are those in the set, not among the images that were kept of it
        of_held_out = drawn_map.columns["set"] == "held_out"
        drawn_map.columns["index"][of_held_out] = np.asarray(held_out.rows)[drawn_map.columns["index"][of_held_out]]
    _save(workspace, record, found.columns, drawn if _is_run(workspace, parameters.synthetic) else None, drawn_map)
    return {"id": record.id, "metrics": found.rows, "not_measured": found.not_measured, "warnings": warnings}


class _Found:
    """Numbers as they come: rows of metrics, what is known of each image of the newest source, and what failed."""

    def __init__(self, context: JobContext) -> None:
        self.context = context
        self.rows: list[dict[str, Any]] = []
        self.columns: dict[str, Array] = {}
        self.refused: dict[str, LabError] = {}
        self.not_measured: list[dict[str, str]] = []

    def measure(self, metric: MetricSpec, inputs: Inputs, images_seen: int | None) -> None:
        """Compute one metric; one that failed before is not tried again."""
        if metric.name in self.refused:
            return
        try:
            score = asdict(metric.compute(inputs))
        except LabError as error:
            self.refused[metric.name] = error
            self.not_measured.append({"name": metric.name, "title": metric.title, **error.as_dict()})
            text = f"{metric.title} was not measured. {error}"
            self.context.emit("warning", text=text, advice=error.advice)
            return
        self.columns |= {f"{metric.name}_{name}": values for name, values in score.pop("per_image").items()}
        self.rows.append({"images_seen": images_seen, **score})
        self.context.emit("evaluation", **self.rows[-1])

    def raise_if_nothing(self) -> None:
        """Raise the first reason where no metric could be measured at all."""
        if self.refused and not self.rows:
            raise next(iter(self.refused.values()))


def _is_run(workspace: Workspace, id: str) -> bool:
    return workspace.folder("runs", id).is_dir()


def best_extractor(folder: Path) -> str:
    """The first of EXTRACTORS whose weights are here."""
    known = registry.load("extractors")
    return next(name for name in EXTRACTORS if not weights.missing(known[name].weights, folder))


def _metrics(names: list[str], light: bool, folder: Path) -> list[MetricSpec]:
    known: dict[str, MetricSpec] = registry.load("metrics")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise LabError(
            f"There is no metric “{unknown[0][:40]}”.", f"There are: {', '.join(known)}.", "Choose among these."
        )
    if names:
        return [known[name] for name in dict.fromkeys(names)]
    can = [metric for metric in known.values() if not weights.missing(metric.needs, folder)]
    return [metric for metric in can if metric.light or not light]


def _check_map(wish: str) -> None:
    if wish not in ("none", *projections()):
        raise LabError(
            "UMAP is not installed.", "It is no part of Phantom Lab.", "Choose PCA or t-SNE, or install umap-learn."
        )


def _sources(
    workspace: Workspace, parameters: EvaluateParameters
) -> Iterator[tuple[int | None, ImageSet | checkpoints.Checkpoint]]:
    """The set itself, or the checkpoints of a run with their images seen, oldest first."""
    if not _is_run(workspace, parameters.synthetic):
        yield None, workspace.image_set(parameters.synthetic)
        return
    folder = workspace.folder("runs", parameters.synthetic)
    newest = checkpoints.choose(folder, "latest")
    whole = checkpoints.found(folder) if parameters.checkpoints == "all" else [newest]
    for checkpoint in whole:
        if checkpoint.images_seen <= newest.images_seen and checkpoints.is_valid(checkpoint):
            yield checkpoint.images_seen, checkpoint


def _pixels(
    source: ImageSet | checkpoints.Checkpoint, parameters: EvaluateParameters, context: JobContext
) -> tuple[Array, list[str]]:
    """The images, and the class of each."""
    if isinstance(source, ImageSet):
        return source.images, labels_of(source)
    workspace = context.workspace
    trained = workspace.run(parameters.synthetic)
    drawing, batches = drawing_of(Sampler(source), trained, workspace, parameters.count, parameters.seed), []
    for batch in drawing.batches:
        context.check()
        batches.append(batch)
    return np.concatenate(batches), [row["label"] for row in drawing.rows]


def _reporter(context: JobContext, start: int, steps: int, what: str) -> Any:
    def report(fraction: float) -> None:
        context.check()
        context.progress((start + fraction) / steps, what)

    return report


def _parents(workspace: Workspace, parameters: EvaluateParameters, real: ImageSet) -> dict[str, str]:
    parents = {f"image_sets/{real.record.id}": real.record.content_sha256}
    used = [parameters.held_out, "" if _is_run(workspace, parameters.synthetic) else parameters.synthetic]
    return parents | {f"image_sets/{id}": workspace.image_set(id).record.content_sha256 for id in used if id}


def _table(columns: dict[str, Array]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _save(
    workspace: Workspace, record: EvaluationRecord, columns: dict[str, Array], drawn: Array | None, places: Map | None
) -> None:
    """The record, its numbers as a table, what is known of each synthetic image, those drawn for it, and the map."""
    with files.new_folder(workspace.folder("evaluations", record.id)) as folder:
        workspace.save("evaluations", record, folder)
        flat = [{**row, "warnings": " ".join(row["warnings"])} for row in record.metrics]
        shown = [name for name in (flat[0] if flat else {}) if name != "details"]
        files.write_csv(folder / METRICS_FILE, flat, shown)
        if columns:
            table = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
            files.write_csv(
                folder / IMAGES_FILE, [{"index": n, **row} for n, row in enumerate(table)], ["index", *columns]
            )
        if places:
            files.write_csv(folder / MAP_FILE, _table(places.columns), list(places.columns))
        if drawn is not None:
            files.write_npy(folder / "images.npy", drawn)


TASK = TaskSpec(
    name="evaluate",
    title="Measure",
    summary="Quality of a run's checkpoints or of a synthetic set, against real images, with intervals and baselines.",
    parameters=EvaluateParameters,
    run=run,
    gpu=True,
)
