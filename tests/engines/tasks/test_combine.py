"""The task `combine`: images, labels and origins of several synthetic sets in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.tasks.combine import TASK, CombineParameters
from engines.workspace import Workspace
from tests.engines.tasks.test_compare import blobs, plant


def combine(workspace: Workspace, tmp_path: Path, *ids: str, **more: Any) -> dict[str, Any]:
    context = JobContext.detached(workspace, tmp_path / "job")
    return TASK.run(CombineParameters(image_sets=list(ids), **more), context)


def plant_class(workspace: Workspace, label: str, count: int, **about: Any) -> None:
    plant(workspace, label, blobs([label] * count, count), [{"label": label}] * count, "synthetic", **about)


def test_two_classes_become_one_set(workspace: Workspace, tmp_path: Path) -> None:
    plant_class(workspace, "benign", 300, parents={"runs/a/64": "1"})
    plant_class(workspace, "malignant", 5, parents={"runs/b/64": "2"})
    result = combine(workspace, tmp_path, "benign", "malignant")
    made = workspace.image_set(result["id"])
    assert made.record.classes == {"benign": 300, "malignant": 5} and made.record.drawn_here
    both = [workspace.image_set(id).images for id in ("benign", "malignant")]
    np.testing.assert_array_equal(made.images, np.concatenate(both))
    assert made.items[300]["label"] == "malignant" and made.items[300]["from_item"] == "malignant-0000"
    assert {"runs/a/64", "runs/b/64"} <= set(made.record.parents)


def test_one_import_makes_the_whole_an_import(workspace: Workspace, tmp_path: Path) -> None:
    plant_class(workspace, "benign", 3, parents={"runs/a/64": "1"})
    plant_class(workspace, "malignant", 3, parents={"catalogues/theirs": ""})
    record = workspace.image_set(combine(workspace, tmp_path, "benign", "malignant")["id"]).record
    assert not record.drawn_here and not any(name.startswith("runs/") for name in record.parents)


def test_what_does_not_go_together_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    plant_class(workspace, "benign", 3)
    plant(workspace, "real", blobs(["benign"] * 3, 1), [{"label": "benign"}] * 3)
    plant(workspace, "large", np.zeros((3, 32, 32, 1), np.uint8), [{"label": "benign"}] * 3, "synthetic")
    for ids, words in (
        (("benign", "real"), "not a synthetic"),
        (("benign", "large"), "32×32"),
        (("benign",) * 2, "One"),
    ):
        with pytest.raises(LabError, match=words):
            combine(workspace, tmp_path, *ids)
