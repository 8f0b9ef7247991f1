"""Intervals and real-versus-real baselines, respecting that a patient's images belong together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

FEWEST_PATIENTS = 4  # two for each half


def bootstrap_interval(
    values: Array, statistic: Callable[..., Any], seed: int, resamples: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic of independent values [N] (Efron and Tibshirani 1993, ch. 13).

    `statistic` must take `axis`.
    """
    generator = np.random.default_rng(seed)
    drawn = values[generator.integers(0, len(values), (resamples, len(values)))]
    low, high = np.quantile(statistic(drawn, axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def groups_of(patients: Sequence[str]) -> Array:
    """A group number for each image [N]; an image of unknown patient is a group of its own."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name or f"\0{index}", len(numbers)) for index, name in enumerate(patients)])


def patient_halves(patients: Sequence[str], seed: int) -> tuple[Array, Array]:
    """Indices of two disjoint halves of a set, drawn by patient: no patient stands in both."""
    groups = groups_of(patients)
    order = np.random.default_rng(seed).permutation(groups.max() + 1)
    sizes = np.bincount(groups)[order]
    first = order[: int(np.searchsorted(np.cumsum(sizes), len(groups) / 2)) + 1]
    chosen = np.isin(groups, first)
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def named_patients(patients: Sequence[str], count: int) -> list[str]:
    """The patient of each of `count` images; with fewer than four patients to tell apart each image counts alone."""
    names = list(patients) or [""] * count
    return names if len(set(groups_of(names).tolist())) >= FEWEST_PATIENTS else [""] * count
