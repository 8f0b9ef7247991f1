"""Gaussian blur against film grain."""

import numpy as np

from engines.curation.steps.base import StepSpec, Work
from engines.options import Options, option


class BlurOptions(Options):
    sigma: float = option(
        0.7,
        "Strength",
        "Standard deviation of the Gaussian, in pixels of the set. The resizer has averaged most noise away before.",
        too_low="Grain stays, and the GAN draws it.",
        too_high="Calcifications and fine structure are lost.",
        unit="px",
        layer="basic",
        gt=0.0,
        le=5.0,
    )


def apply(work: Work, options: BlurOptions) -> None:
    """Blur each channel, the picture mirrored beyond its edges."""
    from scipy.ndimage import gaussian_filter

    blurred = gaussian_filter(np.asarray(work.pixels, dtype=np.float32), (options.sigma, options.sigma, 0))
    lost = float(np.abs(blurred - work.pixels).mean()) / work.white
    work.doubt["blur"] = min(1.0, 20 * lost)
    work.said["blur"] = f"changes greys by {lost:.2%} on average"
    work.pixels = blurred


STEP = StepSpec(
    name="blur",
    title="Gaussian blur",
    summary="Smooths film grain and noise, on the pictures at the set's size.",
    options=BlurOptions,
    order=70,
    apply=apply,
    measured=True,
    greys=True,
)
