"""Grey or colour: one kind of channels for the whole set."""

from typing import Literal

from engines.curation.steps.base import Row, StepSpec, Work
from engines.options import Options, option


class RgbOptions(Options):
    channels: Literal[1, 3] = option(1, "Channels", "1 is grey, 3 is RGB.")


def apply(work: Work, options: RgbOptions) -> None:
    """Colour becomes grey by its luma (ITU-R 601), grey becomes colour by repeating it."""
    from engines.curation.canonical import to_channels

    work.pixels = to_channels(work.pixels, options.channels)


def hardness(row: Row) -> float:
    return float(row.get("colour") == "1")


STEP = StepSpec(
    name="rgb",
    title="Grey or RGB",
    summary="Makes all pictures grey (luma) or RGB (grey repeated).",
    options=RgbOptions,
    order=90,
    apply=apply,
    hardness=hardness,
    greys=True,
    built_in=True,
)
