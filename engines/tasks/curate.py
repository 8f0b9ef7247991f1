"""The job `curate`: a catalogue of source images becomes an image set of whole breasts of one size."""

from typing import Any

from engines.curation.parameters import CurateParameters
from engines.jobs.context import JobContext
from engines.tasks.base import TaskSpec


def run(parameters: CurateParameters, context: JobContext) -> dict[str, Any]:
    """Make the image set; gives its id, counts, size and channels, and why images were left out."""
    # The pipeline brings scipy and skimage: a description of this task must not wait for them.
    from engines.curation.pipeline import make_image_set

    record = make_image_set(context.workspace, parameters.catalogue, parameters, context)
    return {
        "id": record.id,
        "items": record.items,
        "kept": record.kept,
        "rejected": record.rejected,
        "size": record.width,
        "channels": record.channels,
        "dtype": record.dtype,
        "classes": record.classes,
        "split": record.split_counts,
        "version": record.version,
        "changes": record.changes,
        "warnings": record.warnings,
    }


TASK = TaskSpec(
    name="curate",
    title="Make an image set",
    summary="Keeps whole breasts by their shape confidence and by hand, cuts them out, turns them the same way and "
    "scales them with one recorded resizer.",
    parameters=CurateParameters,
    run=run,
)
