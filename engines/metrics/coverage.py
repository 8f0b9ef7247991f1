"""Coverage: how many real images have a synthetic neighbour."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.metrics.base import SIZES, Inputs, MetricSpec, Score
from engines.metrics.neighbours import share_reached
from engines.metrics.sets import compare_sets

Array = np.ndarray[Any, np.dtype[Any]]
K = 5  # neighbours, as in the paper


def coverage(real: Array, synthetic: Array) -> float:
    """Share of real vectors [N, D] with a synthetic one [M, D] nearer than their 5th real neighbour; in [0, 1]."""
    return share_reached(real, synthetic, K)


def compute(inputs: Inputs) -> Score:
    return compare_sets(
        inputs,
        "coverage",
        coverage,
        better="higher",
        bounds=(0, 1),
        note=SIZES,
    )


METRIC = MetricSpec(
    name="coverage",
    title="Coverage",
    summary="Share of real images that have a synthetic image in their neighbourhood. Low means that kinds of "
    "real images are missing.",
    source="Naeem et al., ICML 2020, eq. 4",
    unit="",
    better="higher",
    compute=compute,
    chooses=True,
)
