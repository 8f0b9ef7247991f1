"""The Data tab: what is in the lab, which of it is good enough, and the image set that is made of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from engines.errors import LabError
from engines.workspace import Workspace
from lab import forms
from lab.catalogue_tables import chosen_one, items_page, refused_files
from lab.components.base import columns, heading, left, middle, note, packed, part, right
from lab.handlers import submit
from lab.tabs.base import TabContext, TabSpec

ITEM_HEADERS = ["Item", "Label", "Patient", "Side", "View", "Split", "Size (px)", "Bits"]
REFUSED_HEADERS = ["File", "Reason", "What to do"]
STEPS = ("crop", "mask_background", "flip", "size", "channels", "split", "name")  # of the task `curate`
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# The button says how many images it will take, while the threshold still moves: no way through the server.
COUNT_ON_BUTTON = """
(value) => {
  const { catalogue, kept } = JSON.parse(value) || {};
  const count = kept ? ' · ' + kept.toLocaleString('en') + (kept === 1 ? ' image' : ' images') : '';
  const text = catalogue && !kept ? 'No image is kept' : 'Make image set' + count;
  return { __type__: 'update', value: text, interactive: kept > 0 };
}
"""


@dataclass(frozen=True)
class Views:
    """The components that show the chosen catalogue as tables."""

    page: gr.Number
    about: gr.Markdown
    items: gr.Dataframe
    refused_tab: gr.Tab
    refused_about: gr.Markdown
    refused: gr.Dataframe


def build(context: TabContext) -> None:
    """Draw the tab into the page."""
    with columns():
        with left():
            with gr.Row(elem_classes=["lab-data-start"]):
                demo = gr.Button("Demo data", min_width=70)
                add = gr.Button("Add a folder", variant="primary", min_width=90)
            chosen = part("catalogues", label="Catalogues and image sets", elem_id="data-catalogues")
        with middle():
            heading("Shape confidence")
            scores = part("histogram", label="Scores and threshold", elem_id="data-histogram")
            steps, make = draw_steps(context)
        with right():
            work = part("work", label="Import or curation at work", elem_id="data-work")
            panel = draw_adding(context, add, work)
            with gr.Tabs(elem_classes=["lab-views"]):
                with gr.Tab("Pictures", id="pictures"):
                    part("grid", label="Candidates", elem_id="data-grid")
                with gr.Tab("Overview", id="overview"):
                    part("overview", label="What the catalogue is made of", elem_id="data-overview")
                views = draw_tables()

    demo.click(starter(context, "demo", "Demo data"), None, [work], **QUIET)
    demo.click(lambda: gr.update(visible=False), None, [panel], queue=False, **QUIET)
    scores.input(None, [scores], [make], js=COUNT_ON_BUTTON)
    make.click(maker(context), [scores, *steps], [work], **QUIET)
    shown = [views.page, views.about, views.items, views.refused_tab, views.refused_about, views.refused]
    chosen.input(shower(context.workspace), [chosen], [*shown, steps[-1]], queue=False, **QUIET)
    views.page.change(pager(context.workspace), [chosen, views.page], [views.about, views.items], queue=False, **QUIET)


def draw_steps(context: TabContext) -> tuple[list[Any], gr.Button]:
    """The choices of the task `curate`, in the order of STEPS, and the button that starts it."""
    heading("Steps")
    with gr.Column(elem_classes=["lab-data-steps"]):
        crop = gr.Checkbox(True, label="Crop to the breast")
        mask = gr.Checkbox(True, label="Blank labels and film borders")
        flip = gr.Checkbox(True, label="Flip: all point right")
    with gr.Row(elem_classes=["lab-data-pair"]):
        size = gr.Radio([64, 128, 256], value=128, label="Resize (px)", min_width=80, elem_classes=["lab-segments"])
        channels = gr.Radio(
            [("Auto", "auto"), ("Grey", "grey"), ("RGB", "rgb")],
            value="auto", label="Colour", min_width=80, elem_classes=["lab-segments"],
        )  # fmt: skip
    split = gr.Radio(
        [("None", "none"), "70/20/10"], value="70/20/10", label="Split by patient", elem_classes=["lab-segments"]
    )
    name = gr.Textbox("", label="Name of the image set", max_lines=1, max_length=80)
    make = gr.Button("Make image set", variant="primary", interactive=False, elem_id="data-make")
    controls = [crop, mask, flip, size, channels, split, name]

    def explain() -> list[Any]:
        """Tooltips come from the task's own options, which a new engine may tell only after the page was drawn."""
        schema = context.describe().get("tasks", {}).get("curate", {}).get("parameters", {})
        words = {setting.name: forms.tooltip(setting) for setting in forms.settings(schema)}
        return [gr.update(info=words[step]) if words.get(step) else gr.skip() for step in STEPS]

    for control in controls:
        control.elem_classes = [*control.elem_classes, "lab-setting"]
    context.blocks.load(explain, None, controls, queue=False, **QUIET)
    return controls, make


def draw_adding(context: TabContext, opener: gr.Button, work: gr.HTML) -> gr.Column:
    """The panel that asks for a folder; the app runs where the images are, so a path is all it needs."""
    panel: gr.Column
    with gr.Column(visible=False, elem_classes=["lab-data-adding"]) as panel:
        with gr.Row():
            path = gr.Textbox(
                "", label="Folder on this computer", placeholder="/data/mini-mias", max_lines=1, scale=4,
                info="Images stay where they are; nothing is copied or changed.",
            )  # fmt: skip
            name = gr.Textbox("", label="Name", placeholder="as the folder", max_lines=1, max_length=80, scale=2)
            layout = gr.Dropdown([("Find out", "auto")], value="auto", label="Layout", filterable=False, scale=2)
        with gr.Row(elem_classes=["lab-data-actions"]):
            note("PNG, JPEG, TIFF, PGM, NPY and DICOM. Files that cannot be read are listed with the reason.")
            close = gr.Button("Close", scale=0, min_width=80)
            send = gr.Button("Add", variant="primary", scale=0, min_width=100, elem_id="data-add")

    def layouts() -> Any:
        known = context.describe().get("layouts", {})
        return gr.update(choices=[("Find out", "auto"), *((spec["title"], name) for name, spec in known.items())])

    def add(folder: str, title: str, layout: str, request: gr.Request) -> tuple[str, Any]:
        given = {"path": str(named_folder(folder)), "name": title.strip(), "layout": layout}
        job = submit(context, request, "add", given, f"Add {title.strip() or 'a folder'}")
        return packed({"job": job}), gr.update(visible=False)

    opener.click(lambda: gr.update(visible=True), None, [panel], queue=False, **QUIET)
    opener.click(layouts, None, [layout], queue=False, **QUIET)
    close.click(lambda: gr.update(visible=False), None, [panel], queue=False, **QUIET)
    for event in (send.click, path.submit):
        event(add, [path, name, layout], [work, panel], validator=check_folder, **QUIET)
    return panel


def draw_tables() -> Views:
    """The chosen catalogue as a table, a page at a time, and the files that were refused."""
    with gr.Tab("Table", id="table"):
        with gr.Row(elem_classes=["lab-data-page"]):
            about = note("Choose a catalogue on the left.")
            page = gr.Number(1, label="Page", precision=0, minimum=1, scale=0, min_width=110)
        items = gr.Dataframe(
            headers=ITEM_HEADERS, datatype="str", interactive=False, max_height=900, elem_classes=["lab-table"]
        )
    with gr.Tab("Refused files", id="refused") as refused_tab:
        refused_about = note("No file was refused.")
        refused = gr.Dataframe(
            headers=REFUSED_HEADERS, datatype="str", interactive=False, wrap=True, max_height=900,
            elem_classes=["lab-table"],
        )  # fmt: skip
    return Views(page, about, items, refused_tab, refused_about, refused)


# What the buttons do


def starter(context: TabContext, kind: str, title: str) -> Callable[..., str]:
    """The handler of a button that needs no choices."""

    def start(request: gr.Request) -> str:
        return packed({"job": submit(context, request, kind, {}, title)})

    return start


def maker(context: TabContext) -> Callable[..., str]:
    """The handler of “Make image set”."""

    # Gradio puts the request in by its place, so it stands before the values.
    def make(request: gr.Request, scores: str, *values: Any) -> str:
        chosen = json.loads(scores) or {}
        if not chosen.get("catalogue"):
            raise gr.Error("Choose a catalogue on the left first.", title="No catalogue", print_exception=False)
        given = curation(chosen, values)
        title = f"Image set of {context.workspace.catalogue(chosen['catalogue']).name}"
        return packed({"job": submit(context, request, "curate", given, title)})

    return make


def curation(chosen: dict[str, Any], values: tuple[Any, ...]) -> dict[str, Any]:
    """Parameters of the task `curate` from the histogram's state and the controls of STEPS."""
    given: dict[str, Any] = {"catalogue": chosen["catalogue"], **dict(zip(STEPS, values, strict=True))}
    given["size"] = int(given["size"])
    given["name"] = str(given["name"] or "").strip()
    given |= {name: chosen[name] for name in ("where", "clustering", "clusters") if chosen.get(name)}
    if chosen.get("mode") == "best":
        return {**given, "keep_best": int(chosen["best"])}
    return {**given, "shape_confidence": float(chosen["threshold"])}


def named_folder(text: str) -> Path:
    """A typed or pasted folder: file managers wrap it in quotes, people abbreviate their home."""
    return Path((text or "").strip().strip("\"'")).expanduser()


def check_folder(path: str, name: str, layout: str) -> list[dict[str, Any]]:
    """Says under the field what is wrong with the folder."""
    folder = named_folder(path)
    if not (path or "").strip():
        trouble = "Type or paste the path of a folder."
    elif not folder.is_absolute():
        trouble = "Give the whole path, from the root or the drive letter."
    else:
        trouble = "" if folder.exists() else "There is no such folder on the computer that runs the lab."
    return [gr.validate(not trouble, trouble), gr.validate(True, ""), gr.validate(True, "")]


# What the tables show


def shower(workspace: Workspace) -> Callable[[str], tuple[Any, ...]]:
    """The handler of a choice on the left: both tables, and the name that a new set would take."""

    def show(value: str) -> tuple[Any, ...]:
        if (chosen := chosen_one(value)) is None:
            return tuple(gr.skip() for _ in range(7))
        try:
            name = workspace.record(*chosen).name
            about, table, pages = items_page(workspace, *chosen, 1)
            title, words, refused = refused_files(workspace, *chosen)
        except (LabError, OSError):
            return tuple(gr.skip() for _ in range(7))
        return (
            gr.update(value=1, maximum=pages),
            about,
            gr.update(value=table),
            gr.update(label=title),
            words,
            gr.update(value=refused),
            gr.update(placeholder=name),
        )

    return show


def pager(workspace: Workspace) -> Callable[[str, float | None], tuple[Any, Any]]:
    """The handler of the page number."""

    def turn(value: str, page: float | None) -> tuple[Any, Any]:
        if (chosen := chosen_one(value)) is None:
            return gr.skip(), gr.skip()
        try:
            about, table, _ = items_page(workspace, *chosen, page)
        except (LabError, OSError):
            return gr.skip(), gr.skip()
        return about, gr.update(value=table)

    return turn


TAB = TabSpec(name="data", title="Data", order=10, build=build)
