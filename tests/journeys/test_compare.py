"""Comparing runs in a real browser: marks, the settings that differ, curves on one axis, sheets at one place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engines import files
from engines.jobs import events
from engines.jobs.context import JobContext
from engines.records import JobRecord, RunRecord
from engines.tasks.train import run
from engines.tasks.training_plan import TrainParameters
from engines.workspace import Workspace
from tests.journeys.test_train import SET, draw_set, open_train

pytestmark = pytest.mark.slow
CHART = "document.querySelector('.lab-compare').compare.parts.chart"
COMPARING = "document.documentElement.hasAttribute('data-comparing')"
SHEETS = "[...document.querySelectorAll('.lab-compare figure')].map(figure => Number(figure.dataset.images))"
SMALL = {"images": 64, "sample_every_images": 16, "sheet_columns": 2, "sheet_rows": 2, "threads": 1, "device": "cpu"}


def train(workspace: Workspace, id: str, title: str, **changes: Any) -> None:
    """A tiny training by the engine, finished, with the job file that the queue would leave."""
    given = {"image_set": SET, "method": "custom_gan", "preset": "tiny", **SMALL, **changes}
    context = JobContext.detached(workspace, workspace.folder("runs", id))
    run(TrainParameters.model_validate(given), context)
    record = workspace.run(id)
    workspace.save("runs", record.model_copy(update={"name": title}))
    job = JobRecord(
        id=id, kind="train", title=title, parameters=given, state="done", progress=1.0, ended=record.created
    )
    files.write_json(workspace.folder("runs", id) / "job.json", job.model_dump(mode="json"))


def plant_outlier(workspace: Workspace) -> None:
    """A run of forty even losses and a wild one, that began with the weights of another."""
    folder = workspace.folder("runs", "wild")
    workspace.save("runs", RunRecord(id="wild", name="wild", method="custom_gan", image_set=SET, set_items=48))
    job = JobRecord(id="wild", kind="train", title="wild", state="done", progress=1.0)
    files.write_json(folder / "job.json", job.model_dump(mode="json"))
    begun = {"images_seen": 0, "name": "transfer", "severity": "info"}
    events.append(folder, "warning", **begun, text="Begun with 40 of 42 tensors of an earlier run.", advice="")
    for n in range(40):
        numbers = {"g_loss": 500.0 if n == 20 else 1 + n % 3 / 10, "d_loss": 0.6, "cycle_loss": 0.3}
        events.append(folder, "metrics", images_seen=8 * (n + 1), epoch=n / 6, images_per_s=100.0, **numbers)
    lines = (folder / events.FILE).read_text().splitlines()
    files.write_text(folder / events.FILE, "".join(f"{line}\n" for line in lines[:1] + lines[1:21]))
    files.write_text(folder / "rest.jsonl", "".join(f"{line}\n" for line in lines[21:]))


def box(page: Any, name: str) -> Any:
    return page.get_by_role("checkbox", name=re.compile(f"Compare: {name}, "))


def rows(page: Any) -> dict[str, list[str]]:
    """The table's settings: name -> values in the order of the runs."""
    found = page.locator(".lab-compare-table tr[data-name]").evaluate_all(
        "rows => rows.map(row => [row.dataset.name, ...[...row.querySelectorAll('td')].map(cell => cell.textContent)])"
    )
    return {name: values for name, *values in found}


def live(page: Any, name: str) -> list[str]:
    return list(page.locator(f".lab-compare-table tr[data-live={name}] td").all_inner_texts())


@pytest.mark.long
def test_two_runs_are_compared(start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path) -> None:
    workspace = draw_set(tmp_path / "lab")
    train(workspace, "first", "Discs one", options={"batch": 4})
    train(workspace, "second", "Discs two", options={"batch": 8}, seed=5, images=32)
    page = new_page(start(tmp_path / "lab").link(), 1366, 768)
    open_train(page)

    # Marked by keyboard: space, and the arrows go from box to box
    page.get_by_text("Mark two runs to compare them.").wait_for()
    box(page, "Discs two").focus()
    page.keyboard.press("Space")
    page.get_by_text("Mark one more.").wait_for()
    assert not page.evaluate(COMPARING)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.wait_for_function(f"{COMPARING} && document.querySelectorAll('.lab-compare-table tr[data-name]').length")
    assert not page.locator(".lab-chart").is_visible() and not page.locator(".lab-scrub").is_visible()

    # Exactly what differs, and how far each came; the letters follow the order of marking
    assert page.locator(".lab-compare-table thead th").all_inner_texts()[1:] == ["ADiscs two", "BDiscs one"]
    assert rows(page) == {"seed": ["5", "0"], "images": ["32", "64"], "batch": ["8", "4"]}
    assert re.fullmatch(r"\d\d settings are equal", page.locator(".lab-compare-equal").inner_text())
    page.wait_for_function("document.querySelectorAll('.lab-compare tr[data-live=seen] td')[1].textContent === '64'")
    assert (live(page, "state"), live(page, "seen")) == (["done", "done"], ["32", "64"])
    assert all(float(speed) > 0 for speed in live(page, "speed"))

    # One curve each, on one axis; another loss
    lines = f"{CHART}.lines().map(line => [line.letter, line.raw.xs.at(-1)])"
    page.wait_for_function(f'JSON.stringify({lines}) === \'[["A",32],["B",64]]\'')
    assert page.evaluate(f"{CHART}.extent()[1]") == 64
    page.get_by_label("Which loss").select_option("d")
    assert page.evaluate(f"{CHART}.key") == "d" and "discriminator" in page.evaluate(f"{CHART}.summary()")

    # One slider: each run's newest sheet at or below it
    page.wait_for_function(f"JSON.stringify({SHEETS}) === '[32,64]'")
    assert page.locator(".lab-compare figcaption").all_inner_texts() == ["A\n0.032 kimg, its newest", "B\n0.064 kimg"]
    page.get_by_label("Sample sheets of all compared runs").focus()
    page.keyboard.press("Home")
    page.wait_for_function(f"JSON.stringify({SHEETS}) === '[0,0]' && {CHART}.cursor === 0")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"JSON.stringify({SHEETS}) === '[16,16]' && {CHART}.cursor === 16")
    shown = "[...document.querySelectorAll('.lab-compare figure img')].map(one => one.src.split('/').at(-1))"
    page.wait_for_function(f"{shown}.every(name => name.startsWith('00000016.webp'))")

    # A run that goes on is followed
    folder = workspace.folder("runs", "first")
    events.append(folder, "metrics", images_seen=80, epoch=1.7, g_loss=1.0, d_loss=0.5, images_per_s=10.0)
    page.wait_for_function("document.querySelectorAll('.lab-compare tr[data-live=seen] td')[1].textContent === '80'")
    assert page.evaluate(SHEETS) == [16, 16], "the slider stays where it was put"

    # Nothing is asked for while the tab is not shown
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("tab", name="Data").click()
    page.wait_for_function("document.querySelector('.lab-compare').offsetParent === null")
    del asked[:]
    for _ in range(3):
        page.wait_for_event("response", lambda answer: "/lab/state" in answer.url)
    assert [address for address in asked if "/lab/live/" in address or "/lab/compare" in address] == []
    page.get_by_role("tab", name="Train").click()

    # The marks outlive a reload; a click on a run shows it, the line below the list comes back
    page.reload()
    open_train(page)
    page.wait_for_function(f"{COMPARING} && document.querySelectorAll('.lab-compare-table tr[data-name]').length === 3")
    page.locator(".lab-runs-run").first.click()
    page.wait_for_function(f"!{COMPARING} && document.querySelector('.lab-chart').offsetParent !== null")
    page.get_by_role("button", name="Compare 2 runs").click()
    page.wait_for_function(COMPARING)
    box(page, "Discs two").uncheck(force=True)
    page.wait_for_function(f"!{COMPARING} && document.querySelector('.lab-compare').childElementCount === 0")
    assert page.locator(".lab-scrub").is_visible()
    assert page.faults == []


@pytest.mark.long
def test_an_outlier_flattens_nothing_and_information_is_no_warning(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    workspace = draw_set(tmp_path / "lab")
    plant_outlier(workspace)
    page = new_page(start(tmp_path / "lab").link())
    open_train(page)
    page.wait_for_function("document.querySelector('.lab-health-line').dataset.tone === 'info'")
    assert page.locator(".lab-health-text").inner_text() == "At 0 kimg: Begun with 40 of 42 tensors of an earlier run."
    assert page.locator(".lab-eventlog-list li").first.get_attribute("data-kind") == "info"

    folder = workspace.folder("runs", "wild")
    rest = (folder / "rest.jsonl").read_text()
    with open(folder / events.FILE, "a") as file:
        file.write(rest)
    chart = "document.querySelector('.lab-chart').chart"
    page.wait_for_function(f"{chart}.store.points.images.length === 40")
    assert page.evaluate(f"{chart}.rangeY[1]") < 2
    beyond = page.get_by_role("button", name="1 value lies beyond · show all")
    beyond.click()
    assert page.evaluate(f"{chart}.rangeY[1]") > 500
    page.get_by_role("button", name="Fit the axis to most values").click()
    assert page.evaluate(f"{chart}.rangeY[1]") < 2
    assert page.evaluate(f"{chart}.store.points.cycle_loss.length") == 40
    assert page.locator(".lab-health-line").get_attribute("data-tone") == "plain"


# lines, whether logarithmic -> highest value of the range is below the first number, or above the second
RANGES = {
    "one outlier of thirty": ([[1.0] * 14 + [1.2] * 15 + [90.0]], False, 2, None),
    "too few to judge": ([[1.0, 1.1, 90.0]], False, None, 90),
    "an even spread": ([[float(n) for n in range(100)]], False, None, 99),
    "an outlier on a logarithmic axis": ([[1.0] * 20 + [1.3] * 20 + [1e6, 0.0]], True, 3, None),
    "a short curve high above a long one": ([[1.0, 1.2] * 500, [5.0, 5.1, 5.2]], False, None, 5.2),
    "gaps": ([[1.0, None, 2.0]], False, None, 2),
    "nothing": ([[]], False, 1.1, None),
}


@pytest.mark.long
def test_the_axis_is_robust(start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path) -> None:
    page = new_page(start().link())
    for name, (lines, log, below, above) in RANGES.items():
        program = f"lab.curve.range({json.dumps(lines)}.map(ys => ys.map(y => y ?? NaN)), {json.dumps(log)})"
        found = page.evaluate(program)
        high = found["range"][1]
        assert (below is None or high < below) and (above is None or high > above), (name, found)
        assert bool(found["beyond"]) == ("outlier" in name), (name, found)
