"""The job `curate`: a catalogue of source images becomes an image set of whole breasts of one size."""

from typing import Any

from engines.curation.parameters import CurateParameters
from engines.jobs.context import JobContext
from engines.tasks.base import Preset, TaskSpec


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


# The paper keeps images by a "shape confidence" of at least 0.75, but never published how that score is computed. What
# can be repeated is its strictness: 31.8 % of its images passed.
_RAHALI_SHARE = 0.318

PRESETS = {
    "standard": Preset(
        "Standard",
        "Whole breasts with a shape confidence of at least 0.75, cropped, turned the same way, background blanked.",
        {},
    ),
    "as_rahali_2025": Preset(
        "As strict as Rahali 2025",
        "Keeps the best 31.8 % of the images, the share that Rahali et al. kept at their threshold of 0.75. How their "
        "score is computed was never published: this repeats their strictness with our score, not their choice of "
        "images.",
        {"keep_share": _RAHALI_SHARE},
    ),
    "permissive": Preset(
        "Permissive",
        "Everything that looks at least half like a breast: more variety, some flawed films.",
        {"shape_confidence": 0.4},
    ),
    "patches": Preset(
        "Patches and other pictures",
        "For tiles, lesion crops, histology and photographs: no search for a breast, nothing cut, turned or blanked.",
        {"shape_confidence": 0.0, "crop": False, "flip": False, "mask_background": False},
    ),
}

TASK = TaskSpec(
    name="curate",
    title="Make an image set",
    summary="Keeps whole breasts by their shape confidence and by hand, cuts them out, turns them the same way and "
    "scales them with one recorded resizer.",
    parameters=CurateParameters,
    run=run,
    presets=PRESETS,
)
