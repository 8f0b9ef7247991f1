"""The task `own_features` and its extractor: trained, kept, read again, and safe with any file."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from engines import weights
from engines.classifiers.base import Fitting
from engines.classifiers.cnn_small import fit
from engines.classifiers.vectors import extractor_named
from engines.errors import LabError
from engines.extractors.base import Extractor, loaded
from engines.extractors.in_house import EXTRACTOR
from engines.extractors.in_house_file import Measured, Provenance, read, write
from engines.extractors.small_network import Architecture, small_network
from engines.jobs.context import JobContext, JobStopped
from engines.metrics.base import Inputs
from engines.metrics.features import described
from engines.tasks import own_features
from engines.tasks.own_features import TASK, OwnFeaturesParameters
from engines.workspace import Workspace
from tests.engines.tasks.test_compare import blobs, plant, rows_of

Array = np.ndarray[Any, np.dtype[Any]]
GREY = blobs(["benign", "malignant"] * 4, 9)
FILE = weights.KNOWN[weights.IN_HOUSE].file


def quiet(fraction: float) -> None:
    pass


def train(workspace: Workspace, tmp_path: Path, id: str = "masses", **more: Any) -> dict[str, Any]:
    context = JobContext.detached(workspace, tmp_path / "job")
    return TASK.run(OwnFeaturesParameters(image_set=id, side=32, **{"epochs": 4, **more}), context)


@pytest.fixture
def lab(workspace: Workspace) -> Workspace:
    rows = [*rows_of(120, "a", "train"), *rows_of(40, "b", "test")]
    plant(workspace, "masses", blobs([row["label"] for row in rows], 0, contrast=60), rows)
    return workspace


def architecture(**changes: Any) -> Architecture:
    given = {"channels": 1, "classes": 2, "side": 32, "depth": 2, "width": 4, "hidden": 8, "activation": "relu"}
    return Architecture.model_validate({**given, "dropout": 0.5, "one_logit": False, **changes})


def provenance(auroc: tuple[float, float, float] | None, learned: float, **changes: Any) -> Provenance:
    validation = {"auroc": Measured(value=auroc[0], low=auroc[1], high=auroc[2])} if auroc else {}
    return Provenance(
        **{
            "image_set": "masses", "name": "Masses", "content_sha256": "00", "classes": ("benign", "malignant"),
            "images_learned": 100, "images_validation": 20, "validation": validation, "learned": {"auroc": learned},
            "epochs": 1, "seed": 0, "created": "2026-01-01T00:00:00+00:00", "versions": {}, **changes,
        }
    )  # fmt: skip


def planted(folder: Path, seed: int = 0, about: Provenance | None = None, **changes: Any) -> Extractor:
    """The extractor of a file with random weights."""
    torch.manual_seed(seed)
    built = architecture(**changes)
    write(folder / FILE, small_network(built), built, about or provenance((0.8, 0.7, 0.9), 0.85))
    return loaded(EXTRACTOR, folder)


def test_the_extractor_gives_what_the_classifier_decides_by(
    lab: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Fitting, Any]] = []

    def kept(options: Any, fitting: Fitting) -> Any:
        seen.append((fitting, fit(options, fitting)))
        return seen[0][1]

    monkeypatch.setattr(own_features, "fit", kept)
    result = train(lab, tmp_path)
    ready = loaded(EXTRACTOR, lab.weights)
    fitting, fitted = seen[0]
    test = lab.image_set("masses").images[120:]
    found = ready.describe(test)
    assert found.shape == (40, ready.dim) == (40, EXTRACTOR.dim) and found.std() > 0
    assert found == pytest.approx(fitted.features(test), abs=1e-5)

    # Learned from the training part without a fifth of its patients; the test part is never looked at.
    assert len(fitting.train.images) == result["images_learned"] == 96 and result["images_validation"] == 24
    known = {image.tobytes() for image in lab.image_set("masses").images[:120]}
    assert {image.tobytes() for image in fitting.train.images} < known
    auroc = result["validation"]["auroc"]
    assert auroc["value"] > 0.8 and 0 <= auroc["low"] <= auroc["value"] <= auroc["high"] <= 1
    assert ready.label.startswith("in-house, trained on masses (") and result["sha256"][:16] in ready.id
    assert "not comparable" in ready.warnings[0] and "benign and malignant" in ready.warnings[0]
    assert ready.about["content_sha256"] == "hash of masses" and ready.about["versions"]["torch"]


def test_metrics_find_it_and_a_new_training_is_noticed(workspace: Workspace, tmp_path: Path) -> None:
    many = GREY.repeat(8, axis=0)
    inputs = Inputs(many, many, [], cache=tmp_path / "cache", extractor="in_house", weights=workspace.weights)
    first = planted(workspace.weights, seed=0)
    before = described(inputs, GREY, quiet)
    assert np.array_equal(before, first.describe(GREY)) and (tmp_path / "cache" / first.id).is_dir()
    second = planted(workspace.weights, seed=1)
    after = described(inputs, GREY, quiet)
    assert first.id != second.id and first.label != second.label and not np.array_equal(before, after)
    deep = GREY.astype(np.uint16) * 257
    assert second.describe(deep) == pytest.approx(after, abs=1e-3)
    with pytest.raises(LabError, match="channel"):
        second.describe(GREY.repeat(3, axis=3))


def test_a_missing_file_says_how_to_make_one(workspace: Workspace) -> None:
    for folder in (workspace.weights, None):
        with pytest.raises(LabError, match="no in-house classifier") as caught:
            loaded(EXTRACTOR, folder)
        assert "Train own features" in caught.value.advice and "own-features" in caught.value.advice
    assert [one.name for one in weights.missing(["in_house"], workspace.weights)] == ["in_house"]
    planted(workspace.weights)
    assert not weights.missing(["in_house"], workspace.weights)


def headed(about: Any, **tensors: torch.Tensor) -> bytes:
    return safetensors.torch.save(tensors, {"phantom_lab": about if isinstance(about, str) else json.dumps(about)})


def test_a_damaged_or_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE
    planted(tmp_path)
    whole = path.read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    about = json.loads(json.loads(whole[8 : 8 + length])["__metadata__"]["phantom_lab"])
    state = safetensors.torch.load(whole)
    huge = {**about, "architecture": {**about["architecture"], "depth": 5, "width": 256, "side": 1024}}
    three = {**about, "provenance": {**about["provenance"], "classes": ["a", "b", "c"]}}
    nan = {name: torch.full_like(tensor, torch.nan) for name, tensor in state.items()}
    path.write_bytes(headed(about, **state))
    read(path)
    for content in (
        whole[: len(whole) // 2], b"", b"\x80\x04pickle", safetensors.torch.save(state), headed("{", **state),
        headed({**about, "format": 2}, **state), headed(huge, **state), headed(three, **state), headed(about, **nan),
        headed(about), headed({**about, "architecture": {"side": -1}}, **state),
    ):  # fmt: skip
        path.write_bytes(content)
        with pytest.raises(LabError, match="cannot be used") as caught:
            loaded(EXTRACTOR, tmp_path)
        assert "Train it anew" in caught.value.advice


def test_every_number_says_how_well_its_features_see(tmp_path: Path) -> None:
    fair = planted(tmp_path, about=provenance((0.8, 0.7, 0.9), 0.85)).warnings
    assert len(fair) == 1 and "AUROC 0.80, 0.70 to 0.90" in fair[0] and "may not even" not in fair[0]
    assert "may not even see that" in planted(tmp_path, about=provenance((0.55, 0.45, 0.65), 0.6)).warnings[0]
    by_heart = planted(tmp_path, about=provenance((0.7, 0.6, 0.8), 0.99)).warnings
    assert len(by_heart) == 2 and "fewer epochs" in by_heart[1]
    assert "not known" in planted(tmp_path, about=provenance(None, 0.9)).warnings[0]


def test_what_cannot_be_learned_from_is_refused(lab: Workspace, tmp_path: Path) -> None:
    plant(lab, "one", blobs(["benign"] * 80, 1), [{"label": "benign", "patient": f"{n}"} for n in range(80)])
    plant(lab, "few", blobs(["benign", "malignant"] * 20, 1), rows_of(40, "c"))
    plant(lab, "woman", blobs(["benign", "malignant"] * 40, 1), [{**row, "patient": "w"} for row in rows_of(80, "")])
    plant(lab, "drawn", blobs(["benign", "malignant"] * 40, 1), rows_of(80, ""), "synthetic")
    for id, words in (("one", "one class"), ("few", "too few"), ("woman", "too few"), ("drawn", "not a real")):
        with pytest.raises(LabError, match=words):
            train(lab, tmp_path, id)
    assert not lab.weights.exists()


def test_a_set_s_own_validation_part_is_asked(workspace: Workspace, tmp_path: Path) -> None:
    rows = [*rows_of(60, "a", "train"), *rows_of(20, "b", "validation")]
    plant(workspace, "parted", blobs([row["label"] for row in rows], 0), rows)
    result = train(workspace, tmp_path, "parted", epochs=1)
    assert (result["images_learned"], result["images_validation"]) == (60, 20)


def test_a_stopped_training_leaves_the_old_file(lab: Workspace, tmp_path: Path) -> None:
    planted(lab.weights)
    before = (lab.weights / FILE).read_bytes()
    context = JobContext.detached(lab, tmp_path / "stopped")
    looked: list[None] = []

    def check() -> None:
        looked.append(None)
        if len(looked) == 2:
            raise JobStopped

    context.check = check  # type: ignore[method-assign]
    with pytest.raises(JobStopped):
        TASK.run(OwnFeaturesParameters(image_set="masses", side=32, epochs=2), context)
    assert [path.name for path in lab.weights.iterdir()] == [FILE] and (lab.weights / FILE).read_bytes() == before


def test_no_classifier_is_tested_on_features_that_know_the_labels(tmp_path: Path) -> None:
    planted(tmp_path)
    with pytest.raises(LabError, match="cannot learn from the features “in_house”"):
        extractor_named("in_house", tmp_path)
    with pytest.raises(LabError) as caught:
        extractor_named("nothing", tmp_path)
    assert "in_house" not in caught.value.why
