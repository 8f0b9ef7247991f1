"""The Classify tab's form: what can be chosen, why not, and what is asked of the engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engines import registry, weights
from engines.errors import LabError
from engines.workspace import Workspace
from lab import classify_form, classify_list
from lab.classifying import Lines
from tests.lab.planted_comparison import ID, REAL, SYNTHETIC, masses, plant, plant_job, plant_set, plant_sets


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return registry.describe()


def offered(description: dict[str, Any], workspace: Workspace, picked: str | None = None) -> dict[str, Any]:
    real = next(iter(classify_form.real_sets(workspace)), None)
    found: dict[str, Any] = json.loads(classify_form.offered(description, workspace, real, picked))
    return found


def given(description: dict[str, Any], workspace: Workspace, **chosen: Any) -> dict[str, Any]:
    start = {"classifiers": ["cnn_small"], "protocols": ["mixed"], "sets": [SYNTHETIC], "numbers": {"ratio": 2}}
    picked = json.dumps({**offered(description, workspace), "chosen": {**start, **chosen}})
    beside = (3, True, 0, 10, 0, "")
    return classify_form.parameters(description, workspace, REAL, "", "malignant", picked, *beside, [])


def test_everything_that_the_engine_describes_can_be_chosen(description: dict[str, Any], workspace: Workspace) -> None:
    plant_sets(workspace)
    found = offered(description, workspace)
    names = [one["name"] for group in found["groups"] for one in group["classifiers"]]
    assert sorted(names) == sorted(description["classifiers"])
    assert found["protocols"][0]["name"] == "real"
    assert {one["name"] for one in found["protocols"]} == set(description["tasks"]["compare"]["about"]["protocols"])
    assert {name for one in found["protocols"] for name, _ in one["numbers"]} == set(found["numbers"])
    assert all(one["help"][0] for one in found["protocols"])
    assert found["classes"] == ["benign", "malignant"] and found["start"]["classifiers"]
    classic = {one["name"] for group in found["groups"] for one in group["classifiers"] if one["features"]}
    assert classic == {"logistic_regression", "random_forest", "svm_linear", "svm_rbf"}


def test_before_the_engine_has_answered(workspace: Workspace) -> None:
    assert offered({}, workspace)["groups"] == [] and classify_form.words_of({}) == {}


def test_what_lacks_its_weights_says_which(
    description: dict[str, Any], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "missing", lambda names, folder: [weights.KNOWN[name] for name in names])
    found = offered(description, workspace)
    by_name = {one["name"]: one for group in found["groups"] for one in group["classifiers"]}
    assert "efficientnet_b5" in by_name["efficientnet_b5_frozen"]["missing"].lower()
    assert by_name["cnn_small"]["missing"] == ""
    # From random weights it needs no file
    scratch = {preset["name"]: preset["missing"] for preset in by_name["densenet169"]["presets"]}
    assert by_name["densenet169"]["missing"] and scratch["al_bouhairi"] == ""
    features = {one["name"]: one["missing"] for one in found["features"]}
    assert features["pixels"] == features["texture"] == "" and features["resnet50"]


def test_each_study_is_one_click(description: dict[str, Any], workspace: Workspace) -> None:
    plant_sets(workspace)
    found = {one["name"]: one for one in offered(description, workspace)["studies"]}
    assert set(found) == set(description["tasks"]["compare"]["about"]["studies"])
    assert found["james_2024"]["to"] == "malignant" and found["chi_2018"]["to"] == ""
    assert found["al_bouhairi"]["tune_trials"] > 0 and found["james_2024"]["tune_trials"] == 0
    assert len(found["james_2024"]["classifiers"]) == 6 and found["james_2024"]["protocols"] == ["phases"]
    protocols = set(description["tasks"]["compare"]["about"]["protocols"])
    numbers = {name for rows in classify_form.NUMBERS.values() for name, _ in rows}
    for study in found.values():
        assert set(study["protocols"]) <= protocols and set(study.get("numbers", {})) <= numbers


def test_sets_that_do_not_go_together_say_why(workspace: Workspace) -> None:
    plant_sets(workspace)
    rows = [{"index": n, "item": str(n), "label": "", "patient": "", "split": ""} for n in range(4)]
    plant_set(workspace, "nameless", "synthetic", masses(4), rows)
    real = classify_form.real_sets(workspace)[0]
    found = {one["name"]: one for one in classify_form.synthetic_sets(workspace, real)}
    assert found[SYNTHETIC]["missing"] == "" and found[SYNTHETIC]["text"] == "4 benign, 4 malignant"
    assert "carries a class of “Masses”" in found["nameless"]["missing"]
    assert list(found)[-1] == "nameless"


def test_only_sets_with_classes_can_be_learned_from(workspace: Workspace) -> None:
    rows = [{"index": n, "item": str(n), "label": "benign", "patient": "", "split": ""} for n in range(4)]
    plant_set(workspace, "one-class", "real", masses(4), rows)
    assert classify_form.real_sets(workspace) == []
    plant_sets(workspace)
    assert [one.id for one in classify_form.real_sets(workspace)] == [REAL]


def test_test_images_in_words(workspace: Workspace) -> None:
    plant_sets(workspace)
    (record,) = classify_form.real_sets(workspace)
    assert classify_form.own_part(record) == "a fifth of their patients"
    divided = record.model_copy(update={"split_counts": {"train": {"a": 5}, "test": {"a": 1200, "b": 34}}})
    assert classify_form.own_part(divided) == "their test part · 1,234"


def test_the_engine_takes_what_the_form_gives(description: dict[str, Any], workspace: Workspace) -> None:
    from engines.tasks.comparison_parameters import CompareParameters

    plant_sets(workspace)
    found = given(description, workspace, to=["malignant"], protocols=["phases", "real"])
    asked = CompareParameters.model_validate(found)
    assert asked.real == REAL and asked.seeds == 3 and asked.ratio == 2 and asked.positive == "malignant"
    assert asked.protocols == ["real", "phases"] and asked.synthetic_classes == ["malignant"]
    assert asked.classifiers == ["cnn_small"] and asked.synthetic == [SYNTHETIC] and asked.leave_out


def test_what_cannot_be_used_is_refused_in_words(description: dict[str, Any], workspace: Workspace) -> None:
    plant_sets(workspace)
    with pytest.raises(LabError, match="Synthetic per real: It must be above 0"):
        given(description, workspace, numbers={"ratio": -1})
    with pytest.raises(LabError, match="No classifier"):
        given(description, workspace, classifiers=[])
    with pytest.raises(LabError, match="labelled real images"):
        classify_form.parameters(description, workspace, None, "", "", "{}")


def test_numbers_are_checked_at_their_fields(description: dict[str, Any]) -> None:
    check = classify_form.checker(lambda: description, ["seeds", "leak_reason"], before=1, after=1)
    assert [one["is_valid"] for one in check("real", -3, "", [])] == [True, False, True, True]
    assert all(one["is_valid"] for one in check("real", 5, "", []))
    alone = classify_form.checker(lambda: description, ["tune_trials"])
    assert not alone(2.5)["is_valid"] and "whole number" in alone(2.5)["message"] and alone(0)["is_valid"]
    assert classify_form.checker(dict, ["seeds"])(-3)["is_valid"]  # until the engine has said what can be used


def test_ticked_classifiers_without_their_files_are_named(description: dict[str, Any], workspace: Workspace) -> None:
    plant_sets(workspace)
    with pytest.raises(LabError, match="No classifier can be trained") as refused:
        given(description, workspace, classifiers=[], ticked=[["inception_v3_frozen", "james_2024"]])
    assert "Inception-v3" in refused.value.why


def test_every_option_of_every_classifier_is_shown(description: dict[str, Any], workspace: Workspace) -> None:
    found = offered(description, workspace)
    for one in (one for group in found["groups"] for one in group["classifiers"]):
        own = {found["settings"][place]["name"]: found["settings"][place] for place in one["options"]}
        assert set(own) == set(description["classifiers"][one["name"]]["options"]["properties"])
        assert all(setting["help"][0] and setting["title"] for setting in own.values())
        for preset in one["presets"]:
            assert set(preset["changes"]) <= set(own)
    # What classifiers share travels once, and features are a list to choose from
    assert len({json.dumps(one) for one in found["settings"]}) == len(found["settings"])
    (learns_from,) = [one for one in found["settings"] if one["name"] == "on"]
    assert learns_from["kind"] == "choice" and ["pixels", "Pixels"] in learns_from["choices"]


def test_only_options_that_differ_from_the_preset_are_sent(description: dict[str, Any], workspace: Workspace) -> None:
    from engines.tasks.comparison_parameters import CompareParameters

    plant_sets(workspace)
    wishes = ["svm_rbf:james_2024", "logistic_regression@pixels", "logistic_regression@texture", "cnn_small"]
    options = {
        "svm_rbf": {"c": 1, "standardise": True, "on": "texture"},  # C is the preset's
        "logistic_regression": {"c": 0.5, "iterations": 300, "on": "texture"},  # features are ticked for these
        "cnn_small": {"epochs": 10, "gone": 3},
        "random_forest": {"trees": -1},  # not ticked
    }
    found = given(description, workspace, classifiers=wishes, options=options)
    assert found["options"] == {
        "svm_rbf:james_2024": {"standardise": True, "on": "texture"},
        "logistic_regression@pixels": {"c": 0.5},
        "logistic_regression@texture": {"c": 0.5},
    }
    assert CompareParameters.model_validate(found).options == found["options"]


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("cnn_small", {"epochs": 0}, "Small CNN, Epochs: It must be at least 1, at most 10,000"),
        ("cnn_small", {"learning_rate": 0}, "Learning rate: It must be above 0"),
        ("cnn_small", {"epochs": 2.5}, "Epochs: Give a whole number"),
        ("cnn_small", {"epochs": ""}, "Epochs: Give a value"),
        ("cnn_small", {"side": 33}, "Side in pixels: Choose one of the list"),
        ("cnn_small", {"balanced": "yes"}, "Same weight for every class: Switch it on or off"),
        ("svm_rbf:james_2024", {"on": "no_such_features"}, "Learns from: Choose one of the list"),
    ],
)
def test_options_that_cannot_be_used_never_reach_the_engine(
    description: dict[str, Any], workspace: Workspace, name: str, values: dict[str, Any], words: str
) -> None:
    plant_sets(workspace)
    with pytest.raises(LabError, match=words):
        given(description, workspace, classifiers=[name], options={name.split(":")[0]: values})


def test_without_weights_a_network_starts_at_random(
    description: dict[str, Any], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_sets(workspace)
    monkeypatch.setattr(weights, "missing", lambda names, folder: [weights.KNOWN[name] for name in names])
    with pytest.raises(LabError, match="Start: Choose one of the list"):
        given(description, workspace, classifiers=["resnet18:scratch"], options={"resnet18": {"start": "imagenet"}})
    found = given(description, workspace, classifiers=["resnet18:scratch"], options={"resnet18": {"epochs": 3}})
    assert found["options"] == {"resnet18:scratch": {"epochs": 3}}


def test_any_of_the_compared_classes_can_get_synthetic_images(
    description: dict[str, Any], workspace: Workspace
) -> None:
    plant_sets(workspace)
    chosen = {"classifiers": ["cnn_small"], "numbers": {}, "to": ["normal", "malignant"]}
    beside = (3, True, 0, 10, 0, "")

    def asked(only: list[str]) -> Any:
        picked = json.dumps({"chosen": chosen})
        return classify_form.parameters(description, workspace, REAL, "", "", picked, *beside, only)

    assert asked([])["synthetic_classes"] == ["normal", "malignant"]
    assert asked(["benign", "malignant"])["synthetic_classes"] == ["malignant"]
    with pytest.raises(LabError, match="No class that is compared gets synthetic images"):
        asked(["benign", "cyst"])


def test_what_a_browser_kept_is_taken_only_as_it_was_written() -> None:
    good = {
        "real": REAL,
        "positive": "malignant",
        "seeds": 7,
        "leave_out": False,
        "classes": ["a"],
        "tune_minutes": 2.5,
    }
    assert classify_form.kept(json.dumps({**good, "leak_reason": "because", "other": 1})) == good
    wrong = {"real": 3, "seeds": "many", "leave_out": 1, "classes": "a", "tune_trials": True, "seed": None}
    assert classify_form.kept(json.dumps(wrong)) == {}
    assert classify_form.kept("") == classify_form.kept("[]") == classify_form.kept("{") == {}


def test_the_list_shows_work_first_and_what_came_of_it(workspace: Workspace) -> None:
    plant(workspace)
    asked = {"classifiers": ["cnn_small", "svm_rbf"], "protocols": ["real", "phases"], "phases": 3, "seeds": 3}
    plant_job(workspace, "now", parameters={"real": REAL, "synthetic": [SYNTHETIC], **asked})
    value = json.loads(classify_list.listed(workspace, Lines(workspace), ""))
    assert [item["id"] for item in value["items"]] == ["jobs/now", f"comparisons/{ID}"]
    assert value["chosen"] == "jobs/now" and value["items"][0]["title"] == "Dreamed"
    work, done = value["items"]
    assert work["text"].startswith("at work · ") and work["text"].endswith("2\u00a0×\u00a04\u00a0×\u00a03")
    assert done["title"] == "Dreamed" and done["text"].endswith("2\u00a0×\u00a03\u00a0×\u00a02")
    assert "Class of interest: malignant" in done["hint"]
    assert "Real images: Masses" in done["hint"] and "2 classifiers, 3 training sets, 2 seeds" in done["hint"]
    plant_job(workspace, "now", state="done", result={"id": ID})
    assert json.loads(classify_list.listed(workspace, Lines(workspace), "jobs/now"))["chosen"] == f"comparisons/{ID}"
