"""The Train tab: the runs and the queue, the form of the next run, and the live view of the chosen one."""

from __future__ import annotations

from lab.components.base import columns, left, middle, part, right
from lab.tabs.base import TabContext, TabSpec
from lab.train_controls import draw_form


def build(context: TabContext) -> None:
    """Draw the tab into the page."""
    with columns():
        with left():
            runs = part("runs", {"started": ""}, label="Runs and queue")
        with middle():
            draw_form(context, runs)
        with right():
            part("chart", label="Losses")
            part("health", label="How the run is doing")
            part("scrubber", label="Sample sheets")
            part("eventlog", label="Event log")
            part("compare", label="Comparison of runs")


TAB = TabSpec(name="train", title="Train", order=20, build=build)
