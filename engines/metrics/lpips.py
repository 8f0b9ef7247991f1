"""LPIPS to the nearest real image: the perceptual distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engines.metrics.base import FEWEST, Inputs, MetricSpec, Pixels, Score
from engines.metrics.pairs import nearest_real, unseen_pairs
from engines.metrics.perceptual import BACKBONE, BATCH, HEADS, Lpips
from engines.metrics.statistics import bootstrap_interval

Array = np.ndarray[Any, np.dtype[Any]]


def _distances(lpips: Lpips, images: Pixels, others: Pixels, progress: Callable[[float], None]) -> Array:
    found = []
    for start in range(0, len(images), BATCH):
        found.append(lpips(images[start : start + BATCH], others[start : start + BATCH]))
        progress(min(1.0, (start + BATCH) / len(images)))
    return np.concatenate(found)


def compute(inputs: Inputs) -> Score:
    lpips = Lpips(inputs.weights)
    index, _ = nearest_real(inputs, inputs.part(0.0, 0.1))
    unseen = unseen_pairs(inputs, inputs.part(0.1, 0.2))
    chosen = np.random.default_rng(inputs.seed).permutation(len(unseen.images))[: max(FEWEST, len(index))]
    values = _distances(lpips, inputs.synthetic, inputs.real[index], inputs.part(0.2, 0.6))
    others = inputs.real[unseen.index[chosen]]
    baseline = _distances(lpips, unseen.images[chosen], others, inputs.part(0.6, 1.0))
    low, high = bootstrap_interval(values, np.median, inputs.seed)
    baseline_low, baseline_high = bootstrap_interval(baseline, np.median, inputs.seed + 1)
    closer = float(np.mean(values < np.quantile(baseline, 0.01)))
    warnings = [*lpips.warnings, *unseen.warnings]
    if high < baseline_low and closer > 0.05:
        warnings.insert(0, f"{closer:.0%} lie closer to a training image than 99 % of real ones: look for copies.")
    return Score(
        name="lpips", value=float(np.median(values)), low=low, high=high,
        n_real=len(inputs.real), n_synthetic=len(inputs.synthetic), extractor=lpips.label,
        baseline=float(np.median(baseline)), baseline_low=baseline_low, baseline_high=baseline_high,
        warnings=warnings,
        details={"closer_than_99_percent_of_real": closer, "compared_with": unseen.called},
        per_image={"lpips": values, "nearest": index},
    )  # fmt: skip


METRIC = MetricSpec(
    name="lpips",
    title="LPIPS to the nearest real",
    summary="Perceptual distance of each synthetic image to its nearest real one, by a network whose distances were "
    "fitted to people's judgement of photographs. Near the baseline is what a new patient scores; far below, copies.",
    source="Zhang et al., CVPR 2018, version 0.1 with SqueezeNet 1.1; nearest neighbour by mean squared error",
    unit="",
    better="near_baseline",
    compute=compute,
    needs=(BACKBONE, HEADS),
)
