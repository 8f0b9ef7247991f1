"""A method takes what it can learn from a set, and refuses the rest in words, before any work."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from engines import files
from engines.errors import LabError
from engines.methods.base import Limits, MethodSpec
from engines.methods.custom_gan import METHOD, Options
from engines.options import option
from engines.records import ImageSetRecord
from engines.tasks.training_data import data_for, part_learned, places_learned
from engines.workspace import ImageSet, Workspace


class TranslatingOptions(Options):
    """Options that name two classes."""

    source_class: str = option("", "From", "")
    target_class: str = option("", "To", "")


PLAIN = dataclasses.replace(METHOD, limits=Limits(fewest_images=6))
CONDITIONAL = dataclasses.replace(PLAIN, conditional=True, limits=Limits(fewest_images=6, fewest_classes=2))
TRANSLATING = dataclasses.replace(PLAIN, translates=True, options=TranslatingOptions)


def image_set(workspace: Workspace, labels: list[str], channels: int = 1) -> ImageSet:
    with files.new_folder(workspace.folder("image_sets", "mixed")) as folder:
        np.save(folder / "images.npy", np.zeros((len(labels), 8, 8, channels), np.uint8))
        rows = [{"item": f"{number:06d}", "label": label} for number, label in enumerate(labels, start=1)]
        files.write_csv(folder / "items.csv", rows, ("item", "label"))
        record = ImageSetRecord(
            id="mixed", name="Mixed", origin="real", items=len(labels), width=8, height=8, channels=channels,
            dtype="uint8", content_sha256=files.sha256_file(folder / "images.npy"),
        )  # fmt: skip
        workspace.save("image_sets", record, folder)
    return workspace.image_set("mixed")


THREE = ["benign"] * 8 + ["malignant"] * 7 + ["normal"] * 3


def test_all_images_with_their_classes(workspace: Workspace) -> None:
    data = data_for(PLAIN, Options(), image_set(workspace, THREE), "")
    assert data.counts == {"benign": 8, "malignant": 7, "normal": 3} and data.other is None


def test_a_divided_set_teaches_with_its_training_part_only(workspace: Workspace) -> None:
    mixed = image_set(workspace, THREE)
    parts = ["train", "validation", "test"] * 6
    rows = [{**row, "split": part} for row, part in zip(mixed.items, parts, strict=True)]
    files.write_csv(mixed.folder / "items.csv", rows, ("item", "label", "split"))
    mixed = workspace.image_set("mixed")
    assert part_learned(mixed, everything=False) == "train" and part_learned(mixed, everything=True) == ""
    assert data_for(PLAIN, Options(), mixed, "", "train").counts == {"benign": 3, "malignant": 2, "normal": 1}
    assert places_learned(mixed, "train", "malignant") == [9, 12]
    assert len(data_for(PLAIN, Options(), mixed, "", "").images) == 18


def test_folds_and_undivided_sets_are_learned_whole(workspace: Workspace) -> None:
    mixed = image_set(workspace, THREE)
    assert part_learned(mixed, everything=False) == ""
    rows = [{**row, "split": f"fold{n % 3}"} for n, row in enumerate(mixed.items)]
    files.write_csv(mixed.folder / "items.csv", rows, ("item", "label", "split"))
    assert part_learned(workspace.image_set("mixed"), everything=False) == ""


def test_one_class_alone(workspace: Workspace) -> None:
    assert data_for(PLAIN, Options(), image_set(workspace, THREE), "malignant").counts == {"malignant": 7}


@pytest.mark.parametrize(
    ("options", "classes", "sizes"),
    [
        ({}, ("malignant", "benign"), (8, 7)),
        ({"source_class": "malignant"}, ("benign", "malignant"), (7, 8)),
        ({"source_class": "malignant", "target_class": "benign"}, ("benign", "malignant"), (7, 8)),
    ],
)
def test_a_translation_takes_two_classes(
    options: dict[str, str], classes: tuple[str, ...], sizes: tuple[int, int], workspace: Workspace
) -> None:
    data = data_for(TRANSLATING, TranslatingOptions(**options), image_set(workspace, THREE), "")
    assert data.classes == classes and data.other is not None
    assert (len(data.images), len(data.other)) == sizes


@pytest.mark.parametrize(
    ("method", "options", "labels", "channels", "only", "message"),
    [
        (PLAIN, {}, ["a"] * 5, 1, "", "too few images"),
        (PLAIN, {}, THREE, 1, "normal", "too few images"),
        (PLAIN, {}, THREE, 1, "missing", "no class “missing”"),
        (dataclasses.replace(PLAIN, limits=Limits(channels=(1,))), {}, THREE, 3, "", "cannot learn colour"),
        (CONDITIONAL, {}, ["a"] * 9, 1, "", "learns classes"),
        (CONDITIONAL, {}, THREE, 1, "benign", "learns classes"),
        (TRANSLATING, {}, ["a"] * 9, 1, "", "needs two classes"),
        (TRANSLATING, {"target_class": "normal"}, THREE, 1, "", "too few images"),
        (TRANSLATING, {"source_class": "missing"}, THREE, 1, "", "no class"),
        (TRANSLATING, {"source_class": "benign", "target_class": "benign"}, THREE, 1, "", "same class"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_advice(
    method: MethodSpec, options: dict[str, Any], labels: list[str], channels: int, only: str, message: str,
    workspace: Workspace,
) -> None:  # fmt: skip
    with pytest.raises(LabError, match=message) as error:
        data_for(method, TranslatingOptions(**options), image_set(workspace, labels, channels), only)
    assert error.value.advice
