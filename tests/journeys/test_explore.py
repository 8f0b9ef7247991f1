"""The Explore tab in a real browser: a measurement watched as it comes, planted copies found, single images, files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines import files
from engines.records import EvaluationRecord, JobRecord, RunRecord
from engines.workspace import Workspace
from tests.engines.tasks.test_evaluate import make_set
from tests.lab.planted_evaluation import row

pytestmark = pytest.mark.slow
COUNT = 50
COPIES = (3, 11, 19, 27, 35)
WANTED = {"grey_emd", "psnr", "memorisation"}
RUN = "a-run"


def planted(folder: Path) -> Workspace:
    """A real set, a held-out one, and a synthetic one of which five images are moved training images, one mirrored."""
    workspace = Workspace.open(folder)
    make_set(workspace, "real", "real", 1, count=COUNT, size=48)
    make_set(workspace, "others", "real", 3, count=COUNT, size=48, first_patient=900)
    make_set(workspace, "drawn", "synthetic", 2, count=COUNT, size=48)
    real, place = workspace.image_set("real").images, workspace.folder("image_sets", "drawn") / "images.npy"
    drawn = np.load(place)
    for n, index in enumerate(COPIES):
        drawn[index] = np.roll(real[7 * n], n, axis=1)
    drawn[COPIES[0]] = drawn[COPIES[0]][:, ::-1]
    np.save(place, drawn)
    return workspace


def open_explore(page: Any) -> None:
    page.get_by_role("tab", name="Explore", exact=True).first.click()
    page.wait_for_selector("#explore-measures li")


def tick(page: Any, wanted: set[str]) -> None:
    for box in page.locator("#explore-measures [role=group] input:enabled").all():
        box.set_checked(box.get_attribute("value") in wanted)


def names(page: Any) -> set[str]:
    return set(page.locator(".lab-score").evaluate_all("rows => rows.map(row => row.dataset.name)"))


def look_at_copies(page: Any) -> None:
    page.get_by_role("tab", name="Scores", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("A set has no training.").wait_for()
    page.keyboard.press("ArrowRight")
    pairs = page.locator(".lab-copies-pair")
    pairs.first.wait_for()
    found = pairs.evaluate_all("all => all.map(one => [Number(one.dataset.index), 'flagged' in one.dataset])")
    assert {index for index, _ in found[:5]} == set(COPIES) and all(flagged for _, flagged in found[:5])
    assert "held-out real images" in page.locator(".lab-copies-words").inner_text()
    mirrored = page.locator(f".lab-copies-pair[data-index='{COPIES[0]}']")
    assert "mirrored" in mirrored.inner_text() and mirrored.get_attribute("data-real") == "0"
    page.wait_for_function(
        "[...document.querySelectorAll('.lab-copies-pair img')].slice(0, 6).every(one => one.naturalWidth)"
    )

    # One over the other, by keyboard
    pairs.first.focus()
    page.keyboard.press("Enter")
    slider = page.get_by_label("Wipe between the synthetic and the real image")
    slider.wait_for()
    page.keyboard.press("ArrowLeft")
    assert slider.input_value() == "49"
    assert page.locator(".lab-wipe-over").evaluate("image => image.style.clipPath").startswith("inset(0px 51%")
    page.get_by_role("button", name="The next pair").click()
    assert page.locator(".lab-wipe-head").inner_text().split("\n")[1].startswith("2 of ")
    page.keyboard.press("Escape")
    page.wait_for_selector(".lab-wipe", state="detached")


def look_at_images(page: Any) -> None:
    page.get_by_role("tab", name="Images", exact=True).click()
    page.get_by_label("Number of each image").select_option("memorisation_ncc")
    page.wait_for_selector(".lab-images-threshold")
    bar = page.locator(".lab-images-bars button:enabled").last
    count = int(bar.get_attribute("data-count"))
    bar.click()
    thumbs = page.locator(".lab-images-grid button")
    thumbs.first.wait_for()
    shown = thumbs.evaluate_all("all => all.map(one => Number(one.dataset.index))")
    assert len(shown) == count and set(shown) <= set(COPIES)
    thumbs.first.click()
    page.wait_for_selector(".lab-wipe-under")
    page.get_by_role("button", name="Close").click()


def look_at_the_map(page: Any) -> None:
    """Every image is on it; a line around all of them chooses all."""
    page.get_by_role("tab", name="Map", exact=True).click()
    canvas = page.locator(".lab-map-canvas")
    page.wait_for_function("document.querySelector('.lab-map-canvas').ariaLabel.includes(' synthetic images')")
    assert f"{COUNT} real images, {COUNT} synthetic images" in canvas.get_attribute("aria-label")
    box = canvas.bounding_box()
    corners = [(1, 1), (box["width"] - 1, 1), (box["width"] - 1, box["height"] - 1), (1, box["height"] - 1)]
    for n, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
        if not n:
            page.mouse.down()
    page.mouse.up()
    page.get_by_text(f"{COUNT} real, {COUNT} held-out real, {COUNT} synthetic: images inside the line.").wait_for()
    page.wait_for_function("document.querySelector('.lab-map-image img').naturalWidth > 0")
    assert page.locator(".lab-map-image").count() == 48 and page.get_by_role("button", name="Show 48 more").is_visible()


@pytest.mark.long
def test_a_set_is_measured_and_its_copies_are_found(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    workspace = planted(tmp_path / "lab")
    page = new_page(start(tmp_path / "lab").link(), 1366, 768)
    open_explore(page)
    missing = page.locator("#explore-measures li[data-name=fid]")
    if missing.get_attribute("data-missing") is not None:  # not where the weights happen to lie on this computer
        missing.get_by_role("button").click()
        assert "weights-inception-2015-12-05-6726825d.pth" in missing.inner_text()
    tick(page, WANTED)
    page.get_by_label("Held-out real images").click()
    page.get_by_role("option", name="others").click()
    height = page.locator(".lab-measured").bounding_box()["height"]
    page.evaluate("document.querySelector('.lab-measured').kept = true")

    # Numbers arrive one by one; nothing on the page is replaced and nothing moves
    page.get_by_role("button", name="Measure", exact=True).click()
    page.wait_for_function("document.querySelector('.lab-measured-list').value.startsWith('job:')")
    page.wait_for_selector(".lab-score[data-name=grey_emd]")
    assert page.get_by_role("button", name="Cancel").is_visible() or names(page) == WANTED
    page.wait_for_selector(".lab-measured-exports a")
    assert names(page) == WANTED
    assert page.evaluate("document.querySelector('.lab-measured').kept") is True
    assert page.locator(".lab-measured").bounding_box()["height"] == height
    copies = page.locator(".lab-score[data-name=memorisation]")
    assert "look like copies" in copies.locator(".lab-score-warning").first.inner_text()
    assert copies.locator(".lab-score-band, .lab-score-interval").count() == 2

    look_at_copies(page)
    look_at_images(page)
    look_at_the_map(page)
    page.get_by_role("tab", name="Scorecard", exact=True).click()
    assert page.locator("[data-criterion=compliance]").get_attribute("data-assessed") is not None
    assert page.locator("[data-criterion=consistency]").inner_text().count("Not assessed") == 1

    # Files to keep
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert {line["name"] for line in rows} == WANTED
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    assert json.loads(download.value.path().read_text())["held_out"] == "others"

    # One that is cancelled leaves nothing behind, and what was measured before comes back
    page.get_by_role("tab", name="Scores", exact=True).click()
    page.get_by_role("button", name="Measure", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_selector(".lab-measured-exports a")
    assert names(page) == WANTED and len(workspace.records("evaluations")) == 1
    assert page.faults == []


@pytest.mark.long
def test_an_empty_workspace_says_the_next_step(start: Callable[..., Any], new_page: Callable[..., Any]) -> None:
    page = new_page(start().link(), 1366, 768)
    open_explore(page)
    assert page.get_by_role("button", name="Measure", exact=True).is_disabled()
    page.locator(".lab-measured-empty").get_by_text("Nothing to measure yet.").wait_for()
    page.get_by_role("button", name="Open the Train tab").click()
    page.wait_for_function("document.querySelector('.lab-measured').offsetParent === null")
    assert page.get_by_role("tab", name="Train", exact=True).first.get_attribute("aria-selected") == "true"
    assert page.faults == []


def plant_training(workspace: Workspace) -> None:
    """A run with three checkpoints, measured by two metrics: one tells the second apart, the other tells nothing."""
    workspace.save("runs", RunRecord(id=RUN, name="A run", method="custom_gan", image_set="real"))
    folder = workspace.folder("runs", RUN)
    job = JobRecord(id=RUN, kind="train", title="A run", state="done", progress=1.0)
    files.write_json(folder / "job.json", job.model_dump(mode="json"))
    seen = (1000, 2000, 3000)
    for images in seen:
        (folder / "checkpoints" / f"{images:08d}").mkdir(parents=True)
    # And a set that is as good as its best by one metric, and worse than its last by the other
    make_set(workspace, "drawn", "synthetic", 2)
    rows = [row("kid", 0.55), row("ftd", 1.9)]
    workspace.save(
        "evaluations", EvaluationRecord(id="another", name="drawn", real="real", synthetic="drawn", metrics=rows)
    )
    values = {"kid": (2.0, 0.5, 1.5), "ftd": (1.0, 1.05, 0.98)}
    rows = [row(name, value, images) for name in values for images, value in zip(seen, values[name], strict=True)]
    workspace.save(
        "evaluations", EvaluationRecord(id="measured", name="A run", real="real", synthetic=RUN, metrics=rows)
    )


@pytest.mark.long
def test_the_best_checkpoint_is_starred(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    workspace = Workspace.open(tmp_path / "lab")
    make_set(workspace, "real", "real", 1)
    plant_training(workspace)
    page = new_page(start(tmp_path / "lab").link(), 1366, 768)
    open_explore(page)
    assert page.locator("#explore-measures [role=group][aria-label=Full] input:checked").count() == 0, "light ones"
    page.get_by_role("tab", name="Over training", exact=True).click()
    page.get_by_text("Best by this metric: 2 kimg.").wait_for()
    page.get_by_role("button", name="Star it").click()
    page.get_by_role("button", name="Starred").wait_for()
    assert workspace.run(RUN).starred == [2000]
    page.get_by_label("Metric", exact=True).select_option("ftd")
    words = page.locator(".lab-training-words")
    words.get_by_text("not distinguishable from 1, 2 kimg").wait_for()
    page.locator(".lab-training-plot").focus()
    page.keyboard.press("End")
    assert page.locator(".lab-training-plot").get_attribute("aria-valuenow") == "3000"
    page.keyboard.press("Home")
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    with Image.open(download.value.path()) as picture:
        assert picture.size[0] > 1000 and len(picture.convert("L").getcolors()) > 10
    page.get_by_role("tab", name="Scores", exact=True).click()
    assert page.get_by_label("Checkpoint", exact=True).filter(visible=True).input_value() == "1000"
    assert page.locator(".lab-score[data-name=kid] b").inner_text() == "2.00"

    # Beside the set: the run's newest checkpoint is worse by one metric and better by the other
    page.get_by_role("tab", name="Compare", exact=True).click()
    page.locator(".lab-versus-list input[value=another]").check()
    marked = page.locator(".lab-versus-table tbody tr").filter(has=page.locator("td[data-best]"))
    page.wait_for_function("document.querySelectorAll('.lab-versus-table td[data-best]').length === 2")
    assert marked.locator("td[data-best]").all_inner_texts() == ["● 0.55 [0.45, 0.65]", "● 0.98 [0.88, 1.08]"]
    assert page.faults == []
