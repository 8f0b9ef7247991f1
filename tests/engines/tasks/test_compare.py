"""The task `compare`: every cell kept, leaks and confounds named, a stop that loses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import files
from engines.classifiers.measures import measured
from engines.errors import LabError
from engines.jobs import control, events
from engines.jobs.context import JobContext
from engines.records import ImageSetRecord, RunRecord
from engines.tasks.compare import TASK, CompareParameters
from engines.workspace import Workspace

Array = np.ndarray[Any, np.dtype[Any]]
FAST = ["logistic_regression"]


def blobs(labels: list[str], seed: int, contrast: float = 25.0) -> Array:
    """Noise [N, 24, 24, 1] with a brighter middle where the label is malignant."""
    generator = np.random.default_rng(seed)
    images = generator.normal(110, 25, (len(labels), 24, 24, 1))
    y, x = np.mgrid[-12:12, -12:12] + 0.5
    spot = np.exp(-(x**2 + y**2) / 30)[..., None]
    images += np.array([contrast if label == "malignant" else 0.0 for label in labels])[:, None, None, None] * spot
    return np.clip(images, 0, 255).astype(np.uint8)


def plant(
    workspace: Workspace, id: str, images: Array, rows: list[dict[str, str]], origin: Any = "real", **about: Any
) -> None:
    record = ImageSetRecord(
        id=id, name=id, origin=origin, items=len(images), width=images.shape[2], height=images.shape[1], channels=1,
        dtype=images.dtype.name, content_sha256=f"hash of {id}", **about,
    )  # fmt: skip
    numbered = [{"item": f"{id}-{n:04d}", **row} for n, row in enumerate(rows)]
    with files.new_folder(workspace.folder("image_sets", id)) as folder:
        files.write_npy(folder / "images.npy", images)
        files.write_csv(folder / "items.csv", numbered, ("item", "label", "patient", "split"))
        workspace.save("image_sets", record, folder)


def rows_of(count: int, prefix: str, split: str = "") -> list[dict[str, str]]:
    """Two images of each patient, both of one class."""
    return [
        {"label": ("benign", "malignant")[(n // 2) % 2], "patient": f"{prefix}{n // 2}", "split": split}
        for n in range(count)
    ]


@pytest.fixture
def lab(workspace: Workspace) -> Workspace:
    """A split real set and a synthetic set whose run learned its training part."""
    rows = [*rows_of(80, "a", "train"), *rows_of(40, "b", "test")]
    plant(workspace, "masses", blobs([row["label"] for row in rows], 0), rows)
    made = [{**row, "patient": ""} for row in rows_of(120, "")]
    parents = {"runs/gan/00000064": "hash"}
    plant(workspace, "drawn", blobs([row["label"] for row in made], 1), made, "synthetic", parents=parents)
    workspace.save("runs", RunRecord(id="gan", name="gan", method="dcgan_plus", image_set="masses", part="train"))
    return workspace


def compare(workspace: Workspace, tmp_path: Path, **parameters: Any) -> tuple[dict[str, Any], JobContext]:
    context = JobContext.detached(workspace, tmp_path / f"job-{len(list(tmp_path.iterdir()))}")
    given = {"real": "masses", "synthetic": ["drawn"], "classifiers": FAST, "seeds": 2, **parameters}
    return TASK.run(CompareParameters(**given), context), context


def cell(workspace: Workspace, id: str, number: int) -> dict[str, Array]:
    with np.load(workspace.folder("comparisons", id) / "cells" / f"{number:04d}.npz", allow_pickle=False) as kept:
        return dict(kept)


def guard(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in result["guards"] if one["name"] == name)


def test_every_cell_is_told_kept_and_summed_up(lab: Workspace, tmp_path: Path) -> None:
    wish = ["mixed", "replace", "synthetic_to_real", "real_to_synthetic", "synthetic", "phases", "augmented"]
    given = {"protocols": wish, "phase_step": 20, "phases": 2, "augment_copies": 1}
    result, context = compare(lab, tmp_path, **given)
    names = ["real", "mixed-1", "replace-0.25", "synthetic_to_real", "real_to_synthetic", "synthetic", "phase-1"]
    record = lab.record("comparisons", result["id"])
    assert [arm["name"] for arm in record.arms] == [*names, "phase-2", "augmented"]
    assert len(record.rows) == record.cells == 18 and not record.not_done
    told = events.read(context.folder, "cell")
    assert [(one["arm"], one["seed"]) for one in told] == [(row["arm"], row["seed"]) for row in record.rows]
    by_arm = {row["arm"]: row for row in record.rows if row["seed"] == 0}
    # Each of two seeds leaves out half of the patients, and half of the synthetic images.
    assert by_arm["real"]["n_real"] == 40 and by_arm["real"]["n_synthetic"] == 0
    assert by_arm["replace-0.25"]["n_real"] < 40 and by_arm["synthetic_to_real"]["n_real"] == 0
    assert by_arm["synthetic"]["n_test"] == 36 and by_arm["real_to_synthetic"]["n_test"] == 120
    test = files.read_csv(lab.folder("comparisons", record.id) / "test.csv")
    labels = np.array([row["label"] == "malignant" for row in test]).astype(int)
    assert [lab.image_set("masses").items[int(row["place"])]["label"] for row in test] == [row["label"] for row in test]
    kept = cell(lab, record.id, 0)
    assert kept["probabilities"].shape == (40, 2) and kept["nearest"].shape == (40, 5)
    again = measured(labels, kept["probabilities"], 1)
    assert record.rows[0]["metrics"]["auroc"] == pytest.approx(again["auroc"], abs=1e-6)
    lines = {line["arm"]: line for line in record.summary}
    assert lines["real"]["measures"]["auroc"]["value"] > 0.8 and "differences" not in lines["real"]
    assert lines["mixed-1"]["differences"]["auroc"]["verdict"] in ("helps", "hurts", "no difference seen")
    assert "differences" not in lines["synthetic"], "another test set"
    assert sum(map(sum, lines["real"]["confusion"])) == pytest.approx(40)


def test_a_stopped_comparison_keeps_its_cells_and_goes_on(lab: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "stopping"
    context = JobContext.detached(lab, folder)
    emit = context.emit

    def stop_after_two(kind: str, **about: Any) -> None:
        emit(kind, **about)
        if kind == "cell" and len(events.read(folder, "cell")) == 2:
            control.request(folder, "stop")

    context.emit = stop_after_two  # type: ignore[method-assign]
    given = CompareParameters(real="masses", synthetic=["drawn"], classifiers=FAST, protocols=["mixed"], seeds=2)
    partial = TASK.run(given, context)
    assert len(partial["rows"]) == 2 and context.stop_taken
    assert lab.record("comparisons", partial["id"]).cells == 4
    whole, _ = compare(lab, tmp_path, protocols=["mixed"])
    assert [row["reused"] for row in whole["rows"]] == [True, True, False, False]
    assert whole["rows"][0]["metrics"] == partial["rows"][0]["metrics"]
    assert lab.ids("comparisons") == [whole["id"]], "the whole one takes the place of the stopped one"
    compare(lab, tmp_path, protocols=["mixed"])
    assert len(lab.ids("comparisons")) == 2, "a whole one is never taken away"


def test_a_patient_of_the_generator_is_found_in_the_test_images(lab: Workspace, tmp_path: Path) -> None:
    rows = [{**row, "split": ""} for row in lab.image_set("masses").items]
    lab.save("runs", RunRecord(id="gan", name="gan", method="dcgan_plus", image_set="masses", part=""))
    with pytest.raises(LabError) as refusal:
        compare(lab, tmp_path)
    assert "40 of 40" in refusal.value.why and "the generator “gan”" in refusal.value.why
    kept, _ = compare(lab, tmp_path, leak_reason="reproduces the paper as it was printed")
    assert guard(kept, "apart")["state"] == "open" and len(lab.record("comparisons", kept["id"]).leaks) == 40
    assert rows


def test_one_leaking_patient_is_left_out_and_named(lab: Workspace, tmp_path: Path) -> None:
    images = np.array(lab.image_set("masses").images)
    rows = [dict(row) for row in lab.image_set("masses").items]
    rows[100]["patient"] = "a3"  # a test image of a training patient
    images[110] = images[5]  # a test image with the pixels of a training image
    files.remove_folder(lab.folder("image_sets", "masses"))
    plant(lab, "masses", images, [{key: row[key] for key in ("label", "patient", "split")} for row in rows])
    result, _ = compare(lab, tmp_path)
    found = {leak["item"]: leak for leak in lab.record("comparisons", result["id"]).leaks}
    assert found["masses-0100"]["kind"] == "same patient" and found["masses-0110"]["kind"] == "equal pixels"
    assert found["masses-0110"]["other_item"] == "masses-0005"
    said = guard(result, "apart")
    assert said["state"] == "closed" and "2 test images are not apart" in said["text"]
    assert {row["n_test"] for row in result["rows"]} == {38}


def test_a_border_around_one_class_is_caught(lab: Workspace, tmp_path: Path) -> None:
    images = np.array(lab.image_set("masses").images)
    rows = lab.image_set("masses").items
    for n, row in enumerate(rows):
        if row["label"] == "malignant":
            images[n, :2] = 250
    clean, _ = compare(lab, tmp_path, seeds=1)
    assert guard(clean, "frame")["state"] == "closed" and guard(clean, "frame")["value"] < 0.75
    files.remove_folder(lab.folder("image_sets", "masses"))
    plant(lab, "masses", images, [{key: row[key] for key in ("label", "patient", "split")} for row in rows])
    result, _ = compare(lab, tmp_path, seeds=1)
    assert guard(result, "frame")["state"] == "open" and guard(result, "frame")["value"] > 0.99


def test_synthetic_images_for_one_class_only_are_named(lab: Workspace, tmp_path: Path) -> None:
    given = {"protocols": ["mixed"], "synthetic_classes": ["malignant"], "seeds": 1}
    result, _ = compare(lab, tmp_path, **given)
    said = guard(result, "coincide")
    assert said["arm"] == "mixed-1" and "50 % of “malignant” are synthetic, and 0 % of “benign”" in said["text"]


def test_a_set_made_elsewhere_is_said_to_be_unknown(lab: Workspace, tmp_path: Path) -> None:
    record = lab.image_set("drawn").record
    lab.save("image_sets", record.model_copy(update={"parents": {"catalogues/x": ""}}))
    result, _ = compare(lab, tmp_path, seeds=1)
    assert guard(result, "generator")["state"] == "unknown"


def test_an_undivided_set_is_split_by_patient(lab: Workspace, tmp_path: Path) -> None:
    rows = rows_of(120, "p")
    plant(lab, "whole", blobs([row["label"] for row in rows], 4), rows)
    result, _ = compare(lab, tmp_path, real="whole", synthetic=[], protocols=["real"], seeds=1)
    test = files.read_csv(lab.folder("comparisons", result["id"]) / "test.csv")
    learned = {rows[place]["patient"] for place in cell(lab, result["id"], 0)["pool"]}
    assert 20 <= len(test) <= 30 and not learned & {row["patient"] for row in test}
    assert any("no test part of its own" in text for text in result["warnings"])


def test_tuning_never_sees_the_test_images_and_goes_on(lab: Workspace, tmp_path: Path) -> None:
    given = {"synthetic": [], "protocols": ["real"], "seeds": 1, "tune_minutes": 1.0}
    result, context = compare(lab, tmp_path, tune_trials=2, **given)
    record = lab.record("comparisons", result["id"])
    (tuned,) = record.tuned
    assert len(tuned["history"]) == 2 and tuned["value"] == min(trial["value"] for trial in tuned["history"])
    assert record.classifiers[0]["options"]["c"] == tuned["best"]["c"]
    assert len(events.read(context.folder, "trial")) == 2
    images = np.array(lab.image_set("masses").images)
    images[80:] = 0  # other test images: the search is the same, and both trials are there already
    rows = [{key: row[key] for key in ("label", "patient", "split")} for row in lab.image_set("masses").items]
    files.remove_folder(lab.folder("image_sets", "masses"))
    plant(lab, "masses", images, rows)
    _, again = compare(lab, tmp_path, tune_trials=3, leak_reason="black images are all alike", **given)
    assert len(events.read(again.folder, "trial")) == 1


def test_a_test_set_of_its_own_leaves_the_other_parts_alone(lab: Workspace, tmp_path: Path) -> None:
    rows = rows_of(60, "z")
    plant(lab, "elsewhere", blobs([row["label"] for row in rows], 9), rows)
    result, _ = compare(lab, tmp_path, test="elsewhere", protocols=["real"], seeds=1)
    assert [(row["n_real"], row["n_test"]) for row in result["rows"]] == [(80, 60)], "its test part is not learned from"


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"protocols": ["mixed"], "synthetic": []}, "needs synthetic images"),
        ({"protocols": ["mixed"], "ratio": 9.0}, "too few images of the class"),
        ({"protocols": ["all"]}, "There is no protocol"),
        ({"classifiers": ["oracle"]}, "There is no classifier"),
        ({"classifiers": ["logistic_regression@oracle"]}, "There are no features"),
        ({"classifiers": ["logistic_regression:oracle"]}, "has no preset"),
        ({"options": {"logistic_regression": {"c": -1}}}, "cannot be used"),
        ({"classes": ["benign"]}, "one class only"),
        ({"positive": "cancer"}, "is not compared"),
        ({"synthetic": ["masses"]}, "is not a synthetic set"),
        ({"real": "drawn"}, "is not a real set"),
        ({"synthetic_classes": ["cancer"]}, "to get synthetic images"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_any_work(
    lab: Workspace, tmp_path: Path, wish: dict[str, Any], words: str
) -> None:
    with pytest.raises(LabError, match=words):
        compare(lab, tmp_path, **wish)
    assert lab.ids("comparisons") == []
