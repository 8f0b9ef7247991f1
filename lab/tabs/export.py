"""The Export tab: synthetic sets from runs, and accepted images with a manifest as a file to hand on."""

from __future__ import annotations

from typing import Any

import gradio as gr

from engines import decisions
from engines.errors import LabError
from engines.records import ImageSetRecord
from engines.workspace import Workspace
from lab import combine_form, handlers
from lab.components import cards
from lab.components.base import columns, heading, left, middle, note, right
from lab.tabs.base import TabContext, TabSpec

CHECKPOINT_DIGITS = 8
FORMATS = {"zip": "Zip of 8-bit PNG", "folder": "Folder of 8-bit PNG", "png16": "Folder of 16-bit PNG"}
WORDS = (
    "An export holds the accepted images in one folder for each class, a manifest (file, hash, label, and for "
    "synthetic images seed, run and checkpoint), checksums, and a README. Rejected images stay out. Names of patients "
    "and of original files are never part of it."
)


def accepted(workspace: Workspace, record: ImageSetRecord) -> int:
    """How many images of a set nobody rejected."""
    verdicts = decisions.current(workspace.folder("image_sets", record.id))
    return record.items - sum(verdict == "reject" for verdict, _ in verdicts.values())


def set_cards(workspace: Workspace, chosen: str) -> str:
    """The list of image sets; the newest is chosen if the old choice is gone."""
    records = list(reversed(workspace.records("image_sets")))
    items = [
        {
            "id": record.id,
            "title": record.name,
            "text": f"{record.kind_of_images} · {record.items:,} images · {record.width}×{record.height}",
            "hint": record.id,
        }
        for record in records
    ]
    return cards.value(items, chosen, "None yet. Make one on the Data tab, or generate one from a run.", "Image sets")


def export_cards(workspace: Workspace) -> str:
    """What was exported before, newest first; a zip in the workspace can be downloaded."""
    items = []
    for record in reversed(workspace.records("exports")):
        kept = workspace.folder("exports", record.id) / record.path
        downloadable = record.format == "zip" and kept.is_file()
        where = "in the workspace" if kept.exists() else "in the folder that you chose"
        items.append(
            {
                "id": record.id,
                "title": record.id,
                "text": f"{record.files:,} images · {FORMATS.get(record.format, record.format)} · {where}",
                **({"link": f"/lab/export/{record.id}/{record.path}"} if downloadable else {}),
            }
        )
    return cards.value(items, "", "Nothing exported yet.", "Exports")


def run_choices(workspace: Workspace) -> list[tuple[str, str]]:
    """Runs that have a checkpoint, newest first."""
    runs = [record for record in reversed(workspace.records("runs")) if checkpoints(workspace, record.id)]
    return [(f"{record.name} · {record.method}", record.id) for record in runs]


def checkpoints(workspace: Workspace, run: str | None) -> list[str]:
    """Images seen at the checkpoints of a run, newest first."""
    folder = workspace.folder("runs", run) / "checkpoints" if run else None
    if folder is None or not folder.is_dir():
        return []
    names = [path.name for path in folder.iterdir() if path.name.isdecimal() and len(path.name) == CHECKPOINT_DIGITS]
    return [str(int(name)) for name in sorted(names, reverse=True)]


def checkpoint_choices(workspace: Workspace, run: str | None) -> list[tuple[str, str]]:
    found = checkpoints(workspace, run)
    return [("newest", "latest"), *((f"{int(seen) / 1000:,.1f} thousand images seen", seen) for seen in found)]


def about(workspace: Workspace, id: str) -> str:
    """One paragraph about the chosen set."""
    try:
        record = workspace.image_set(id).record
    except LabError:
        return ""
    classes = ", ".join(f"{name or 'no label'} {count:,}" for name, count in record.classes.items())
    return (
        f"{record.items:,} {record.kind_of_images} images, {record.width}×{record.height}, "
        f"{'grey' if record.channels == 1 else 'colour'}, {record.dtype}. {classes}"
    )


def build(context: TabContext) -> None:
    """Draw the tab into the page."""
    workspace = context.workspace
    with columns():
        with left():
            heading("Image sets")
            sets = cards.cards("Image sets")
        with middle():
            run, checkpoint, generate = draw_generate(context)
            combine_form.draw(context)
            heading("Export")
            summary = gr.Textbox(
                show_label=False, container=False, interactive=False, lines=2, elem_classes=["lab-note"]
            )
            format = gr.Dropdown(
                [(title, name) for name, title in FORMATS.items()], value="zip", label="Format", filterable=False,
                info="Zip is one file to send. 16-bit PNG is the lossless master: readers that convert to RGB without "
                "scaling show it white.", elem_classes=["lab-helped"],
            )  # fmt: skip
            to = gr.Textbox(
                "", label="Folder", placeholder="empty: keep it in the workspace", max_lines=1,
                info="A folder on this computer. Empty keeps the export in the workspace, to download from the list.",
                elem_classes=["lab-helped"],
            )  # fmt: skip
            export = gr.Button("Export", variant="primary", interactive=False)
        with right():
            heading("Exports")
            exports = cards.cards("Exports")
            note(WORDS)

    def refresh(shown: str, chosen_run: str | None) -> tuple[Any, ...]:
        listed = set_cards(workspace, cards.chosen_of(shown))
        choices = run_choices(workspace)
        ids = [id for _, id in choices]
        return (
            listed,
            export_cards(workspace),
            gr.update(choices=choices, value=chosen_run if chosen_run in ids else next(iter(ids), None)),
            gr.update(interactive=bool(ids)),
            *of_set(listed),
        )

    def of_set(shown: str) -> tuple[Any, Any]:
        id = cards.chosen_of(shown)
        if not id:
            return "", gr.update(value="Export", interactive=False)
        number = accepted(workspace, workspace.image_set(id).record)
        return about(workspace, id), gr.update(value=f"Export {number:,} accepted images", interactive=number > 0)

    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    context.on_refresh(refresh, [sets, run], [sets, exports, run, generate, summary, export])
    sets.input(of_set, sets, [summary, export], **quiet)
    run.change(
        lambda id: gr.update(choices=checkpoint_choices(workspace, id), value="latest"), run, checkpoint, **quiet
    )

    def start_export(shown: str, format: str, to: str, request: gr.Request) -> None:
        id = cards.chosen_of(shown)
        handlers.submit(
            context, request, "export", {"image_set": id, "format": format, "to": to.strip()}, f"export {id}"
        )

    export.click(start_export, [sets, format, to], [], show_progress="hidden", api_visibility="private")


def draw_generate(context: TabContext) -> tuple[gr.Dropdown, gr.Dropdown, gr.Button]:
    """The controls that draw a synthetic set from a checkpoint of a run."""
    heading("Generate from a run")
    run = gr.Dropdown(
        label="Run",
        choices=[],
        filterable=False,
        info="Runs with a checkpoint. Train one first.",
        elem_classes=["lab-helped"],
    )
    checkpoint = gr.Dropdown(
        [("newest", "latest")], value="latest", label="Checkpoint", filterable=False,
        info="Too early: blobs. Too late, with few images: copies of the training set.", elem_classes=["lab-helped"],
    )  # fmt: skip
    with gr.Row():
        few = "Quality can be measured from 50 images on; below 2,048 with a visible bias."
        count = gr.Number(
            256,
            label="Images",
            precision=0,
            minimum=1,
            maximum=100_000,
            min_width=80,
            info=few,
            elem_classes=["lab-helped"],
        )
        seed = gr.Number(
            0,
            label="Seed",
            precision=0,
            minimum=0,
            min_width=80,
            info="The same seed, the same images.",
            elem_classes=["lab-helped"],
        )
    generate = gr.Button("Generate", interactive=False)

    def start(id: str | None, wish: str, number: float, seed: float, request: gr.Request) -> None:
        if not id:
            raise gr.Error("Choose a run first.", print_exception=False)
        given = {"run": id, "checkpoint": wish, "count": int(number or 0), "seed": int(seed or 0)}
        handlers.submit(context, request, "generate", given, f"generate {id}"[:80])

    generate.click(start, [run, checkpoint, count, seed], [], show_progress="hidden", api_visibility="private")
    return run, checkpoint, generate


TAB = TabSpec(name="export", title="Export", order=70, build=build)
