"""Settings of a training as a file: what another computer, or next month, needs to train the same way.

No image set, no path and nothing typed as text stands in it (names of classes and runs are such texts): those can hold
the name of a patient.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engines.errors import LabError
from lab import forms
from lab.train_form import BUDGETS, Form, budget, budget_problem, differing, form_of

FORMAT, VERSION = "phantom-lab training settings", 1
MOST_BYTES = 64 * 1024
FIELDS = ("format", "version", "method", "preset", "options", "training", "budget")
NONE_AT_ALL = "This is no file of training settings."
FROM_SAVE = "Choose a file that “Save settings” made."


@dataclass(frozen=True)
class Settings:
    """What a file says, checked: every value can stand in the form. `values` hold what differs from the preset."""

    form: Form
    preset: str | None
    values: Mapping[str, Any]
    unit: str
    amount: float

    @property
    def words(self) -> str:
        preset = f", {self.form.preset_title(self.preset)}" if self.preset else ""
        count = len(self.values)
        changes = f"{count} setting{'' if count == 1 else 's'} changed" if count else "nothing changed"
        return f"{self.form.title}{preset}; {changes}."


def file_name(form: Form, preset: str | None) -> str:
    return "-".join([form.method, *([preset] if preset else []), "settings.json"])


def written(form: Form, preset: str | None, unit: str, amount: Any, raw: Sequence[Any]) -> str:
    """The file's text from the form's values. Raises LabError for what cannot be used."""
    options, training = differing(form, preset, raw)
    kept = {setting.name for setting in form.all if _travels(setting)}
    content = {
        "format": FORMAT,
        "version": VERSION,
        "method": form.method,
        "preset": preset,
        "options": {name: value for name, value in options.items() if name in kept},
        "training": {name: value for name, value in training.items() if name in kept},
        "budget": budget(unit, amount),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read(data: bytes, description: Mapping[str, Any]) -> Settings:
    """The settings of a file for this engine. Raises LabError: a file is taken as a whole or not at all."""
    content = _content(data)
    methods = description.get("methods", {})
    name = content["method"]
    if not isinstance(name, str) or name not in methods:
        raise LabError(
            f"There is no method “{_short(name)}” here.", "The file names one that this Phantom Lab does not have.",
            "Update Phantom Lab, or add the method's file to it.",
        )  # fmt: skip
    form = form_of(description, name)
    preset = content["preset"]
    if preset is not None and (not isinstance(preset, str) or preset not in form.presets):
        titles = ", ".join(form.preset_title(known) for known in form.preset_names)
        raise LabError(f"{form.title} has no preset “{_short(preset)}”.", f"It has: {titles}.", "Correct the file.")
    values = {
        **_values(form.options, content["options"], form.title),
        **_values(form.task, content["training"], "The training"),
    }
    unit, amount = _budget(content["budget"])
    return Settings(form, preset, values, unit, amount)


def _travels(setting: forms.Setting) -> bool:
    return setting.kind != "text"


def _content(data: bytes) -> dict[str, Any]:
    """The file's fields, all of them, of a version that is known."""
    if len(data) > MOST_BYTES:
        raise LabError(NONE_AT_ALL, "It is far too long for one.", FROM_SAVE)
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LabError(NONE_AT_ALL, "It is not valid JSON.", FROM_SAVE) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise LabError(NONE_AT_ALL, f"Its format is not “{FORMAT}”.", FROM_SAVE)
    version = content.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise LabError(NONE_AT_ALL, "It does not say its version.", FROM_SAVE)
    if version > VERSION:
        raise LabError(
            "A newer Phantom Lab made this file.", f"It is of version {_short(version)}.", "Update this one."
        )
    if unknown := sorted(set(content) - set(FIELDS)):
        raise LabError("The file holds more than settings.", f"“{_short(unknown[0])}” is unknown.", "Remove it.")
    if missing := [name for name in FIELDS if name not in content]:
        raise LabError("The file is not complete.", f"“{missing[0]}” is missing.", FROM_SAVE)
    return content


def _values(settings: Sequence[forms.Setting], given: Any, whose: str) -> dict[str, Any]:
    """Values by name, each one of `settings` and within its bounds."""
    if not isinstance(given, dict):
        raise LabError("The file cannot be read.", "Its settings are no list of names and values.", FROM_SAVE)
    known = {setting.name: setting for setting in settings if _travels(setting)}
    values = {}
    for name, value in given.items():
        if name not in known:
            raise LabError(
                f"{whose} has no setting “{_short(name)}” that a file can hold.", "", "Remove it from the file."
            )
        try:
            trouble = forms.problem(known[name], value)
        except OverflowError:  # a whole number beyond any float
            trouble = f"It must be {forms.bounds(known[name]) or 'smaller'}."
        if trouble:
            raise LabError(f"{known[name].title}: {trouble}", f"The file says “{_short(value)}”.", "Correct the file.")
        values[name] = forms.clean(known[name], value)
    return values


def _budget(given: Any) -> tuple[str, float]:
    """How long to train: one of minutes, images and epochs."""
    if not isinstance(given, dict) or len(given) != 1:
        one_of = ", ".join(BUDGETS)
        raise LabError("How long to train is not clear.", f"A budget is one of {one_of}.", "Correct the file.")
    unit, amount = next(iter(given.items()))
    if trouble := budget_problem(unit, amount):
        raise LabError(f"How long to train: {trouble}", f"The file says “{_short(amount)}”.", "Correct the file.")
    return unit, amount


def _short(value: Any) -> str:
    """A value of the file as a message can show it."""
    try:
        text = value if isinstance(value, str) else json.dumps(value)
    except ValueError:  # too many digits
        return "…"
    return text if len(text) <= 40 else f"{text[:39]}…"
