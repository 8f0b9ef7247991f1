"""Makes the custom parts of the page and its columns; a part's picture and behaviour are in its own .js and .css."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

# Constant for every part: Gradio evaluates templates as code, so data never stand in one (lab/security.py says more).
TEMPLATE = '<div class="lab-part"></div>'
# The page's scripts load beside Gradio's own, so a part may be there a moment before its script.
MOUNT = """
const mount = (left) => {
  if (window.lab && window.lab.NAME) window.lab.NAME.mount(element, props, watch, trigger);
  else if (left > 0) setTimeout(() => mount(left - 1), 25);
  else element.textContent = 'This part could not be loaded. Reload the page.';
};
mount(400);
"""


def part(
    name: str,
    value: Any = None,
    *,
    label: str,
    template: str = TEMPLATE,
    elem_id: str | None = None,
    **props: Any,
) -> gr.HTML:
    """A custom part whose script registers `window.lab.<name> = {mount(element, props, watch, trigger)}`.

    `value` is anything JSON can hold; the script reads it with `JSON.parse(props.value)`. `label` is the name that a
    screen reader says; `template` is constant markup. Raises ValueError for a name that is not an identifier, and for
    a template that Gradio would evaluate.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ValueError(f"“{name}” cannot name a part")
    if "{{" in template or "${" in template or "`" in template:
        raise ValueError("A part's template must be constant: data travel as its value")
    return gr.HTML(
        value=packed(value),
        label=label,
        html_template=template,
        css_template="",
        js_on_load=MOUNT.replace("NAME", name),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes=["lab-host", f"lab-host-{name}"],
        part_label=label,
        **props,
    )


def packed(value: Any) -> str:
    """A part's value as it travels: JSON text, which the part's script parses."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


@contextmanager
def columns() -> Iterator[None]:
    """The three columns of a tab: what I have, what I choose, what I see."""
    with gr.Row(elem_classes=["lab-columns"], equal_height=False):
        yield


@contextmanager
def left() -> Iterator[None]:
    """The narrow column: what I have."""
    with gr.Column(scale=0, min_width=208, elem_classes=["lab-left"]):
        yield


@contextmanager
def middle() -> Iterator[None]:
    """The column of choices."""
    with gr.Column(scale=0, min_width=288, elem_classes=["lab-middle"]):
        yield


@contextmanager
def right() -> Iterator[None]:
    """The wide column: what I see."""
    with gr.Column(scale=1, min_width=480, elem_classes=["lab-right"]):
        yield


def heading(text: str) -> gr.Markdown:
    """A section title in small capitals."""
    return gr.Markdown(text, elem_classes=["lab-heading"], container=False)


def note(text: str = "", **options: Any) -> gr.Markdown:
    """A quiet line of text, for hints, counts and empty states."""
    return gr.Markdown(text, elem_classes=["lab-note"], container=False, **options)
