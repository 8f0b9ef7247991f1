"""What a tab is, and what it is given: one file in lab/tabs/ adds one tab and ends with `TAB = TabSpec(...)`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from engines.workspace import Workspace
from lab.engine import Engine
from lab.settings import Settings


@dataclass(frozen=True)
class TabContext:
    """The workspace, the engine and the page around a tab.

    `describe()` is what the engine can do (`engines.registry.describe()`), {} until the worker has said it.
    `pulse` is a component whose `input` event fires when a job starts, ends or changes its state.
    """

    workspace: Workspace
    settings: Settings
    engine: Engine
    describe: Callable[[], dict[str, Any]]
    blocks: gr.Blocks
    pulse: gr.HTML

    def on_refresh(self, refresh: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Run `refresh` when the page opens and whenever a job starts or ends; it must be quick and only read."""
        for event in (self.blocks.load, self.pulse.input):
            event(
                refresh,
                inputs=list(inputs),
                outputs=list(outputs),
                queue=False,
                show_progress="hidden",
                api_visibility="private",
            )


@dataclass(frozen=True)
class TabSpec:
    """A tab: its id in links, its title, its place in the order of work, and the function that draws it."""

    name: str
    title: str
    order: int
    build: Callable[[TabContext], None]
