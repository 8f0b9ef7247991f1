"""Grey-level distance: how far the histograms of the two sets lie apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.metrics.base import Inputs, MetricSpec, Pixels, Score, unit_grey
from engines.metrics.sets import noise_like, score_sets

Array = np.ndarray[Any, np.dtype[Any]]

BINS = 1024  # steps of 0.1 % of the range; 8-bit levels fall into bins of their own


def histograms(images: Pixels) -> Array:
    """Share of pixels in each of 1,024 equal bins of the range, [N, 1024], for images [N, H, W, C]; colour as grey."""
    found = []
    for image in images:
        levels = np.minimum((unit_grey(image[None])[0] * BINS).astype(np.int64), BINS - 1)
        found.append(np.bincount(levels.ravel(), minlength=BINS) / levels.size)
    return np.array(found)


def distance(real: Array, other: Array) -> float:
    """Wasserstein-1 distance of the sets' mean histograms [N, 1024], in percent of the range.

    In one dimension it is the area between the cumulative distributions (Vallender 1974).
    """
    return 100 * float(np.abs(np.cumsum(real.mean(0) - other.mean(0))).mean())


def compute(inputs: Inputs) -> Score:
    sets = [histograms(images) for images in (inputs.real, inputs.synthetic, noise_like(inputs.real))]
    inputs.progress(0.9)
    mean = [float((some.mean(0) * (np.arange(BINS) + 0.5)).sum() * 100 / BINS) for some in sets[:2]]
    return score_sets(
        inputs, "grey_emd", distance, sets, f"grey levels, {BINS} bins", bounds=(0.0, 100.0), ratio=True, copies=False,
        details={"mean_grey_real": mean[0], "mean_grey_synthetic": mean[1]},
    )  # fmt: skip


METRIC = MetricSpec(
    name="grey_emd",
    title="Grey-level distance",
    summary="How far grey levels must be moved, in percent of the range, to turn the one set's histogram into the "
    "other's. Tells a wrong brightness or contrast from wrong structure.",
    source="Wasserstein-1 (earth mover's) distance in one dimension, Vallender 1974",
    unit="%",
    better="lower",
    compute=compute,
    light=True,
)
