"""Intervals hold what they promise: by patient, over trainings, and where nothing scatters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from engines.classifiers.intervals import Difference, difference, drawn_weights, interval
from engines.classifiers.measures import MEASURES, measured

Array = np.ndarray[Any, np.dtype[Any]]


def sure(scores: Array) -> Array:
    """Probabilities [..., 2] of scores [...]."""
    positive = 1 / (1 + np.exp(-scores))
    return np.stack([1 - positive, positive], -1)


def arms(seed: int, seeds: int = 5, count: int = 120, noise: float = 0.5) -> tuple[Array, Array, Array]:
    """Labels and two arms of equal skill."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    base = 2 * labels - 1 + rng.normal(size=count)
    return labels, *(sure(base + noise * rng.normal(size=(seeds, count))) for _ in range(2))


def test_patients_are_drawn_with_all_their_images() -> None:
    patients = ["a", "a", "b", "c", "", "", "d", "e", "b"]
    weights = drawn_weights(patients, 9, 500, seed=3)
    assert weights.shape == (500, 9)
    assert (weights[:, 0] == weights[:, 1]).all() and (weights[:, 2] == weights[:, 8]).all()
    assert (weights[:, 4] != weights[:, 5]).any()  # two unknown patients are two
    assert (weights[:, [0, 2, 3, 4, 5, 6, 7]].sum(1) == 7).all()
    assert (drawn_weights(patients, 9, 500, seed=3) == weights).all()


def test_the_value_is_the_mean_over_seeds() -> None:
    labels, arm, reference = arms(0)
    found = interval(labels, arm, (), 1, resamples=50)
    assert set(found) == set(MEASURES)
    each = [measured(labels, one, 1) for one in arm]
    for name, one in found.items():
        assert one.value == pytest.approx(np.mean([row[name] for row in each]))
        assert one.sd_seeds == pytest.approx(np.std([row[name] for row in each], ddof=1))
        assert 0 <= one.low < one.value < one.high <= 1
    gaps = difference(labels, arm, reference, (), 1, resamples=50)
    other = interval(labels, reference, (), 1, resamples=50)
    assert gaps["auroc"].value == pytest.approx(found["auroc"].value - other["auroc"].value)
    assert gaps["auroc"].low < gaps["auroc"].value < gaps["auroc"].high


def test_of_one_training_the_accuracy_has_the_textbook_error() -> None:
    """Difference of accuracy of paired images: sqrt(share of disagreement - difference²) / sqrt(N), and Student's t."""
    labels, arm, reference = arms(1, seeds=1, count=400)
    found = difference(labels, arm, reference, (), 1, ["accuracy"], resamples=4000)["accuracy"]
    right = [(one[0].argmax(1) == labels).astype(float) for one in (arm, reference)]
    gap = right[0] - right[1]
    assert found.se_test == pytest.approx(gap.std() / 20, rel=0.05)
    assert found.se_train is None and found.about == "this one training only" and found.df == 399
    assert found.p == pytest.approx(2 * student.sf(abs(found.value) / found.se_test, 399))
    assert found.high - found.value == pytest.approx(student.ppf(0.975, 399) * found.se_test)
    assert found.least_detectable() == pytest.approx((student.ppf(0.975, 399) + student.ppf(0.8, 399)) * found.se_test)


def test_images_of_one_patient_are_no_new_information() -> None:
    labels, arm, reference = arms(2, count=60)
    once = difference(labels, arm, reference, [str(n) for n in range(60)], 1, ["auroc"])["auroc"]
    thrice = [np.repeat(x, 3, axis=axis) for x, axis in ((labels, 0), (arm, 1), (reference, 1))]
    again = difference(*thrice, [str(n // 3) for n in range(180)], 1, ["auroc"])["auroc"]
    alone = difference(*thrice, (), 1, ["auroc"])["auroc"]
    assert again.se_test == pytest.approx(once.se_test) and again.p == pytest.approx(once.p)
    assert alone.se_test < 0.7 * again.se_test


def test_seeds_on_all_patients_count_less_and_say_so() -> None:
    """Accuracies so far apart that test images explain little: se_train² is near 4/5 Σ, or Σ / 20 of them."""
    labels = np.arange(2000) % 2
    wrong = np.arange(2000)[:, None] < [0, 200, 400, 600, 800]
    truth = np.eye(2)[labels]
    arm = np.stack([np.where(wrong[:, [s]], 1 - truth, truth) for s in range(5)])
    reference = np.repeat(truth[None], 5, axis=0)
    gaps = -np.array([0, 0.1, 0.2, 0.3, 0.4])
    scatter = float(((gaps - gaps.mean()) ** 2).sum())
    for varies, factor, about in (
        (True, 4 / 5, "other training patients"),
        (False, 1 / 20, "these training patients only"),
    ):
        found = difference(labels, arm, reference, (), 1, ["accuracy"], train_varies=varies)["accuracy"]
        assert found.about == about and found.se_train == pytest.approx(np.sqrt(factor * scatter), rel=0.01)
        assert found.df >= 4 and found.value == pytest.approx(-0.2)


def trained(labels: Array, images: Array, left_out: Array, number: int) -> Array:
    """The direction between two classes' means, of all but one group of training patients."""
    kept = left_out != number
    return images[kept & (labels == 1)].mean(0) - images[kept & (labels == 0)].mean(0)


def study(seed: int, first: int, second: int, seeds: int = 5) -> Array:
    """p of AUROC of one study of training sets of two sizes: by the difference, by the test set's bootstrap alone."""
    rng = np.random.default_rng(seed)

    def images(count: int) -> tuple[Array, Array]:
        labels = np.arange(count) % 2
        return labels, rng.normal(size=(count, 20)) + np.where(np.arange(20) < 4, 0.5, 0) * labels[:, None]

    labels, test = images(200)
    arm = []
    for size in (first, second):
        truth, train = images(size)
        groups = rng.permutation(size) % seeds
        arm.append(sure(np.stack([test @ trained(truth, train, groups, n) for n in range(seeds)])))
    ours = difference(labels, *arm, (), 1, ["auroc"], resamples=100, seed=seed)["auroc"]
    bare = difference(labels, *(one[:1] for one in arm), (), 1, ["auroc"], resamples=100, seed=seed)["auroc"]
    return np.array([ours.p, bare.p])


def test_two_samples_of_the_same_patients_are_rarely_called_different() -> None:
    p = np.array([study(seed, 60, 60) for seed in range(100)])
    ours, bare = (p < 0.05).mean(0)
    assert ours <= 0.05 < 0.1 < bare


def test_a_larger_training_set_is_seen() -> None:
    p = np.array([study(seed, 20, 1000, seeds=10)[0] for seed in range(20)])
    assert (p < 0.05).mean() >= 0.5


def test_equal_predictions_are_no_difference_for_sure() -> None:
    labels, arm, _ = arms(5)
    for found in difference(labels, arm, arm, (), 1, resamples=50).values():
        assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)
        assert np.isnan(found.least_detectable())


def test_what_can_be_seen_among_many_comparisons_is_seen_in_four_of_five_cases() -> None:
    """By simulation: of 16 comparisons the one with that true difference is the first that Holm calls."""
    found = Difference(0.0, 0.0, 0.0, 1.0, 0.02, None, 30.0, 1, "this one training only")
    rng = np.random.default_rng(0)
    se = 0.02 * np.sqrt(rng.chisquare(30, 20_000) / 30)
    t = (found.least_detectable(16) + rng.normal(0, 0.02, 20_000)) / se
    assert (2 * student.sf(np.abs(t), 30) < 0.05 / 16).mean() == pytest.approx(0.8, abs=0.02)
    assert found.least_detectable(16) > 1.3 * found.least_detectable()


def test_a_difference_stays_within_what_it_can_be() -> None:
    """Two seeds that disagree: Student's t with one degree of freedom would reach beyond 1."""
    labels = np.arange(40) % 2
    sure = np.stack([1.0 - labels, labels], 1)
    found = difference(labels, np.stack([sure, 1 - sure]), np.stack([sure, sure]), (), 1, ["accuracy"])["accuracy"]
    assert found.low == -1 and found.high == 1 and found.value == -0.5


def test_where_nothing_scatters_there_is_no_interval() -> None:
    """One training calls every image the first class, the other the second: half are right, whoever is drawn."""
    labels = np.arange(40) % 2
    first = np.stack([np.ones(40), np.zeros(40)], 1)
    found = interval(labels, np.stack([first, first[:, ::-1]]), (), 1, ["accuracy"])["accuracy"]
    assert found.value == 0.5 and np.isnan([found.low, found.high]).all()


def test_a_perfect_arm_is_not_certain() -> None:
    """Ten images of each class, all right: the interval ends at 0.025^(1/10)."""
    labels = np.arange(20) % 2
    perfect = np.repeat(np.eye(2)[labels][None], 3, axis=0)
    found = interval(labels, perfect, (), 1, ["accuracy", "brier"], resamples=50)
    assert (found["accuracy"].low, found["accuracy"].high) == pytest.approx((0.025**0.1, 1.0))
    assert (found["brier"].low, found["brier"].high) == pytest.approx((0.0, 1 - 0.025**0.1))
    gap = difference(labels, perfect, 1 - perfect, (), 1, ["accuracy"], resamples=50)["accuracy"]
    assert gap.value == 1 and gap.p == pytest.approx(2 * 0.5**20)


def test_what_cannot_be_measured_has_no_interval() -> None:
    labels = np.ones(8, int)
    arm = sure(np.random.default_rng(0).normal(size=(2, 8)))
    found = interval(labels, arm, (), 1, ["auroc", "accuracy"], resamples=50)
    assert np.isnan([found["auroc"].value, found["auroc"].low, found["auroc"].high]).all()
    assert np.isfinite(found["accuracy"].low)
    assert np.isnan(difference(labels, arm, arm, (), 1, ["auroc"], resamples=50)["auroc"].p)
    with pytest.raises(ValueError, match="same seeds"):
        difference(labels, arm, arm[:1])
