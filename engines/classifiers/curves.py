"""What the charts of a result are drawn from: ROC, precision-recall, calibration and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from skimage.measure import approximate_polygon
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from engines.classifiers.measures import BINS, score_bins

Array = np.ndarray[Any, np.dtype[Any]]

MOST_POINTS = 200  # a chart of 600 pixels shows no more, and ten curves stay small
_TOLERANCE = 0.0005  # of a chart's height: far below a pixel
_GRID = 101  # points of a mean curve: every hundredth of the false positives


@dataclass(frozen=True)
class Curve:
    """Points of a curve, all in [0, 1]; `low` and `high` are the band of a mean curve, empty otherwise."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """Of each bin of equally many images: the mean probability said, the share that was so, and how many they are."""

    said: tuple[float, ...]
    happened: tuple[float, ...]
    images: tuple[int, ...]


def roc(labels: Array, scores: Array) -> Curve:
    """True positive rate (y) over false positive rate (x) of labels [N], true for positives; empty with one class."""
    true = np.asarray(labels).astype(bool)
    if true.all() or not true.any():
        return Curve((), ())
    x, y, _ = roc_curve(true, scores)
    return _thinned(x, y)


def mean_roc(labels: Array, scores: Array) -> Curve:
    """The ROC curves of S seeds, scores [S, N]: mean, least and most height (Fawcett 2006, vertical averaging)."""
    true = np.asarray(labels).astype(bool)
    if true.all() or not true.any():
        return Curve((), ())
    grid = np.linspace(0, 1, _GRID)
    heights = []
    for seed in scores:
        x, y, _ = roc_curve(true, seed)
        heights.append(np.interp(grid, x, y))
    stacked = np.stack(heights)
    # All curves start in the corner, where interpolation would take the top of the first upright step.
    stacked[:, 0] = 0
    return Curve(_floats(grid), _floats(stacked.mean(0)), _floats(stacked.min(0)), _floats(stacked.max(0)))


def precision_recall(labels: Array, scores: Array) -> Curve:
    """Precision (y) over recall (x), from recall 0 on; empty without positives."""
    true = np.asarray(labels).astype(bool)
    if not true.any():
        return Curve((), ())
    precision, recall, _ = precision_recall_curve(true, scores)
    return _thinned(recall[::-1], precision[::-1])


def calibration(labels: Array, scores: Array, bins: int = BINS) -> Calibration:
    """What probabilities [N] said against what happened, in the bins that the calibration error is made of."""
    true = np.asarray(labels).astype(bool)
    number = score_bins(scores, bins)
    images = np.bincount(number, minlength=bins)
    filled = images > 0  # equal scores share a bin, so some may be empty
    said = np.bincount(number, scores, bins)[filled] / images[filled]
    happened = np.bincount(number, true, bins)[filled] / images[filled]
    return Calibration(_floats(said), _floats(happened), tuple(int(count) for count in images[filled]))


def confusion(labels: Array, probabilities: Array) -> list[list[int]]:
    """Images [K][K] by true class (row) and predicted class (column)."""
    classes = probabilities.shape[1]
    table: list[list[int]] = confusion_matrix(labels, probabilities.argmax(1), labels=range(classes)).tolist()
    return table


def _thinned(x: Array, y: Array) -> Curve:
    """The same curve through at most MOST_POINTS of its points (Douglas and Peucker 1973).

    The tolerance starts far below what can be seen and doubles until the points are few enough: a step curve of 5,000
    images then departs from the whole one by less than a hundredth.
    """
    points, tolerance = np.column_stack([x, y]), _TOLERANCE
    kept = approximate_polygon(points, tolerance)
    while len(kept) > MOST_POINTS:
        tolerance *= 2
        kept = approximate_polygon(points, tolerance)
    return Curve(_floats(kept[:, 0]), _floats(kept[:, 1]))


def _floats(values: Array) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
