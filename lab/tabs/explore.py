"""The Explore tab: quality of a run's checkpoints or of a synthetic set, against real images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from engines.errors import LabError
from engines.records import EvaluationRecord
from engines.workspace import Workspace
from lab import figures, handlers, numbers
from lab.components import cards
from lab.components.base import columns, heading, left, middle, note, right
from lab.tabs.base import TabContext, TabSpec

HEADERS = ["Images seen", "Metric", "Synthetic [95 % interval]", "Real against real", "Real", "Synthetic", "Warnings"]
HOW_TO_READ = (
    "Without a true pair, PSNR and SSIM say how close a synthetic image comes to *some* real one. Near the dotted line "
    "(what a real image of another patient reaches) is right; far above it means copies. FTD falls towards its dotted "
    "line; below the line it warns of copies too."
)
NOTHING = "Nothing measured yet. Choose a run or a synthetic set, then press Measure."


def candidates(workspace: Workspace, chosen: str) -> str:
    """Runs and synthetic sets that can be measured, newest first."""
    items = [
        {"id": f"runs/{run.id}", "title": run.name, "text": f"run · {run.method} on {run.image_set}", "hint": run.id}
        for run in reversed(workspace.records("runs"))
    ]
    items += [
        {
            "id": f"image_sets/{record.id}",
            "title": record.name,
            "text": f"synthetic set · {record.items:,} images",
            "hint": record.id,
        }
        for record in reversed(workspace.records("image_sets"))
        if record.origin == "synthetic"
    ]
    return cards.value(items, chosen, "No run yet. Start one on the Train tab.", "Runs and synthetic sets")


def evaluations_of(workspace: Workspace, id: str) -> list[EvaluationRecord]:
    """What was measured of a run or set, newest first."""
    return [record for record in reversed(workspace.records("evaluations")) if record.synthetic == id]


def evaluation_choices(found: Sequence[EvaluationRecord]) -> list[tuple[str, str]]:
    return [(f"{record.created[:16].replace('T', ' ')} UTC · against {record.real}", record.id) for record in found]


def table(rows: Sequence[Mapping[str, Any]], specs: Mapping[str, Any]) -> list[list[str]]:
    """The numbers as text, each with its interval, baseline and sizes."""
    lines = []
    for row in rows:
        spec = specs.get(row["name"], {})
        unit = spec.get("unit", "")
        seen = row.get("images_seen")
        lines.append(
            [
                f"{seen:,}" if isinstance(seen, int) else "–",
                spec.get("title", row["name"]),
                numbers.with_interval(row["value"], row["low"], row["high"], unit),
                numbers.with_interval(row["baseline"], row["baseline_low"], row["baseline_high"], unit),
                f"{row['n_real']:,}",
                f"{row['n_synthetic']:,}",
                " ".join(row.get("warnings", [])),
            ]
        )
    return lines


def figure(rows: Sequence[Mapping[str, Any]], name: str, specs: Mapping[str, Any]) -> Any:
    """The chosen metric over the checkpoints."""
    shown = sorted(
        (row for row in rows if row["name"] == name and isinstance(row.get("images_seen"), int)),
        key=lambda row: row["images_seen"],
    )
    if not shown:
        return figures.empty("Measured at checkpoints of a run, a metric is drawn here over the training.")
    spec = specs.get(name, {})
    return figures.by_checkpoint(shown, spec.get("title", name), spec.get("unit", ""))


@dataclass(frozen=True)
class Handlers:
    """What the controls of the tab do; every handler reads the files anew."""

    context: TabContext

    @property
    def workspace(self) -> Workspace:
        return self.context.workspace

    @property
    def specs(self) -> dict[str, Any]:
        """The metrics as the engine describes them."""
        found: dict[str, Any] = self.context.describe().get("metrics", {})
        return found

    def refresh(
        self, listed: str, real_id: str | None, ticked: list[str], wanted: str | None, drawn: str | None
    ) -> tuple[Any, ...]:
        """Everything on the tab, with the choices kept where they still exist."""
        value = candidates(self.workspace, cards.chosen_of(listed))
        reals = [record for record in reversed(self.workspace.records("image_sets")) if record.origin == "real"]
        ids = [record.id for record in reals]
        choices = [(f"{record.name} · {record.width}×{record.height}", record.id) for record in reals]
        default = own_reals(self.workspace, cards.chosen_of(value)) or next(iter(ids), None)
        titles = [(spec["title"], name) for name, spec in self.specs.items()]
        return (
            value,
            gr.update(choices=choices, value=real_id if real_id in ids else default),
            gr.update(choices=titles, value=ticked or list(self.specs)),
            gr.update(interactive=bool(cards.chosen_of(value) and ids)),
            *self.choose(value, wanted, drawn),
        )

    def choose(self, listed: str, wanted: str | None, drawn: str | None) -> tuple[Any, ...]:
        """The measurements of the chosen run or set."""
        found = evaluations_of(self.workspace, cards.chosen_of(listed).partition("/")[2])
        ids = [record.id for record in found]
        wanted = wanted if wanted in ids else next(iter(ids), None)
        return (gr.update(choices=evaluation_choices(found), value=wanted), *self.show(wanted, drawn))

    def real_of(self, listed: str) -> Any:
        """The real set that the chosen run learned from, if it is a run."""
        return own_reals(self.workspace, cards.chosen_of(listed)) or gr.skip()

    def show(self, wanted: str | None, drawn: str | None) -> tuple[Any, ...]:
        """One measurement: which metrics can be drawn, the drawing, the table."""
        try:
            measured = self.workspace.record("evaluations", wanted).metrics if wanted else []
        except LabError:
            measured = []
        names = list(dict.fromkeys(row["name"] for row in measured))
        drawn = drawn if drawn in names else next((name for name in ("ftd", *names) if name in names), None)
        titles = [(self.specs.get(name, {}).get("title", name), name) for name in names]
        picture = figure(measured, drawn, self.specs) if drawn else figures.empty(NOTHING)
        return gr.update(choices=titles, value=drawn), picture, table(measured, self.specs)

    def start(
        self, listed: str, real_id: str | None, ticked: list[str], number: float, wish: str, request: gr.Request
    ) -> None:
        """Queue a measurement."""
        kind, _, id = cards.chosen_of(listed).partition("/")
        given: dict[str, Any] = {"real": real_id, "synthetic": id, "metrics": ticked}
        if kind == "runs":
            given |= {"checkpoints": wish, "count": int(number or 0)}
        handlers.submit(self.context, request, "evaluate", given, f"evaluate {id}"[:80])


def build(context: TabContext) -> None:
    """Draw the tab into the page."""
    do = Handlers(context)
    with columns():
        with left():
            heading("What to measure")
            chosen = cards.cards("Runs and synthetic sets")
        with middle():
            real, metrics, count, wish = draw_form()
            measure = gr.Button("Measure", variant="primary", interactive=False)
            note(HOW_TO_READ)
        with right():
            with gr.Row():
                evaluation = gr.Dropdown([], label="Measurement", filterable=False, scale=3)
                shown = gr.Dropdown([], label="Drawn", filterable=False, scale=2)
            plot = gr.Plot(figures.empty(NOTHING), show_label=False, elem_classes=["lab-plot"])
            rows = gr.Dataframe(
                headers=HEADERS,
                datatype="str",
                interactive=False,
                wrap=True,
                show_label=False,
                max_height=320,
                column_widths=["90px", "190px", "210px", "190px", "70px", "90px", "320px"],
            )
    view = [evaluation, shown, plot, rows]
    context.on_refresh(do.refresh, [chosen, real, metrics, evaluation, shown], [chosen, real, metrics, measure, *view])
    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    chosen.input(do.choose, [chosen, evaluation, shown], view, **quiet)
    chosen.input(do.real_of, chosen, real, **quiet)
    evaluation.input(do.show, [evaluation, shown], [shown, plot, rows], **quiet)
    shown.input(do.show, [evaluation, shown], [shown, plot, rows], **quiet)
    measure.click(do.start, [chosen, real, metrics, count, wish], [], show_progress="hidden", api_visibility="private")


def own_reals(workspace: Workspace, chosen: str) -> str | None:
    """The real set that a run learned from."""
    kind, _, id = chosen.partition("/")
    try:
        return workspace.run(id).image_set if kind == "runs" else None
    except LabError:
        return None


def draw_form() -> tuple[gr.Dropdown, gr.CheckboxGroup, gr.Number, gr.Radio]:
    """What to compare with, which metrics, how many images."""
    heading("Measure")
    real = gr.Dropdown(
        [],
        label="Real images",
        filterable=False,
        info="Of the same size. For copies, take the set of the training.",
        elem_classes=["lab-helped"],
    )
    metrics = gr.CheckboxGroup(
        [],
        label="Metrics",
        info="Every number comes with interval, sizes and real baseline.",
        elem_classes=["lab-helped"],
    )
    count = gr.Number(
        256, label="Synthetic images at each checkpoint", precision=0, minimum=50, maximum=50_000,
        info="Too low: wide intervals, distances biased upwards.\n\nToo high: only slower.",
        elem_classes=["lab-helped"],
    )  # fmt: skip
    wish = gr.Radio(
        [("newest", "latest"), ("all kept", "all")], value="all", label="Checkpoints", elem_classes=["lab-segments"]
    )
    return real, metrics, count, wish


TAB = TabSpec(name="explore", title="Explore", order=40, build=build)
