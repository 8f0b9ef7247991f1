"""CLAHE: local contrast, limited so that noise is not drawn out."""

import numpy as np
import numpy.typing as npt

from engines.curation.steps.base import StepSpec, Work
from engines.options import Options, option

_BINS = 16384 / 65  # of scikit-image, for nbins=256


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

    The picture is stretched from its darkest to its brightest grey first. Histograms have 256 bins, so that they can be
    limited; what is finer than a bin is put back onto grey pictures afterwards, or 16 bits would become 8. Blank stays
    black.
    """
    from skimage.exposure import equalize_adapthist

    before = np.clip(np.asarray(work.pixels, dtype=np.float32) / work.white, 0.0, 1.0)
    flat = before[..., 0] if before.shape[2] == 1 else before
    if float(flat.max()) <= float(flat.min()):
        return
    kernel = max(2, flat.shape[0] // options.tiles)
    after = equalize_adapthist(flat, kernel_size=kernel, clip_limit=options.clip_limit)
    if flat.ndim == 2:
        after = np.clip(after + _finer_than_a_bin(flat), 0.0, 1.0)
    after = np.asarray(after, dtype=np.float32).reshape(before.shape)
    if work.blanked:
        after[before <= 0] = 0.0
    changed = float(np.abs(after - before).mean())
    work.doubt["clahe"] = min(1.0, 2 * changed)
    work.said["clahe"] = f"changes greys by {changed:.0%} on average"
    work.pixels = after * np.float32(work.white)


def _finer_than_a_bin(flat: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """By how much each stretched value differs from the middle of its histogram bin."""
    low, high = float(flat.min()), float(flat.max())
    places = (flat - low) * np.float32(_BINS / (high - low))
    return np.asarray((places - np.floor(places) - 0.5) / _BINS, dtype=np.float32)


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
