"""Measure a synthetic set, or a run at its checkpoints, against real images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engines import files, registry, weights
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.metrics.base import FEWEST, Inputs, MetricSpec
from engines.metrics.features import keys_of
from engines.options import Options, option
from engines.records import EvaluationRecord
from engines.resize import RESIZER, resize_batch
from engines.tasks.base import TaskSpec
from engines.tasks.drawing import drawing_of
from engines.training import checkpoints
from engines.training.generation import Sampler
from engines.workspace import ImageSet, Workspace

Array = np.ndarray[Any, np.dtype[Any]]


METRICS_FILE, IMAGES_FILE = "metrics.csv", "images.csv"
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
    seed: int = option(0, "Seed", "The same seed draws the same images and the same resamples.", ge=0, lt=2**32)


def run(parameters: EvaluateParameters, context: JobContext) -> dict[str, Any]:
    """Compute every metric at every checkpoint; each number also becomes an event as soon as it is known.

    A metric that cannot be computed is told and passed over; if none can, the first one's reason is raised.
    """
    workspace = context.workspace
    of_a_training = _is_run(workspace, parameters.synthetic) and parameters.checkpoints == "all"
    chosen = _metrics(parameters.metrics, of_a_training, workspace.weights)
    extractor = parameters.extractor or best_extractor(workspace.weights)
    real = _real_set(workspace, parameters.real)
    held_out, warnings = held_out_of(workspace, parameters.held_out, real)
    sources = list(_sources(workspace, parameters))
    rows: list[dict[str, Any]] = []
    refused: dict[str, LabError] = {}
    columns: dict[str, Array] = {}
    drawn: Array
    for n, (images_seen, source) in enumerate(sources):
        drawn, columns = _pixels(source, parameters, context), {}
        size = drawn.shape[1]
        inputs = Inputs(
            resize_batch(real.images, size), drawn, patients_of(real), parameters.seed,
            cache=workspace.path / "cache" / "features", extractor=extractor, weights=workspace.weights,
            held_out=resize_batch(held_out.images, size) if held_out else None,
            held_out_patients=held_out.patients if held_out else (),
        )  # fmt: skip
        for m, metric in enumerate(chosen):
            if metric.name in refused:
                continue
            start = n * len(chosen) + m
            what = f"{metric.title}, checkpoint {n + 1} of {len(sources)}" if images_seen is not None else metric.title
            progress = _reporter(context, start, len(sources) * len(chosen), what)
            try:
                score = asdict(metric.compute(replace(inputs, progress=progress)))
            except LabError as error:
                refused[metric.name] = error
                context.emit("warning", text=f"{metric.title} was not measured. {error}", advice=error.advice)
                continue
            columns |= {f"{metric.name}_{name}": values for name, values in score.pop("per_image").items()}
            row = {"images_seen": images_seen, **score}
            rows.append(row)
            context.emit("evaluation", **row)
    if refused and not rows:
        raise next(iter(refused.values()))
    record = EvaluationRecord(
        id=workspace.new_id("evaluations", parameters.synthetic),
        name=parameters.synthetic,
        real=parameters.real,
        synthetic=parameters.synthetic,
        held_out=parameters.held_out,
        extractor=extractor,
        resizer=RESIZER,
        metrics=rows,
        not_measured=[
            {"name": metric.name, "title": metric.title, **refused[metric.name].as_dict()}
            for metric in chosen
            if metric.name in refused
        ],
        warnings=warnings,
        parents=_parents(workspace, parameters, real),
        parameters=parameters.model_dump(mode="json"),
    )
    _save(workspace, record, columns, drawn if _is_run(workspace, parameters.synthetic) else None)
    return {"id": record.id, "metrics": rows, "not_measured": record.not_measured, "warnings": warnings}


def _is_run(workspace: Workspace, id: str) -> bool:
    return workspace.folder("runs", id).is_dir()


def _real_set(workspace: Workspace, id: str) -> ImageSet:
    found = workspace.image_set(id)
    if found.record.origin != "real":
        raise LabError(f"“{found.record.name}” is not a real set.", "It is synthetic.", "Choose real images instead.")
    return found


def patients_of(images: ImageSet) -> list[str]:
    """The patient of each image; empty where unknown."""
    return [row.get("patient", "") for row in images.items]


@dataclass(frozen=True)
class HeldOut:
    """Real images that no model has learned from: [N, H, W, C] and the patient of each."""

    images: Array
    patients: list[str]


def held_out_of(workspace: Workspace, id: str, real: ImageSet) -> tuple[HeldOut | None, list[str]]:
    """The held-out images without those of patients, or of the very pixels, that the real set has too; and warnings.

    Raises LabError if too few are left to stand for new patients.
    """
    if not id:
        return None, []
    given = _real_set(workspace, id)
    patients = patients_of(given)
    known_patients, known_images = set(patients_of(real)) - {""}, set(keys_of(real.images))
    kept = [
        n
        for n, (patient, key) in enumerate(zip(patients, keys_of(given.images), strict=True))
        if patient not in known_patients and key not in known_images
    ]
    if len(kept) < FEWEST:
        raise LabError(
            f"“{given.record.name}” cannot serve as held-out images.",
            f"{len(kept)} of its {len(patients)} images are of other patients than those of “{real.record.name}”; at "
            f"least {FEWEST} are needed.",
            "Choose a real set of other patients, or measure without one.",
        )
    left = len(patients) - len(kept)
    warnings = [f"{left} held-out images were left out: their patients are in the real set too."] if left else []
    return HeldOut(given.images[kept], [patients[n] for n in kept]), warnings


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


def _pixels(source: ImageSet | checkpoints.Checkpoint, parameters: EvaluateParameters, context: JobContext) -> Array:
    if isinstance(source, ImageSet):
        return source.images
    workspace = context.workspace
    trained = workspace.run(parameters.synthetic)
    batches = []
    for batch in drawing_of(Sampler(source), trained, workspace, parameters.count, parameters.seed).batches:
        context.check()
        batches.append(batch)
    return np.concatenate(batches)


def _reporter(context: JobContext, start: int, steps: int, what: str) -> Any:
    def report(fraction: float) -> None:
        context.check()
        context.progress((start + fraction) / steps, what)

    return report


def _parents(workspace: Workspace, parameters: EvaluateParameters, real: ImageSet) -> dict[str, str]:
    parents = {f"image_sets/{real.record.id}": real.record.content_sha256}
    used = [parameters.held_out, "" if _is_run(workspace, parameters.synthetic) else parameters.synthetic]
    return parents | {f"image_sets/{id}": workspace.image_set(id).record.content_sha256 for id in used if id}


def _save(workspace: Workspace, record: EvaluationRecord, columns: dict[str, Array], drawn: Array | None) -> None:
    """The record, its numbers as a table, what is known of each synthetic image, and those drawn for the purpose."""
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
