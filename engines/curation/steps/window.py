"""Window and level: choose the part of the grey scale that is spread over the whole range."""

import numpy as np

from engines.curation.steps.base import StepSpec, Work
from engines.options import Options, option


class WindowOptions(Options):
    centre: float = option(
        50.0,
        "Level",
        "Middle of the greys that are shown, in percent of the stored range.",
        too_low="Bright tissue runs into white.",
        too_high="Fatty tissue and skin run into black.",
        unit="%",
        layer="basic",
        ge=0.0,
        le=100.0,
    )
    width: float = option(
        100.0,
        "Window",
        "How much of the stored range is spread from black to white.",
        too_low="Black and white areas without any detail.",
        too_high="Nothing changes: at 100 % around the middle the greys stay as stored.",
        unit="%",
        layer="basic",
        ge=1.0,
        le=200.0,
    )


def apply(work: Work, options: WindowOptions) -> None:
    """Spread the window linearly over 0..white and clip (DICOM PS3.3 C.11.2.1.2, linear exact). Blank stays black."""
    low, width = (options.centre - options.width / 2) / 100, options.width / 100
    before = work.pixels
    spread = np.clip((before / work.white - low) / width, 0.0, 1.0)
    breast = before > 0 if work.blanked else np.ones_like(before, dtype=np.bool_)
    inside = spread[breast]
    work.doubt["window"] = float(np.mean((inside <= 0) | (inside >= 1))) if inside.size else 0.0
    work.said["window"] = f"{work.doubt['window']:.0%} of the pixels are clipped"
    work.pixels = np.where(breast, spread * work.white, 0.0).astype(np.float32)


STEP = StepSpec(
    name="window",
    title="Window and level",
    summary="Spreads a part of the grey scale over the whole range; what lies outside is clipped.",
    options=WindowOptions,
    order=65,
    apply=apply,
    measured=True,
    greys=True,
)
