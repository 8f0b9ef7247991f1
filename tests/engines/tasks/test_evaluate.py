"""Evaluate: a run at its checkpoints and a set, against real images; what cannot be compared is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from engines import files, registry, weights
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.records import ImageSetRecord
from engines.tasks.evaluate import IMAGES_FILE, MAP_FILE, METRICS_FILE, TASK, EvaluateParameters
from engines.tasks.reference import held_out_of, patients_of
from engines.workspace import Workspace


def make_set(
    workspace: Workspace, id: str, origin: Any, seed: int, count: int = 60, size: int = 32, first_patient: int = 0
) -> None:
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(count, size, size)), (0, 2, 2))
    images = np.clip(128 + 300 * smooth, 0, 255).astype(np.uint8)[..., None]
    record = ImageSetRecord(
        id=id, name=id, origin=origin, items=count, width=size, height=size, channels=1, dtype="uint8",
        content_sha256=str(seed) * 64,
    )  # fmt: skip
    with files.new_folder(workspace.folder("image_sets", id)) as folder:
        files.create_npy(folder / "images.npy", images.shape, np.uint8)[:] = images
        rows = [{"item": f"{n:06d}", "patient": f"p{first_patient + n // 2}"} for n in range(count)]
        files.write_csv(folder / "items.csv", rows, ["item", "patient"])
        workspace.save("image_sets", record, folder)


def measure(workspace: Workspace, tmp_path: Path, **parameters: Any) -> dict[str, Any]:
    context = JobContext.detached(workspace, tmp_path / "job")
    return TASK.run(EvaluateParameters(**parameters), context)


@pytest.mark.long
def test_a_set_gets_every_metric_with_what_it_is_worth(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, "real", "real", 1)
    make_set(workspace, "fake", "synthetic", 2)
    result = measure(workspace, tmp_path, real="real", synthetic="fake")
    known = registry.load("metrics")
    possible = {name for name, metric in known.items() if not weights.missing(metric.needs, workspace.weights)}
    assert {row["name"] for row in result["metrics"]} == possible >= {"psnr", "ssim", "ftd", "kid", "coverage"}
    assert not result["not_measured"]
    for row in result["metrics"]:
        assert row["low"] <= row["value"] <= row["high"] and row["baseline_low"] <= row["baseline_high"], row["name"]
        assert row["n_real"] == row["n_synthetic"] == 60 and row["extractor"] and row["images_seen"] is None
    record = workspace.record("evaluations", result["id"])
    assert len(record.metrics) == len(possible) and len(record.parents) == 2 and record.resizer
    folder = workspace.folder("evaluations", result["id"])
    table = files.read_csv(folder / METRICS_FILE)
    assert [float(row["value"]) for row in table] == [row["value"] for row in record.metrics]
    images = files.read_csv(folder / IMAGES_FILE)
    psnr = next(row for row in record.metrics if row["name"] == "psnr")
    assert [row["index"] for row in images] == [str(n) for n in range(60)]
    assert np.median([float(row["psnr_psnr"]) for row in images]) == pytest.approx(psnr["value"])


def test_a_metric_that_cannot_be_measured_stops_no_other(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, "real", "real", 1)
    make_set(workspace, "fake", "synthetic", 2)
    given = {"real": "real", "synthetic": "fake", "extractor": "texture"}
    result = measure(workspace, tmp_path, metrics=["fid", "grey_emd"], **given)
    assert [row["name"] for row in result["metrics"]] == ["grey_emd"]
    (refused,) = result["not_measured"]
    assert refused["name"] == "fid" and "Inception" in refused["what"] and "weights" in refused["advice"]
    with pytest.raises(LabError, match="Inception"):
        measure(workspace, tmp_path, metrics=["fid"], **given)
    assert len(workspace.records("evaluations")) == 1


def test_held_out_images_share_no_patient_and_no_picture_with_the_real_ones(
    workspace: Workspace, tmp_path: Path
) -> None:
    make_set(workspace, "real", "real", 1)
    make_set(workspace, "others", "real", 4, count=70, first_patient=25)
    make_set(workspace, "same", "real", 1, first_patient=100)
    real = workspace.image_set("real")
    held_out, warnings = held_out_of(workspace, "others", real)
    assert held_out is not None and len(held_out.images) == 60  # five patients with ten images are in both
    assert set(held_out.patients).isdisjoint(patients_of(real)) and "10 held-out images" in warnings[0]
    with pytest.raises(LabError, match="cannot serve as held-out"):
        held_out_of(workspace, "same", real)
    make_set(workspace, "fake", "synthetic", 2)
    with pytest.raises(LabError, match="not a real set"):
        held_out_of(workspace, "fake", real)


def test_what_cannot_be_compared_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, "real", "real", 1)
    make_set(workspace, "fake", "synthetic", 2)
    make_set(workspace, "few", "synthetic", 3, count=10)
    for parameters, words in (
        ({"real": "fake", "synthetic": "fake"}, "not a real set"),
        ({"real": "real", "synthetic": "few"}, "too few synthetic"),
        ({"real": "real", "synthetic": "fake", "metrics": ["beauty"]}, "no metric"),
        ({"real": "real", "synthetic": "fake", "metrics": ["kid"], "extractor": "eye"}, "no extractor"),
        ({"real": "real", "synthetic": "gone"}, "There is no"),
    ):
        with pytest.raises(LabError, match=words):
            measure(workspace, tmp_path, **parameters)
    assert not workspace.records("evaluations")


def test_a_map_has_every_image_and_tells_who_is_alone(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, "real", "real", 1)
    make_set(workspace, "others", "real", 4, first_patient=25)
    make_set(workspace, "fake", "synthetic", 2)
    place = workspace.folder("image_sets", "fake") / "images.npy"
    images = np.load(place)
    images[7] = np.random.default_rng(0).integers(0, 256, images[7].shape)  # noise, like nothing real
    np.save(place, images)
    given = {"real": "real", "synthetic": "fake", "held_out": "others", "metrics": ["grey_emd"], "extractor": "texture"}
    result = measure(workspace, tmp_path, map="tsne", **given)
    points = files.read_csv(workspace.folder("evaluations", result["id"]) / MAP_FILE)
    kinds = [row["set"] for row in points]
    assert [kinds.count(kind) for kind in ("real", "held_out", "synthetic")] == [60, 50, 60]
    assert all(np.isfinite(float(row[axis])) for row in points for axis in ("pca_x", "pca_y", "tsne_x", "tsne_y"))
    noise = next(row for row in points if row["set"] == "synthetic" and row["index"] == "7")
    assert noise["apart"] == "True" and float(noise["distance"]) == max(float(row["distance"]) for row in points)
    held_out = [int(row["index"]) for row in points if row["set"] == "held_out"]
    assert held_out == list(range(10, 60)), "places in the held-out set itself"
    assert not any(row["apart"] == "True" for row in points if row["set"] == "held_out")


def test_a_map_that_cannot_be_drawn_loses_no_number(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, "real", "real", 1)
    make_set(workspace, "fake", "synthetic", 2)
    given = {"real": "real", "synthetic": "fake", "metrics": ["grey_emd"], "extractor": "eye", "map": "pca"}
    result = measure(workspace, tmp_path, **given)
    assert len(result["metrics"]) == 1 and "The map was not drawn" in result["warnings"][0]
    assert not (workspace.folder("evaluations", result["id"]) / MAP_FILE).exists()
