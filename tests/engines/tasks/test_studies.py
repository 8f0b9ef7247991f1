"""The five studies' classifier tables end to end, on tiny drawn sets: every training set of every classifier.

Three of the classifiers take minutes even so, and are left out unless PHANTOM_LAB_ALL_CLASSIFIERS=1.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from engines.classifiers.studies import STUDIES, settings_of
from engines.records import ComparisonRecord
from engines.weights import FOLDER_VARIABLE
from engines.workspace import Workspace
from tests.engines.tasks.test_compare import blobs, compare, plant, rows_of

IMAGENET: dict[str, dict[str, Any]] = {
    "resnet18": {}, "resnet50": {}, "inception_v3": {"init_weights": False}, "efficientnet_b5": {},
}  # fmt: skip
SHORT: dict[str, dict[str, Any]] = {  # one epoch, and images as small as the network can see
    "cnn_small:al_bouhairi": {"epochs": 1, "side": 32},
    "densenet169:al_bouhairi": {"epochs": 1, "side": 64},
    "vgg16:al_bouhairi": {"epochs": 1, "side": 32},
    "inception_resnet_v2:al_bouhairi": {"epochs": 1, "side": 80},
    "cnn_small:james_2024": {"epochs": 1},
}

MINUTES = {"densenet169:al_bouhairi", "inception_resnet_v2:al_bouhairi", "efficientnet_b5_frozen:james_2024"}
LEFT_OUT = set() if os.environ.get("PHANTOM_LAB_ALL_CLASSIFIERS") else MINUTES


@pytest.fixture
def lab(workspace: Workspace) -> Workspace:
    """A real set of 16 images to learn from and 20 to be asked about, and two synthetic ones."""
    rows = [*rows_of(16, "a", "train"), *rows_of(20, "b", "test")]
    plant(workspace, "masses", blobs([row["label"] for row in rows], 0), rows)
    for number, id in enumerate(("drawn", "translated")):
        made = [{**row, "patient": ""} for row in rows_of(32, "")]
        plant(workspace, id, blobs([row["label"] for row in made], 1 + number), made, "synthetic")
    return workspace


@pytest.fixture
def no_weights(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where weights are looked for, and none are."""
    folder = tmp_path_factory.mktemp("weights")
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    monkeypatch.setenv("TORCH_HOME", str(folder))
    return folder


@pytest.fixture
def random_weights(no_weights: Path) -> None:
    """Networks of the right shape that have learned nothing, in files named as a conversion's."""
    from torchvision import models

    torch.manual_seed(0)
    for name, about in IMAGENET.items():
        torch.save(models.get_model(name, weights=None, **about).state_dict(), no_weights / f"{name}-random.pth")


def run(lab: Workspace, tmp_path: Path, name: str, **less: Any) -> ComparisonRecord:
    study = STUDIES[name]
    given = settings_of(study, ("benign", "malignant"))
    given |= {"options": {key: SHORT[key] for key in study.classifiers if key in SHORT}}
    given |= {"phase_step": 2} if "phase_step" in given else {}
    given |= {"tune_trials": 1} if "tune_trials" in given else {}
    result, _ = compare(lab, tmp_path, synthetic=["drawn", "translated"][: 1 + (name == "chi_2018")], seeds=1,
                        augment_copies=1, **(given | less))  # fmt: skip
    record: ComparisonRecord = lab.record("comparisons", result["id"])
    return record


@pytest.mark.long
@pytest.mark.usefixtures("random_weights")
@pytest.mark.parametrize("name", STUDIES)
def test_every_training_of_a_study_is_done(lab: Workspace, tmp_path: Path, name: str) -> None:
    wanted = [one for one in STUDIES[name].classifiers if one not in LEFT_OUT]
    record = run(lab, tmp_path, name, classifiers=wanted)
    assert not record.not_done and len(record.rows) == record.cells
    done = {(row["classifier"], row["arm"].partition(":")[0]) for row in record.rows}
    assert {classifier for classifier, _ in done} == set(wanted)
    assert {(one.classifier, one.arm) for one in STUDIES[name].published if one.classifier in wanted} <= done
    assert len(record.tuned) == (len(record.classifiers) if STUDIES[name].tune_trials else 0)


def test_what_lacks_its_weights_is_refused_and_the_rest_goes_on(
    lab: Workspace, tmp_path: Path, no_weights: Path
) -> None:
    record = run(lab, tmp_path, "james_2024", phases=2)
    refused = {one["classifier"].partition(":")[0] for one in record.not_done}
    assert refused == {"inception_v3_frozen", "efficientnet_b5_frozen"}
    assert all("are not on this computer" in one["what"] and one["advice"] for one in record.not_done)
    assert {row["classifier"].partition(":")[0] for row in record.rows} == {
        "logistic_regression", "svm_rbf", "random_forest", "cnn_small",
    }  # fmt: skip
    assert {row["arm"] for row in record.rows} == {"real", "phase-1", "phase-2"}
    assert {row["n_synthetic"] for row in record.rows} == {0, 2, 4}
