"""Measure a synthetic set, or a run at its checkpoints, against real images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Literal

import numpy as np

from engines import files, registry
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.metrics.base import FEWEST, Inputs, MetricSpec
from engines.options import Options, option
from engines.records import EvaluationRecord
from engines.resize import resize_batch
from engines.tasks.base import TaskSpec
from engines.tasks.drawing import drawing_of
from engines.training import checkpoints
from engines.training.generation import Sampler
from engines.workspace import ImageSet, Workspace

Array = np.ndarray[Any, np.dtype[Any]]


class EvaluateParameters(Options):
    """What is compared with what, and by which metrics."""

    real: str = option(
        ..., "Real images", "The real image set to compare with; usually the one trained on.", layer="dial"
    )
    synthetic: str = option(..., "Synthetic images", "A synthetic image set, or a run to measure.", layer="dial")
    metrics: list[str] = option([], "Metrics", "Which metrics; all that this computer can compute if empty.")
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
    """Compute every metric at every checkpoint; each number also becomes an event as soon as it is known."""
    workspace = context.workspace
    chosen = _metrics(parameters.metrics)
    real = workspace.image_set(parameters.real)
    if real.record.origin != "real":
        raise LabError(
            f"“{real.record.name}” is not a real set.", "It is synthetic.", "Choose real images to compare with."
        )
    patients = [row.get("patient", "") for row in real.items]
    sources = list(_sources(workspace, parameters))
    rows: list[dict[str, Any]] = []
    for n, (images_seen, source) in enumerate(sources):
        synthetic = _pixels(source, parameters, context)
        pixels = resize_batch(real.images, synthetic.shape[1])
        for m, metric in enumerate(chosen):
            start = n * len(chosen) + m
            what = f"{metric.title}, checkpoint {n + 1} of {len(sources)}" if images_seen is not None else metric.title
            progress = _reporter(context, start, len(sources) * len(chosen), what)
            inputs = Inputs(
                pixels, synthetic, patients, parameters.seed, progress, workspace.path / "cache" / "features"
            )
            row = {"images_seen": images_seen, **asdict(metric.compute(inputs))}
            rows.append(row)
            context.emit("evaluation", **row)
    record = _save(workspace, parameters, real, rows)
    return {"id": record.id, "metrics": rows}


def _metrics(names: list[str]) -> list[MetricSpec]:
    known: dict[str, MetricSpec] = registry.load("metrics")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise LabError(
            f"There is no metric “{unknown[0][:40]}”.", f"There are: {', '.join(known)}.", "Choose among these."
        )
    return [known[name] for name in dict.fromkeys(names or known)]


def _sources(
    workspace: Workspace, parameters: EvaluateParameters
) -> Iterator[tuple[int | None, ImageSet | checkpoints.Checkpoint]]:
    """The set itself, or the checkpoints of a run with their images seen, oldest first."""
    if not workspace.folder("runs", parameters.synthetic).is_dir():
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


def _save(
    workspace: Workspace, parameters: EvaluateParameters, real: ImageSet, rows: list[dict[str, Any]]
) -> EvaluationRecord:
    id = workspace.new_id("evaluations", f"{parameters.synthetic}")
    kind = "runs" if workspace.folder("runs", parameters.synthetic).is_dir() else "image_sets"
    parents = {f"image_sets/{real.record.id}": real.record.content_sha256}
    if kind == "image_sets":
        parents[f"image_sets/{parameters.synthetic}"] = workspace.image_set(parameters.synthetic).record.content_sha256
    record = EvaluationRecord(
        id=id,
        name=parameters.synthetic,
        real=parameters.real,
        synthetic=parameters.synthetic,
        metrics=rows,
        parents=parents,
        parameters=parameters.model_dump(mode="json"),
    )
    with files.new_folder(workspace.folder("evaluations", id)) as folder:
        workspace.save("evaluations", record, folder)
        flat = [{**row, "warnings": " ".join(row["warnings"])} for row in rows]
        columns = [name for name in (flat[0] if flat else {}) if name != "details"]
        files.write_csv(folder / "metrics.csv", flat, columns)
    return record


TASK = TaskSpec(
    name="evaluate",
    title="Measure",
    summary="Quality of a run's checkpoints or of a synthetic set, against real images, with intervals and baselines.",
    parameters=EvaluateParameters,
    run=run,
    gpu=True,
)
