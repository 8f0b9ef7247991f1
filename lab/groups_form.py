"""The Groups view of the Data tab: images that look alike, found by the task `cluster`."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lab.catalogue_tables import chosen_one
from lab.components.base import packed, part
from lab.handlers import submit
from lab.tabs.base import TabContext

FEATURES = [("SIFT words", "sift"), ("Pixels", "pixels"), ("Texture", "texture")]
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def draw(context: TabContext, chosen: gr.HTML) -> None:
    """Groups of images that look alike, as in study 4."""
    with gr.Row(elem_classes=["lab-data-groups"]):
        features = gr.Radio(
            FEATURES, value="sift", label="Features", elem_classes=["lab-setting", "lab-segments"], scale=3,
            info="What counts as alike. SIFT words: local structure, as in study 4. Pixels: brightness and position. "
            "Texture: statistics of the tissue.",
        )  # fmt: skip
        count = gr.Textbox(
            "", label="Groups", placeholder="automatic", max_lines=1, scale=1, min_width=90,
            elem_classes=["lab-setting"],
            info="How many groups, 2 to 10. Automatic takes the number with the highest silhouette. Too few mix "
            "different images; too many split one kind.",
        )  # fmt: skip
        find = gr.Button("Find groups", scale=0, min_width=130, elem_id="data-find-groups")
    found = part("clusters", label="Groups that look alike", elem_id="data-clusters")

    def start(value: str, features: str, count: str, request: gr.Request) -> str:
        selected = chosen_one(value)
        if selected is None:
            raise gr.Error("Choose a catalogue on the left first.", title="No catalogue", print_exception=False)
        kind, id = selected
        given: dict[str, Any] = {"catalogue" if kind == "catalogues" else "image_set": id, "features": features}
        if count.strip():
            given["k"] = int(count)
        return packed({"job": submit(context, request, "cluster", given, "Find groups")})

    def check(value: str, features: str, count: str) -> list[dict[str, Any]]:
        fits = not count.strip() or (count.strip().isdigit() and 2 <= int(count) <= 10)
        return [gr.validate(True, ""), gr.validate(True, ""), gr.validate(fits, "A number from 2 to 10, or nothing.")]

    find.click(start, [chosen, features, count], [found], validator=check, **QUIET)
