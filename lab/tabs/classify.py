"""The Classify tab: classifiers trained on real, synthetic and mixed images, and whether the synthetic ones help."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from engines.records import ImageSetRecord
from engines.workspace import Workspace
from lab import apart, classify_form, classify_list, forms
from lab.classifying import Lines
from lab.components import cards
from lab.components.base import columns, heading, left, middle, packed, part, right
from lab.handlers import in_words, submit
from lab.tabs.base import TabContext, TabSpec

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
CHECKED = {**QUIET, "queue": True}  # Gradio asks a validator on its way into the queue only
# What this browser keeps of the form, beside what the page gives; the page's scripts may not be there yet.
RESTORED = """(before, ...given) => {
  try { before = JSON.stringify(JSON.parse(localStorage.getItem("lab.classify")).form); } catch { before = ""; }
  return [before || "", ...given];
}"""
COUNTED = """(seeds, trials) => {
  const later = (left) => left && setTimeout(() => tell(left - 1), 25);
  const tell = (left) => (window.lab && lab.arms ? lab.arms.numbers(seeds, trials) : later(left));
  tell(400);
}"""
AT_FIRST = "(listed) => { lab.arms.reset(); return [listed]; }"
# What went wrong before is of no interest any more.
STARTED = "() => document.querySelectorAll('.toast-body.error .toast-close').forEach((button) => button.click())"
KEEP = f"(...values) => window.lab.armsKept.form({json.dumps(classify_form.KEPT)}, values)"
SHOWN = "(listed) => JSON.stringify({ of: (JSON.parse(listed || 'null') || {}).chosen || '' })"


@dataclass(frozen=True)
class Controls:
    """The form's controls from top to bottom; `beside` are those that come from the engine's description, by name."""

    real: gr.Dropdown
    test: gr.Dropdown
    mend: gr.HTML
    positive: gr.Dropdown
    picker: gr.HTML
    beside: dict[str, Any]
    classes: gr.CheckboxGroup
    at_first: gr.Button
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
        """What there is, with the choices kept where they still exist; for a test set of None one is found."""
        value = classify_list.listed(self.workspace, self.lines, cards.chosen_of(listed))
        sets = classify_form.real_sets(self.workspace)
        kept = real if real in [record.id for record in sets] else next((record.id for record in sets), None)
        test = test if kept == real else None
        choices = gr.update(choices=[classify_form.set_choice(record) for record in sets], value=kept)
        ready = gr.update(interactive=bool(sets))
        return value, choices, *self._of_real(kept, test, positive, only), ready, packed({"of": cards.chosen_of(value)})

    def compare_with(
        self, real: str | None, test: str | None, positive: str | None, only: list[str] | None, picked: str
    ) -> tuple[Any, ...]:
        """Another real set was chosen: its classes, its test part, and the synthetic sets that go with it."""
        return *self._of_real(real, test or None, positive, only), self.offered(real, picked)

    def look(self, real: str | None, test: str | None, picked: str) -> str:
        """What is wrong with the test images beside the synthetic sets that are ticked."""
        record = self._record(real)
        if record is None:
            return packed({})
        sets = classify_form.real_sets(self.workspace)
        return packed(apart.advice(self.workspace, record, test or "", sets, classify_form.chosen_sets(picked)))

    def mended(self, mend: str) -> Any:
        """The warning's button was pressed: other test images."""
        return gr.update(value=str((json.loads(mend or "null") or {}).get("to") or ""))

    def at_first(self, listed: str) -> tuple[Any, ...]:
        """The whole form as it is without anybody's doing."""
        known = classify_form.words_of(self.context.describe())
        beside = [gr.update(value=known[name].default) if name in known else gr.skip() for name in classify_form.BESIDE]
        return *self.lists(listed, None, None, None, None), *beside

    def _of_real(
        self, real: str | None, test: str | None, positive: str | None, only: list[str] | None
    ) -> tuple[Any, ...]:
        record = self._record(real)
        names = classify_form.named(record) if record else []
        others = [one for one in classify_form.real_sets(self.workspace) if one.id != real]
        own = (classify_form.own_part(record), "")
        tests = [own, *(classify_form.set_choice(one) for one in others)]
        kept = test if test in ["", *(one.id for one in others)] else None
        if kept is None:
            kept = classify_form.test_at_first(self.workspace, record, others) if record else ""
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
    numbers = [form.beside["seeds"], form.beside["tune_trials"]]
    for number in numbers:
        number.change(None, numbers, None, js=COUNTED)
    form.picker.change(None, numbers[1:], numbers[1:], js="(number) => lab.armsStudy.tuned(number)")  # as in a study
    looked = [form.real, form.test, form.picker]
    gr.on([form.picker.change, form.test.change], do.look, looked, [form.mend], trigger_mode="always_last", **QUIET)
    mended = form.mend.input(do.mended, [form.mend], [form.test], **QUIET)
    mended.then(None, controls, None, js=KEEP)
    first = form.at_first.click(do.at_first, [chosen], [*lists, *form.beside.values()], js=AT_FIRST, **QUIET)
    first.then(do.words, [form.real, form.picker], told, **QUIET)
    starting(context, do, form, shown)


def starting(context: TabContext, do: Handlers, form: Controls, shown: gr.HTML) -> None:
    """What the button does; a number that cannot be used says so at its field, at once and when it is pressed."""
    for name, control in form.beside.items():
        if isinstance(control, gr.Number):
            check = classify_form.checker(context.describe, [name])
            control.change(lambda _: None, [control], None, validator=check, **CHECKED)
    asked = [form.real, form.test, form.positive, form.picker]
    check = classify_form.checker(context.describe, list(form.beside), len(asked), 1)
    given = [*asked, *form.beside.values(), form.classes]
    started = form.compare.click(
        do.start, given, [shown], validator=check, show_progress="hidden", api_visibility="private"
    )
    started.success(None, None, None, js=STARTED)


def draw_form() -> Controls:
    """What learns from what, on what it is tested, and how often."""
    helped: dict[str, Any] = {"elem_classes": ["lab-helped", "lab-inline"], "filterable": False}
    number: dict[str, Any] = {"elem_classes": ["lab-setting"]}
    heading("Compare")
    real = gr.Dropdown([], label="Real images", **helped)
    test = gr.Dropdown([("their test part", "")], value="", label="Test images", **helped)
    mend = part("mend", None, label="Warning about the test images")
    positive = gr.Dropdown([("automatic", "")], value="", label="Class of interest", **helped)
    beside: dict[str, Any] = {"seeds": gr.Number(5, label="Seeds", elem_id="classify-seeds", **number)}
    picker = part("arms", None, label="Classifiers and training sets", elem_id="classify-arms")
    with gr.Accordion("All settings", open=False, elem_classes=["lab-all-settings"]):
        beside["leave_out"] = gr.Checkbox(True, label="Leave patients out in turn", **number)
        classes = gr.CheckboxGroup([], label="Only these classes", elem_classes=["lab-helped"], visible=False)
        beside["tune_trials"] = gr.Number(0, label="Tuning trials", **number)
        beside["tune_minutes"] = gr.Number(10, label="Tuning time (minutes)", **number)
        beside["seed"] = gr.Number(0, label="Draw of chance", **number)
        beside["leak_reason"] = gr.Textbox("", label="Reason to keep leaking test images", max_lines=2, **number)
    with gr.Row(elem_classes=["lab-actions"]):
        at_first = gr.Button("Back to defaults", scale=0, min_width=96, elem_id="classify-at-first")
        compare = gr.Button("Compare", variant="primary", interactive=False, elem_id="classify-compare")
    return Controls(real, test, mend, positive, picker, beside, classes, at_first, compare)


TAB = TabSpec(name="classify", title="Classify", order=45, build=build)
