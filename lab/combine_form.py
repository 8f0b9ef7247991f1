"""The Export tab's controls that make one set of several synthetic ones."""

from __future__ import annotations

from typing import Any

import gradio as gr

from engines.workspace import Workspace
from lab import handlers
from lab.components.base import heading
from lab.tabs.base import TabContext

HELP = (
    "Synthetic sets of one size, colour and depth become one. Needed where one generator was trained for each class: "
    "classifiers learn from a set that holds all of them."
)


def choices(workspace: Workspace) -> list[tuple[str, str]]:
    """Synthetic sets, newest first, with their classes and number of images."""
    found = []
    for record in reversed(workspace.records("image_sets")):
        if record.origin == "synthetic":
            classes = ", ".join(record.classes) or "no label"
            size = f"{record.width}×{record.height}"
            found.append((f"{record.name} · {classes} · {record.items:,} · {size}", record.id))
    return found


def draw(context: TabContext) -> None:
    """Draw the controls, hidden while there are fewer than two synthetic sets."""
    with gr.Column(visible=False) as panel:
        heading("Combine synthetic sets")
        sets = gr.Dropdown([], multiselect=True, label="Sets", filterable=False, info=HELP, elem_classes=["lab-helped"])
        name = gr.Textbox("", label="Name", placeholder="made from theirs", max_lines=1, max_length=80)
        button = gr.Button("Combine", interactive=False)

    def refresh(chosen: list[str] | None) -> tuple[Any, ...]:
        known = choices(context.workspace)
        kept = [id for id in chosen or [] if id in {id for _, id in known}]
        ready = gr.update(interactive=len(kept) > 1)
        return gr.update(visible=len(known) > 1), gr.update(choices=known, value=kept), ready

    def start(chosen: list[str], wish: str, request: gr.Request) -> Any:
        given = {"image_sets": chosen, "name": wish.strip()}
        handlers.submit(context, request, "combine", given, f"Combine {len(chosen)} sets")
        return gr.update(value=[]), gr.update(interactive=False)

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    context.on_refresh(refresh, [sets], [panel, sets, button])
    sets.input(lambda chosen: gr.update(interactive=len(chosen or []) > 1), sets, button, queue=False, **quiet)
    button.click(start, [sets, name], [sets, button], **quiet)
