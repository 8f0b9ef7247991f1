"""Leaks between the parts of a split: what is refused, what a written reason lets pass, and what is only said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from engines.curation.leakage import LEAK_COLUMNS, divide, find_leaks, find_twins, is_reason, one_source
from engines.errors import LabError


def noise(count: int, side: int = 48) -> np.ndarray[Any, Any]:
    """[N, side, side, 1] uint8 pictures that are all different."""
    rng = np.random.default_rng(1)
    soft = [ndimage.gaussian_filter(rng.normal(size=(side, side)), 3) for _ in range(count)]
    return np.stack([np.clip(128 + 400 * one, 0, 255).astype(np.uint8)[..., None] for one in soft])


def table(patients: str, parts: str = "", labels: str = "") -> list[dict[str, str]]:
    """Rows with one letter each for patient ("-" unknown), part (t, v, - none) and label."""
    names = {"t": "train", "v": "validation", "-": ""}
    return [
        {
            "item": f"{n:06d}",
            "patient": patient.replace("-", ""),
            "split": names[parts[n]] if parts else "",
            "label": labels[n] if labels else "a",
        }
        for n, patient in enumerate(patients)
    ]


def test_a_patient_in_two_parts_of_the_catalogues_split_is_refused_with_the_way_out() -> None:
    rows = table("aabbcd", "tvttvv")
    with pytest.raises(LabError) as refused:
        divide(rows, noise(6), "none")
    assert "1 patient is in more than one part" in refused.value.why
    assert "000000 (train) and 000001 (validation)" in refused.value.why
    assert "in writing" in refused.value.advice


def test_equal_and_nearly_equal_pictures_across_parts_are_leaks_too() -> None:
    images = noise(6)
    images[3] = images[0]
    images[4] = np.clip(images[1].astype(int) + 4, 0, 255)
    with pytest.raises(LabError, match="not apart") as refused:
        divide(table("abcdef", "tttvvv"), images, "none")
    assert "1 picture lies in two parts with equal pixels" in refused.value.why
    assert "1 pair of near-duplicates lies across parts" in refused.value.why
    assert "patient" not in refused.value.why.split(";")[0]
    apart = divide(table("abcdef", "tttttt"), images, "none")
    assert apart.leaks == [] and "4 images are equal or nearly equal" in apart.warnings[0]
    assert "In 2 of them the patients differ" in apart.warnings[0]


@pytest.mark.parametrize("reason, enough", [("", False), ("because 12!", False), ("as published by Chi 2018", True)])
def test_only_a_reason_in_writing_lets_a_leaking_set_pass(reason: str, enough: bool) -> None:
    assert is_reason(reason) == enough
    rows = table("aab", "tvt")
    if not enough:
        with pytest.raises(LabError):
            divide(rows, noise(3), "none", leak_reason=reason)
        return
    passed = divide(rows, noise(3), "none", leak_reason=reason)
    assert passed.parts == ["train", "validation", "train"]
    assert reason in passed.warnings[0] and "1 patient" in passed.warnings[0]
    cells = ("same patient", "000000", "train", "000001", "validation")
    assert passed.leaks == [dict(zip(LEAK_COLUMNS, cells, strict=True))]


@pytest.mark.parametrize("split", ["70/20/10", "67/33", "80/20", "folds"])
@pytest.mark.parametrize("seed", range(4))
def test_a_split_made_here_never_leaks_even_where_patients_are_unknown(split: str, seed: int) -> None:
    images = noise(24)
    images[12:20] = images[:8]  # eight pictures twice, of “different” or unknown patients
    rows = table("aabbccddee-fghijklmnop--", labels="xy" * 12)
    made = divide(rows, images, split, folds=4, seed=seed)
    assert made.leaks == [] and set(made.counts) == set(made.parts) and "" not in made.parts
    assert made.parts[:8] == made.parts[12:20]
    assert sum(sum(count.values()) for count in made.counts.values()) == 24
    assert any("patient of 3 of 24 images is not known" in warning for warning in made.warnings)
    assert made.parts == divide(rows, images, split, folds=4, seed=seed).parts


def test_fewer_patients_than_folds_are_refused() -> None:
    with pytest.raises(LabError, match="3 patients cannot be divided into 5 parts"):
        divide(table("aabbcc"), noise(6), "folds", folds=5)


def test_images_without_a_part_leak_nothing() -> None:
    images = noise(3)
    images[2] = images[0]
    made = divide(table("aab", "-tt"), images, "none")
    assert made.leaks == [] and made.counts == {"train": {"a": 2}}
    assert divide(table("aab"), noise(3), "none").counts == {}


def test_copies_are_found_across_parts_through_one_without_a_part() -> None:
    images = noise(3)
    images[1], images[2] = images[0], np.clip(images[0].astype(int) + 3, 0, 255)
    assert find_leaks(table("abc", "t-v"), ["train", "", "validation"], find_twins(images)) == [
        dict(zip(LEAK_COLUMNS, ("near-duplicate", "000000", "train", "000002", "validation"), strict=True))
    ]
    images[2] = images[0]
    assert [leak["kind"] for leak in find_leaks(table("abc"), ["", "train", "test"], find_twins(images))] == [
        "equal pixels"
    ]


def test_the_search_for_twins_can_be_stopped() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_twins(noise(2), stop)


def rows_of(*facts: tuple[str, dict[str, str]]) -> list[dict[str, str]]:
    return [{"label": label, **fact} for label, fact in facts]


def test_a_class_from_one_source_only_is_said() -> None:
    cbis, rsna = {"source": "CBIS-DDSM"}, {"source": "RSNA"}
    (warning,) = one_source(rows_of(("tumour", cbis), ("tumour", cbis), ("normal", rsna)))
    assert "“tumour” has only source CBIS-DDSM" in warning and "RSNA" in warning
    assert one_source(rows_of(("tumour", cbis), ("normal", cbis))) == []
    assert one_source(rows_of(("tumour", cbis), ("normal", rsna), ("normal", cbis))) == []
    assert one_source(rows_of(("tumour", cbis), ("tumour", rsna))) == []


def test_depth_processing_and_size_speak_where_the_source_is_unknown() -> None:
    film, digital = {"bits": "8", "width": "1024", "height": "1024"}, {"bits": "12", "width": "3000", "height": "4096"}
    (warning,) = one_source(rows_of(("tumour", film), ("normal", digital)))
    assert "bit depth 8" in warning
    (warning,) = one_source(rows_of(("tumour", {**film, "bits": "12"}), ("normal", digital)))
    assert "size 1024×1024" in warning
    sizes = [("tumour", {"bits": "8", "width": str(w), "height": "9"}) for w in (5, 6)]
    assert one_source(rows_of(*sizes, ("normal", {"bits": "8", "width": "7", "height": "9"}))) != []
    assert one_source(rows_of(*sizes, *((a.replace("tumour", "normal"), b) for a, b in sizes))) == []
    same = {**film, "source": "one place"}
    assert one_source(rows_of(("tumour", same), ("normal", {**digital, "source": "one place"}))) == []
