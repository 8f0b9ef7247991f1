"""The Classify tab: classifiers trained on real, synthetic and mixed images, and whether the synthetic ones help."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from engines.records import ImageSetRecord
from engines.workspace import Workspace
from lab import classify_form, forms
from lab.classifying import Lines
from lab.components import cards
from lab.components.base import columns, heading, left, middle, packed, part, right
from lab.handlers import in_words, submit
from lab.tabs.base import TabContext, TabSpec

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
# What this browser keeps of the form, beside what the page gives; the page's scripts may not be there yet.
RESTORED = """(before, ...given) => {
  try { before = JSON.stringify(JSON.parse(localStorage.getItem("lab.classify")).form); } catch { before = ""; }
  return [before || "", ...given];
}"""
SEEDS = """(seeds) => {
  const later = (left) => left && setTimeout(() => tell(left - 1), 25);
  const tell = (left) => (window.lab && lab.arms ? lab.arms.seeds(seeds) : later(left));
  tell(400);
}"""
KEEP = f"(...values) => window.lab.armsKept.form({json.dumps(classify_form.KEPT)}, values)"
SHOWN = "(listed) => JSON.stringify({ of: (JSON.parse(listed || 'null') || {}).chosen || '' })"


@dataclass(frozen=True)
class Controls:
    """The form's controls from top to bottom; `beside` are those that come from the engine's description, by name."""

    real: gr.Dropdown
    test: gr.Dropdown
    positive: gr.Dropdown
    picker: gr.HTML
    beside: dict[str, Any]
    classes: gr.CheckboxGroup
    compare: gr.Button


@dataclass(frozen=True)
class Handlers:
    """What the controls of the tab do; every handler reads the files anew."""

    context: TabContext
    lines: Lines

    @property
    def workspace(self) -> Workspace:
        return self.context.workspace

    def restored(self, before: str, listed: str) -> tuple[Any, ...]:
        """The lists as the page opens, and the form as this browser left it, as far as that still exists."""
        kept = classify_form.kept(before)
        names = [name for name in classify_form.BESIDE if name in classify_form.KEPT]
        beside = [gr.update(value=kept[name]) if name in kept else gr.skip() for name in names]
        return *self.lists(
            listed, kept.get("real"), kept.get("test"), kept.get("positive"), kept.get("classes")
        ), *beside

    def lists(
        self, listed: str, real: str | None, test: str | None, positive: str | None, only: list[str] | None
    ) -> tuple[Any, ...]:
        """What there is, with the choices kept where they still exist."""
        value = classify_form.listed(self.workspace, self.lines, cards.chosen_of(listed))
        sets = classify_form.real_sets(self.workspace)
        kept = real if real in [record.id for record in sets] else next((record.id for record in sets), None)
        choices = gr.update(choices=[classify_form.set_choice(record) for record in sets], value=kept)
        ready = gr.update(interactive=bool(sets))
        return value, choices, *self._of_real(kept, test, positive, only), ready, packed({"of": cards.chosen_of(value)})

    def compare_with(
        self, real: str | None, test: str | None, positive: str | None, only: list[str] | None, picked: str
    ) -> tuple[Any, ...]:
        """Another real set was chosen: its classes, its test part, and the synthetic sets that go with it."""
        return *self._of_real(real, test, positive, only), self.offered(real, picked)

    def _of_real(
        self, real: str | None, test: str | None, positive: str | None, only: list[str] | None
    ) -> tuple[Any, ...]:
        record = self._record(real)
        names = classify_form.named(record) if record else []
        others = [one for one in classify_form.real_sets(self.workspace) if one.id != real]
        own = (classify_form.own_part(record), "")
        tests = [own, *(classify_form.set_choice(one) for one in others)]
        kept = test if test in [one.id for one in others] else ""
        interest = [(classify_form.no_positive(names), ""), *((name, name) for name in names)]
        wanted = positive if positive in names else ""
        boxes = gr.update(choices=names, value=[name for name in only or [] if name in names], visible=len(names) > 2)
        return gr.update(choices=tests, value=kept), gr.update(choices=interest, value=wanted), boxes

    def _record(self, id: str | None) -> ImageSetRecord | None:
        return next((one for one in classify_form.real_sets(self.workspace) if one.id == id), None)

    def offered(self, real: str | None, picked: str) -> str:
        """Synthetic sets, classifiers and protocols, as the page shows them."""
        # The page asks before it has its lists.
        record = self._record(real) or next(iter(classify_form.real_sets(self.workspace)), None)
        return classify_form.offered(self.context.describe(), self.workspace, record, picked)

    def words(self, real: str | None, picked: str) -> tuple[Any, ...]:
        """What can be ticked, and tooltips, as the engine describes them."""
        known = classify_form.words_of(self.context.describe())
        names = ("real", "test", "positive", *classify_form.BESIDE, "classes")
        told = [gr.update(info=forms.tooltip(known[name])) if name in known else gr.skip() for name in names]
        return (self.offered(real, picked), *told)

    def start(self, request: gr.Request, real: Any, test: Any, positive: Any, picked: str, *more: Any) -> str:
        """Queue a comparison, and tell the right column to follow it."""
        with in_words("The comparison was not started"):
            given = classify_form.parameters(
                self.context.describe(), self.workspace, real, test, positive, picked, *more
            )
        id = submit(self.context, request, "compare", given, f"Compare on {real}"[:80])
        return packed({"job": id})


def build(context: TabContext) -> None:
    """Draw the tab into the page."""
    do = Handlers(context, Lines(context.workspace))
    with columns():
        with left():
            heading("Comparisons")
            chosen = cards.cards("Comparisons")
        with middle():
            form = draw_form()
        with right():
            shown = part("classified", {"of": None}, label="Comparison of classifiers", elem_id="classify-shown")
    asked = [form.real, form.test, form.positive]
    of_real = [form.test, form.positive, form.classes]
    lists = [chosen, form.real, *of_real, form.compare, shown]
    told = [form.picker, *asked, *form.beside.values(), form.classes]
    before = gr.Textbox(visible=False)
    kept = {"real": form.real, "test": form.test, "positive": form.positive, **form.beside, "classes": form.classes}
    controls = [kept[name] for name in classify_form.KEPT]
    beside = [control for name, control in form.beside.items() if name in classify_form.KEPT]
    opened = context.blocks.load(do.restored, [before, chosen], [*lists, *beside], js=RESTORED, **QUIET)
    pulsed = context.pulse.input(do.lists, [chosen, *asked, form.classes], lists, **QUIET)
    for event in (opened, pulsed):  # apart: the engine's first answer may take seconds
        event.then(do.words, [form.real, form.picker], told, **QUIET)
    for control in controls:
        control.input(None, controls, None, js=KEEP)
    chosen.input(None, [chosen], [shown], js=SHOWN)
    form.real.input(do.compare_with, [*asked, form.classes, form.picker], [*of_real, form.picker], **QUIET)
    form.beside["seeds"].change(None, [form.beside["seeds"]], None, js=SEEDS)
    tuned = form.beside["tune_trials"]
    form.picker.change(None, [tuned], [tuned], js="(number) => lab.arms.tuned(number)")  # as in a study
    given = [*asked, form.picker, *form.beside.values(), form.classes]
    form.compare.click(do.start, given, [shown], show_progress="hidden", api_visibility="private")


def draw_form() -> Controls:
    """What learns from what, on what it is tested, and how often."""
    helped = {"elem_classes": ["lab-helped"], "filterable": False}
    number: dict[str, Any] = {"elem_classes": ["lab-setting"]}
    heading("Compare")
    real = gr.Dropdown([], label="Real images", **helped)  # type: ignore[arg-type]
    test = gr.Dropdown([("their test part", "")], value="", label="Test images", **helped)  # type: ignore[arg-type]
    positive = gr.Dropdown([("automatic", "")], value="", label="Class of interest", **helped)  # type: ignore[arg-type]
    beside: dict[str, Any] = {"seeds": gr.Number(5, label="Seeds", precision=0, minimum=1, maximum=50, **number)}
    picker = part("arms", None, label="Classifiers and training sets", elem_id="classify-arms")
    with gr.Accordion("All settings", open=False, elem_classes=["lab-all-settings"]):
        beside["leave_out"] = gr.Checkbox(True, label="Leave patients out in turn", **number)
        classes = gr.CheckboxGroup([], label="Only these classes", elem_classes=["lab-helped"], visible=False)
        beside["tune_trials"] = gr.Number(0, label="Tuning trials", precision=0, minimum=0, maximum=1000, **number)
        beside["tune_minutes"] = gr.Number(10, label="Tuning time (minutes)", minimum=0.1, maximum=1440, **number)
        beside["seed"] = gr.Number(0, label="Seed", precision=0, minimum=0, **number)
        beside["leak_reason"] = gr.Textbox("", label="Reason to keep leaking test images", max_lines=2, **number)
    with gr.Row(elem_classes=["lab-actions"]):
        compare = gr.Button("Compare", variant="primary", interactive=False, elem_id="classify-compare")
    return Controls(real, test, positive, picker, beside, classes, compare)


TAB = TabSpec(name="classify", title="Classify", order=45, build=build)
