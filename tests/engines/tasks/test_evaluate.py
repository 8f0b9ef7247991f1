"""Evaluate: a run at its checkpoints and a set, against real images; what cannot be compared is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from engines import files
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.records import ImageSetRecord
from engines.tasks.evaluate import TASK, EvaluateParameters
from engines.workspace import Workspace


def make_set(workspace: Workspace, id: str, origin: Any, seed: int, count: int = 60, size: int = 32) -> None:
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(count, size, size)), (0, 2, 2))
    images = np.clip(128 + 300 * smooth, 0, 255).astype(np.uint8)[..., None]
    record = ImageSetRecord(
        id=id, name=id, origin=origin, items=count, width=size, height=size, channels=1, dtype="uint8",
        content_sha256=str(seed) * 64,
    )  # fmt: skip
    with files.new_folder(workspace.folder("image_sets", id)) as folder:
        files.create_npy(folder / "images.npy", images.shape, np.uint8)[:] = images
        rows = [{"item": f"{n:06d}", "patient": f"p{n // 2}"} for n in range(count)]
        files.write_csv(folder / "items.csv", rows, ["item", "patient"])
        workspace.save("image_sets", record, folder)


def measure(workspace: Workspace, tmp_path: Path, **parameters: Any) -> dict[str, Any]:
    context = JobContext.detached(workspace, tmp_path / "job")
    return TASK.run(EvaluateParameters(**parameters), context)


def test_a_set_gets_every_metric_with_what_it_is_worth(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, "real", "real", 1)
    make_set(workspace, "fake", "synthetic", 2)
    result = measure(workspace, tmp_path, real="real", synthetic="fake")
    assert {row["name"] for row in result["metrics"]} == {"psnr", "ssim", "ftd"}
    for row in result["metrics"]:
        assert row["low"] <= row["value"] <= row["high"] and row["baseline_low"] <= row["baseline_high"]
        assert row["n_real"] == row["n_synthetic"] == 60 and row["extractor"] and row["images_seen"] is None
    record = workspace.record("evaluations", result["id"])
    assert len(record.metrics) == 3 and len(record.parents) == 2
    table = files.read_csv(workspace.folder("evaluations", result["id"]) / "metrics.csv")
    assert [float(row["value"]) for row in table] == [row["value"] for row in record.metrics]


def test_what_cannot_be_compared_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, "real", "real", 1)
    make_set(workspace, "fake", "synthetic", 2)
    make_set(workspace, "few", "synthetic", 3, count=10)
    for parameters, words in (
        ({"real": "fake", "synthetic": "fake"}, "not a real set"),
        ({"real": "real", "synthetic": "few"}, "too few synthetic"),
        ({"real": "real", "synthetic": "fake", "metrics": ["fid"]}, "no metric"),
        ({"real": "real", "synthetic": "gone"}, "There is no"),
    ):
        with pytest.raises(LabError, match=words):
            measure(workspace, tmp_path, **parameters)
    assert not workspace.records("evaluations")
