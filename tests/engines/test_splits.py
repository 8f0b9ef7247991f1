"""Splits by patient: nobody in two parts, classes spread, same seed same split."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.errors import LabError
from engines.splits import SHARES_70_20_10, SPLITS, counted, shares_of, split_by_patient, tied


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


@given(st.data())
@settings(deadline=None)
def test_whatever_the_patients_no_one_is_in_two_parts_and_no_part_is_empty(data: st.DataObject) -> None:
    patients = data.draw(st.lists(st.sampled_from(["", *(f"p{n}" for n in range(30))]), max_size=80))
    labels = data.draw(st.lists(st.sampled_from("abc"), min_size=len(patients), max_size=len(patients)))
    shares = data.draw(st.sampled_from([*SPLITS.values(), *(shares_of("folds", k) for k in (2, 3, 5, 10))]))
    parts = split_by_patient(patients, labels, data.draw(st.integers(0, 99)), shares)
    homes: dict[str, set[str]] = {}
    for index, (patient, part) in enumerate(zip(patients, parts, strict=True)):
        homes.setdefault(patient or f"alone {index}", set()).add(part)
    assert all(len(home) == 1 for home in homes.values())
    assert set(parts) <= set(shares)
    assert len(set(parts)) == min(len(shares), len(homes))
    assert sum(sum(counts.values()) for counts in counted(parts, labels).values()) == len(patients)


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_folds_are_of_one_size_in_every_class(folds: int) -> None:
    patients, labels = people(400)
    parts = split_by_patient(patients, labels, 0, shares_of("folds", folds))
    counts = counted(parts, labels)
    assert list(counts) == [f"fold{n}" for n in range(1, folds + 1)]
    for label in ("malignant", "normal"):
        sizes = [count[label] for count in counts.values()]
        assert max(sizes) - min(sizes) <= 4


def test_every_named_split_sums_to_one_and_unknown_ones_are_refused() -> None:
    assert all(sum(shares.values()) == pytest.approx(1) for shares in SPLITS.values())
    with pytest.raises(LabError, match="no split"):
        shares_of("50/50")
    with pytest.raises(LabError, match="two folds"):
        shares_of("folds", 1)


def test_tied_images_bring_all_images_of_their_patients_together() -> None:
    patients = ["a", "a", "b", "b", "c", "", "", "d"]
    names = tied(patients, [[1, 2], [3, 4], [5, 6]])
    assert len({names[n] for n in range(5)}) == 1 and names[5] == names[6] != names[0]
    assert names[7] == "d"
    assert tied(patients, []) == patients
