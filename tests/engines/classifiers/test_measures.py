"""Every measure is scikit-learn's, drawn once or a thousand times, and survives what small test sets do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from engines.classifiers.measures import MEASURES, measured, per_class, score_bins, weighted

Array = np.ndarray[Any, np.dtype[Any]]


def predictions(classes: int, seed: int, count: int = 80, ties: bool = False) -> tuple[Array, Array]:
    """Labels [N] and probabilities [N, K] that know a little; with ties there are only a few distinct ones."""
    rng = np.random.default_rng(seed)
    labels = np.r_[np.arange(classes), rng.integers(0, classes, count - classes)]
    scores = rng.gamma(1.0, size=(count, classes)) + 0.7 * np.eye(classes)[labels]
    if ties:
        scores = np.ceil(scores)
    return labels, scores / scores.sum(1, keepdims=True)


def theirs(labels: Array, probabilities: Array, positive: int | None, weights: Array) -> dict[str, float]:
    """The same measures by scikit-learn."""
    called, classes = probabilities.argmax(1), range(probabilities.shape[1])
    more: dict[str, Any] = {"sample_weight": weights}

    def of(label: int) -> dict[str, float]:
        truth, said = labels == label, called == label
        return {
            "precision": metrics.precision_score(truth, said, zero_division=0, **more),
            "recall": metrics.recall_score(truth, said, **more),
            "specificity": metrics.recall_score(~truth, ~said, **more),
            "f1": metrics.f1_score(truth, said, **more),
            "auroc": metrics.roc_auc_score(truth, probabilities[:, label], **more),
            "auprc": metrics.average_precision_score(truth, probabilities[:, label], **more),
        }

    each = [of(label) for label in classes]
    macro = {name: float(np.mean([row[name] for row in each])) for name in each[0]}
    return {
        "accuracy": metrics.accuracy_score(labels, called, **more),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, called, **more),
        **(macro if positive is None else each[positive]),
        "brier": metrics.brier_score_loss(labels, probabilities, labels=list(classes), **more),
        "macro_precision": metrics.precision_score(labels, called, average="macro", zero_division=0, **more),
        "macro_recall": metrics.recall_score(labels, called, average="macro", **more),
        "macro_f1": metrics.f1_score(labels, called, average="macro", **more),
        "macro_auprc": macro["auprc"],
    }


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("classes", "positive"), [(2, 1), (2, 0), (2, None), (4, None), (4, 2)])
def test_equal_to_scikit_learn(classes: int, positive: int | None, ties: bool) -> None:
    labels, probabilities = predictions(classes, 3, ties=ties)
    ours = measured(labels, probabilities, positive)
    expected = theirs(labels, probabilities, positive, np.ones(len(labels)))
    assert set(ours) == set(MEASURES) == {*expected, "ece"}
    assert {name: ours[name] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_macro_areas_are_those_that_scikit_learn_gives_for_several_classes() -> None:
    labels, probabilities = predictions(4, 5)
    ours = measured(labels, probabilities)
    assert ours["auroc"] == pytest.approx(metrics.roc_auc_score(labels, probabilities, multi_class="ovr"), abs=1e-12)
    expected = metrics.average_precision_score(np.eye(4)[labels], probabilities)
    assert ours["auprc"] == ours["macro_auprc"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_thousand_resamples_at_once_are_a_thousand_single_ones(classes: int) -> None:
    labels, probabilities = predictions(classes, 7, ties=True)
    rng = np.random.default_rng(1)
    weights = rng.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), 12).astype(float)
    ours = weighted(labels, probabilities, weights, 1)
    for row, drawn in enumerate(weights):
        expected = theirs(labels, probabilities, 1, drawn)
        assert {name: ours[name][row] for name in expected} == pytest.approx(expected, abs=1e-12)
        again = np.repeat(np.arange(len(labels)), drawn.astype(int))
        # The bins stay those of the whole set, so the error is taken from the weights by hand.
        bins, gaps = score_bins(probabilities[:, 1]), probabilities[:, 1] - (labels == 1)
        by_hand = sum(abs(gaps[again][bins[again] == one].sum()) for one in range(10)) / len(again)
        assert ours["ece"][row] == pytest.approx(by_hand, abs=1e-12)


def test_calibration_error_of_known_probabilities() -> None:
    """Twenty images said to be 0.2 of which half are positive, twenty said to be 0.9 that all are: (0.3 + 0.1) / 2."""
    labels = np.array([0, 1] * 10 + [1] * 20)
    positive = np.array([0.2] * 20 + [0.9] * 20)
    found = measured(labels, np.column_stack([1 - positive, positive]), 1)
    assert found["ece"] == pytest.approx(0.2)


def test_a_class_that_is_never_predicted_has_precision_zero() -> None:
    labels = np.array([0, 1, 2, 2, 1, 0])
    probabilities = np.tile([0.5, 0.3, 0.2], (6, 1))
    rows = per_class(labels, probabilities)
    assert rows[2] == {
        "images": 2, "precision": 0.0, "recall": 0.0, "specificity": 1.0, "f1": 0.0, "auroc": 0.5, "auprc": 1 / 3
    }  # fmt: skip
    expected = metrics.precision_score(labels, probabilities.argmax(1), average="macro", zero_division=0)
    assert measured(labels, probabilities)["macro_precision"] == pytest.approx(expected)


def test_a_class_that_the_test_set_lacks_has_no_value_and_is_passed_over() -> None:
    labels, probabilities = predictions(3, 2)
    kept = labels != 2
    labels, probabilities = labels[kept], probabilities[kept]
    rows = per_class(labels, probabilities)
    assert rows[2]["images"] == 0 and np.isfinite(rows[2]["specificity"])
    assert all(np.isnan(rows[2][name]) for name in ("precision", "recall", "f1", "auroc", "auprc"))
    called = probabilities.argmax(1)
    found = measured(labels, probabilities)
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(labels, called, labels=[0, 1], average="macro"))
    assert found["auroc"] == pytest.approx(np.mean([rows[0]["auroc"], rows[1]["auroc"]]))


def test_a_test_set_of_one_class_has_an_accuracy_and_no_area() -> None:
    found = measured(np.ones(5, int), np.tile([0.3, 0.7], (5, 1)), 1)
    assert found["accuracy"] == found["recall"] == found["auprc"] == 1.0
    assert np.isnan(found["auroc"]) and np.isnan(found["specificity"])


def test_a_resample_without_a_class_has_no_value_there_and_spoils_no_other() -> None:
    labels, probabilities = np.array([0, 0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    found = weighted(labels, probabilities, np.array([[2.0, 2, 0, 0], [1, 1, 1, 1]]), 1)
    assert np.isnan(found["auroc"][0]) and np.isnan(found["balanced_accuracy"][0])
    assert found["accuracy"].tolist() == [0.5, 0.75] and found["auroc"][1] == 1.0


def test_no_images_are_refused() -> None:
    with pytest.raises(ValueError, match="same images"):
        measured(np.zeros(0, int), np.zeros((0, 2)))
