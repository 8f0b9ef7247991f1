"""Precision: how many synthetic images look real."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.metrics.base import SIZES, Inputs, MetricSpec, Score
from engines.metrics.neighbours import share_inside
from engines.metrics.sets import compare_sets

Array = np.ndarray[Any, np.dtype[Any]]
K = 3  # neighbours, as in the paper


def precision(real: Array, synthetic: Array) -> float:
    """Share of synthetic features [M, D] within reach of a real one's 3rd neighbour [N, D]; in [0, 1]."""
    return share_inside(synthetic, real, K)


def compute(inputs: Inputs) -> Score:
    return compare_sets(
        inputs,
        "precision",
        precision,
        better="higher",
        bounds=(0, 1),
        note=SIZES,
    )


METRIC = MetricSpec(
    name="precision",
    title="Precision",
    summary="Share of synthetic images that lie where real images lie. Near the baseline is as good as real; one "
    "outlier among the real images can raise it (density is steadier).",
    source="Kynkäänniemi et al., NeurIPS 2019, eq. 2",
    unit="",
    better="higher",
    compute=compute,
    chooses=True,
)
