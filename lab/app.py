"""The page: header, run strip, one loop over the tabs, footer."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from engines.workspace import Workspace
from lab import words
from lab.components.base import note
from lab.components.strip import footer, header, strip
from lab.engine import Engine
from lab.settings import Settings
from lab.tabs.base import TabContext, TabSpec

log = logging.getLogger("phantom_lab")
TABS = Path(__file__).parent / "tabs"


def find_tabs() -> tuple[list[TabSpec], dict[str, str]]:
    """The tabs in the order of work, and those that fail to import by name with the reason."""
    specs: list[TabSpec] = []
    broken: dict[str, str] = {}
    for module in pkgutil.iter_modules([str(TABS)]):
        if module.name == "base":
            continue
        try:
            spec = getattr(importlib.import_module(f"lab.tabs.{module.name}"), "TAB", None)
        except Exception as error:  # a tab of a lab's own may fail in any way; the page must open
            log.exception("tab %s cannot be imported", module.name)
            broken[module.name] = f"{type(error).__name__}: {error}"
            continue
        if isinstance(spec, TabSpec):
            specs.append(spec)
    return sorted(specs, key=lambda spec: (spec.order, spec.name)), broken


def _build_tab(spec: TabSpec, context: TabContext) -> None:
    try:
        spec.build(context)
    except Exception as error:  # what was drawn before the fault stays; the card says that the rest is missing
        log.exception("tab %s cannot be built", spec.name)
        _broken_card(spec.title, f"{type(error).__name__}: {error}")


def _broken_card(title: str, reason: str) -> None:
    with gr.Column(elem_classes=["lab-broken"]):
        gr.Textbox(words.broken_tab(title), label="Tab", interactive=False)
        gr.Textbox(reason[:400], label="Reason", interactive=False)


def build(
    workspace: Workspace, settings: Settings, engine: Engine, describe: Callable[[], dict[str, Any]]
) -> gr.Blocks:
    """The owner's page."""
    specs, broken = find_tabs()
    blocks: gr.Blocks = gr.Blocks(
        title=words.NAME, analytics_enabled=False, fill_height=True, fill_width=True, delete_cache=(3600, 86400)
    )
    with blocks:
        with gr.Column(elem_classes=["lab-page"]):
            header(viewer=False)
            pulse = strip()
            context = TabContext(workspace, settings, engine, describe, blocks, pulse)
            with gr.Tabs(elem_classes=["lab-tabs"], elem_id="lab-tabs"):
                for spec in specs:
                    with gr.Tab(spec.title, id=spec.name, elem_id=f"tab-{spec.name}"):
                        _build_tab(spec, context)
                for name, reason in broken.items():
                    with gr.Tab(name.title(), id=f"broken-{name}"):
                        _broken_card(name.title(), reason)
                if not specs and not broken:
                    with gr.Tab("Start", id="start"):
                        note(words.NO_TABS)
            footer()
    blocks.queue(api_open=False, max_size=64)
    return blocks
