"""The Explore tab's form: what can be measured, what lacks its weights and why, and the task's parameters."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from engines import registry, weights
from engines.errors import LabError
from engines.tasks.evaluate import EvaluateParameters
from engines.tasks.own_features import OwnFeaturesParameters
from engines.workspace import Workspace
from lab import explore_form
from lab.components import cards
from lab.evaluating import Lines
from lab.tabs import explore
from lab.tabs.explore import Handlers
from tests.lab.planted_evaluation import RUN_ID, pixels, plant, plant_run, plant_set

CHOSEN_SET, CHOSEN_RUN = json.dumps({"chosen": "image_sets/drawn"}), json.dumps({"chosen": f"runs/{RUN_ID}"})
MEASURES = json.dumps({"ticked": ["kid", "psnr"], "extractor": "texture", "groups": []})


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.delenv(weights.FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def handlers(workspace: Workspace) -> Handlers:
    context: Any = SimpleNamespace(workspace=workspace, describe=registry.describe)
    return Handlers(context, Lines(workspace))


def listed(value: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(value)["items"]
    return items


def test_runs_and_synthetic_sets_can_be_measured(workspace: Workspace) -> None:
    assert "Train tab" in json.loads(explore_form.candidates(workspace, ""))["empty"]
    plant(workspace)
    plant_run(workspace)
    items = listed(explore_form.candidates(workspace, "", Lines(workspace).all()))
    assert [(item["id"], item["text"]) for item in items] == [
        (f"runs/{RUN_ID}", "run · custom_gan on mias"),
        ("image_sets/drawn", "synthetic set · 6 images · measured"),
    ]


def test_the_parameters_are_those_of_the_task(workspace: Workspace) -> None:
    of_set = explore_form.parameters(CHOSEN_SET, "mias", "", MEASURES, 256, "all", "none", 0)
    assert of_set == {
        "real": "mias",
        "synthetic": "drawn",
        "metrics": ["kid", "psnr"],
        "map": "none",
        "seed": 0,
        "extractor": "texture",
    }
    of_run = explore_form.parameters(CHOSEN_RUN, "mias", "others", MEASURES, 100.0, "latest", "tsne", 3)
    assert of_run == {
        "real": "mias", "synthetic": RUN_ID, "held_out": "others", "metrics": ["kid", "psnr"], "extractor": "texture",
        "checkpoints": "latest", "count": 100, "map": "tsne", "seed": 3,
    }  # fmt: skip
    for given in (of_set, of_run):
        EvaluateParameters.model_validate(given)


@pytest.mark.parametrize(
    ("chosen", "real", "measures"),
    [("{}", "mias", MEASURES), (CHOSEN_SET, None, MEASURES), (CHOSEN_SET, "mias", '{"ticked": []}'), ("", "", "")],
)
def test_what_cannot_be_measured_is_said(chosen: str, real: Any, measures: str) -> None:
    with pytest.raises(LabError) as said:
        explore_form.parameters(chosen, real, "", measures, 256, "all", "none", 0)
    assert said.value.advice


def test_what_lacks_its_weights_says_which_file(workspace: Workspace) -> None:
    said = json.loads(explore_form.offered(registry.describe(), workspace, "full"))
    metrics = {metric["name"]: metric for group in said["groups"] for metric in group["metrics"]}
    assert metrics.keys() == registry.load("metrics").keys() and not metrics["kid"]["missing"]
    for words in ("weights-inception-2015-12-05-6726825d.pth", "95.6 MB", "folder weights", "SHA-256"):
        assert words in metrics["fid"]["missing"]
    extractors = {one["name"]: one["missing"] for one in said["extractors"]}
    assert next(iter(extractors)) == "texture" and not extractors["texture"] and extractors["inception"]
    groups = {group["title"]: [metric["name"] for metric in group["metrics"]] for group in said["groups"]}
    assert "isc" in groups["Legacy"] and "ftd" in groups["Light"] and "memorisation" in groups["Full"]


def test_own_features_are_offered_once_they_are_trained(workspace: Workspace) -> None:
    def lacking() -> str:
        said = json.loads(explore_form.offered(registry.describe(), workspace, "full"))
        return next(str(one["missing"]) for one in said["extractors"] if one["name"] == "in_house")

    assert "Train own features" in lacking()
    workspace.weights.mkdir()
    (workspace.weights / "in_house.safetensors").write_bytes(b"trained")
    assert lacking() == ""


def test_own_features_are_trained_on_the_chosen_real_set(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    plant_set(workspace, "mias", "real", pixels(8))
    do, queued = handlers(workspace), []
    monkeypatch.setattr(explore, "submit", lambda *given: queued.append(given[2:4]))
    for real in ("mias", None):
        with pytest.raises(gr.Error, match="two classes" if real else "no real images"):
            do.train_own(SimpleNamespace(), real)  # type: ignore[arg-type]
    record = workspace.image_set("mias").record
    workspace.save("image_sets", record.model_copy(update={"classes": {"benign": 4, "malignant": 4}}))
    do.train_own(SimpleNamespace(), "mias")  # type: ignore[arg-type]
    assert queued == [("own_features", {"image_set": "mias"})]
    OwnFeaturesParameters.model_validate(queued[0][1])


def test_a_whole_training_begins_with_the_light_metrics(workspace: Workspace) -> None:
    plant(workspace)
    plant_run(workspace)
    do = handlers(workspace)
    for chosen, wish, mode in (
        (CHOSEN_RUN, "all", "light"),
        (CHOSEN_RUN, "latest", "full"),
        (CHOSEN_SET, "all", "full"),
    ):
        assert json.loads(do.measures(chosen, wish)[0])["mode"] == mode
    assert json.loads(do.measures("null", "all")[0])["mode"] == "light"  # the page opens on the run


def test_tooltips_are_the_words_of_the_engine(workspace: Workspace) -> None:
    own, *told = handlers(workspace).measures(CHOSEN_SET, "all")[1:]
    assert "under some hundreds of each class" in own
    fields = EvaluateParameters.model_fields
    for name, update in zip(explore_form.SETTINGS, told, strict=True):
        assert str(fields[name].description) in update["info"], name
    assert "Wide intervals" in told[2]["info"]


def test_real_sets_default_to_those_of_the_training(workspace: Workspace) -> None:
    plant(workspace)
    plant_run(workspace)
    plant_set(workspace, "larger", "real", pixels(20))
    do = handlers(workspace)
    real, held_out = do.reals(f"runs/{RUN_ID}", None, "")
    assert real["value"] == "mias" and [id for _, id in held_out["choices"]] == ["", "larger"]
    assert do.reals("image_sets/drawn", None, "")[0]["value"] == "larger"  # nothing says what it was made of
    assert do.reals("image_sets/drawn", "mias", "larger")[1]["value"] == "larger"
    assert do.compare_with("larger", "larger")["value"] == ""  # it cannot be both


def test_the_lists_survive_an_empty_workspace(workspace: Workspace) -> None:
    value, real, held_out, count, _, measure, own, shown = handlers(workspace).lists("", None, None)
    assert cards.chosen_of(value) == "" and real["value"] is None and held_out["value"] == ""
    assert (
        not measure["interactive"]
        and not own["interactive"]
        and not count["visible"]
        and json.loads(shown) == {"of": ""}
    )
