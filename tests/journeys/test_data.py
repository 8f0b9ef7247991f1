"""The Data tab in a real browser: from a folder of pictures to an image set, by mouse and by keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines import decisions, files
from engines.records import CatalogueRecord
from engines.workspace import Workspace

MANY = 10_000
WORDS = "document.querySelector('#data-work [data-words]')?.textContent"
KEPT = "Number(document.querySelector('#data-histogram strong')?.textContent.replace(/\\D/g, ''))"
LOOKED = "document.querySelector('[data-looked]')?.textContent"


def breast(rng: np.random.Generator, width: int, cut: bool) -> Image.Image:
    """A bright half ellipse on the left edge, whole or cut off at the bottom."""
    y, x = np.mgrid[:256, :192]
    radius = np.hypot(x / width, (y - (215 if cut else 128)) / 95)
    strands = np.kron(rng.normal(0, 25, (16, 12)), np.ones((16, 16)))  # no two are near copies
    tissue = np.where(radius < 1, 90 + 90 * np.sqrt(np.clip(1 - radius**2, 0, 1)) + strands, 4)
    return Image.fromarray(np.clip(tissue + rng.normal(0, 2, tissue.shape), 0, 255).astype(np.uint8))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Class folders with eight drawn breasts, one of them cut off, and a file that is no picture."""
    folder = tmp_path / "films"
    rng = np.random.default_rng(1)
    for index in range(8):
        label = ("benign", "malignant")[index % 2]
        (folder / label).mkdir(parents=True, exist_ok=True)
        breast(rng, 105 + 4 * index, cut=index == 0).save(folder / label / f"film{index}.png")
    (folder / "benign" / "broken.png").write_bytes(b"this is no picture")
    return folder


@pytest.fixture
def many(tmp_path: Path) -> Workspace:
    """A workspace with a catalogue of ten thousand scored images (without thumbnails)."""
    workspace = Workspace.open(tmp_path / "many")
    folder = workspace.folder("catalogues", "many")
    (folder / "analysis").mkdir(parents=True)
    items = [{"item": f"{n + 1:06d}", "label": "normal", "width": 100, "height": 200} for n in range(MANY)]
    files.write_csv(folder / "items.csv", items, ("item", "label", "width", "height"))
    rows = ({"item": row["item"], "label": "normal", "shape_confidence": n / MANY} for n, row in enumerate(items))
    files.write_csv(folder / "analysis" / "curation.csv", rows, ("item", "label", "shape_confidence", "reason"))
    name = "<img src=x onerror=window.ran=1>${window.ran=1}"
    workspace.save("catalogues", CatalogueRecord(id="many", name=name, layout="folder", items=MANY))
    return workspace


def drag(page: Any, share: float) -> None:
    """Drag the threshold line to a share of the histogram's width."""
    line = page.locator("#data-histogram [role=slider]").bounding_box()
    plot = page.locator("#data-histogram [data-plot]").bounding_box()
    page.mouse.move(line["x"] + 1, line["y"] + 30)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * share, line["y"] + 35, steps=8)
    page.mouse.up()


def current(page: Any) -> str:
    """The item that the keys go to."""
    return str(page.locator(".lab-tile[aria-selected=true]").get_attribute("data-item"))


def test_from_a_folder_to_an_image_set(app: Any, page: Any, pictures: Path) -> None:
    page.wait_for_selector("[data-empty]:has-text('Next step')")

    page.get_by_role("button", name="Add a folder").click()
    page.get_by_label("Folder on this computer").fill("/no/such/folder")
    page.locator("#data-add").click()
    page.wait_for_selector("text=There is no such folder")
    page.get_by_label("Folder on this computer").fill(f'"{pictures}"')
    page.locator("#data-add").click()
    page.wait_for_function(f"{WORDS}?.startsWith('Added 8 images')")
    assert "1 file refused" in page.evaluate(WORDS)
    page.wait_for_selector(".lab-tile >> nth=7")
    workspace = Workspace.open(app.workspace)
    (catalogue,) = workspace.records("catalogues")
    page.get_by_role("tab", name="Refused · 1").click()
    page.get_by_text("broken.png").filter(visible=True).first.wait_for()
    page.get_by_role("tab", name="Pictures").click()

    # The threshold moves by mouse and by keys, and every count follows.
    page.wait_for_function(f"{KEPT} > 0")
    drag(page, 0.02)
    page.wait_for_function(f"{KEPT} === 8")
    page.wait_for_function("document.querySelector('#data-make').textContent.includes('· 8 images')")
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('#data-histogram [role=slider]').ariaValueNow === '1.00'")
    page.keyboard.press("Home")
    page.wait_for_function(f"{KEPT} === 8")

    # Accept, reject with a reason, undo: on the screen at once, and in the journal.
    page.locator(".lab-tile").first.click()
    first = current(page)
    page.keyboard.press("r")
    second = current(page)
    assert second != first, "a verdict moves on to the next image"
    page.keyboard.press("3")
    page.keyboard.press("a")
    page.wait_for_function(f"{LOOKED} === '3' && {KEPT} === 6")
    page.keyboard.press("u")
    page.wait_for_function(f"{LOOKED} === '2'")
    folder = workspace.folder("catalogues", catalogue.id)
    journal = folder / decisions.DECISIONS_FILE
    while len(journal.read_text().splitlines() if journal.exists() else []) < 4:
        page.evaluate("new Promise(requestAnimationFrame)")
    assert decisions.current(folder) == {first: ("reject", ""), second: ("reject", "marker text")}
    page.wait_for_function("document.querySelector('#data-make').textContent.includes('· 6 images')")

    page.locator("#data-make").click()
    page.wait_for_selector(".lab-entry[data-kind=image_sets]:has-text('Pictures')")
    page.wait_for_function(f"{WORDS}?.startsWith('Made')")
    (made,) = workspace.records("image_sets")
    assert made.items == 6, "the set holds as many images as the button said"
    kept = {row["item"] for row in workspace.image_set(made.id).items}
    assert not kept & {first, second}

    # Catalogue and set may share their id and items: the pictures must be the set's own.
    assert made.id == catalogue.id
    page.locator(".lab-entry[data-kind=image_sets]").click()
    page.wait_for_function("document.querySelectorAll('.lab-tile img[src*=\"/image_sets/\"]').length === 6")
    page.wait_for_function("document.querySelectorAll('.lab-tile').length === 6")
    page.locator(".lab-entry[data-kind=catalogues]").click()
    page.wait_for_function("document.querySelectorAll('.lab-tile img[src*=\"/catalogues/\"]').length === 8")
    assert page.faults == []

    # After a reload everything is as it was left on the disk.
    page.reload()
    page.wait_for_function(f"{LOOKED} === '2'")
    page.wait_for_selector(".lab-entry[data-kind=image_sets]:has-text('Pictures')")


@pytest.mark.long
def test_cancelling_an_import_is_said_and_leaves_nothing(app: Any, page: Any) -> None:
    job = '{"kind": "demo", "title": "demo", "parameters": {"count": 640}}'
    page.evaluate("(body) => window.lab.post('/lab/jobs', JSON.parse(body))", job)
    page.wait_for_function(f"/[1-9]/.test({WORDS})")  # it counts what it has drawn
    page.locator("#data-work [data-cancel]").click()
    page.wait_for_function("document.querySelector('#data-work [data-cancel]').textContent === 'Dismiss'")
    assert page.evaluate(WORDS).endswith("Nothing was changed.")
    page.locator("#data-work [data-cancel]").click()
    page.wait_for_selector("[data-empty]:has-text('Next step')")
    assert not list(Workspace.open(app.workspace).records("catalogues"))
    assert page.faults == []


@pytest.mark.long
def test_ten_thousand_images_and_a_decision_that_is_not_saved(
    start: Callable[..., Any], new_page: Callable[..., Any], many: Workspace
) -> None:
    app = start(many.path)
    page = new_page(app.link(), 1366, 768)
    page.wait_for_function(f"{KEPT} === 2500")
    assert page.evaluate("window.ran") is None and page.locator(".lab-entry b").inner_text().startswith("<img")

    page.locator("select[aria-label='Order of the images']").select_option("item")
    page.locator(".lab-tile").first.click()
    page.keyboard.press("End")
    page.wait_for_selector(".lab-tile[data-item='010000'][aria-selected=true]")
    assert page.evaluate("document.querySelectorAll('.lab-tile').length") < 100
    page.keyboard.press("Home")
    page.wait_for_selector(".lab-tile[data-item='000001'][aria-selected=true]")
    page.keyboard.press("ArrowRight")
    assert current(page) == "000002"

    page.keyboard.press(" ")
    page.wait_for_selector(".lab-zoom.lab-open")
    page.mouse.move(600, 300)
    page.mouse.down()
    page.mouse.move(400, 360, steps=4)
    page.mouse.up()
    page.wait_for_function("!document.querySelector('.lab-zoom [data-window]').textContent.includes('0–100 %')")
    page.keyboard.press("i")
    page.wait_for_function("document.querySelector('.lab-zoom [data-window]').textContent.includes('inverted')")
    page.keyboard.press("Escape")
    page.wait_for_selector(".lab-tile[data-item='000002']:focus")

    answer = {"error": "The disk is full.", "advice": "Free some space."}
    page.route("**/lab/decide", lambda route: route.fulfill(status=507, body=json.dumps(answer)))
    page.keyboard.press("a")
    page.wait_for_selector("[data-problem]:has-text('The disk is full. Free some space.')")
    page.wait_for_selector(".lab-tile[data-item='000002'][data-verdict=none]")
    assert page.evaluate(LOOKED) == "0"
    page.unroute("**/lab/decide")
    page.keyboard.press("a")
    page.wait_for_selector(".lab-tile[data-item='000003'][data-verdict=accept]")
    page.wait_for_function("document.querySelector('[data-problem]').textContent === ''")
    assert decisions.current(many.folder("catalogues", "many")) == {"000003": ("accept", "")}

    page.locator("[data-mode=best]").click()
    page.get_by_label("Number of images to keep").fill("120")
    page.wait_for_function(f"{KEPT} === 120")
    assert page.faults == []
