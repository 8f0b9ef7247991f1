"""Settings as a file: what is saved comes back as it was, and what is wrong is refused in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engines import registry
from engines.errors import LabError
from lab import forms, settings_file
from lab import train_form as train

DESCRIPTION = registry.describe()
METHODS = sorted(DESCRIPTION["methods"])
NAMES = {"only_class": "Jane Doe", "init_from": "jane-doe-dcgan-2026-11-21"}


def raw_values(form: train.Form, preset: str | None, **changes: Any) -> list[Any]:
    values = forms.starting(form.all, form.preset_options(preset))
    return [changes.get(setting.name, value) for setting, value in zip(form.all, values, strict=True)]


def a_file(**changes: Any) -> bytes:
    """A file as saved, with some of its fields changed; None removes one."""
    form = train.form_of(DESCRIPTION, "custom_gan")
    raw = raw_values(form, "quick_look", batch=8, seed=7, threads="2", exact=True)
    content = {**json.loads(settings_file.written(form, "quick_look", "images", 5000.0, raw)), **changes}
    return json.dumps({name: value for name, value in content.items() if value is not None}).encode()


def refusal(data: bytes) -> LabError:
    with pytest.raises(LabError) as refused:
        settings_file.read(data, DESCRIPTION)
    assert refused.value.advice
    return refused.value


@pytest.mark.parametrize("method", METHODS)
def test_every_preset_comes_back_as_it_was_saved(method: str) -> None:
    form = train.form_of(DESCRIPTION, method)
    for preset in form.presets:
        raw = raw_values(form, preset, batch=10, sheet_rows=3, **NAMES)
        text = settings_file.written(form, preset, "epochs", 2.5, raw)
        found = settings_file.read(text.encode(), DESCRIPTION)
        assert (found.form.method, found.preset, found.unit, found.amount) == (method, preset, "epochs", 2.5)
        kept = {**form.preset_options(preset), **found.values}
        same = [value if value not in NAMES.values() else "" for value in raw]
        assert forms.starting(form.all, kept) == same
        assert "image_set" not in text and not any(name in text for name in NAMES.values())


def test_only_what_differs_stands_in_the_file() -> None:
    content = json.loads(a_file())
    assert content["options"] == {"batch": 8}
    assert content["training"] == {"seed": 7, "threads": 2, "exact": True}
    assert content["budget"] == {"images": 5000}
    assert (content["format"], content["version"]) == (settings_file.FORMAT, 1)


def test_no_text_setting_travels_in_either_direction() -> None:
    texts = [setting.name for setting in train.form_of(DESCRIPTION, "custom_gan").task if setting.kind == "text"]
    assert "only_class" in texts
    for name in texts:
        assert name in refusal(a_file(training={name: "Jane Doe"})).what


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "no file of training settings"),
        (b"\x89PNG\r\n\x1a\n\x00", "no file of training settings"),
        (b"[" * 60_000, "no file of training settings"),
        (b"9" * 60_000, "no file of training settings"),
        (b" " * 70_000, "no file of training settings"),
        (b"[]", "no file of training settings"),
        (b"{}", "no file of training settings"),
        (a_file(format="notes"), "no file of training settings"),
        (a_file(version=None), "no file of training settings"),
        (a_file(version=True), "no file of training settings"),
        (a_file(version=2), "newer"),
        (a_file(budget=None), "not complete"),
        (a_file(image_set="Jane Doe"), "more than settings"),
        (a_file(method="no_such_method"), "no method"),
        (a_file(method=["custom_gan"]), "no method"),
        (a_file(preset="no_such_preset"), "no preset"),
        (a_file(preset=["quick_look"]), "no preset"),
        (a_file(options=[]), "cannot be read"),
        (a_file(options={"no_such_setting": 1}), "no setting"),
        (a_file(options={"batch": 1}), "Batch"),
        (a_file(options={"batch": 8.5}), "Batch"),
        (a_file(options={"batch": True}), "Batch"),
        (a_file(options={"batch": "many"}), "Batch"),
        (a_file(options={"batch": {"a": 1}}), "Batch"),
        (a_file(options={"batch": 10**400}), "Batch"),
        (a_file(options={"batch": float("nan")}), "Batch"),
        (a_file(options={"size": 100}), "Image size"),
        (a_file(training={"seed": -1}), "Seed"),
        (a_file(training={"exact": "yes"}), "Exact"),
        (a_file(training={"device": "tpu"}), "Device"),
        (a_file(budget={}), "How long"),
        (a_file(budget={"images": 5, "minutes": 1}), "How long"),
        (a_file(budget={"hours": 5}), "How long"),
        (a_file(budget={"minutes": 0}), "How long"),
        (a_file(budget={"minutes": "15"}), "How long"),
        (a_file(budget={"images": float("inf")}), "How long"),
        (a_file(budget={"images": 10**400}), "How long"),
    ],
)
def test_what_is_wrong_is_refused_in_words(data: bytes, word: str) -> None:
    assert word in refusal(data).what


def test_a_refusal_quotes_little() -> None:
    long = "x" * 5000
    for data in (a_file(method=long), a_file(preset=long), a_file(options={long: 1}), a_file(options={"batch": long})):
        assert len(str(refusal(data))) < 300


def test_the_words_of_a_loaded_file() -> None:
    words = settings_file.read(a_file(), DESCRIPTION).words
    assert "Quick look" in words and "4 settings changed" in words


def test_a_file_is_named_after_what_it_holds() -> None:
    form = train.form_of(DESCRIPTION, "custom_gan")
    assert settings_file.file_name(form, "quick_look") == "custom_gan-quick_look-settings.json"
