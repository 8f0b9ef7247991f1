"""What a test set can show at all, before anything is trained: the least detectable difference, and the images needed.

Of the test images alone: that trainings differ too comes on top, so no comparison can see less than this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from engines.metrics.statistics import groups_of

Array = np.ndarray[Any, np.dtype[Any]]

LEVEL, POWER = 0.05, 0.8
AUROC = 0.8  # a usual benign-against-malignant classifier
CORRELATION = 0.5  # of the AUROCs of two classifiers on the same images
DISAGREEMENT = 0.2  # share of images that one of two classifiers gets right and the other wrong
LIKENESS = 0.5  # correlation of the answers to two images of one patient
_MOST_IMAGES = 10**7


@dataclass(frozen=True)
class Foresight:
    """What two classifiers must differ by, for a test set to show it in 80 % of cases; None if it can show nothing.

    The images are counted as independent ones: `images` [K] by class after `patients` were taken into account.
    """

    auroc: float | None
    accuracy: float | None
    images: tuple[float, ...]
    patients: int


def foresight(labels: Array, patients: Sequence[str] = (), positive: int | None = None, classes: int = 2) -> Foresight:
    """What a test set of labels [N] can show; AUROC of the class `positive` against the others, the rarest by default.

    Images of one patient are alike, so m of them count as m / (1 + (m - 1) · 0.5) (Kish 1965, the design effect).
    """
    names = list(patients) or [""] * len(labels)
    groups = groups_of(names)
    counts = [_independent(groups[labels == label]) for label in range(classes)]
    every = _independent(groups)
    interest = positive if positive is not None else int(np.argmin(counts))
    here, others = counts[interest], _independent(groups[labels != interest])
    return Foresight(
        least_auroc(here, others), least_accuracy(every), tuple(round(count, 1) for count in counts), len(set(groups))
    )


def _independent(groups: Array) -> float:
    """How many independent images the images of these patients are worth."""
    if len(groups) == 0:
        return 0.0
    sizes = np.unique(groups, return_counts=True)[1]
    typical = float((sizes**2).sum() / sizes.sum())  # the number that an image shares its patient with, itself included
    return len(groups) / (1 + (typical - 1) * LIKENESS)


def auroc_se(auroc: float, positives: float, negatives: float) -> float:
    """Standard error of an AUROC from its value and the images of both classes (Hanley and McNeil 1982)."""
    first, second = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    variance = auroc * (1 - auroc) + (positives - 1) * (first - auroc**2) + (negatives - 1) * (second - auroc**2)
    return float(np.sqrt(max(variance, 0.0) / (positives * negatives)))


def least_auroc(
    positives: float, negatives: float, auroc: float = AUROC, correlation: float = CORRELATION
) -> float | None:
    """The rise over `auroc` that a paired test sees with 80 % power (Hanley and McNeil 1983); None if it sees none."""
    if min(positives, negatives) < 2:
        return None

    def missing(rise: float) -> float:
        """By how much the rise falls short of what is seen."""
        one, other = auroc_se(auroc, positives, negatives), auroc_se(auroc + rise, positives, negatives)
        same = np.sqrt(2 * (1 - correlation)) * one  # the scatter of a difference where there is none
        real = np.sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0))
        return float(norm.ppf(1 - LEVEL / 2) * same + norm.ppf(POWER) * real - rise)

    return _root(missing, 1e-9, 1 - auroc - 1e-9)


def least_accuracy(images: float, disagreement: float = DISAGREEMENT) -> float | None:
    """The difference of accuracy that McNemar's test sees with 80 % power (Connor 1987); None if it sees none.

    `disagreement` is the share of images that just one of the two gets right; no difference exceeds it.
    """
    if images < 2:
        return None

    def missing(gap: float) -> float:
        spread = norm.ppf(1 - LEVEL / 2) * np.sqrt(disagreement)
        return float(spread + norm.ppf(POWER) * np.sqrt(max(disagreement - gap**2, 0.0)) - gap * np.sqrt(images))

    return _root(missing, 1e-9, disagreement)


def images_for_auroc(difference: float, share: float = 0.5, auroc: float = AUROC) -> int | None:
    """The fewest independent test images, a `share` of them positive, that show this rise; None if none do."""
    least = lambda images: least_auroc(images * share, images * (1 - share), auroc)  # noqa: E731
    return _fewest(difference, 1 - auroc, least)


def images_for_accuracy(difference: float, disagreement: float = DISAGREEMENT) -> int | None:
    """The fewest independent test images that show this difference of accuracy; None if none do."""
    return _fewest(difference, disagreement, lambda images: least_accuracy(images, disagreement))


def _root(function: Callable[[float], float], low: float, high: float) -> float | None:
    return float(brentq(function, low, high)) if function(low) > 0 > function(high) else None


def _fewest(difference: float, largest: float, least: Callable[[int], float | None]) -> int | None:
    """Bisection, since more images always show a smaller difference; None beyond the largest that there can be."""
    low, high = 1, _MOST_IMAGES
    if not 0 < difference < largest or (found := least(high)) is None or found > difference:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        seen = least(middle)
        low, high = (low, middle) if seen is not None and seen <= difference else (middle, high)
    return high
