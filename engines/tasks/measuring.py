"""Light metrics in the midst of a training, kept as one evaluation that grows with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from engines import registry
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.metrics.base import Inputs, MetricSpec
from engines.records import EvaluationRecord
from engines.resize import RESIZER, resize_batch
from engines.tasks.evaluate import best_extractor
from engines.tasks.reference import patients_of
from engines.tasks.training_data import part_learned, places_learned
from engines.tasks.training_plan import TrainParameters
from engines.training.plan import Plan
from engines.workspace import ImageSet

Array = np.ndarray[Any, np.dtype[Any]]
ALL_LIGHT = "light"


class Measures:
    """Measures a sample of the generator against the images it learns from; one that fails is told once, and left out.

    The evaluation has the run's id with `-live`, so that a run that goes on adds to its own.
    """

    def __init__(self, parameters: TrainParameters, plan: Plan, image_set: ImageSet, context: JobContext) -> None:
        self.context, self.seed = context, parameters.seed
        # A translation is to look like the class that it is turned into, which comes first.
        only = plan.classes[0] if plan.method.translates else parameters.only_class
        known: dict[str, MetricSpec] = registry.load("metrics")
        wish = parameters.measure_with
        self.metrics = [spec for spec in known.values() if spec.light and wish in (ALL_LIGHT, spec.name)]
        part = part_learned(image_set, parameters.learn_from == "all parts")
        chosen = places_learned(image_set, part, only)
        patients = patients_of(image_set)
        self.real = resize_batch(image_set.images[chosen], plan.options.size)
        self.patients = [patients[n] for n in chosen]
        workspace = context.workspace
        self.extractor = best_extractor(workspace.weights)
        run = context.folder.name
        try:
            self.record: EvaluationRecord = workspace.record("evaluations", f"{run}-live")
        except LabError:
            parent = f"image_sets/{image_set.record.id}"
            self.record = EvaluationRecord(
                id=f"{run}-live",
                name=run,
                real=image_set.record.id,
                synthetic=run,
                extractor=self.extractor,
                resizer=RESIZER,
                parents={parent: image_set.record.content_sha256},
                parameters={"seed": self.seed, "count": parameters.measure_count, "during_training": True},
            )

    def __call__(self, images_seen: int, images: Array) -> dict[str, float]:
        """Measure images [N, H, W, C] drawn at `images_seen`; returns the values by metric."""
        workspace, rows = self.context.workspace, []
        if not self.metrics:
            return {}
        try:
            inputs = Inputs(
                self.real, images, self.patients, self.seed, lambda fraction: None,
                cache=workspace.path / "cache" / "features", extractor=self.extractor, weights=workspace.weights,
            )  # fmt: skip
        except LabError as error:
            self._leave_out(self.metrics, error)
            return {}
        for metric in list(self.metrics):
            try:
                score = asdict(metric.compute(inputs))
            except LabError as error:
                self._leave_out([metric], error)
                continue
            del score["per_image"]
            rows.append({"images_seen": images_seen, **score})
            self.context.emit("evaluation", **rows[-1])
        # A run that went back to a checkpoint measures again what comes after it.
        before = [row for row in self.record.metrics if row["images_seen"] < images_seen]
        self.record = self.record.model_copy(update={"metrics": [*before, *rows]})
        workspace.save("evaluations", self.record)
        return {row["name"]: row["value"] for row in rows}

    def _leave_out(self, metrics: list[MetricSpec], error: LabError) -> None:
        names = ", ".join(metric.title for metric in metrics)
        self.metrics = [metric for metric in self.metrics if metric not in metrics]
        self.context.emit("warning", text=f"{names}: not measured during this training. {error}", advice=error.advice)
