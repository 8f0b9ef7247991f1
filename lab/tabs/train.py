"""The Train tab: the runs and the queue, the form of the next run, and the live view of the chosen one."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio as gr

from engines.errors import LabError
from engines.records import ImageSetRecord
from lab import forms
from lab.components.base import columns, heading, left, middle, note, packed, part, right
from lab.handlers import in_words, submit
from lab.tabs.base import TabContext, TabSpec

BUDGETS: dict[str, tuple[str, float, float]] = {  # unit -> what it is, first value, most
    "minutes": ("Minutes of training; pauses do not count.", 15, 100_000),
    "images": ("Images seen, counting repeats: 100,000 = 100 kimg.", 100_000, 1e10),
    "epochs": ("Passes over the whole image set.", 100, 1e7),
}
# Parameters of the task that have a place of their own in the form, or that the form chooses.
PLACED = ("image_set", "method", "preset", "options", *BUDGETS)
FLAGS = ("method", "preset", *BUDGETS, "seed")  # of `phantom-lab train`
FIRST_LOOK = "quick_look"  # the preset to begin with, where a method has it: pictures within minutes
NOT_STARTED = "The run was not started"


@dataclass(frozen=True)
class Form:
    """The settings of a method and of the training task, in the order of their controls."""

    method: str
    presets: Mapping[str, Mapping[str, Any]]
    options: list[forms.Setting]
    task: list[forms.Setting]

    @property
    def all(self) -> list[forms.Setting]:
        return [*self.options, *self.task]

    def preset_options(self, preset: str | None) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.presets.get(preset or "", {}).get("options", {})
        return found

    @property
    def first_preset(self) -> str | None:
        return FIRST_LOOK if FIRST_LOOK in self.presets else next(iter(self.presets), None)


def form_of(description: Mapping[str, Any], method: str) -> Form:
    """The form of a method, from what the engine says it can do."""
    spec = description.get("methods", {}).get(method, {})
    task = description.get("tasks", {}).get("train", {}).get("parameters", {})
    return Form(method, spec.get("presets", {}), forms.settings(spec.get("options", {})), forms.settings(task, PLACED))


def parameters(
    form: Form, image_set: str | None, preset: str | None, unit: str, amount: float | None, raw: Sequence[Any]
) -> dict[str, Any]:
    """The training task's parameters from the form's values. Raises LabError for what cannot be used."""
    if not image_set:
        raise LabError("No image set is chosen.", "", "Make one on the Data tab first.")
    if trouble := budget_problem(unit, amount):
        raise LabError(f"How long to train: {trouble}", "", "Give a number above 0.")
    assert amount is not None
    values = forms.read(form.all, raw)
    options = forms.differing(form.options, values, form.preset_options(preset))
    task = forms.differing(form.task, values, {})
    budget = {unit: amount if unit != "images" else int(amount)}
    chosen = {"preset": preset} if preset else {}
    return {"image_set": image_set, "method": form.method, **chosen, **budget, **task, "options": options}


def budget_problem(unit: str, amount: Any) -> str:
    """Why the budget cannot be used, "" if it can."""
    if unit not in BUDGETS:
        return "choose minutes, images or epochs."
    most = BUDGETS[unit][2]
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 < amount <= most:
        return f"give a number above 0, at most {most:,.0f}."
    return ""


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


def title(image_set: str, form: Form, description: Mapping[str, Any]) -> str:
    """The run's name in lists."""
    method = description.get("methods", {}).get(form.method, {}).get("title", form.method)
    return f"{image_set} {method.split('(')[0].strip()}"[:80]


def set_line(record: ImageSetRecord) -> str:
    """An image set in one line of the list."""
    patients = f" · {record.patients:,} patients" if record.patients else ""
    return f"{record.name} · {record.items:,} {record.kind_of_images}{patients}"


def build(context: TabContext) -> None:
    """Draw the tab into the page."""
    with columns():
        with left():
            runs = part("runs", {"started": ""}, label="Runs and queue")
        with middle():
            draw_form(context, runs)
        with right():
            part("chart", label="Losses")
            part("health", label="How the run is doing")
            part("scrubber", label="Sample sheets")
            part("eventlog", label="Event log")
            part("compare", label="Comparison of runs")


def draw_form(context: TabContext, runs: gr.HTML) -> None:
    """The middle column: what to train on, by which method, how long, and with which settings."""
    heading("Next run")
    empty = note("**Curate first: no image set yet.** A run learns from an image set, which the Data tab makes.")
    to_data = gr.Button("Open the Data tab", size="sm", elem_classes=["lab-to-data"], visible=False)
    to_data.click(None, js="() => { document.getElementById('tab-data-button').click(); }")
    image_set = gr.Dropdown(
        label="Image set",
        choices=[],
        filterable=False,
        interactive=True,
        elem_classes=["lab-helped"],
        info="The pixels that the run learns from.",
    )
    method = gr.Dropdown(
        label="Method",
        choices=[],
        filterable=False,
        interactive=True,
        elem_classes=["lab-helped"],
        info="How images are generated.",
    )
    with gr.Row(elem_classes=["lab-budget", "lab-helped"]):
        amount = gr.Number(
            BUDGETS["minutes"][1], label="Train for", info=budget_help(), min_width=80, scale=2, interactive=True
        )
        unit = gr.Radio(
            list(BUDGETS),
            value="minutes",
            label="Unit",
            show_label=False,
            elem_classes=["lab-segments"],
            scale=3,
            interactive=True,
        )
    unit.change(
        lambda unit: BUDGETS[unit][1], unit, amount, queue=False, show_progress="hidden", api_visibility="private"
    )

    def refresh_sets(chosen: str | None) -> tuple[Any, ...]:
        sets = [record for record in reversed(context.workspace.records("image_sets")) if record.items]
        ids = [record.id for record in sets]
        value = chosen if chosen in ids else next((r.id for r in sets if r.origin == "real"), next(iter(ids), None))
        choices = [(set_line(record), record.id) for record in sets]
        missing = gr.update(visible=not ids)
        return gr.update(choices=choices, value=value, visible=bool(ids)), missing, missing

    def refresh_methods(chosen: str | None) -> Any:
        methods = {name: spec["title"] for name, spec in context.describe().get("methods", {}).items()}
        value = chosen if chosen in methods else next(iter(methods), None)
        return gr.update(choices=[(title, name) for name, title in methods.items()], value=value)

    context.on_refresh(refresh_sets, [image_set], [image_set, empty, to_data])
    context.on_refresh(refresh_methods, [method], [method])  # apart: the engine's first answer may take seconds

    @gr.render(inputs=[method], triggers=[method.change], show_progress="hidden", queue=False)  # type: ignore[untyped-decorator]
    def settings_of(name: str | None) -> None:
        if name:
            draw_settings(context, form_of(context.describe(), name), runs, (image_set, unit, amount))


def budget_help() -> str:
    return "\n\n".join(f"{unit.capitalize()}: {words}" for unit, (words, _, _) in BUDGETS.items())


def draw_settings(context: TabContext, form: Form, runs: gr.HTML, placed: tuple[Any, Any, Any]) -> None:
    """The settings in three layers (presets and dials, basics, everything), and the buttons that send them."""
    first = form.first_preset
    base = form.preset_options(first)
    controls: dict[str, Any] = {}

    def draw(layer: str) -> None:
        for setting in forms.by_layer(form.all, layer):
            controls[setting.name] = forms.control(setting, base.get(setting.name))

    preset = preset_cards(form, first)
    draw("dial")
    draw("basic")
    with gr.Accordion(f"All {len(form.all)} settings", open=False, elem_classes=["lab-all-settings"]):
        draw("all")
    ordered = [controls[setting.name] for setting in form.all]
    with gr.Row(elem_classes=["lab-actions"]):
        now = gr.Button("Start now", variant="primary", min_width=80)
        later = gr.Button("Add to queue", min_width=80)
    copy = gr.Button("Copy command", size="sm", elem_classes=["lab-copy"])
    shown = gr.Textbox(show_label=False, container=False, visible=False, lines=2, interactive=False, buttons=["copy"])
    if form.presets:
        preset.change(
            lambda name: forms.starting(form.options, form.preset_options(name)),
            preset,
            [controls[setting.name] for setting in form.options],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
    given = [*placed, preset, *ordered]
    check = checker(form)
    for button, first_in_line in ((now, True), (later, False)):
        button.click(
            starter(context, form, first_in_line),
            given,
            [runs],
            validator=check,
            show_progress="hidden",
            api_visibility="private",
        )
    copied = copy.click(copier(form), given, [shown], validator=check, show_progress="hidden", api_visibility="private")
    copied.success(None, [shown], js="(text) => { if (navigator.clipboard) navigator.clipboard.writeText(text); }")


def preset_cards(form: Form, first: str | None) -> gr.Radio:
    """The one dial: the method's presets side by side, each with what it is for."""
    names = sorted(form.presets, key=lambda name: name != first)
    words = "\n\n".join(f"{form.presets[name]['title']}: {form.presets[name]['summary']}" for name in names)
    return gr.Radio(
        [(form.presets[name]["title"], name) for name in names],
        value=first,
        label="Preset",
        info=words,
        visible=bool(names),
        interactive=True,
        elem_classes=["lab-setting", "lab-segments"],
    )


def checker(form: Form) -> Callable[..., list[dict[str, Any]]]:
    """A validator for image set, unit, amount, preset and all settings: a message under each that cannot be used."""
    of_settings = forms.checker(form.all)

    def check(image_set: Any, unit: Any, amount: Any, preset: Any, *raw: Any) -> list[dict[str, Any]]:
        trouble = budget_problem(unit, amount)
        return [
            gr.validate(bool(image_set), "Choose an image set."),
            gr.validate(True, ""),
            gr.validate(not trouble, trouble.capitalize()),
            gr.validate(True, ""),
            *of_settings(*raw),
        ]

    return check


def starter(context: TabContext, form: Form, first_in_line: bool) -> Callable[..., str]:
    """The handler of a start button: queue the run, and tell the list which run to show."""

    def start(request: gr.Request, image_set: Any, unit: Any, amount: Any, preset: Any, *rest: Any) -> str:
        with in_words(NOT_STARTED):
            given = parameters(form, image_set, preset, unit, amount, rest)
            name = title(context.workspace.image_set(image_set).record.name, form, context.describe())
        id = submit(context, request, "train", given, name)
        if first_in_line:
            to_front(context, id)
        return packed({"started": id if first_in_line else ""})

    return start


def to_front(context: TabContext, id: str) -> None:
    """Move a waiting job before all others; one that has already begun stays where it is."""
    with suppress(LabError):
        for _ in context.engine.queued()[1:]:
            context.engine.act(id, "up")


def copier(form: Form) -> Callable[..., Any]:
    def show(image_set: Any, unit: Any, amount: Any, preset: Any, *raw: Any) -> Any:
        with in_words("There is no command for this"):
            given = parameters(form, image_set, preset, unit, amount, raw)
        return gr.update(value=command(given), visible=True)

    return show


TAB = TabSpec(name="train", title="Train", order=20, build=build)
