"""Train a method on an image set: the run's folder is the job's folder, and a run that has checkpoints goes on."""

from __future__ import annotations

from typing import Any

from engines.device import find
from engines.errors import LabError, explain
from engines.jobs.context import JobContext
from engines.records import RunRecord
from engines.tasks.base import TaskSpec
from engines.tasks.measuring import Measures
from engines.tasks.training_data import part_learned
from engines.tasks.training_plan import TrainParameters, chosen_options, method_named, prepared
from engines.training.guards import Remark
from engines.training.loop import train
from engines.training.perf import first_step
from engines.training.plan import Plan
from engines.workspace import ImageSet

QUICKEST = "quick_look"  # the preset that a form begins with


def run(parameters: TrainParameters, context: JobContext) -> dict[str, Any]:
    """Train, or go on; returns where the run stands. Raises LabError with advice."""
    plan, data, image_set = prepared(parameters, context)
    _note(parameters, plan, len(data.images), image_set, context)
    try:
        measure = Measures(parameters, plan, image_set, context) if plan.measure_every_images else None
        outcome = train(plan, data, context, measure)
    except OSError as error:
        raise explain(error) from error
    return {"id": context.folder.name, **outcome}


def warm_up() -> None:
    """One step of the default method's quickest preset: a processor builds its kernels for it only once.

    A GPU is left alone, since its context takes memory from whatever trains on it now.
    """
    device = find()
    if device.kind == "cpu":
        method = method_named(TrainParameters.model_fields["method"].default)
        first_step(method, chosen_options(method, QUICKEST if QUICKEST in method.presets else None, {}), device)


def _note(parameters: TrainParameters, plan: Plan, items: int, image_set: ImageSet, context: JobContext) -> None:
    """Write the run's record; a run that goes on must go on with the pixels it began with."""
    workspace, record = context.workspace, image_set.record
    parent = f"image_sets/{record.id}"
    if (context.folder / "run.json").exists():
        noted = workspace.run(context.folder.name)
        if noted.parents.get(parent) != record.content_sha256 or noted.set_items != items:
            raise LabError(
                "The images of this run have changed.",
                f"“{record.name}” is no longer the set that the run was begun with.",
                "Start a new run.",
            )
        return
    origin = plan.init_from
    begun = {f"runs/{origin.folder.parents[1].name}/{origin.folder.name}": origin.sha256} if origin else {}
    limits = {"images": plan.budget.images, "minutes": parameters.minutes}
    run_record = RunRecord(
        id=context.folder.name,
        name=context.job.title or context.folder.name,
        parents={parent: record.content_sha256, **begun},
        parameters=parameters.model_dump(mode="json"),
        method=plan.method.name,
        preset=plan.preset,
        image_set=record.id,
        options=plan.options.model_dump(mode="json"),
        seed=plan.seed,
        budget={name: float(value) for name, value in limits.items() if value},
        width=plan.options.size,
        height=plan.options.size,
        channels=plan.channels,
        set_items=items,
        part=part_learned(image_set, parameters.learn_from == "all parts"),
    )
    workspace.save("runs", run_record, context.folder)
    if plan.options.size > max(record.width, record.height):
        remark = Remark(
            "enlarged",
            f"The images of “{record.name}” have {max(record.width, record.height)} pixels a side and are enlarged to "
            f"{plan.options.size}: that costs time, and adds nothing to learn.",
            "Choose a smaller size among the method's options, or make the image set larger on the Data tab.",
        )
        context.emit("warning", images_seen=0, **remark.__dict__)


TASK = TaskSpec(
    name="train",
    title="Train",
    summary="Train a generative model on an image set; pause, resume, stop and sample at any time.",
    parameters=TrainParameters,
    run=run,
    gpu=True,
    warm_up=warm_up,
)
