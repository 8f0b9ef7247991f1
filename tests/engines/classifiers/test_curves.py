"""Curves are scikit-learn's, few points are enough, and odd test sets do not stop a chart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from engines.classifiers.curves import MOST_POINTS, Curve, calibration, confusion, mean_roc, precision_recall, roc
from engines.classifiers.measures import measured

Array = np.ndarray[Any, np.dtype[Any]]


def scores(count: int, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    return labels, 1 / (1 + np.exp(-rng.normal(size=count) - labels))


def farthest(x: Array, y: Array, curve: Curve) -> float:
    """The largest distance of a whole curve's points from a thinned one."""
    a = np.column_stack([curve.x, curve.y])[:-1]
    d = np.column_stack([np.diff(curve.x), np.diff(curve.y)])
    worst = 0.0
    for point in np.column_stack([x, y]):
        along = np.clip(((point - a) * d).sum(1) / np.maximum((d**2).sum(1), 1e-15), 0, 1)
        worst = max(worst, float(np.hypot(*(a + along[:, None] * d - point).T).min()))
    return worst


@pytest.mark.parametrize("count", [40, 3000])
def test_few_points_draw_the_whole_curve(count: int) -> None:
    labels, values = scores(count)
    curve = roc(labels, values)
    x, y, _ = roc_curve(labels, values)
    assert len(curve.x) <= MOST_POINTS and farthest(x, y, curve) < 0.01
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    assert auc(curve.x, curve.y) == pytest.approx(roc_auc_score(labels, values), abs=0.005)
    curve = precision_recall(labels, values)
    precision, recall, _ = precision_recall_curve(labels, values)
    assert len(curve.x) <= MOST_POINTS and farthest(recall, precision, curve) < 0.01
    assert (curve.x[0], curve.y[0], curve.x[-1]) == (0, 1, 1)
    assert auc(curve.x, curve.y) == pytest.approx(average_precision_score(labels, values), abs=0.02)


def test_a_small_curve_keeps_its_corners() -> None:
    curve = roc([0, 0, 1, 1], np.array([0.1, 0.4, 0.35, 0.8]))
    assert (curve.x, curve.y) == ((0.0, 0.0, 0.5, 0.5, 1.0), (0.0, 0.5, 0.5, 1.0, 1.0))


def test_one_class_has_no_curve() -> None:
    values = np.array([0.2, 0.4])
    assert roc([1, 1], values) == mean_roc([0, 0], values[None]) == precision_recall([0, 0], values) == Curve((), ())


def test_the_mean_of_seeds_lies_between_them() -> None:
    labels, _ = scores(200)
    seeds = np.stack([scores(200, seed)[1] for seed in range(4)])
    curve = mean_roc(labels, seeds)
    low, middle, high = (np.array(line) for line in (curve.low, curve.y, curve.high))
    assert (low <= middle).all() and (middle <= high).all() and (np.diff(middle) >= 0).all()
    assert auc(curve.x, curve.y) == pytest.approx(np.mean([roc_auc_score(labels, one) for one in seeds]), abs=0.01)
    assert (curve.y[0], curve.y[-1]) == (0, 1)


def test_calibration_is_scikit_learns_and_sums_up_to_the_error() -> None:
    labels, values = scores(500)
    found = calibration(labels, values)
    happened, said = calibration_curve(labels, values, n_bins=10, strategy="quantile")
    assert found.said == pytest.approx(said) and found.happened == pytest.approx(happened)
    assert sum(found.images) == 500 and max(found.images) - min(found.images) <= 1
    error = np.average(np.abs(np.subtract(found.said, found.happened)), weights=found.images)
    assert measured(labels, np.column_stack([1 - values, values]), 1)["ece"] == pytest.approx(error)


def test_equal_scores_share_a_bin() -> None:
    found = calibration([0, 1, 1, 1], np.array([0.5, 0.5, 0.5, 0.9]))
    assert found.said == (0.5, 0.9) and found.images == (3, 1)
    assert found.happened == pytest.approx((2 / 3, 1.0))


def test_confusion_counts_every_class() -> None:
    probabilities = np.eye(3)[[0, 0, 1, 1]]
    assert confusion(np.array([0, 1, 1, 1]), probabilities) == [[1, 0, 0], [1, 2, 0], [0, 0, 0]]
