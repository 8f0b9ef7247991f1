"""Recall: how much of the real variety is reached."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.metrics.base import SIZES, Inputs, MetricSpec, Score
from engines.metrics.neighbours import share_inside
from engines.metrics.sets import compare_sets

Array = np.ndarray[Any, np.dtype[Any]]
K = 3  # neighbours, as in the paper


def recall(real: Array, synthetic: Array) -> float:
    """Share of real features [N, D] within reach of a synthetic one's 3rd neighbour [M, D]; in [0, 1]."""
    return share_inside(real, synthetic, K)


def compute(inputs: Inputs) -> Score:
    return compare_sets(
        inputs,
        "recall",
        recall,
        better="higher",
        bounds=(0, 1),
        note=SIZES,
    )


METRIC = MetricSpec(
    name="recall",
    title="Recall",
    summary="Share of real images that lie where synthetic images lie. Low means missing variety; a few scattered "
    "outliers can raise it (coverage is steadier).",
    source="Kynkäänniemi et al., NeurIPS 2019, eq. 2",
    unit="",
    better="higher",
    compute=compute,
    chooses=True,
)
