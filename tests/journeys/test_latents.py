"""The latent space in a real browser: seeds on a map that is dragged, a strip between two, kept images in a file."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines.methods import custom_gan, cycle_gan
from engines.training import checkpoints
from engines.training.generation import Sampler
from engines.training.latents import seed_at
from engines.workspace import Workspace
from tests.engines.tasks.test_latents import close, id_of, plant

pytestmark = [pytest.mark.slow, pytest.mark.long]
RUN = id_of(custom_gan.METHOD)
KEEP = {"name": "Keep", "exact": True}


def labels(page: Any) -> list[str]:
    found: list[str] = page.locator(".lab-latent-cell").evaluate_all("all => all.map(one => one.ariaLabel)")
    return found


def wait_for_cell(page: Any, text: str) -> None:
    """Until the first image of the map is that."""
    page.wait_for_function(
        "text => (document.querySelector('.lab-latent-cell')?.ariaLabel || '').startsWith(text)", arg=text
    )


def pixels(page: Any, place: str) -> np.ndarray[Any, Any]:
    data: str = page.locator(place).evaluate("canvas => canvas.toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))) as picture:
        return np.asarray(picture.convert("L"))


def drawn(sampler: Sampler, seed: int) -> np.ndarray[Any, Any]:
    image: np.ndarray[Any, Any] = next(sampler.images([seed], [0]))[0, ..., 0]
    return image


def saved(page: Any, name: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    text: str = download.value.path().read_text()
    return text


def look_at_the_map(page: Any, sampler: Sampler) -> None:
    wait_for_cell(page, f"Seed {seed_at(0, 0, 0)}")
    assert f"Seed {seed_at(0, 1, 1)}" in labels(page)
    assert close(pixels(page, ".lab-latent-cell canvas >> nth=0"), drawn(sampler, seed_at(0, 0, 0)))
    assert page.locator(".lab-latent-truncation[data-none] input").is_disabled()

    # Dragged by a third of an image there are images between seeds, and all cells are where they were
    cells = page.locator(".lab-latent-cell")
    before = cells.first.bounding_box()
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x - 4 * step, y - 2 * step)
    page.mouse.up()
    wait_for_cell(page, "Between 4 seeds, the nearest")
    assert cells.first.bounding_box() == before

    # By keyboard: back to seeds, one to the right, and half as far apart about the selected image
    page.locator(".lab-latent-frame").focus()
    page.keyboard.press("Home")
    wait_for_cell(page, f"Seed {seed_at(0, 0, 0)}")
    page.keyboard.press("ArrowRight")
    wait_for_cell(page, f"Seed {seed_at(0, 1, 0)}")
    page.keyboard.press("Shift+ArrowRight")
    page.locator(".lab-latent-words").get_by_text(f"Seed {seed_at(0, 2, 0)}").wait_for()
    page.keyboard.press("+")
    wait_for_cell(page, "Between 2 seeds")
    assert page.locator(".lab-latent-words").inner_text() == f"Seed {seed_at(0, 2, 0)}"
    page.keyboard.press("Home")
    wait_for_cell(page, f"Seed {seed_at(0, 1, 0)}")


def look_at_the_strip(page: Any, sampler: Sampler) -> None:
    first, second = page.get_by_label("Begins at seed"), page.get_by_label("Ends at seed")
    assert first.input_value() == str(seed_at(0, 0, 0)), "from corner to corner of the first map"
    for box, seed in ((first, 11), (second, 12)):
        box.fill(str(seed))
        box.press("Enter")
    strip = page.locator(".lab-latent-strip button")
    page.wait_for_function(
        "ends => { const all = [...document.querySelectorAll('.lab-latent-strip button')];"
        " return all.length === 8 && all[0].ariaLabel === ends[0] && all[7].ariaLabel === ends[1]; }",
        arg=["Seed 11", "Seed 12"],
    )
    ends = [pixels(page, f".lab-latent-strip canvas >> nth={n}") for n in (0, 7)]
    assert close(ends[0], drawn(sampler, 11)) and close(ends[1], drawn(sampler, 12))
    strip.nth(3).click()
    assert page.locator(".lab-latent-words").inner_text().startswith("Between 2 seeds")
    second.fill("no seed")
    second.press("Enter")
    page.get_by_text("A seed is a whole number").wait_for()


def keep_images(page: Any, workspace: Workspace) -> None:
    """One from the strip, between seeds, and one from the map, a seed; the files make them again."""
    page.get_by_role("button", **KEEP).click()
    page.locator(".lab-latent-cell").first.click()
    page.locator(".lab-latent-frame").press("Enter")
    page.get_by_role("button", name="★ Kept").wait_for()
    assert page.locator(".lab-latent-cell i").first.inner_text().startswith("★")
    said = json.loads(saved(page, "Save JSON"))
    between, seed = said["images"]
    hash = checkpoints.found(workspace.folder("runs", RUN))[0].sha256
    assert {(image["run"], image["images_seen"], image["checkpoint_sha256"]) for image in said["images"]} == {
        (RUN, 1000, hash)
    }
    assert between["place"]["first"] == 11 and between["seed"] is None and len(between["weights"]) == 2
    assert seed["seed"] == seed_at(0, 1, 0) and seed["truncation"] is None
    rows = list(csv.DictReader(io.StringIO(saved(page, "Save CSV"))))
    assert rows[1]["seed"] == str(seed["seed"]) and json.loads(rows[0]["place"]) == between["place"]
    page.get_by_role("button", name="Let go of Between").click()
    assert page.locator(".lab-latent-kept li").count() == 1


def make_a_set(page: Any, workspace: Workspace) -> None:
    """The kept image as a set: the very image that its seed makes."""
    page.get_by_role("button", name="Make image set").click()
    page.get_by_text("Queued. The image set").wait_for()
    page.locator("button.lab-card", has_text="A run kept").wait_for()
    (made,) = workspace.records("image_sets")
    assert [row["seed"] for row in workspace.image_set(made.id).items] == [str(seed_at(0, 1, 0))]


def test_the_latent_space_is_looked_at(start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "lab")
    plant(workspace, cycle_gan.METHOD, ("benign", "malignant"))
    sampler = plant(workspace, custom_gan.METHOD)
    page = new_page(start(tmp_path / "lab").link(), 1366, 768)
    page.get_by_role("tab", name="Explore", exact=True).first.click()
    page.locator("button.lab-card", has_text="custom_gan").click()
    page.get_by_role("tab", name="Latent space", exact=True).click()
    look_at_the_map(page, sampler)
    look_at_the_strip(page, sampler)
    keep_images(page, workspace)
    make_a_set(page, workspace)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    # The job is no work of the queue; when it ends it leaves nothing, and the next wish starts another
    state = page.evaluate("fetch('/lab/state').then(answer => answer.json())")
    assert (state["active"]["kind"], state["queue"], state["busy_count"]) == ("generate", [], 0)
    (job,) = [id for id in workspace.ids("jobs") if id.startswith("latent-space")]
    page.evaluate("id => lab.post(`/lab/jobs/${id}/discard`)", job)
    page.locator(".lab-latent-frame").press("ArrowRight")
    wait_for_cell(page, f"Seed {seed_at(0, 2, 0)}")
    assert len(workspace.ids("jobs")) == 2, "the drawing and the set"

    # A run that translates has none, and says so
    page.locator("button.lab-card", has_text="cycle_gan").click()
    page.get_by_text("This run has no latent space.").wait_for()
    assert page.locator(".lab-latent-body").is_hidden()
    assert page.faults == []
