"""Options models as forms: every option of every method and task comes back as it went in."""

from __future__ import annotations

import math
from typing import Any, Literal

import pytest

from engines import registry
from engines.errors import LabError
from engines.options import Options, option
from lab import forms


class Sample(Options):
    """One option of each kind that a form knows, and one that it does not."""

    batch: int = option(
        32, "Batch", "Images per step.", too_low="Restless.", too_high="Memory.", layer="basic", ge=2, le=64
    )
    rate: float = option(1e-4, "Rate", "How far.", unit="per step", gt=0, lt=1)
    mirror: bool = option(False, "Mirror", "Half of the time.", too_low="Fewer views.", too_high="No sides.")
    size: Literal[64, 128] = option(128, "Size", "Side.", layer="dial")
    threads: int | None = option(None, "Threads", "All if empty.", ge=1)
    note: str = option("", "Note", "Any text.")
    table: dict[str, Any] = option({}, "Table", "Not for a form.")


SETTINGS = {setting.name: setting for setting in forms.settings(Sample.model_json_schema())}


def test_each_kind_is_recognised() -> None:
    kinds = {name: setting.kind for name, setting in SETTINGS.items()}
    assert kinds == {
        "batch": "integer", "rate": "number", "mirror": "switch", "size": "choice", "threads": "integer",
        "note": "text",
    }  # fmt: skip
    assert SETTINGS["size"].choices == (64, 128)
    assert SETTINGS["threads"].optional and not SETTINGS["batch"].optional
    assert [setting.name for setting in forms.by_layer(list(SETTINGS.values()), "dial")] == ["size"]


def test_the_tooltip_says_what_and_both_ends() -> None:
    text = forms.tooltip(SETTINGS["batch"])
    for part in ("Images per step.", "Too low: Restless.", "Too high: Memory.", "at least 2, at most 64"):
        assert part in text
    assert "Off: Fewer views." in forms.tooltip(SETTINGS["mirror"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch", 1), ("batch", 65), ("batch", 2.5), ("batch", None), ("batch", True), ("rate", 0), ("rate", 1),
        ("rate", math.nan), ("rate", "fast"), ("mirror", None), ("size", 96), ("size", "64"), ("threads", 0),
        ("threads", "many"), ("note", 3),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said_and_refused(name: str, value: Any) -> None:
    assert forms.problem(SETTINGS[name], value)
    with pytest.raises(LabError, match=SETTINGS[name].title):
        forms.read([SETTINGS[name]], [value])


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [("batch", 16.0, 16), ("rate", 1, 1e-9), ("threads", "", None), ("threads", None, None), ("threads", "4", 4)],
)
def test_what_a_browser_sends_is_read(name: str, value: Any, read: Any) -> None:
    if name == "rate":
        value = read  # a number that needs an exponent
    found = forms.read([SETTINGS[name]], [value])[name]
    assert found == read and type(found) is type(read)


def test_a_validator_answers_for_each_control() -> None:
    check = forms.checker([SETTINGS["batch"], SETTINGS["rate"]], before=1)
    answers = check("anything", 1, 0.5)
    assert [answer["is_valid"] for answer in answers] == [True, False, True]
    assert "at least 2" in answers[1]["message"]


def every_schema() -> list[tuple[str, dict[str, Any]]]:
    described = registry.describe()
    found = [(name, spec["parameters"]) for name, spec in described["tasks"].items()]
    return found + [(name, spec["options"]) for name, spec in described["methods"].items()]


@pytest.mark.parametrize(("name", "schema"), every_schema())
def test_every_form_draws_and_returns_its_defaults(name: str, schema: dict[str, Any]) -> None:
    form = [setting for setting in forms.settings(schema) if not setting.required]
    controls = [forms.control(setting) for setting in form]
    values = forms.read(form, [control.value for control in controls])
    assert values == {setting.name: setting.default for setting in form}
    assert forms.differing(form, values, {}) == {}


@pytest.mark.parametrize("method", registry.load("methods").values(), ids=lambda method: method.name)
def test_presets_come_back_from_the_form(method: Any) -> None:
    form = forms.settings(method.options.model_json_schema())
    for name, preset in method.presets.items():
        values = forms.read(form, forms.starting(form, preset.options))
        assert method.options.model_validate(values) == method.choose(name, {})
        assert forms.differing(form, values, preset.options) == {}


@pytest.mark.parametrize(("name", "schema"), every_schema())
def test_every_setting_explains_itself(name: str, schema: dict[str, Any]) -> None:
    silent = [setting.name for setting in forms.settings(schema) if not setting.help or not setting.title]
    assert not silent
