"""The Explore tab: quality of a run's checkpoints or of a synthetic set, against real images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from engines.workspace import Workspace
from lab import explore_form, forms
from lab.components import cards
from lab.components.base import columns, heading, left, middle, note, packed, part, right
from lab.evaluating import Lines
from lab.handlers import in_words, submit
from lab.tabs.base import TabContext, TabSpec

CHECKPOINTS = [("newest", "latest"), ("all kept", "all")]
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
SHOWN = "(listed) => JSON.stringify({ of: (JSON.parse(listed || 'null') || {}).chosen || '' })"


@dataclass(frozen=True)
class Controls:
    """The form's controls from top to bottom."""

    real: gr.Dropdown
    held_out: gr.Dropdown
    measures: gr.HTML
    count: gr.Number
    wish: gr.Radio
    map: gr.Radio
    seed: gr.Number
    own: gr.Button
    own_help: gr.Markdown
    measure: gr.Button


@dataclass(frozen=True)
class Handlers:
    """What the controls of the tab do; every handler reads the files anew."""

    context: TabContext
    measured: Lines

    @property
    def workspace(self) -> Workspace:
        return self.context.workspace

    def lists(self, listed: str, real: str | None, held_out: str | None) -> tuple[Any, ...]:
        """What there is, with the choices kept where they still exist."""
        value = explore_form.candidates(self.workspace, cards.chosen_of(listed), self.measured.all())
        chosen = cards.chosen_of(value)
        return (
            value,
            *self.reals(chosen, real, held_out),
            *self.of_run(value),
            gr.update(interactive=bool(chosen and explore_form.real_sets(self.workspace))),
            gr.update(interactive=bool(explore_form.real_sets(self.workspace))),
            packed({"of": chosen}),
        )

    def reals(self, chosen: str, real: str | None, held_out: str | None) -> tuple[Any, Any]:
        """The real sets to choose from; by default the one that the chosen run learned from, else the largest."""
        sets = explore_form.real_sets(self.workspace)
        ids = [record.id for record in sets]
        own = explore_form.own_reals(self.workspace, chosen)
        largest = max(reversed(sets), key=lambda record: record.items).id if sets else None
        shown = real if real in ids else own if own in ids else largest
        choices = [explore_form.set_choice(record) for record in sets]
        kept = held_out if held_out in ids and held_out != shown else ""
        others = [explore_form.NO_HELD_OUT, *(choice for choice in choices if choice[1] != shown)]
        return gr.update(choices=choices, value=shown), gr.update(choices=others, value=kept)

    def of_run(self, listed: str) -> tuple[Any, Any]:
        """Number of images and checkpoints belong to a run; a set is measured as it is."""
        shown = gr.update(visible=cards.chosen_of(listed).startswith("runs/"))
        return shown, shown

    def choose(self, listed: str, held_out: str | None) -> tuple[Any, ...]:
        """Another run or set was chosen: its own real images are compared with."""
        return (*self.reals(cards.chosen_of(listed), None, held_out), *self.of_run(listed))

    def compare_with(self, real: str | None, held_out: str | None) -> Any:
        """Another real set was chosen: it cannot be the held-out one."""
        return self.reals("", real, held_out)[1]

    def measures(self, listed: str, wish: str) -> tuple[Any, ...]:
        """Features, metrics and tooltips, as the engine describes them."""
        said = self.context.describe()
        # The page asks before it has its lists.
        chosen = cards.chosen_of(listed) or cards.chosen_of(explore_form.candidates(self.workspace, ""))
        mode = explore_form.mode_of(chosen, wish)
        known = explore_form.words_of(said)
        help = {name: forms.tooltip(setting) for name, setting in known.items()}
        told = [gr.update(info=help[name]) if name in help else gr.skip() for name in explore_form.SETTINGS]
        return (explore_form.offered(said, self.workspace, mode), explore_form.own_features_help(said), *told)

    def start(
        self,
        request: gr.Request,
        listed: str,
        real: Any,
        held_out: Any,
        measures: str,
        count: Any,
        wish: Any,
        map: Any,
        seed: Any,
    ) -> str:
        """Queue a measurement, and tell the right column to follow it."""
        with in_words("The measurement was not started"):
            given = explore_form.parameters(listed, real, held_out, measures, count, wish, map, seed)
        id = submit(self.context, request, "evaluate", given, f"Measure {given['synthetic']}"[:80])
        return packed({"of": cards.chosen_of(listed), "job": id})

    def train_own(self, request: gr.Request, real: Any) -> None:
        """Queue the training of own features; they can be chosen as soon as it has ended."""
        with in_words("Own features are not trained"):
            given = explore_form.own_features(self.workspace, real)
        submit(self.context, request, explore_form.OWN_FEATURES, given, f"Own features of {given['image_set']}"[:80])


def build(context: TabContext) -> None:
    """Draw the tab into the page."""
    do = Handlers(context, Lines(context.workspace))
    with columns():
        with left():
            heading("What to measure")
            chosen = cards.cards("Runs and synthetic sets")
        with middle():
            form = draw_form()
        with right():
            shown = part("measured", {"of": None}, label="What was measured", elem_id="explore-measured")
    of_run = [form.count, form.wish]
    sets = [form.real, form.held_out]
    context.on_refresh(do.lists, [chosen, *sets], [chosen, *sets, *of_run, form.measure, form.own, shown])
    told = [form.measures, form.own_help, form.real, form.held_out, form.count, form.wish, form.map, form.seed]
    context.on_refresh(do.measures, [chosen, form.wish], told)  # apart: the engine's first answer may take seconds
    chosen.input(None, [chosen], [shown], js=SHOWN)
    chosen.input(do.choose, [chosen, form.held_out], [*sets, *of_run], **QUIET)
    for control in (chosen, form.wish):
        control.input(None, [chosen, form.wish, form.measures], [form.measures], js=explore_form.MODE)
    form.real.input(do.compare_with, sets, [form.held_out], **QUIET)
    given = [chosen, form.real, form.held_out, form.measures, form.count, form.wish, form.map, form.seed]
    form.measure.click(do.start, given, [shown], show_progress="hidden", api_visibility="private")
    form.own.click(do.train_own, [form.real], [], show_progress="hidden", api_visibility="private")


def draw_form() -> Controls:
    """What to compare with, by which features and metrics, and how many images."""
    helped = {"elem_classes": ["lab-helped"], "filterable": False}
    heading("Measure")
    real = gr.Dropdown([], label="Real images", **helped)  # type: ignore[arg-type]
    held_out = gr.Dropdown([explore_form.NO_HELD_OUT], value="", label="Held-out real images", **helped)  # type: ignore[arg-type]
    measures = part("measures", None, label="Features and metrics", elem_id="explore-measures")
    wish = gr.Radio(
        CHECKPOINTS, value="all", label="Checkpoints", elem_classes=["lab-setting", "lab-segments"], min_width=96
    )
    count = gr.Number(
        256, label="Images at each checkpoint", precision=0, minimum=50, maximum=50_000, elem_classes=["lab-setting"]
    )
    map = gr.Radio(
        explore_form.map_choices(),
        value="tsne",
        label="Map",
        elem_classes=["lab-setting", "lab-segments"],
        min_width=96,
    )
    with gr.Accordion("All settings", open=False, elem_classes=["lab-all-settings"]):
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, elem_classes=["lab-setting"])
        own = gr.Button("Train own features", size="sm", interactive=False, elem_id="explore-own-features")
        own_help = note()
    with gr.Row(elem_classes=["lab-actions"]):
        measure = gr.Button("Measure", variant="primary", interactive=False, elem_id="explore-measure")
    return Controls(real, held_out, measures, count, wish, map, seed, own, own_help, measure)


TAB = TabSpec(name="explore", title="Explore", order=40, build=build)
