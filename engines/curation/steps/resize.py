"""Scale to the set's square with the one resizer of the lab."""

from typing import Literal

import numpy as np

from engines.curation.steps.base import Row, StepSpec, Work
from engines.options import Options, option


class ResizeOptions(Options):
    size: int = option(
        128,
        "Size",
        "Side of the square pictures of the set.",
        too_low="Small lesions vanish.",
        too_high="Training takes four times as long with each doubling.",
        unit="px",
        layer="dial",
        ge=32,
        le=512,
    )
    fit: Literal["pad", "stretch"] = option("pad", "Fit", "Keep proportions with padding, or stretch to the square.")


def apply(work: Work, options: ResizeOptions) -> None:
    """Scale to (size,size,C) float32; a chest wall on the left stays flush on the left edge."""
    from engines.curation.canonical import film_median, scaled

    if work.crop is not None and work.veil is not None and "background" not in work.done:
        work.fill = film_median(work.pixels, work.veil)  # film stays: padding must make no edge
    flush = work.crop is not None and work.chest == "left"
    mask = None if work.mask is None else np.ascontiguousarray(work.mask)
    work.mask, work.blanked = None, mask is not None
    work.pixels = scaled(work.pixels, options.size, pad=options.fit == "pad", flush=flush, fill=work.fill, mask=mask)


def hardness(row: Row) -> float:
    """The longest and narrowest boxes: proportions that fit a square least."""
    width, height = float(row.get("crop_w") or 1), float(row.get("crop_h") or 1)
    return max(width, height) / max(1.0, min(width, height))


STEP = StepSpec(
    name="resize",
    title="Resize",
    summary="Scales to the set's size: area averaging, then Lanczos-3, the same for every picture of the lab.",
    options=ResizeOptions,
    order=60,
    apply=apply,
    hardness=hardness,
    built_in=True,
)
