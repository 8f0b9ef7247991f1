"""CLAHE: local contrast, limited so that noise is not drawn out."""

import numpy as np

from engines.curation.steps.base import StepSpec, Work
from engines.options import Options, option


class ClaheOptions(Options):
    clip_limit: float = option(
        0.01,
        "Clip limit",
        "How far local contrast may be raised, from 0 to 1.",
        too_low="Hardly any change.",
        too_high="Grain and film flaws look like tissue.",
        layer="basic",
        gt=0.0,
        le=1.0,
    )
    tiles: int = option(
        8,
        "Tiles",
        "Contrast is evened out in this many tiles across and down.",
        too_low="Global contrast only.",
        too_high="Shading between tissues is lost.",
        layer="basic",
        ge=1,
        le=32,
    )


def apply(work: Work, options: ClaheOptions) -> None:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV 1994; scikit-image).

    The picture is stretched from its darkest to its brightest grey first, in 16,384 grey levels. Blank stays black.
    """
    from skimage.exposure import equalize_adapthist

    before = np.clip(np.asarray(work.pixels, dtype=np.float32) / work.white, 0.0, 1.0)
    flat = before[..., 0] if before.shape[2] == 1 else before
    if float(flat.max()) <= float(flat.min()):
        return
    kernel = max(2, flat.shape[0] // options.tiles)
    after = equalize_adapthist(flat, kernel_size=kernel, clip_limit=options.clip_limit)
    after = np.asarray(after, dtype=np.float32).reshape(before.shape)
    if work.blanked:
        after[before <= 0] = 0.0
    changed = float(np.abs(after - before).mean())
    work.doubt["clahe"] = min(1.0, 2 * changed)
    work.said["clahe"] = f"changes greys by {changed:.0%} on average"
    work.pixels = after * np.float32(work.white)


STEP = StepSpec(
    name="clahe",
    title="Local contrast (CLAHE)",
    summary="Evens out contrast from tile to tile, on the pictures at the set's size. Brightness is then no longer "
    "comparable between pictures.",
    options=ClaheOptions,
    order=80,
    apply=apply,
    measured=True,
    greys=True,
)
