"""Density: how densely real images surround the synthetic ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.metrics.base import Inputs, MetricSpec, Score
from engines.metrics.neighbours import mean_balls
from engines.metrics.sets import compare_sets

Array = np.ndarray[Any, np.dtype[Any]]
K = 5  # neighbours, as in the paper


def density(real: Array, synthetic: Array) -> float:
    """Real 5-neighbour balls that a synthetic vector [M, D] lies in, over 5, on average; at least 0, can exceed 1."""
    return mean_balls(synthetic, real, K)


def compute(inputs: Inputs) -> Score:
    return compare_sets(inputs, "density", density, better="higher", bounds=(0, np.inf))


METRIC = MetricSpec(
    name="density",
    title="Density",
    summary="How many real images count a synthetic one among their neighbours, on average. About 1 for two sets "
    "of one kind; above means crowding where real images are most common.",
    source="Naeem et al., ICML 2020, eq. 3",
    unit="",
    better="higher",
    compute=compute,
    chooses=True,
)
