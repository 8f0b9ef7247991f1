"""The five studies: their settings name what there is, and what they printed lines up with the training sets."""

from __future__ import annotations

import numpy as np
import pytest

from engines import registry
from engines.classifiers.measures import MEASURES
from engines.classifiers.protocols import Settings, Source, arms_of
from engines.classifiers.studies import INTEREST, OTHER, STUDIES, Published, settings_of
from engines.errors import LabError
from engines.tasks.comparison_parameters import CompareParameters

NAMES = ("benign", "malignant")


@pytest.mark.parametrize("name", STUDIES)
def test_the_job_takes_the_settings_of_a_study(name: str) -> None:
    study = STUDIES[name]
    asked = CompareParameters.model_validate({"real": "masses", **settings_of(study, NAMES)})
    known = registry.load("classifiers")
    for wish in asked.classifiers:
        classifier, _, preset = wish.partition(":")
        assert preset == name and preset in known[classifier].presets
    presets = {f"{spec.name}:{name}" for spec in known.values() if name in spec.presets}
    assert set(study.classifiers) == presets, "every classifier that carries the study's name is in its table"
    assert asked.synthetic_classes == (["malignant"] if study.one_class else [])
    assert study.published and study.differs


@pytest.mark.parametrize("name", STUDIES)
def test_what_was_printed_lines_up_with_the_training_sets(name: str) -> None:
    study = STUDIES[name]
    asked = CompareParameters.model_validate({"real": "masses", **settings_of(study, NAMES)})
    few = Settings(asked.ratio, asked.share, 4, asked.phases)
    sources = [Source("drawn", "Drawn", np.tile([0, 1], 40))]
    arms = {arm.name for arm in arms_of(asked.protocols, np.tile([0, 1], 20), sources, NAMES, few)}
    printed = {one.arm for one in study.published}
    assert printed <= arms and arms - printed <= {"augmented"}, "only study 3's copies stand in no table of their own"
    for one in study.published:
        assert one.classifier in study.classifiers and one.test
        for measure, value in one.values.items():
            assert measure.removesuffix(INTEREST).removesuffix(OTHER) in MEASURES and 0 <= value <= 1


def find(study: str, arm: str, source: str = "", classifier: str = "") -> Published:
    return next(
        one
        for one in STUDIES[study].published
        if one.arm == arm and one.source == source and one.classifier.startswith(classifier)
    )


@pytest.mark.parametrize(
    ("arm", "source"), [("real", ""), ("synthetic_to_real", "CycleGAN"), ("mixed-1", "CycleGAN"), ("mixed-1", "DCGAN")]
)
def test_study_4_speaks_of_the_images_without_carcinoma(arm: str, source: str) -> None:
    """Precision and recall give the printed accuracy with 940 positives among 1,831, and not with 891."""
    values = find("chi_2018", arm, source).values
    precision, recall = values["precision" + OTHER], values["recall" + OTHER]

    def accuracy(positives: int) -> float:
        right = recall * positives
        return (right + 1831 - positives - right * (1 / precision - 1)) / 1831

    assert accuracy(940) == pytest.approx(values["accuracy"], abs=0.0015)
    assert accuracy(891) != pytest.approx(values["accuracy"], abs=0.01)


def test_study_5_has_every_phase_of_every_classifier() -> None:
    study = STUDIES["james_2024"]
    assert len(study.published) == 6 * 6
    svm = [find("james_2024", f"phase-{n}", classifier="svm").values["recall" + INTEREST] for n in range(1, 6)]
    assert svm == [0.36, 0.38, 0.36, 0.34, 0.33]
    before = find("james_2024", "real", classifier="logistic").values
    assert before["recall" + INTEREST] == 0.22 and before["precision" + OTHER] == 0.94
    # What is said of these numbers: on equally many images of both classes they do not fit one another.
    assert before["recall" + OTHER] / (before["recall" + OTHER] + 1 - before["recall" + INTEREST]) < 0.52


def arm_of(name: str, benign: int, malignant: int, made: int, arm: str) -> tuple[list[int], list[int]]:
    """Real and synthetic images of each class that a study's training set has, of so many in all."""
    asked = CompareParameters.model_validate({"real": "masses", **settings_of(STUDIES[name], NAMES)})
    only = tuple(NAMES.index(label) for label in asked.synthetic_classes)
    settings = Settings(asked.ratio, asked.share, asked.phase_step, asked.phases, classes=only)
    labels, drawn = np.repeat([0, 1], [benign, malignant]), np.repeat([0, 1], made)
    arms = arms_of(asked.protocols, labels, [Source("drawn", "Drawn", drawn)], NAMES, settings)
    found = next(one for one in arms if one.name == arm)
    counted = [np.bincount(of[rows], minlength=2) for of, rows in ((labels, found.real), (drawn, found.synthetic))]
    return counted[0].tolist(), counted[1].tolist()


def test_training_sets_are_as_large_as_the_studies_were() -> None:
    assert arm_of("rahali_2025", 400, 400, 100, "replace-0.25") == ([400, 300], [0, 100])
    assert arm_of("james_2024", 3000, 300, 2600, "phase-5") == ([3000, 300], [0, 2600])
    assert arm_of("james_2024", 3000, 300, 2600, "phase-1") == ([3000, 300], [0, 520])
    assert arm_of("al_bouhairi", 600, 500, 300, "mixed-0.5") == ([600, 500], [300, 250]), "two real ones for each"
    assert arm_of("aytar_2024", 26600, 26600, 38000, "synthetic_to_real") == ([0, 0], [38000, 38000])


def test_one_class_must_be_known() -> None:
    with pytest.raises(LabError, match="one class only: malignant"):
        settings_of(STUDIES["james_2024"], ("a", "b", "c"))
    assert settings_of(STUDIES["james_2024"], ("a", "b", "c"), "b")["synthetic_classes"] == ["b"]
    assert "synthetic_classes" not in settings_of(STUDIES["aytar_2024"], ("a", "b", "c"))
