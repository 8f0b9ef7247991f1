"""The Train tab's form: what it sends is what the training task accepts, and the command line says the same."""

from __future__ import annotations

import shlex
import shutil
from typing import Any

import pytest

from engines import registry
from engines.errors import LabError
from engines.options import parse_assignments
from lab import forms, train_controls
from lab import train_form as train

DESCRIPTION = registry.describe()
METHODS = sorted(DESCRIPTION["methods"])


def raw_values(form: train.Form, preset: str | None, **changes: Any) -> list[Any]:
    values = forms.starting(form.all, form.preset_options(preset))
    return [changes.get(setting.name, value) for setting, value in zip(form.all, values, strict=True)]


@pytest.mark.parametrize("method", METHODS)
def test_every_preset_is_accepted_by_the_task_unchanged(method: str) -> None:
    form = train.form_of(DESCRIPTION, method)
    for preset in form.presets:
        given = train.parameters(form, "a-set", preset, "minutes", 15, raw_values(form, preset))
        assert given == {"image_set": "a-set", "method": method, "preset": preset, "minutes": 15, "options": {}}
        registry.load("tasks")["train"].parameters.model_validate(given)


def test_only_what_differs_from_the_preset_is_sent() -> None:
    form = train.form_of(DESCRIPTION, "custom_gan")
    raw = raw_values(form, "quick_look", batch=8, seed=7, threads="2")
    given = train.parameters(form, "a-set", "quick_look", "images", 5000.0, raw)
    assert given["options"] == {"batch": 8}
    assert (given["seed"], given["threads"], given["images"]) == (7, 2, 5000)
    assert type(given["images"]) is int
    registry.load("tasks")["train"].parameters.model_validate(given)


@pytest.mark.parametrize(
    ("image_set", "unit", "amount"),
    [
        (None, "minutes", 15),
        ("a-set", "minutes", 0),
        ("a-set", "hours", 1),
        ("a-set", "epochs", None),
        ("a-set", "images", True),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(image_set: str | None, unit: str, amount: Any) -> None:
    form = train.form_of(DESCRIPTION, "custom_gan")
    with pytest.raises(LabError) as refused:
        train.parameters(form, image_set, "quick_look", unit, amount, raw_values(form, "quick_look"))
    assert refused.value.advice


def test_the_command_line_says_the_same() -> None:
    form = train.form_of(DESCRIPTION, "custom_gan")
    raw = raw_values(form, "quick_look", batch=8, reuse_fakes=False, networks="published", sheet_columns=6)
    given = train.parameters(form, "a-set", "quick_look", "epochs", 2.5, raw)
    words = shlex.split(train.command(given))
    assert words[:3] == ["phantom-lab", "train", "a-set"]
    flags = dict(zip(words[3::2], words[4::2], strict=True))
    assert (flags["--method"], flags["--preset"], flags["--epochs"]) == ("custom_gan", "quick_look", "2.5")
    assignments = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
    assert parse_assignments(assignments) == {
        "batch": 8, "reuse_fakes": False, "networks": "published", "sheet_columns": 6,
    }  # fmt: skip


def test_the_validator_answers_for_every_input() -> None:
    form = train.form_of(DESCRIPTION, "custom_gan")
    given = ("", "minutes", 0, "quick_look", *raw_values(form, "quick_look", batch=1))
    answers = train.checker(form)(*given)
    assert len(answers) == 4 + len(form.all)
    refused = [place for place, answer in enumerate(answers) if not answer["is_valid"]]
    batch = 4 + [setting.name for setting in form.all].index("batch")
    assert refused == [0, 2, batch]
    assert train.checker(form, needs_set=False)(*given)[0]["is_valid"], "settings are saved without a set"


def test_a_method_that_is_gone_draws_an_empty_form() -> None:
    form = train.form_of({}, "no_such_method")
    assert form.all == [] and form.first_preset(gpu=True) is None


def test_a_computer_without_a_gpu_is_known_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda command: None)
    assert train_controls.device_name()().startswith("CPU")


def form_with(*presets: str) -> train.Form:
    said = {name: {"title": f"{name} in the file", "summary": "", "options": {}} for name in presets}
    return train.Form("m", "M", said, [], [])


def test_the_dial_stands_first_and_is_called_the_same_everywhere() -> None:
    form = form_with("tiny", "as_published", "best", "chi_2018", "quick_look", "standard")
    assert form.preset_names == ["quick_look", "standard", "best", "as_published", "chi_2018", "tiny"]
    titles = [form.preset_title(name) for name in form.preset_names]
    assert titles[:4] == ["Quick look", "Standard", "Best", "as_published in the file"]


@pytest.mark.parametrize(
    ("presets", "on_processor", "on_gpu"),
    [
        (("as_published", "standard", "quick_look", "tiny"), "quick_look", "standard"),
        (("as_published", "quick_look", "tiny"), "quick_look", "quick_look"),
        (("tiny", "as_published"), "as_published", "as_published"),
        (("tiny", "best"), "best", "best"),
    ],
)
def test_the_dial_begins_where_the_device_is_good_at(presets: tuple[str, ...], on_processor: str, on_gpu: str) -> None:
    form = form_with(*presets)
    assert (form.first_preset(gpu=False), form.first_preset(gpu=True)) == (on_processor, on_gpu)
