"""The published tests: worked examples, independent formulas, and their size where there is no difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from engines.classifiers.paired import delong, holm, mcnemar, verdict

Array = np.ndarray[Any, np.dtype[Any]]

# Ovarian cancer with bowel obstruction, the example of DeLong et al. (1988), complete records only, as printed in the
# SAS/STAT User's Guide, “Comparing Receiver Operating Characteristic Curves”: albumin, protein, K-G score, benefit.
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1
3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1
4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def scores(seed: int, count: int = 60) -> tuple[Array, Array, Array]:
    """Labels and two scores of the same skill, with ties."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(count) < count // 2
    shared = rng.normal(size=count) + labels
    return labels, np.round(shared + rng.normal(size=count), 1), np.round(shared + rng.normal(size=count), 1)


def test_delong_equals_the_published_example() -> None:
    albumin, protein, score, benefit = np.array(OVARIAN.split(), float).reshape(-1, 4).T
    first = delong(benefit, albumin, 10 - score)
    assert [first.auc_a, first.auc_b] == pytest.approx([0.7366, 0.7258], abs=5e-5)
    assert [first.difference, first.se, first.z**2, first.p] == pytest.approx(
        [0.0108, 0.0953, 0.0127, 0.9102], abs=5e-5
    )
    second = delong(benefit, protein, 10 - score)
    assert second.auc_a == pytest.approx(0.6478, abs=5e-5)
    assert [second.difference, second.se, second.z**2, second.p] == pytest.approx(
        [-0.0780, 0.1046, 0.5554, 0.4561], abs=5e-5
    )


def brute(labels: Array, a: Array, b: Array, groups: list[str]) -> float:
    """Obuchowski's variance of the difference, from every pair of images."""

    def kernel(x: Array) -> Array:
        positives, negatives = x[labels], x[~labels]
        return (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)

    pairs = kernel(a) - kernel(b)
    gap, plus, minus = pairs.mean(), pairs.mean(1), pairs.mean(0)
    names = list(dict.fromkeys(groups))
    of_plus, of_minus = (np.array(groups)[chosen] for chosen in (labels, ~labels))
    x = np.array([(plus[of_plus == name] - gap).sum() for name in names])
    y = np.array([(minus[of_minus == name] - gap).sum() for name in names])
    m, n, all_, here, there = len(plus), len(minus), len(names), len(set(of_plus)), len(set(of_minus))
    return float(
        here / (here - 1) * (x @ x) / m**2
        + there / (there - 1) * (y @ y) / n**2
        + 2 * all_ / (all_ - 1) * (x @ y) / (m * n)
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_delong_equals_the_placements_counted_by_hand(seed: int) -> None:
    labels, a, b = scores(seed)
    alone = [f"patient {n}" for n in range(len(labels))]
    together = [f"patient {n // 3}" for n in range(len(labels))]
    for patients in (alone, together):
        assert delong(labels, a, b, patients).se ** 2 == pytest.approx(brute(labels, a, b, patients), rel=1e-9)
    assert delong(labels, a, b).se == pytest.approx(delong(labels, a, b, alone).se, rel=1e-12)


def test_patients_with_many_alike_images_count_once() -> None:
    """Each image three times over under one patient is the information of one image."""
    labels, a, b = scores(4)
    three = [np.repeat(x, 3) for x in (labels, a, b)]
    patients = [str(n // 3) for n in range(3 * len(labels))]
    once = delong(labels, a, b)
    assert delong(*three, patients).p == pytest.approx(once.p, rel=1e-9)
    assert delong(*three).p < once.p


def test_delong_calls_one_in_twenty_where_there_is_nothing() -> None:
    p = np.array([delong(*scores(seed, 100)).p for seed in range(400)])
    assert 0.02 <= (p < 0.05).mean() <= 0.09


def test_delong_without_scatter() -> None:
    labels, a, _ = scores(0)
    assert (same := delong(labels, a, a)).p == 1.0 and same.z == 0.0
    perfect = delong([False, False, True, True], np.array([0, 1, 2, 3]), np.zeros(4))
    assert perfect.difference == 0.5 and perfect.p == 0.5  # two patients a class prove nothing
    assert np.isnan(delong([True, True], np.zeros(2), np.ones(2)).p)
    assert np.isnan(delong([True, False, False], np.zeros(3), np.arange(3)).p)


def paired(both: int, b: int, c: int, neither: int) -> tuple[Array, Array]:
    counts = [both, b, c, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_mcnemar_equals_the_published_example() -> None:
    """Airway hyper-responsiveness before and after transplantation (Fagerland et al. 2013, table 1): exact p 0.0703."""
    found = mcnemar(*paired(1, 1, 7, 12))
    assert (found.b, found.c) == (1, 7) and found.p == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar(*paired(40, 12, 5, 3)).p == pytest.approx(0.1435, abs=5e-5)
    assert mcnemar(*paired(5, 0, 0, 5)).p == 1.0


def test_holm_equals_the_definition_and_keeps_the_order() -> None:
    """Four p values worked by hand: 4 · 0.005, 3 · 0.01, then 2 · 0.03, which the largest may not undercut."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0] and holm([]) == []
    with_none = holm([float("nan"), 0.02, 0.03])
    assert np.isnan(with_none[0]) and with_none[1:] == pytest.approx([0.04, 0.04])


def test_holm_keeps_the_promise_for_all_of_them() -> None:
    rng = np.random.default_rng(0)
    p = 2 * norm.sf(np.abs(rng.normal(size=(1000, 4))))
    assert np.mean([min(holm(row)) < 0.05 for row in p]) <= 0.065


def test_words() -> None:
    assert verdict(0.1, 0.01) == verdict(-0.1, 0.01, "lower") == "helps"
    assert verdict(-0.1, 0.01) == verdict(0.1, 0.01, "lower") == "hurts"
    assert verdict(0.1, 0.05) == "no difference seen"
    assert verdict(float("nan"), 0.01) == verdict(0.1, float("nan")) == "cannot be told"
