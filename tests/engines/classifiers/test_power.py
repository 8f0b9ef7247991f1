"""What a test set can show: published numbers, and a simulation that sees what was promised."""

from __future__ import annotations

import numpy as np
import pytest

from engines.classifiers.paired import mcnemar
from engines.classifiers.power import (
    auroc_se,
    foresight,
    images_for_accuracy,
    images_for_auroc,
    least_accuracy,
    least_auroc,
)


def test_the_error_of_an_auroc_equals_the_published_one() -> None:
    """Hanley and McNeil 1982: area 0.893 of 51 abnormal and 58 normal CT scans has a standard error of 0.032."""
    assert auroc_se(0.893, 51, 58) == pytest.approx(0.0325, abs=5e-4)


@pytest.mark.parametrize(("disagreement", "difference", "images"), [(0.5, 0.4, 23), (0.45, 0.15, 155)])
def test_the_images_for_an_accuracy_equal_published_calculators(
    disagreement: float, difference: float, images: int
) -> None:
    """Connor's formula at 80 % power: powerandsamplesize.com's example (0.45 against 0.05), and odds of two."""
    assert images_for_accuracy(difference, disagreement) == images
    assert least_accuracy(images, disagreement) == pytest.approx(difference, rel=0.03)


def test_the_promised_difference_of_accuracy_is_seen_in_four_cases_of_five() -> None:
    gap = least_accuracy(400)
    assert gap is not None
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(300):
        both, first, second = rng.multinomial(400, [0.6, (0.2 + gap) / 2, (0.2 - gap) / 2, 0.2])[:3]
        a = np.arange(400) < both + first
        b = (np.arange(400) < both) | ((np.arange(400) >= both + first) & (np.arange(400) < both + first + second))
        seen += mcnemar(a, b).p < 0.05
    assert 0.7 <= seen / 300 <= 0.86  # the exact test is a little careful


def test_more_images_show_less_and_too_few_show_nothing() -> None:
    rises = [least_auroc(n, n) for n in (50, 200, 1000)]
    assert None not in rises and rises == sorted(rises, reverse=True)  # type: ignore[type-var]
    assert least_auroc(5, 5) is None and least_auroc(0, 50) is None and least_accuracy(1) is None
    images = images_for_auroc(0.05)
    assert images is not None
    fewer, enough = least_auroc((images - 1) / 2, (images - 1) / 2), least_auroc(images / 2, images / 2)
    assert fewer is not None and enough is not None and enough <= 0.05 < fewer
    assert images_for_auroc(0.5) is None and images_for_auroc(0.0) is None and images_for_accuracy(0.3) is None


def test_foresight_counts_patients() -> None:
    labels = np.arange(200) % 2
    alone = foresight(labels)
    assert alone.images == (100.0, 100.0) and alone.patients == 200
    # Four images a patient, two of each class: two of a class count as 2 / 1.5, all four as 4 / 2.5.
    together = foresight(labels, [f"p{n // 4}" for n in range(200)])
    assert together.images == (66.7, 66.7) and together.patients == 50
    assert together.auroc == pytest.approx(least_auroc(200 / 3, 200 / 3))
    assert together.accuracy == pytest.approx(least_accuracy(80))
    assert alone.auroc is not None and together.auroc is not None and alone.auroc < together.auroc


def test_foresight_of_a_test_set_without_a_class() -> None:
    found = foresight(np.zeros(20, int), positive=1)
    assert found.auroc is None and found.images == (20.0, 0.0) and found.accuracy is None
