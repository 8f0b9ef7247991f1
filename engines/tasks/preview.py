"""The job `preview`: what the steps of a curation do to the images that are hardest for them, before and after."""

from typing import Any

from pydantic import ValidationError

from engines.curation.parameters import CurateParameters
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.options import Options, option
from engines.tasks.base import TaskSpec


class PreviewParameters(Options):
    """What is to be shown; nothing is kept but the pictures in the job's own folder."""

    catalogue: str = option(..., "Catalogue", "The catalogue whose images are shown.", layer="dial", min_length=1)
    curate: dict[str, Any] = option({}, "Settings", "Settings of “Make an image set” that are tried; empty for usual.")
    step: str = option("", "Step", "The step that is shown; empty shows all steps together.", layer="dial")
    item: str = option("", "Image", "Shows each step of this one image instead of the hardest ones.", max_length=64)
    count: int = option(12, "Images", "How many of the hardest images are shown.", ge=1, le=60)


def run(parameters: PreviewParameters, context: JobContext) -> dict[str, Any]:
    """Give rows of item, step, title, before, after and note; the files lie in the job's folder."""
    # The steps bring scipy and skimage: a description of this task must not wait for them.
    from engines.curation.preview import preview

    try:
        chosen = CurateParameters.model_validate({**parameters.curate, "catalogue": parameters.catalogue})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise LabError(
            "These settings cannot be tried.", f"{where}: {first['msg']}.", "Change this setting."
        ) from error
    return preview(context.workspace, chosen, parameters.step, parameters.item, parameters.count, context)


TASK = TaskSpec(
    name="preview",
    title="Preview of steps",
    summary="Shows what a step does to the twelve images that are hardest for it, before and after. Makes no set.",
    parameters=PreviewParameters,
    run=run,
)
