"""The Train tab's middle column: what to train on, by which method, how long, with which settings, and as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from engines.errors import LabError
from engines.records import ImageSetRecord
from lab import forms, settings_file
from lab.components import methods
from lab.components.base import heading, note, packed, part
from lab.handlers import in_words, submit
from lab.start import device_name
from lab.tabs.base import TabContext
from lab.train_form import BUDGETS, Form, budget_help, checker, command, form_of, parameters, run_title

NOT_STARTED = "The run was not started"
NOT_SAVED = "The settings were not saved"
NOT_LOADED = "The settings were not loaded; nothing was changed"
TO_CLIPBOARD = "(text) => { if (navigator.clipboard) navigator.clipboard.writeText(text); }"
TO_FILE = "(file) => window.lab.saveText(JSON.parse(file))"
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
SAVED = "Settings saved. The image set, and names of classes and runs, stay out of the file."


def set_line(record: ImageSetRecord) -> str:
    """An image set in one line of the list."""
    patients = f" · {record.patients:,} patients" if record.patients else ""
    return f"{record.name} · {record.items:,} {record.kind_of_images}{patients}"


def draw_form(context: TabContext, runs: gr.HTML) -> None:
    """The whole column. A button that starts a run tells `runs` which one to show."""
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
    method = methods.methods()
    # What the settings below are drawn for: {method, turn, loaded?}. Not a gr.State, which would hold a connection of
    # every page open; and apart from `method`, whose list is judged anew without touching what was set.
    drawn = gr.Textbox(visible=False)
    amount, unit = draw_budget()

    def refresh_sets(chosen: str | None) -> tuple[Any, ...]:
        sets = usable_sets(context)
        value = set_to_show(sets, chosen)
        choices = [(set_line(record), record.id) for record in sets]
        missing = gr.update(visible=not sets)
        return gr.update(choices=choices, value=value, visible=bool(sets)), missing, missing

    def judge(chosen_set: str | None, wanted: str) -> tuple[Any, Any]:
        """The methods for the set that is (or is about to be) shown; the choice stays while its method exists."""
        sets = usable_sets(context)
        shown = set_to_show(sets, chosen_set)
        record = next((one for one in sets if one.id == shown), None)
        said, choice = context.describe(), json.loads(wanted or "{}")
        chosen, turn = str(choice.get("method", "")), int(choice.get("turn", 0))
        if chosen in said.get("methods", {}):
            return methods.value(said, record, chosen, turn), gr.skip()
        first = methods.first(said, record)
        return methods.value(said, record, first, turn), json.dumps({"method": first, "turn": turn})

    context.on_refresh(refresh_sets, [image_set], [image_set, empty, to_data])
    context.on_refresh(judge, [image_set, drawn], [method, drawn])  # apart: the engine's first answer may take seconds
    image_set.change(judge, [image_set, drawn], [method, drawn], queue=False, **QUIET)
    method.input(None, [method], [drawn], js=methods.CHOICE)
    gpu = device_name()

    @gr.render(inputs=[drawn], triggers=[drawn.change], show_progress="hidden", queue=False)  # type: ignore[untyped-decorator]
    def settings_of(wanted: str | None) -> None:
        choice = json.loads(wanted or "{}")
        if name := choice.get("method"):
            form = form_of(context.describe(), name)
            loaded = choice.get("loaded") or {"preset": form.first_preset(not gpu().startswith("CPU")), "values": {}}
            load = draw_settings(context, form, loaded, runs, (image_set, unit, amount))
            load.upload(loader(context, judge), [load, image_set, drawn], [method, drawn, unit, amount], **QUIET)


def draw_budget() -> tuple[gr.Number, gr.Radio]:
    """How long to train: a number and its unit."""
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
    # `input`, not `change`: a unit that comes with a file keeps the file's number.
    unit.input(lambda unit: BUDGETS[unit][1], unit, amount, queue=False, **QUIET)
    return amount, unit


def usable_sets(context: TabContext) -> list[ImageSetRecord]:
    """Image sets that hold images, newest first."""
    return [record for record in reversed(context.workspace.records("image_sets")) if record.items]


def set_to_show(sets: list[ImageSetRecord], chosen: str | None) -> str | None:
    """The chosen set while it exists, else the newest real one, else the newest."""
    ids = [record.id for record in sets]
    return chosen if chosen in ids else next((r.id for r in sets if r.origin == "real"), next(iter(ids), None))


def draw_settings(
    context: TabContext, form: Form, start: Mapping[str, Any], runs: gr.HTML, placed: tuple[Any, Any, Any]
) -> gr.UploadButton:
    """The settings in three layers (the dial, basics, everything) and the buttons; returns the one that loads."""
    preset, about = draw_presets(form, start["preset"])
    values = {**form.preset_options(start["preset"]), **start["values"]}
    controls: dict[str, Component] = {}

    def draw(layer: str) -> None:
        for setting in forms.by_layer(form.all, layer):
            controls[setting.name] = forms.control(setting, values.get(setting.name))

    draw("dial")
    draw("basic")
    with gr.Accordion(f"All {len(form.all)} settings", open=False, elem_classes=["lab-all-settings"]):
        draw("all")
    with gr.Row(elem_classes=["lab-files"]):
        save = gr.Button("Save settings", size="sm", min_width=0, elem_classes=["lab-copy"])
        load = gr.UploadButton("Load settings", size="sm", min_width=0, file_types=[".json"])
        copy = gr.Button("Copy command", size="sm", min_width=0, elem_classes=["lab-copy"])
        ask = gr.Button("Estimate time", size="sm", min_width=0, elem_id="train-estimate", elem_classes=["lab-copy"])
    shown = gr.Textbox(show_label=False, container=False, visible=False, lines=2, interactive=False, buttons=["copy"])
    saved = gr.Textbox(visible=False)
    with gr.Row(elem_classes=["lab-actions"]):
        now = gr.Button("Start now", variant="primary", min_width=80)
        later = gr.Button("Add to queue", min_width=80)
    estimate = part("estimate", label="Estimate of time and memory")

    options = [controls[setting.name] for setting in form.options]
    # `input`, not `change`: a preset that comes with a file keeps the file's values.
    preset.input(
        lambda name: [form.preset_summary(name), *forms.starting(form.options, form.preset_options(name))],
        preset, [about, *options], queue=False, **QUIET,
    )  # fmt: skip
    given = [*placed, preset, *(controls[setting.name] for setting in form.all)]
    check = checker(form)
    now.click(starter(context, form, True), given, [runs], validator=check, **QUIET)
    later.click(starter(context, form, False), given, [runs], validator=check, **QUIET)
    ask.click(estimator(context, form), given, [estimate], validator=check, **QUIET)
    copied = copy.click(copier(form), given, [shown], validator=check, **QUIET)
    copied.success(None, [shown], js=TO_CLIPBOARD)
    check_settings = checker(form, needs_set=False)
    save.click(saver(form), given, [saved], validator=check_settings, **QUIET).success(None, [saved], js=TO_FILE)
    return load


def draw_presets(form: Form, chosen: str | None) -> tuple[gr.Radio, gr.Markdown]:
    """The one dial, with the method's other presets below it, and what the chosen one is for."""
    names = form.preset_names
    words = "\n\n".join(f"{form.preset_title(name)}: {form.presets[name]['summary']}" for name in names)
    preset = gr.Radio(
        [(form.preset_title(name), name) for name in names],
        value=chosen,
        label="Preset",
        info=words,
        visible=bool(names),
        interactive=True,
        elem_classes=["lab-setting", "lab-segments", "lab-presets"],
    )
    return preset, note(form.preset_summary(chosen), elem_id="train-preset-about")


# What the buttons do. Gradio puts the request in by its place, so it stands before the values.


def require_learnable(context: TabContext, form: Form, record: ImageSetRecord) -> None:
    """Raises LabError if the method of a form cannot learn an image set; its card says so all the time."""
    why, advice = methods.refusal(context.describe().get("methods", {}).get(form.method, {}), record)
    if why:
        raise LabError(f"{form.title} cannot learn “{record.name}”.", why, f"{advice} Or choose another method.")


def starter(context: TabContext, form: Form, first_in_line: bool) -> Callable[..., str]:
    """The handler of a start button: queue the run, and tell the list which run to show."""

    def start(request: gr.Request, image_set: Any, unit: Any, amount: Any, preset: Any, *rest: Any) -> str:
        with in_words(NOT_STARTED):
            given = parameters(form, image_set, preset, unit, amount, rest)
            record = context.workspace.image_set(image_set).record
            require_learnable(context, form, record)
            name = run_title(record.name, form)
        id = submit(context, request, "train", given, name)
        if first_in_line:
            to_front(context, id)
        return packed({"started": id if first_in_line else ""})

    return start


def estimator(context: TabContext, form: Form) -> Callable[..., str]:
    """The handler of “Estimate”: a job that takes a few steps and forgets them; the part below follows it."""

    def ask(request: gr.Request, image_set: Any, unit: Any, amount: Any, preset: Any, *rest: Any) -> str:
        with in_words("There is no estimate"):
            given = parameters(form, image_set, preset, unit, amount, rest)
        return packed({"job": submit(context, request, "trial", given, f"Estimate for {form.title}")})

    return ask


def to_front(context: TabContext, id: str) -> None:
    """Move a waiting job before all others; one that has already begun stays where it is."""
    with suppress(LabError):
        for _ in context.engine.queued()[1:]:
            context.engine.act(id, "up")


def copier(form: Form) -> Callable[..., Any]:
    """The handler of “Copy command”."""

    def show(image_set: Any, unit: Any, amount: Any, preset: Any, *raw: Any) -> Any:
        with in_words("There is no command for this"):
            given = parameters(form, image_set, preset, unit, amount, raw)
        return gr.update(value=command(given), visible=True)

    return show


def saver(form: Form) -> Callable[..., str]:
    """The handler of “Save settings”: the file's name and text, which the page then hands to the browser."""

    def save(image_set: Any, unit: Any, amount: Any, preset: Any, *raw: Any) -> str:
        with in_words(NOT_SAVED):
            text = settings_file.written(form, preset, unit, amount, raw)
        return packed({"name": settings_file.file_name(form, preset), "text": text, "said": SAVED})

    return save


def loader(context: TabContext, judge: Callable[[Any, str], tuple[Any, Any]]) -> Callable[..., tuple[Any, ...]]:
    """The handler of “Load settings”: the form is drawn anew for the file's method, with the file's values."""

    def load(path: str, image_set: str | None, wanted: str) -> tuple[Any, ...]:
        uploaded = Path(path)
        with in_words(NOT_LOADED):
            with uploaded.open("rb") as file:
                data = file.read(settings_file.MOST_BYTES + 1)
            uploaded.unlink(missing_ok=True)  # whatever it was, no copy stays
            found = settings_file.read(data, context.describe())
        turn = int(json.loads(wanted or "{}").get("turn", 0)) + 1
        choice = json.dumps(
            {
                "method": found.form.method,
                "turn": turn,
                "loaded": {"preset": found.preset, "values": found.values},
            }
        )
        gr.Info(f"Settings loaded: {found.words}")
        return judge(image_set, choice)[0], choice, found.unit, found.amount

    return load
