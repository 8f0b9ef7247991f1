"""Options of the classifiers in the Classify tab's form: as shown, and what of them the engine is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engines.errors import LabError
from lab import forms

ON = "on"  # what a classic classifier learns from: ticked in the form, unless its preset says it
START = "start"  # pretrained or random weights
Spec = Mapping[str, Any]


def form_of(spec: Spec, features: Sequence[str], lacking: str) -> list[forms.Setting]:
    """A classifier's settings; of features and weights only those that are on this computer can be chosen."""
    found = []
    for setting in forms.settings(spec.get("options", {})):
        if setting.name == ON:
            setting = replace(setting, kind="choice", choices=tuple(features))
        elif setting.name == START and lacking:
            setting = replace(setting, choices=tuple(choice for choice in setting.choices if choice == "random"))
        found.append(setting)
    return found


def shown(form: Sequence[forms.Setting], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """The settings as the page draws them; `titles` are the words for choices that have a name of their own."""
    return [
        {
            "name": one.name, "title": one.title, "unit": one.unit, "kind": one.kind, "default": one.default,
            "choices": [[choice, titles.get(str(choice), str(choice).replace("_", " "))] for choice in one.choices],
            "low": one.low, "high": one.high, "low_open": one.low_open, "high_open": one.high_open,
            "bounds": forms.bounds(one), "help": forms.tooltip(one).split("\n\n"),
            "optional": one.optional, "basic": one.layer != "all",
        }
        for one in form
    ]  # fmt: skip


def to_send(
    specs: Mapping[str, Spec],
    wishes: Sequence[str],
    given: Mapping[str, Mapping[str, Any]],
    forms_of: Mapping[str, Sequence[forms.Setting]],
) -> dict[str, dict[str, Any]]:
    """What differs from the presets, by wish (`name[:preset][@features]`), as the task wants it.

    `given` holds what was set in the form, by classifier and option, `forms_of` the settings of these. Raises LabError
    for the first value that cannot be used; options that a classifier does not have (any more) are passed over.
    """
    found = {}
    for wish in wishes:
        name, _, features = wish.partition("@")
        name, _, preset = name.partition(":")
        if name not in forms_of:
            continue
        spec = specs[name]
        base: Mapping[str, Any] = spec.get("presets", {}).get(preset, {}).get("changes", {})
        values = {
            key: value for key, value in given.get(name, {}).items() if key != ON or (ON in base and not features)
        }
        form = [setting for setting in forms_of[name] if setting.name in values]
        try:
            checked = forms.read(form, [values[setting.name] for setting in form])
        except LabError as error:
            raise LabError(f"{spec['title']}, {error.what}", error.why, error.advice) from error
        if changed := forms.differing(form, checked, base):
            found[wish] = changed
    return found
