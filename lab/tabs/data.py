"""The Data tab: what is in the lab, which of it is good enough, and the image set that is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from engines.errors import LabError
from engines.workspace import Workspace
from lab import curation_form, groups_form
from lab.catalogue_tables import chosen_one, items_page, refused_files
from lab.components.base import columns, heading, left, middle, note, packed, part, right
from lab.handlers import submit
from lab.tabs.base import TabContext, TabSpec

ITEM_HEADERS = ["Item", "Label", "Patient", "Side", "View", "Split", "Size (px)", "Bits"]
REFUSED_HEADERS = ["File", "Reason", "What to do"]
REPLACED = "(chosen) => JSON.parse(chosen)?.replaces || ''"
ORIGINS = [("real", "real"), ("synthetic, made elsewhere", "synthetic")]
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


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
            form = gr.Column()
        with right():
            work = part("work", label="Import or curation at work", elem_id="data-work")
            panel = draw_adding(context, add, work)
            with gr.Tabs(elem_classes=["lab-views"]) as views:
                with gr.Tab("Pictures", id="pictures"):
                    part("grid", label="Candidates", elem_id="data-grid")
                with gr.Tab("Overview", id="overview"):
                    part("overview", label="What the catalogue is made of", elem_id="data-overview")
                with gr.Tab("Preview", id="preview"):
                    preview = part("preview", label="Preview of the chosen steps", elem_id="data-preview-cases")
                with gr.Tab("Groups", id="groups"):
                    groups_form.draw(context, chosen)
                tables = draw_tables()
    with form:
        draw_form(context, chosen, scores, work, preview, views)

    demo.click(starter(context, "demo", "Demo data"), None, [work], **QUIET)
    demo.click(lambda: gr.update(visible=False), None, [panel], queue=False, **QUIET)
    shown = [tables.page, tables.about, tables.items, tables.refused_tab, tables.refused_about, tables.refused]
    chosen.input(shower(context.workspace), [chosen], shown, queue=False, **QUIET)
    page = [tables.about, tables.items]
    tables.page.change(pager(context.workspace), [chosen, tables.page], page, queue=False, **QUIET)


def draw_form(
    context: TabContext, chosen: gr.HTML, scores: gr.HTML, work: gr.HTML, preview: gr.HTML, views: gr.Tabs
) -> None:
    """The form of the task, as soon as the engine has said what it can do, and anew when its code has changed."""
    version = gr.Textbox(visible=False)
    waiting = note("Asking the engine what it can do. The first start takes some seconds.")

    def ask() -> tuple[str, Any]:
        code = str(context.describe().get("code", ""))
        return code, gr.update(visible=not code)

    context.on_refresh(ask, [], [version, waiting])
    place = gr.Column(elem_classes=["lab-data-form"])
    with gr.Row(elem_classes=["lab-actions"]):
        look = gr.Button("Preview", min_width=70, scale=0, elem_id="data-look")
        make = gr.Button("Make set", variant="primary", interactive=False, elem_id="data-make")
    scores.input(None, [scores], [make], js=curation_form.COUNT_ON_BUTTON)
    # Not a gr.State, which would hold a connection of every page open. And what is drawn later must not listen to
    # `chosen` itself: Gradio then forgets who listened before.
    replaced = gr.Textbox(visible=False)
    chosen.input(None, [chosen], [replaced], js=REPLACED)

    with place:

        @gr.render(inputs=[version], triggers=[version.change], show_progress="hidden", queue=False)  # type: ignore[untyped-decorator]
        def settings(code: str) -> None:
            form = curation_form.form_of(context.describe())
            controls = curation_form.ordered(form, curation_form.draw(form))
            given = [scores, *controls]
            check = curation_form.checker(form)
            make.click(maker(context, form), given, [work], validator=check, **QUIET)
            look.click(looker(context, form), given, [preview, views], validator=check, **QUIET)
            replaced.change(
                follower(context.workspace, form, len(controls)), [replaced], controls, queue=False, **QUIET
            )


def draw_adding(context: TabContext, opener: gr.Button, work: gr.HTML) -> gr.Column:
    """The panel that asks for a folder; the app runs where the images are, so a path is all it needs."""
    panel: gr.Column
    with gr.Column(visible=False, elem_classes=["lab-data-adding"]) as panel:
        with gr.Row():
            path = gr.Textbox(
                "", label="Folder on this computer", placeholder="/data/mini-mias", max_lines=1, scale=4,
                info="Images stay where they are; nothing is copied or changed.",
            )  # fmt: skip
            name = gr.Textbox("", label="Name", placeholder="as the collection", max_lines=1, max_length=80, scale=2)
            layout = gr.Dropdown([("Find out", "auto")], value="auto", label="Layout", filterable=False, scale=2)
            origin = gr.Dropdown(ORIGINS, value="real", label="These images are", filterable=False, scale=2)
        with gr.Row(elem_classes=["lab-data-actions"]):
            note("PNG, JPEG, TIFF, PGM, NPY and DICOM. Files that cannot be read are listed with the reason.")
            close = gr.Button("Close", scale=0, min_width=80)
            send = gr.Button("Add", variant="primary", scale=0, min_width=100, elem_id="data-add")

    def layouts() -> Any:
        known = context.describe().get("layouts", {})
        return gr.update(choices=[("Find out", "auto"), *((spec["title"], name) for name, spec in known.items())])

    def add(folder: str, title: str, layout: str, origin: str, request: gr.Request) -> tuple[str, Any]:
        given = {"path": str(named_folder(folder)), "name": title.strip(), "layout": layout, "origin": origin}
        job = submit(context, request, "add", given, f"Add {title.strip() or 'a folder'}")
        return packed({"job": job}), gr.update(visible=False)

    opener.click(lambda: gr.update(visible=True), None, [panel], queue=False, **QUIET)
    opener.click(layouts, None, [layout], queue=False, **QUIET)
    close.click(lambda: gr.update(visible=False), None, [panel], queue=False, **QUIET)
    for event in (send.click, path.submit):
        event(add, [path, name, layout, origin], [work, panel], validator=check_folder, **QUIET)
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
    with gr.Tab("Refused", id="refused") as refused_tab:
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


# Gradio puts the request in by its place, so it stands before the values.


def maker(context: TabContext, form: curation_form.Form) -> Callable[..., str]:
    """The handler of “Make image set”."""

    def make(request: gr.Request, scores: str, *values: Any) -> str:
        given = curation_form.read_choice(form, scores, values, "The image set was not started")
        title = f"Image set of {context.workspace.catalogue(given['catalogue']).name}"
        return packed({"job": submit(context, request, "curate", given, title)})

    return make


def looker(context: TabContext, form: curation_form.Form) -> Callable[..., tuple[str, Any]]:
    """The handler of “Preview”: the hardest cases before and after."""

    def look(request: gr.Request, scores: str, *values: Any) -> tuple[str, Any]:
        given = curation_form.read_choice(form, scores, values, "The preview was not started")
        tried = {"catalogue": given.pop("catalogue"), "curate": given}
        job = submit(context, request, "preview", tried, "Preview of the steps")
        return packed({"job": job}), gr.update(selected="preview")

    return look


def named_folder(text: str) -> Path:
    """A typed or pasted folder: file managers wrap it in quotes, people abbreviate their home."""
    return Path((text or "").strip().strip("\"'")).expanduser()


def check_folder(path: str, name: str, layout: str, origin: str) -> list[dict[str, Any]]:
    """Says under the field what is wrong with the folder."""
    folder = named_folder(path)
    if not (path or "").strip():
        trouble = "Type or paste the path of a folder."
    elif not folder.is_absolute():
        trouble = "Give the whole path, from the root or the drive letter."
    else:
        trouble = "" if folder.exists() else "There is no such folder on the computer that runs the lab."
    return [gr.validate(not trouble, trouble), *[gr.validate(True, "")] * 3]


def follower(workspace: Workspace, form: curation_form.Form, controls: int) -> Callable[[str], list[Any]]:
    """The handler of a set about to be replaced: its new version begins with the choices that it was made with."""

    def follow(replaced: str) -> list[Any]:
        unchanged: list[Any] = [gr.skip() for _ in range(controls)]
        if not replaced:
            return unchanged
        try:
            return curation_form.values_of(form, workspace.image_set(replaced).record.parameters)
        except (LabError, OSError):
            return unchanged

    return follow


# What the tables show


def shower(workspace: Workspace) -> Callable[[str], tuple[Any, ...]]:
    """The handler of a choice on the left: both tables."""

    def show(value: str) -> tuple[Any, ...]:
        if (chosen := chosen_one(value)) is None:
            return tuple(gr.skip() for _ in range(6))
        try:
            about, table, pages = items_page(workspace, *chosen, 1)
            title, words, refused = refused_files(workspace, *chosen)
        except (LabError, OSError):
            return tuple(gr.skip() for _ in range(6))
        return (
            gr.update(value=1, maximum=pages),
            about,
            gr.update(value=table),
            gr.update(label=title),
            words,
            gr.update(value=refused),
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
