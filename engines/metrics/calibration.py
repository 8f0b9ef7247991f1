"""The threshold above which a match means a copy, from what images of new patients reach."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

Array = np.ndarray[Any, np.dtype[Any]]

TAIL = 0.2  # share of the values that the tail is fitted to: 40 of 200
STEADY = 2000  # from so many values on, their own quantile is as steady as a fitted one
SHAPES = (-0.5, 0.2)  # correlations are bounded: a heavy tail can only be an accident of few values
RESAMPLES = 200
CONFIDENCE = 0.9


def tail_quantile(values: Array, rate: float) -> float:
    """The value that a share `rate` of the distribution of `values` [N] exceeds.

    With few values, by a generalised Pareto distribution fitted to the excesses over a high quantile (Pickands 1975;
    Coles 2001, eq. 4.12), by probability-weighted moments, which need fewer values than maximum likelihood (Hosking and
    Wallis, Technometrics 1987, eq. 5).
    """
    if len(values) >= STEADY:
        return float(np.quantile(values, 1 - rate))
    start = float(np.quantile(values, 1 - TAIL))
    excess = np.sort(values[values > start] - start)
    if len(excess) < 3 or excess[-1] < 1e-9:
        return float(values.max())
    mean = float(excess.mean())
    weighted = float((excess * np.arange(len(excess))[::-1]).sum() / (len(excess) * (len(excess) - 1)))
    shape = float(np.clip(2 - mean / max(mean - 2 * weighted, 1e-9), *SHAPES))
    scale = mean * (1 - shape)  # the mean excess is scale / (1 - shape)
    beyond = min(1.0, rate * len(values) / len(excess))
    return start + float(stats.genpareto.isf(beyond, shape, scale=scale))


def threshold_of(values: Array, groups: Array, rate: float, seed: int) -> float:
    """A threshold that new patients' images exceed at most at `rate`, on the safe side of what few values allow.

    The fitted quantile itself would be too low in every second calibration. So it is the fit's upper bound, with 90 %
    confidence, over resamples of whole patients (`groups` [N]), whose images are alike.
    """
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    found = []
    for _ in range(RESAMPLES):
        drawn = generator.integers(0, len(members), len(members))
        found.append(tail_quantile(values[np.concatenate([members[n] for n in drawn])], rate))
    return float(np.quantile(found, CONFIDENCE))


def share_interval(count: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Clopper and Pearson, Biometrika 1934)."""
    interval = stats.binomtest(count, of).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)
