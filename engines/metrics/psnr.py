"""PSNR to the nearest real image, in dB."""

from __future__ import annotations

from engines.metrics.base import Inputs, MetricSpec, Score
from engines.metrics.pairs import score_pairs


def compute(inputs: Inputs) -> Score:
    return score_pairs(inputs, "psnr", use_ssim=False)


METRIC = MetricSpec(
    name="psnr",
    title="PSNR to the nearest real",
    summary="How close each synthetic image comes to its nearest real one. Near the baseline is what a new patient "
    "would score; far above it means copies, far below means images unlike any real one.",
    source="Peak signal-to-noise ratio; nearest neighbour by mean squared error",
    unit="dB",
    better="near_baseline",
    compute=compute,
)
