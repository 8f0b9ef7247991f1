"""The form of the task `curate`, drawn from what the engine says of it: presets, steps, and all other settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components import Component

from engines.errors import LabError
from lab import forms
from lab.components.base import heading
from lab.handlers import in_words

# Chosen elsewhere on the page: in the list, the histogram, the charts and among the groups.
CHOSEN_ELSEWHERE = (
    "catalogue", "shape_confidence", "keep_best", "keep_share", "keep_above", "clustering", "replaces", "decisions_of",
)  # fmt: skip
SWITCHES = ("crop", "mask_background", "flip")  # the steps that most sets want, above the others
FIRST = ("size", "channels", "split", "folds", "name")
LABELS = {"name": "Name of the image set"}
START = {"split": "70/20/10"}  # the page begins with parts by patient: whoever measures later needs them
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# The button says how many images it will take, while the threshold still moves: no way through the server.
COUNT_ON_BUTTON = """
(value) => {
  const { catalogue, kept, replaces } = JSON.parse(value) || {};
  const count = kept ? ' · ' + kept.toLocaleString('en') + (kept === 1 ? ' image' : ' images') : '';
  const text = catalogue && !kept ? 'No image is kept' : (replaces ? 'New version' : 'Make set') + count;
  return { __type__: 'update', value: text, interactive: kept > 0 };
}
"""


@dataclass(frozen=True)
class Step:
    """A step that can be added, with its own settings."""

    name: str
    title: str
    summary: str
    settings: list[forms.Setting]


@dataclass(frozen=True)
class Form:
    """The settings of the task in the order of their controls, its presets and the steps that can be added."""

    settings: list[forms.Setting]
    presets: Mapping[str, Mapping[str, Any]]
    steps: list[Step]

    @property
    def step_settings(self) -> list[forms.Setting]:
        return [setting for step in self.steps for setting in step.settings]


@dataclass
class Controls:
    """The form's controls: `settings` by name, a switch for each step, and the steps' own settings in order."""

    settings: dict[str, Component] = field(default_factory=dict)
    switches: list[gr.Checkbox] = field(default_factory=list)
    of_steps: list[Component] = field(default_factory=list)


def form_of(description: Mapping[str, Any]) -> Form:
    """The form, from what the engine says it can do; without settings while it has said nothing."""
    task = description.get("tasks", {}).get("curate", {})
    steps = sorted(description.get("steps", {}).values(), key=lambda step: (step.get("order", 0), step["name"]))
    extra = [
        Step(step["name"], step["title"], step["summary"], forms.settings(step.get("options") or {}))
        for step in steps
        if not step.get("built_in")
    ]
    return Form(forms.settings(task.get("parameters", {}), CHOSEN_ELSEWHERE), task.get("presets") or {}, extra)


def parameters(form: Form, chosen: Mapping[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    """The task's parameters: `chosen` is what the histogram tells, `values` the form's in the order of its controls.

    Raises LabError for what cannot be used.
    """
    if not chosen.get("catalogue"):
        raise LabError("No catalogue is chosen.", "", "Choose one on the left first.")
    own, switched, of_steps = _parts(form, values)
    given = forms.differing(form.settings, forms.read(form.settings, own), {})
    given = {"catalogue": chosen["catalogue"], **given, **elsewhere(chosen)}
    steps: dict[str, dict[str, Any]] = {}
    place = 0
    for step, on in zip(form.steps, switched, strict=True):
        raw = of_steps[place : place + len(step.settings)]
        place += len(step.settings)
        if on:
            steps[step.name] = forms.differing(step.settings, forms.read(step.settings, raw), {})
    return {**given, "steps": steps} if steps else given


def elsewhere(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What is chosen outside the form: threshold or number, filter, groups, and the set that is replaced."""
    names = ("where", "clustering", "clusters", "replaces")
    given = {name: chosen[name] for name in names if chosen.get(name)}
    if chosen.get("mode") == "best":
        return {**given, "keep_best": int(chosen["best"])}
    return {**given, "shape_confidence": float(chosen["threshold"])}


def _parts(form: Form, values: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any], Sequence[Any]]:
    own, steps = len(form.settings), len(form.steps)
    return values[:own], values[own : own + steps], values[own + steps :]


def checker(form: Form) -> Callable[..., list[dict[str, Any]]]:
    """A validator for the histogram's state and all controls; settings of a step that is off are not looked at."""
    of_settings, of_steps = forms.checker(form.settings), forms.checker(form.step_settings)

    def check(scores: str, *values: Any) -> list[dict[str, Any]]:
        own, switched, raw = _parts(form, values)
        on = [flag for step, flag in zip(form.steps, switched, strict=True) for _ in step.settings]
        passed = gr.validate(True, "")
        judged = [said if flag else passed for flag, said in zip(on, of_steps(*raw), strict=True)]
        return [passed, *of_settings(*own), *(passed for _ in switched), *judged]

    return check


# Drawing


def draw(form: Form) -> Controls:
    """Draw presets, steps and settings; the buttons are drawn by whoever says what they do."""
    controls = Controls()
    by_name = {setting.name: setting for setting in form.settings}

    def put(name: str) -> None:
        if setting := by_name.get(name):
            control = forms.control(setting, START.get(name))
            control.label = LABELS.get(name, control.label)
            controls.settings[name] = control

    preset = _preset_cards(form)
    heading("Steps")
    with gr.Column(elem_classes=["lab-data-steps"]):
        for name in SWITCHES:
            put(name)
        for step in form.steps:
            _draw_step(step, controls)
    for name in FIRST:
        put(name)
    rest = [name for name in by_name if name not in controls.settings]
    with gr.Accordion(f"All {len(form.settings)} settings", open=False, elem_classes=["lab-all-settings"]):
        for name in rest:
            put(name)
    if (split := controls.settings.get("split")) and (folds := controls.settings.get("folds")):
        folds.visible = False
        split.change(lambda kind: gr.update(visible=kind == "folds"), split, folds, queue=False, **QUIET)  # type: ignore[attr-defined]
    if preset is not None:
        outputs = [controls.settings[setting.name] for setting in form.settings]
        preset.change(lambda name: _starting(form, name), preset, [*outputs, *controls.switches], queue=False, **QUIET)
    return controls


def ordered(form: Form, controls: Controls) -> list[Component]:
    """The controls in the order in which `parameters` and `checker` take their values."""
    return [*(controls.settings[setting.name] for setting in form.settings), *controls.switches, *controls.of_steps]


def _starting(form: Form, name: str) -> list[Any]:
    """Every value under a preset; steps that it does not name are off."""
    changes = form.presets.get(name, {}).get("changes", {})
    return [*forms.starting(form.settings, changes), *(step.name in changes.get("steps", {}) for step in form.steps)]


def values_of(form: Form, made_with: Mapping[str, Any]) -> list[Any]:
    """Every value of the form for the parameters that a set was made with, in the order of `ordered`."""
    steps = made_with.get("steps", {})
    of_steps = [forms.starting(step.settings, steps.get(step.name, {})) for step in form.steps]
    switches = [step.name in steps for step in form.steps]
    return [*forms.starting(form.settings, made_with), *switches, *(value for values in of_steps for value in values)]


def _preset_cards(form: Form) -> gr.Radio | None:
    if not form.presets:
        return None
    words = "\n\n".join(f"{preset['title']}: {preset['summary']}" for preset in form.presets.values())
    return gr.Radio(
        [(preset["title"], name) for name, preset in form.presets.items()],
        value=next(iter(form.presets)),
        label="Preset",
        info=words,
        interactive=True,
        elem_id="data-preset",
        elem_classes=["lab-setting", "lab-segments", "lab-wrapped"],
    )


def _draw_step(step: Step, controls: Controls) -> None:
    """A switch, and below it the step's settings while it is on."""
    switch = gr.Checkbox(False, label=step.title, info=step.summary, interactive=True, elem_classes=["lab-setting"])
    controls.switches.append(switch)
    if not step.settings:
        return
    with gr.Column(visible=False, elem_classes=["lab-data-step"]) as details:
        controls.of_steps += [forms.control(setting) for setting in step.settings]
    switch.change(lambda on: gr.update(visible=on), switch, details, queue=False, **QUIET)


def read_choice(form: Form, scores: str, values: Sequence[Any], title: str) -> dict[str, Any]:
    """`parameters` of the page's values, with errors in words on the page."""
    with in_words(title):
        return parameters(form, json.loads(scores) or {}, values)
