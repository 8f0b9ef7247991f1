"""The form of the task `train`: the settings of a method and of the training, its presets, and what is sent of them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from engines.errors import LabError
from lab import forms

BUDGETS: dict[str, tuple[str, float, float]] = {  # unit -> what it is, first value, most
    "minutes": ("Minutes of training; pauses do not count.", 15, 100_000),
    "images": ("Images seen, counting repeats: 100,000 = 100 kimg.", 100_000, 1e10),
    "epochs": ("Passes over the whole image set.", 100, 1e7),
}
# Parameters of the task that have a place of their own in the form, or that the form chooses.
PLACED = ("image_set", "method", "preset", "options", *BUDGETS)
FLAGS = ("method", "preset", *BUDGETS, "seed")  # of `phantom-lab train`
# The one dial: these presets stand first and are called the same for every method; those of its papers follow.
DIAL = {"quick_look": "Quick look", "standard": "Standard", "best": "Best"}
TRIAL = "tiny"  # every method has it, to try the machinery: it stands last
ON_GPU, ON_PROCESSOR = ("standard", "quick_look"), ("quick_look",)  # where the dial begins


@dataclass(frozen=True)
class Form:
    """The settings of a method and of the training task, in the order of their controls."""

    method: str
    title: str
    presets: Mapping[str, Mapping[str, Any]]
    options: list[forms.Setting]
    task: list[forms.Setting]

    @property
    def all(self) -> list[forms.Setting]:
        return [*self.options, *self.task]

    @property
    def preset_names(self) -> list[str]:
        """The dial's presets, then the method's own, then the one for trying."""
        dial = [name for name in DIAL if name in self.presets]
        own = [name for name in self.presets if name not in DIAL and name != TRIAL]
        return [*dial, *own, *(name for name in (TRIAL,) if name in self.presets)]

    def preset_title(self, name: str) -> str:
        return DIAL.get(name) or str(self.presets.get(name, {}).get("title", name))

    def preset_summary(self, name: str | None) -> str:
        return str(self.presets.get(name or "", {}).get("summary", ""))

    def preset_options(self, preset: str | None) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.presets.get(preset or "", {}).get("options", {})
        return found

    def first_preset(self, gpu: bool) -> str | None:
        """Where the dial stands at first: pictures within minutes on a processor, good ones on a GPU."""
        wanted = ON_GPU if gpu else ON_PROCESSOR
        return next((name for name in (*wanted, *self.preset_names) if name in self.presets), None)


def form_of(description: Mapping[str, Any], method: str) -> Form:
    """The form of a method, from what the engine says it can do."""
    spec = description.get("methods", {}).get(method, {})
    task = description.get("tasks", {}).get("train", {}).get("parameters", {})
    return Form(
        method,
        str(spec.get("title", method)),
        spec.get("presets", {}),
        forms.settings(spec.get("options", {})),
        forms.settings(task, PLACED),
    )


def parameters(
    form: Form, image_set: str | None, preset: str | None, unit: str, amount: float | None, raw: Sequence[Any]
) -> dict[str, Any]:
    """The training task's parameters from the form's values. Raises LabError for what cannot be used."""
    if not image_set:
        raise LabError("No image set is chosen.", "", "Make one on the Data tab first.")
    options, task = differing(form, preset, raw)
    chosen = {"preset": preset} if preset else {}
    return {
        "image_set": image_set, "method": form.method, **chosen, **budget(unit, amount), **task, "options": options,
    }  # fmt: skip


def differing(form: Form, preset: str | None, raw: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs from the preset, and of the training from its defaults. Raises LabError for a wrong value."""
    values = forms.read(form.all, raw)
    options = forms.differing(form.options, values, form.preset_options(preset))
    return options, forms.differing(form.task, values, {})


def budget(unit: str, amount: Any) -> dict[str, float]:
    """How long to train, as the task wants it. Raises LabError."""
    if trouble := budget_problem(unit, amount):
        raise LabError(f"How long to train: {trouble}", "", "Give a number above 0.")
    return {unit: amount if unit != "images" else int(amount)}


def budget_problem(unit: str, amount: Any) -> str:
    """Why the budget cannot be used, "" if it can."""
    if unit not in BUDGETS:
        return "choose minutes, images or epochs."
    most = BUDGETS[unit][2]
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 < amount <= most:
        return f"give a number above 0, at most {most:,.0f}."
    return ""


def budget_help() -> str:
    return "\n\n".join(f"{unit.capitalize()}: {words}" for unit, (words, _, _) in BUDGETS.items())


def command(given: Mapping[str, Any]) -> str:
    """The command line that does the same as the form; settings without a flag of their own go through --set."""
    flags = {name: value for name, value in given.items() if name in FLAGS}
    rest = {name: value for name, value in given.items() if name not in (*FLAGS, "image_set", "options")}
    words = ["phantom-lab", "train", str(given["image_set"])]
    for name, value in flags.items():
        words += [f"--{name}", f"{value:g}" if isinstance(value, float) else str(value)]
    for name, value in {**given["options"], **rest}.items():
        words += ["--set", f"{name}={json.dumps(value)}" if not isinstance(value, str) else f"{name}={value}"]
    return shlex.join(words)


def run_title(image_set: str, form: Form) -> str:
    """The run's name in lists."""
    return f"{image_set} {form.title.split('(')[0].strip()}"[:80]


def checker(form: Form, needs_set: bool = True) -> Callable[..., list[dict[str, Any]]]:
    """A validator for image set, unit, amount, preset and all settings: a message at each that cannot be used."""
    of_settings = forms.checker(form.all)

    def check(image_set: Any, unit: Any, amount: Any, preset: Any, *raw: Any) -> list[dict[str, Any]]:
        trouble = budget_problem(unit, amount)
        return [
            gr.validate(bool(image_set) or not needs_set, "Choose an image set."),
            gr.validate(True, ""),
            gr.validate(not trouble, trouble.capitalize()),
            gr.validate(True, ""),
            *of_settings(*raw),
        ]

    return check
