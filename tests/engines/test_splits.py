"""Splits by patient: nobody in two parts, classes spread, same seed same split."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from engines.splits import SHARES_70_20_10, split_by_patient


def people(count: int) -> tuple[list[str], list[str]]:
    """Patients with one to four images, a quarter of them malignant."""
    rng = random.Random(5)
    patients, labels = [], []
    for number in range(count):
        images = rng.randint(1, 4)
        patients += [f"p{number}"] * images
        labels += ["malignant" if number % 4 == 0 else "normal"] * images
    return patients, labels


@pytest.mark.parametrize("seed", range(5))
def test_no_patient_is_in_two_parts_and_shares_are_met_in_every_class(seed: int) -> None:
    patients, labels = people(200)
    parts = split_by_patient(patients, labels, seed)
    assert len({(p, part) for p, part in zip(patients, parts, strict=True)}) == len(set(patients))
    for label in ("malignant", "normal"):
        counts = Counter(part for part, name in zip(parts, labels, strict=True) if name == label)
        for part, share in SHARES_70_20_10.items():
            assert counts[part] / counts.total() == pytest.approx(share, abs=0.04)


def test_the_seed_decides_and_nothing_else() -> None:
    patients, labels = people(60)
    assert split_by_patient(patients, labels, 1) == split_by_patient(patients, labels, 1)
    assert split_by_patient(patients, labels, 1) != split_by_patient(patients, labels, 2)
    order = list(range(len(patients)))[::-1]
    turned = split_by_patient([patients[i] for i in order], [labels[i] for i in order], 1)
    assert turned[::-1] == split_by_patient(patients, labels, 1)


def test_images_without_a_patient_are_patients_of_their_own() -> None:
    parts = split_by_patient([""] * 100, ["a"] * 100, 0)
    assert Counter(parts) == {"train": 70, "validation": 20, "test": 10}


def test_very_few_patients_and_wrong_shares() -> None:
    assert split_by_patient([], [], 0) == []
    assert split_by_patient(["p"], ["a"], 0) == ["train"]
    with pytest.raises(ValueError, match="sum to 1"):
        split_by_patient(["p"], ["a"], 0, {"train": 0.5})
