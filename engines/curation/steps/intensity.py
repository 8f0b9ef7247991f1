"""Intensity scaling: from the units of the source to the values of the set, rounded once."""

from typing import Literal

import numpy as np

from engines.curation.steps.base import StepSpec, Work
from engines.options import Options, option


class IntensityOptions(Options):
    contrast: Literal["as stored", "percentile per image"] = option(
        "as stored", "Contrast", "Keep brightness comparable between pictures, or stretch each picture on its own."
    )
    deep: bool = option(False, "16 bit", "Values from 0 to 65535 instead of 0 to 255; a set is 16 bit if a source is.")


def apply(work: Work, options: IntensityOptions) -> None:
    """Scale to uint8, or to uint16 over its full range."""
    from engines.curation.canonical import to_depth

    seen = work.pixels[work.pixels > 0]
    work.doubt["intensity"] = 1.0 - float(np.ptp(np.percentile(seen, [1, 99]))) / work.white if seen.size else 1.0
    work.said["intensity"] = f"uses {1 - work.doubt['intensity']:.0%} of the grey scale"
    work.pixels = to_depth(work.pixels, work.bits, options.deep, options.contrast)


STEP = StepSpec(
    name="intensity",
    title="Intensity scaling",
    summary="Brings the stored values to the values of the set. 16-bit sources stay 16 bit.",
    options=IntensityOptions,
    order=100,
    apply=apply,
    measured=True,
    greys=True,
    built_in=True,
)
