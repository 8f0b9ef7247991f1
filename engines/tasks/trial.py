"""Try a training for some seconds before it is started: how long it will take, and whether it fits into memory."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engines.jobs.context import JobContext
from engines.tasks.base import TaskSpec
from engines.tasks.training_plan import TrainParameters, prepared
from engines.training.trial import try_out


def run(parameters: TrainParameters, context: JobContext) -> dict[str, Any]:
    """Take a few steps as the training would. Raises LabError with advice for what cannot be trained."""
    plan, data, _ = prepared(parameters, context)
    trial = try_out(plan, data, context)
    images, seconds = plan.budget.images, plan.budget.seconds
    # Whichever end of the budget comes first.
    by_images = images / trial.images_per_s if images else float("inf")
    seconds = min(by_images, seconds or float("inf"))
    seen = round(seconds * trial.images_per_s)
    return {
        **asdict(trial),
        "seconds": round(seconds),
        "images": seen,
        "epochs": round(seen / len(data.images), 1),
        "set_items": len(data.images),
    }


TASK = TaskSpec(
    name="trial",
    title="Estimate",
    summary="Take a few steps of a training and forget them: how fast it will be, how long it will take, and how much "
    "memory it needs.",
    parameters=TrainParameters,
    run=run,
    gpu=True,
)
