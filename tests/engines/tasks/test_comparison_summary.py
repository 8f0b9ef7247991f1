"""Charts have a line for each class, and a line of the summary says of how many patients and comparisons it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from engines.classifiers.base import Labelled
from engines.classifiers.protocols import Arm
from engines.tasks.comparison_summary import drawn, summed_up

Array = np.ndarray[Any, np.dtype[Any]]
NONE = np.zeros(0, int)
ARMS = [Arm("real", "Real", "real", NONE, NONE), Arm("more", "More", "mixed", NONE, NONE)]


def asked(classes: int, count: int = 90, patients: bool = False) -> Labelled:
    names = tuple(f"P{n // 3}" for n in range(count)) if patients else ()
    return Labelled(np.zeros((count, 1, 1, 1), np.uint8), np.arange(count) // 3 % classes, names)


def answers(labels: Array, classes: int, seeds: int = 3, skill: float = 1.5) -> Array:
    """Probabilities [S, N, K] that are right more often than not."""
    rng = np.random.default_rng(int(10 * skill))
    raw = rng.normal(size=(seeds, len(labels), classes)) + skill * np.eye(classes)[labels]
    return np.asarray(np.exp(raw) / np.exp(raw).sum(-1, keepdims=True))


@pytest.mark.parametrize(
    ("classes", "positive", "wanted"),
    [(2, 1, [1]), (2, 0, [0]), (2, None, [0, 1]), (3, None, [0, 1, 2]), (3, 2, [0, 1, 2])],
)
def test_every_class_has_its_curves(classes: int, positive: int | None, wanted: list[int]) -> None:
    test = asked(classes)
    given = answers(test.labels, classes)
    lines = drawn({("svm", "real"): given}, {"real": test}, positive)
    assert [line["class"] for line in lines] == wanted
    for line in lines:
        true, scores = test.labels == line["class"], given[:, :, line["class"]]
        areas = [roc_auc_score(true, one) for one in scores]
        assert auc(line["roc"]["x"], line["roc"]["y"]) == pytest.approx(np.mean(areas), abs=0.02)
        found = line["precision_recall"]
        assert auc(found["x"], found["y"]) == pytest.approx(average_precision_score(true, scores.mean(0)), abs=0.03)
        assert sum(line["calibration"]["images"]) == len(test.labels)


def test_a_class_without_test_images_has_no_curve_and_stops_none() -> None:
    test = asked(2)
    lines = drawn({("svm", "real"): answers(test.labels, 3)}, {"real": test}, None)
    assert [bool(line["roc"]["x"]) for line in lines] == [True, True, False]


@pytest.mark.parametrize(("patients", "people"), [(True, 20), (False, 0)])
def test_a_line_says_of_how_many_patients_and_comparisons(patients: bool, people: int) -> None:
    test = asked(2, 60, patients)
    given = {
        (name, arm.name): answers(test.labels, 2, skill=skill + n)
        for name, skill in (("svm", 0.5), ("forest", 0.6), ("cnn", 0.7))
        for n, arm in enumerate(ARMS)
    }
    lines, _ = summed_up(given, ARMS, {arm.name: test for arm in ARMS}, 1, 3, True)
    assert {line["n_patients"] for line in lines} == {people}
    found = [line["differences"]["auroc"] for line in lines if "differences" in line]
    assert [one["compared"] for one in found] == [3, 3, 3]
    assert min(one["p"] for one in found) * 3 == pytest.approx(min(one["p_holm"] for one in found))


def test_over_all_classifiers_the_mean_of_their_differences_is_judged() -> None:
    """Classifiers that err on different images: their mean is surer than each of them."""
    test = asked(2, 120)
    given = {
        (name, arm.name): answers(test.labels, 2, seeds=5, skill=0.5 + number / 10 + 0.4 * n)
        for number, name in enumerate(("svm", "forest", "cnn", "logistic"))
        for n, arm in enumerate(ARMS)
    }
    lines, (overall,) = summed_up(given, ARMS, {arm.name: test for arm in ARMS}, 1, 5, True)
    each = [line["differences"]["auroc"] for line in lines if "differences" in line]
    mean = overall["differences"]["auroc"]
    assert overall["arm"] == "more" and overall["classifiers"] == ["svm", "forest", "cnn", "logistic"]
    assert mean["value"] == pytest.approx(np.mean([one["value"] for one in each]))
    assert mean["se_test"] < 0.75 * np.mean([one["se_test"] for one in each])
    assert mean["compared"] == 1 and mean["p_holm"] == mean["p"]
    assert mean["verdict"] == "helps" and mean["value"] > 0.03


def test_classifiers_with_fewer_seeds_stay_out_of_the_mean_and_one_alone_has_none() -> None:
    test = asked(2)
    given = {
        (name, arm.name): answers(test.labels, 2, seeds=seeds, skill=1 + n)
        for name, seeds in (("svm", 3), ("forest", 3), ("cnn", 2))
        for n, arm in enumerate(ARMS)
    }
    tests = {arm.name: test for arm in ARMS}
    assert [line["classifiers"] for line in summed_up(given, ARMS, tests, 1, 3, True)[1]] == [["svm", "forest"]]
    alone = {key: one for key, one in given.items() if key[0] == "svm"}
    assert summed_up(alone, ARMS, tests, 1, 3, True)[1] == []


def test_seeds_of_a_stopped_comparison_left_out_too_little_each() -> None:
    """Three of five: each left out a fifth, and scattered less than if it had left out a third."""
    test = asked(2)
    given = {("svm", arm.name): answers(test.labels, 2, seeds=3, skill=0.4 + n / 10) for n, arm in enumerate(ARMS)}
    whole, stopped = (
        summed_up(given, ARMS, {arm.name: test for arm in ARMS}, 1, planned, True)[0][1]["differences"]["accuracy"]
        for planned in (3, 5)
    )
    assert whole["value"] == stopped["value"] and whole["se_test"] == stopped["se_test"]
    assert stopped["se_train"] ** 2 == pytest.approx(whole["se_train"] ** 2 * (16 / 5 / 2) / (2 / 3))
