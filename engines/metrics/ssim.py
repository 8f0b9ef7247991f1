"""SSIM to the nearest real image."""

from __future__ import annotations

from engines.metrics.base import Inputs, MetricSpec, Score
from engines.metrics.pairs import score_pairs


def compute(inputs: Inputs) -> Score:
    return score_pairs(inputs, "ssim", use_ssim=True)


METRIC = MetricSpec(
    name="ssim",
    title="SSIM to the nearest real",
    summary="Structural similarity of each synthetic image to its nearest real one. Near the baseline is what a new "
    "patient would score; far above it means copies.",
    source="Wang et al., IEEE TIP 2004; nearest neighbour by mean squared error",
    unit="",
    better="near_baseline",
    compute=compute,
)
