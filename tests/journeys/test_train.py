"""The Train tab in a real browser: a run from its start to its end, and everything that shows it."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines import files
from engines.jobs import events
from engines.records import ImageSetRecord, JobRecord, RunRecord
from engines.workspace import Workspace

pytestmark = pytest.mark.slow
SET, RUN = "drawn-set", "long-run"
PATIENCE_MS = 180_000  # for a worker that imports torch beside a busy suite
CHART = "document.querySelector('.lab-chart').chart"
POINTS = 3000


def draw_set(folder: Path, count: int = 48) -> Workspace:
    """A workspace with one image set of soft discs, 64 x 64, 8 bit."""
    workspace = Workspace.open(folder)
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:64, 0:64] / 64  # in [0, 1]
    images = np.empty((count, 64, 64, 1), np.uint8)
    for image in images:
        centre_x, centre_y = random.uniform(0.3, 0.7, 2)
        disc = np.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / 0.03)
        image[..., 0] = np.clip(40 + 160 * disc + random.normal(0, 6, (64, 64)), 0, 255)
    record = ImageSetRecord(
        id=SET, name="discs", origin="real", items=count, kept=count, width=64, height=64, channels=1, dtype="uint8",
        content_sha256="0" * 64,
    )  # fmt: skip
    with files.new_folder(workspace.folder("image_sets", SET)) as place:
        np.save(place / "images.npy", images)
        rows = [{"item": f"{n:06d}", "label": "disc"} for n in range(1, count + 1)]
        files.write_csv(place / "items.csv", rows, ["item", "label"])
        workspace.save("image_sets", record, place)
    return workspace


def plant_run(workspace: Workspace) -> None:
    """A run that has ended, with a long history and six sheets of 4 x 2 tiles."""
    folder = workspace.folder("runs", RUN)
    budget = {"images": POINTS * 100.0}
    run = RunRecord(id=RUN, name="A long run", method="custom_gan", image_set=SET, set_items=48, budget=budget)
    workspace.save("runs", run)
    job = JobRecord(id=RUN, kind="train", title="A long run", state="done", progress=1.0, ended=run.created)
    files.write_json(folder / "job.json", job.model_dump(mode="json"))
    (folder / "samples").mkdir()
    lines = []
    for n in range(POINTS):
        seen = (n + 1) * 100
        event = {
            "t": 1.0 + n, "kind": "metrics", "images_seen": seen, "epoch": seen / 48, "batches": n,
            "g_loss": 1 + math.exp(-n / 300), "d_loss": 0.6, "d_real": 0.6, "d_fake": 0.4, "images_per_s": 100.0,
        }  # fmt: skip
        lines.append(event)
        if n % 500 == 499:
            picture = io.BytesIO()
            Image.fromarray(np.full((64, 128), 20 + n // 20, np.uint8)).save(picture, "WEBP")
            files.write_bytes(folder / "samples" / f"{seen:08d}.webp", picture.getvalue())
            place = {"file": f"samples/{seen:08d}.webp", "columns": 4, "rows": 2, "tile": 32}
            lines.append({"t": 1.0 + n, "kind": "sample", "images_seen": seen, **place})
    files.write_bytes(folder / "reals.webp", (folder / "samples" / "00050000.webp").read_bytes())
    files.write_text(folder / events.FILE, "".join(f"{json.dumps(line)}\n" for line in lines))


def open_train(page: Any) -> None:
    page.set_default_timeout(PATIENCE_MS)
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="Start now").wait_for()


def sheets(page: Any) -> int:
    return int(page.evaluate("document.querySelector('.lab-scrub').scrubber.sheets.length"))


def wait_state(page: Any, word: str) -> None:
    page.wait_for_function(
        "word => document.querySelector('.lab-runs-run .lab-runs-note').textContent.includes(word)", arg=word
    )


def start_small_run(page: Any) -> None:
    """Press Start with a sheet at every 32 images and a budget that the test will not reach."""
    page.locator(".lab-budget input[value=images]").check()
    page.wait_for_function("document.querySelector('.lab-budget input[type=number]').value === '100000'")
    page.get_by_label("Batch (images)").fill("8")
    page.locator(".lab-all-settings > .label-wrap").filter(visible=True).click()
    page.get_by_label("Sample sheet every (images)").fill("32")
    page.get_by_label("Sheet columns").fill("4")
    page.get_by_label("Sheet rows").fill("2")
    page.get_by_label("Sheet rows").press("Tab")
    page.get_by_role("button", name="Start now").click()


@pytest.mark.long
def test_a_run_from_start_to_stop(start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path) -> None:
    draw_set(tmp_path / "lab")
    app = start(tmp_path / "lab")
    page = new_page(app.link())
    open_train(page)
    sizes: list[int] = []

    def weigh(answer: Any) -> None:
        if "/lab/live/" in answer.url and "since=0" not in answer.url and answer.ok:
            sizes.append(int(answer.headers.get("content-length", 0)))

    page.on("response", weigh)
    start_small_run(page)

    page.wait_for_function(f"{CHART}.store && {CHART}.store.points.images.length > 0")
    page.evaluate("window.nodes = [...document.querySelectorAll('.lab-chart canvas, .lab-scrub-picture')]")
    page.wait_for_function("document.querySelector('.lab-scrub').scrubber.sheets.length >= 3")
    wait_state(page, "running")

    # Zoom and nodes outlive an update
    page.evaluate(f"{CHART}.zoom([0, {CHART}.extent()[1] / 2])")
    view = page.evaluate(f"{CHART}.view")
    count = page.evaluate(f"{CHART}.store.points.images.length")
    page.wait_for_function(f"count => {CHART}.store.points.images.length > count", arg=count)
    assert page.evaluate(f"{CHART}.view") == view
    assert page.evaluate("window.nodes.every(node => node.isConnected)")

    # The scrubber moves the chart's cursor, and no longer follows the newest sheet
    page.locator(".lab-scrub-slider").focus()
    page.keyboard.press("Home")
    page.wait_for_function(f"{CHART}.cursor === document.querySelector('.lab-scrub').scrubber.sheets[0].images")
    seen = sheets(page)
    page.wait_for_function("seen => document.querySelector('.lab-scrub').scrubber.sheets.length > seen", arg=seen)
    assert page.evaluate("document.querySelector('.lab-scrub-slider').value") == "0"

    page.get_by_role("button", name="Pause", exact=True).click()
    wait_state(page, "paused")
    before = page.evaluate(f"{CHART}.store.points.images.at(-1)")
    page.reload()
    open_train(page)
    page.wait_for_function(f"before => {CHART}.store && {CHART}.store.points.images.at(-1) >= before", arg=before)
    page.locator("[data-verb=resume]").click()
    page.wait_for_function(f"before => {CHART}.store.points.images.at(-1) > before", arg=before)

    # Nothing is asked for while the tab is not shown
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("tab", name="Data").click()
    page.wait_for_function("document.querySelector('.lab-chart').offsetParent === null")
    del asked[:]
    for _ in range(3):
        page.wait_for_event("response", lambda answer: "/lab/state" in answer.url)
    assert [address for address in asked if "/lab/live/" in address] == []
    page.get_by_role("tab", name="Train").click()

    page.locator("[data-verb=stop]").click()
    wait_state(page, "stopped")
    page.locator(".lab-health-onward").wait_for()
    assert page.locator(".lab-health-onward").inner_text() == "Resume"
    assert sizes and max(sizes) < 2048, "a tick stays under 2 kB"
    assert page.faults == []
    run = next((app.workspace / "runs").iterdir())
    assert (run / "reals.webp").exists() and any((run / "checkpoints").iterdir())


@pytest.mark.long
def test_a_long_history_is_read_zoomed_and_saved(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    plant_run(draw_set(tmp_path / "lab"))
    page = new_page(start(tmp_path / "lab").link())
    open_train(page)
    page.wait_for_function(f"{CHART}.store && {CHART}.store.points.images.length === {POINTS} && {CHART}.drawn > 0")
    assert page.evaluate(f"{CHART}.drawn") <= 600
    assert page.locator(".lab-scrub-count").inner_text() == "images seen · sheet 6 of 6"
    assert "Balanced since" in page.locator(".lab-health-line").inner_text()

    # Wheel, hover, click, double-click
    box = page.locator(".lab-chart-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 80)
    assert "generator" in page.locator(".lab-chart-readout").inner_text()
    page.mouse.wheel(0, -300)
    page.wait_for_function(f"{CHART}.view !== null")
    page.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + 80)
    page.wait_for_function(f"{CHART}.view === null && {CHART}.cursor === 150000")
    assert page.locator(".lab-scrub-seen").inner_text() == "150 kimg"

    # Arrow keys, and the tile under the pointer
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"{CHART}.cursor === 100000")
    page.wait_for_function("document.querySelector('.lab-scrub-picture').src.includes('00100000')")
    picture = page.locator(".lab-scrub-picture").bounding_box()
    page.mouse.click(picture["x"] + picture["width"] * 0.6, picture["y"] + picture["height"] * 0.75)
    assert page.locator(".lab-scrub-tile").inner_text() == "latent 7 of 8"
    page.locator("[data-view=beside]").click()
    page.wait_for_function("document.querySelector('.lab-scrub-real').naturalWidth === 128")

    with page.expect_download() as download:
        page.locator(".lab-chart-csv").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert len(rows) == POINTS
    assert (rows[0]["images_seen"], rows[0]["g_loss"]) == ("100", "2")
    assert page.faults == []


def test_without_an_image_set_the_next_step_is_shown(page: Any) -> None:
    page.get_by_role("tab", name="Train").click()
    page.get_by_text("no image set yet").wait_for()
    page.get_by_role("button", name="Open the Data tab").click()
    page.wait_for_function("document.querySelector('#tab-data-button').getAttribute('aria-selected') === 'true'")
