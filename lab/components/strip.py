"""The run strip and the frame around the tabs: header on top, keys at the bottom."""

from __future__ import annotations

import gradio as gr

from lab.components.base import part


def header(viewer: bool) -> gr.HTML:
    """Name of the program, workspace, device and queue; the buttons Share and ?."""
    return part("header", {"viewer": viewer}, label="Phantom Lab", elem_id="lab-header")


def strip() -> gr.HTML:
    """The run strip; its `input` event fires when a job starts, ends or changes its state."""
    return part("strip", {}, label="Run at work", elem_id="lab-strip")


def footer() -> gr.HTML:
    """The fixed line at the bottom."""
    return part("footer", {}, label="Footer", elem_id="lab-footer")
