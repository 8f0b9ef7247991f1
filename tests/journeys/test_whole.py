"""The whole way in a real browser: images, curate, train, pause, refresh, resume, stop, restart, measure, export.

On phantoms. PHANTOM_LAB_LONG_JOURNEYS=1 takes the demo as its button draws it, 640 phantoms instead of 72, and goes
the same way on real mammograms where they are.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines.workspace import Workspace

pytestmark = pytest.mark.slow
PATIENCE_MS = 120_000
WORDS = "document.querySelector('#data-work [data-words]')?.textContent"
SHEETS = "document.querySelector('.lab-scrub')?.scrubber?.sheets.length"
PHANTOMS = 72
LONG = bool(os.environ.get("PHANTOM_LAB_LONG_JOURNEYS"))


def wait_state(page: Any, word: str) -> None:
    page.wait_for_function(
        "word => document.querySelector('.lab-runs-run .lab-runs-note')?.textContent.includes(word)", arg=word
    )


def open_tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).first.click()


def ask(page: Any, path: str, body: str) -> str:
    """Post to one of the page's own routes, as its scripts do; gives the new job's id."""
    program = "([path, body]) => window.lab.post(path, JSON.parse(body)).then((answer) => answer.id)"
    return str(page.evaluate(program, [path, body]))


def train(page: Any) -> None:
    """Start a small run, see three sheets, pause, refresh, resume, stop and save."""
    from playwright.sync_api import TimeoutError as TookTooLong

    open_tab(page, "Train")
    page.get_by_role("combobox", name="Image set").wait_for()  # made a moment ago, and not known here at once
    start = page.get_by_role("button", name="Start now")
    try:
        start.wait_for(timeout=60_000)
    except TookTooLong:
        # Seen once: the settings of the method were never drawn, for a reason not found yet. A reload draws them.
        page.reload()
        open_tab(page, "Train")
        start.wait_for()
    page.get_by_label("Batch (images)").fill("8")
    page.locator(".lab-all-settings > .label-wrap").filter(visible=True).click()
    page.get_by_label("Sample sheet every (images)").fill("48")
    page.get_by_label("Sample sheet every (images)").press("Tab")
    page.get_by_role("button", name="Start now").click()
    page.wait_for_function(f"{SHEETS} >= 3")
    page.get_by_role("button", name="Pause", exact=True).click()
    wait_state(page, "paused")
    page.reload()
    open_tab(page, "Train")
    page.locator("[data-verb=resume]").click()
    wait_state(page, "running")
    page.locator("[data-verb=stop]").click()
    wait_state(page, "stopped")


def draw_the_demo(page: Any) -> None:
    """Press the button, or ask for the same job with fewer phantoms."""
    if LONG:
        page.get_by_role("button", name="Demo data").click()
    else:
        ask(page, "/lab/jobs", f'{{"kind": "demo", "title": "demo", "parameters": {{"count": {PHANTOMS}}}}}')


def add(page: Any, folder: Path) -> None:
    page.get_by_role("button", name="Add a folder").click()
    page.get_by_label("Folder on this computer").fill(str(folder))
    page.locator("#data-add").click()


@pytest.mark.parametrize("source", ["demo", "mini-mias"] if LONG else ["demo"])
@pytest.mark.long
def test_from_images_to_a_zip(
    start: Callable[..., Any], new_page: Callable[..., Any], request: pytest.FixtureRequest, source: str
) -> None:
    app = start(spare=True)
    workspace = Workspace.open(app.workspace)
    page = new_page(app.link())
    page.set_default_timeout(PATIENCE_MS)

    # Images and curation.
    if source == "demo":
        draw_the_demo(page)
    else:
        add(page, request.getfixturevalue("shared_data") / source)
    page.wait_for_selector(".lab-entry[data-kind=catalogues]")
    page.wait_for_selector(".lab-tile >> nth=20")
    page.get_by_label("Name of the image set").fill("Whole breasts")
    page.wait_for_function("/· \\d+ images/.test(document.querySelector('#data-make').textContent)")
    page.locator("#data-make").click()
    page.wait_for_selector(".lab-entry[data-kind=image_sets]:has-text('Whole breasts')")
    (made,) = workspace.records("image_sets")
    (catalogue,) = workspace.records("catalogues")
    assert 0.6 * catalogue.items < made.items <= catalogue.items

    train(page)
    (run,) = workspace.records("runs")
    kept = {path.name for path in (workspace.folder("runs", run.id) / "checkpoints").iterdir()}
    assert kept

    # After a restart of the app the run is where it was.
    app.stop()
    app = start(app.workspace)
    page = new_page(app.link())
    page.set_default_timeout(PATIENCE_MS)
    open_tab(page, "Train")
    wait_state(page, "stopped")
    page.wait_for_function(f"{SHEETS} >= 3")

    # A synthetic set, its quality, and the zip.
    open_tab(page, "Export")
    page.get_by_label("Images", exact=True).fill("50")
    page.get_by_label("Images", exact=True).press("Tab")
    page.get_by_role("button", name="Generate", exact=True).click()
    card = page.locator(".lab-card[data-id]", has_text="synthetic · 50 images")
    card.click()
    open_tab(page, "Explore")
    page.locator(".lab-card", has_text="synthetic set").click()
    page.wait_for_selector("#explore-measures li")
    for box in page.locator("#explore-measures [role=group] input:enabled").all():
        box.set_checked(box.get_attribute("value") in {"psnr", "ssim", "ftd"})
    page.get_by_role("button", name="Measure").click()
    page.wait_for_selector(".lab-measured-exports a")
    assert page.locator(".lab-score-title .label-text").all_inner_texts()[0] == "Texture distance (FTD)"
    assert {row["name"] for row in workspace.records("evaluations")[0].metrics} == {"psnr", "ssim", "ftd"}
    open_tab(page, "Export")
    page.get_by_role("button", name="Export 50 accepted images").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert archive.testzip() is None
        pictures = [name for name in archive.namelist() if name.endswith(".png")]
        assert len(pictures) == 50 and any(name.endswith("manifest.csv") for name in archive.namelist())
        with Image.open(io.BytesIO(archive.read(pictures[0]))) as picture:
            assert np.asarray(picture).shape == (made.height, made.width) or picture.size == (64, 64)
            assert picture.info["Synthetic"] == "YES"
    assert page.faults == []
