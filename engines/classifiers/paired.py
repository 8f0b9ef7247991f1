"""Published tests of two classifiers on the same test images, and the words for what they found.

These speak of two given classifiers and nothing else. Whether another training would have come out the same is asked by
`intervals.difference`, which is therefore what a comparison is judged by; these stand beside it, since papers use them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import binomtest, norm, rankdata

from engines.metrics.statistics import groups_of

Array = np.ndarray[Any, np.dtype[Any]]
Verdict = Literal["helps", "no difference seen", "hurts", "cannot be told"]


@dataclass(frozen=True)
class DeLong:
    """Two AUROCs of the same images, their difference a - b with its standard error, and the two-sided p."""

    auc_a: float
    auc_b: float
    difference: float
    se: float
    z: float
    p: float


@dataclass(frozen=True)
class McNemar:
    """Images that only the first classifier got right (b), only the second (c), and the two-sided p."""

    b: int
    c: int
    p: float


def delong(labels: Array, scores_a: Array, scores_b: Array, patients: Sequence[str] = ()) -> DeLong:
    """Whether two AUROCs of the same images differ (DeLong, DeLong and Clarke-Pearson 1988).

    `labels` [N] is true for positives, scores [N] grow with the chance of being one. Placements by midranks (Sun and Xu
    2014). With `patients` [N] their images hang together (Obuchowski, Biometrics 1997); "" is a patient of its own, and
    with an image a patient the two are the same. NaN where fewer than two patients are positive or negative.
    """
    true = np.asarray(labels).astype(bool)
    if true.all() or not true.any():
        return DeLong(*[float("nan")] * 6)
    groups = groups_of(list(patients) or [""] * len(true))
    (plus_a, minus_a), (plus_b, minus_b) = _placements(true, scores_a), _placements(true, scores_b)
    auc_a, auc_b = float(plus_a.mean()), float(plus_b.mean())
    variance = _clustered_variance(plus_a - plus_b, minus_a - minus_b, groups[true], groups[~true])
    se, gap = float(np.sqrt(variance)), auc_a - auc_b
    z, p = tested(gap, se, min(len(set(groups[true])), len(set(groups[~true]))))
    return DeLong(auc_a, auc_b, gap, se, z, p)


def _placements(true: Array, scores: Array) -> tuple[Array, Array]:
    """Of each positive, the share of negatives below it, and of each negative, the share of positives above it."""
    positives, negatives = scores[true], scores[~true]
    ranks = rankdata(scores)
    plus = (ranks[true] - rankdata(positives)) / len(negatives)
    minus = 1 - (ranks[~true] - rankdata(negatives)) / len(positives)
    return plus, minus


def _clustered_variance(plus: Array, minus: Array, plus_groups: Array, minus_groups: Array) -> float:
    """Obuchowski 1997, of differences of placements: within positives, within negatives, and between."""
    count = int(max(plus_groups.max(), minus_groups.max())) + 1
    sums, sizes, spread = [], [], []
    for values, groups in ((plus, plus_groups), (minus, minus_groups)):
        here = len(np.unique(groups))
        if here < 2:
            return float("nan")
        centred = np.bincount(groups, values - values.mean(), count)
        sums.append(centred)
        sizes.append(len(values))
        spread.append(here / (here - 1) * float(centred @ centred) / len(values) ** 2)
    together = count / (count - 1) * float(sums[0] @ sums[1]) / (sizes[0] * sizes[1])
    return max(spread[0] + spread[1] + 2 * together, 0.0)


def tested(gap: float, se: float, units: int) -> tuple[float, float]:
    """z and two-sided p of a difference; without any scatter, no difference is p = 1.

    A difference that every one of `units` shows alike has no scatter either: its p is then the sign test's, since a
    few patients that agree are no proof.
    """
    if not np.isfinite(se) or not np.isfinite(gap):
        return float("nan"), float("nan")
    if se < 1e-12:
        return (0.0, 1.0) if abs(gap) < 1e-12 else (float(np.sign(gap) * np.inf), min(1.0, 2 * 0.5**units))
    z = gap / se
    return float(z), float(2 * norm.sf(abs(z)))


def mcnemar(correct_a: Array, correct_b: Array) -> McNemar:
    """Whether two classifiers are right equally often on the same images [N] bool: exact binomial test of McNemar 1947.

    It takes every image as independent; where patients have several, `intervals.difference` of the accuracy does not.
    """
    first, second = np.asarray(correct_a).astype(bool), np.asarray(correct_b).astype(bool)
    b, c = int((first & ~second).sum()), int((~first & second).sum())
    return McNemar(b, c, float(binomtest(b, b + c).pvalue) if b + c else 1.0)


def holm(p: Sequence[float]) -> list[float]:
    """p values adjusted for their number, in their own order (Holm 1979); NaN ones are no tests and stay NaN."""
    values = np.asarray(p, float)
    adjusted = np.full(len(values), np.nan)
    order = np.argsort(values, kind="stable")[: int(np.isfinite(values).sum())]  # NaN sorts last
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]


def verdict(
    difference: float, adjusted_p: float, better: Literal["higher", "lower"] = "higher", level: float = 0.05
) -> Verdict:
    """What a difference from the reference says; "no difference seen" never means that there is none."""
    if not (np.isfinite(difference) and np.isfinite(adjusted_p)):
        return "cannot be told"
    if adjusted_p >= level:
        return "no difference seen"
    return "helps" if (difference > 0) == (better == "higher") else "hurts"
