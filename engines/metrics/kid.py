"""KID: the kernel distance between two sets of features, unbiased also for small sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engines.metrics.base import Inputs, MetricSpec, Score
from engines.metrics.features import spec_of
from engines.metrics.sets import compare_sets, scaled_by

Array = np.ndarray[Any, np.dtype[Any]]
CHUNK = 1024


def kernel_distance(first: Array, second: Array) -> float:
    """Squared maximum mean discrepancy of features [N, D] and [M, D], for the kernel (x·y / D + 1)³.

    The unbiased estimate over all pairs (Gretton et al., JMLR 2012, eq. 3), so it can be below 0. Binkowski et al.
    (ICLR 2018) average it over random subsets instead, which adds noise and needs 1,000 images.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    n, m = len(first), len(second)
    within = _kernel_sum(first, first, same=True) / (n * (n - 1)) + _kernel_sum(second, second, same=True) / (
        m * (m - 1)
    )
    return within - 2 * _kernel_sum(first, second, same=False) / (n * m)


def _kernel_sum(first: Array, second: Array, same: bool) -> float:
    """Sum of the kernel over all pairs; for a set with itself without each one's pair with itself."""
    total = 0.0
    for start in range(0, len(first), CHUNK):
        kernel = (first[start : start + CHUNK] @ second.T / first.shape[1] + 1) ** 3
        total += float(kernel.sum())
        if same:
            total -= float(np.trace(kernel[:, start:]))
    return total


def whitened_by(real: Array) -> Callable[[Array], Array]:
    """Scales features, then turns and scales them to unit variance along the real set's main directions.

    For features of unlike units, whose heavy tails a cubic kernel would follow alone. As many directions as a fifth of
    the images can carry, at most 64.
    """
    scale = scaled_by(real)
    x = scale(real)
    _, lengths, directions = np.linalg.svd(x, full_matrices=False)
    kept = min(64, len(real) // 5, int((lengths > 1e-6 * lengths[0]).sum()))
    turn = directions[:kept].T / (lengths[:kept] / np.sqrt(len(real) - 1))
    return lambda features: scale(features) @ turn


def compute(inputs: Inputs) -> Score:
    scaling = whitened_by if spec_of(inputs).mixed_units else None
    return compare_sets(inputs, "kid", kernel_distance, squared=True, scaling=scaling)


METRIC = MetricSpec(
    name="kid",
    title="KID",
    summary="Kernel distance between the features of the two sets. Lower is better; 0 is what two sets of one kind "
    "score, and chance takes it below. It has no bias in small sets, so prefer it there to a Fréchet distance.",
    source="Binkowski et al., ICLR 2018; unbiased estimate of Gretton et al., JMLR 2012, over all pairs",
    unit="",
    better="lower",
    compute=compute,
    light=True,
    chooses=True,
)
