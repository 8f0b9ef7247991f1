"""The form of the next run in a real browser: methods as cards, the dial, and settings as a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import files, registry
from engines.records import ImageSetRecord
from engines.workspace import Workspace
from lab.components import methods
from tests.journeys.test_train import SET, draw_set, open_train, wait_state

pytestmark = pytest.mark.slow
USUAL, FEW = "custom_gan", "few-images"


def add_set(workspace: Workspace, id: str, images: int) -> None:
    """A second set, too small for any method."""
    record = ImageSetRecord(
        id=id, name=id, origin="real", items=images, kept=images, width=64, height=64, channels=1, dtype="uint8",
    )  # fmt: skip
    with files.new_folder(workspace.folder("image_sets", id)) as place:
        np.save(place / "images.npy", np.zeros((images, 64, 64, 1), np.uint8))
        files.write_csv(
            place / "items.csv", [{"item": f"{n:06d}", "label": ""} for n in range(images)], ["item", "label"]
        )
        workspace.save("image_sets", record, place)


def another_method(record: ImageSetRecord) -> dict[str, Any]:
    """The lightest other method that can learn the set."""
    said = registry.describe()
    cards = json.loads(methods.value(said, record, USUAL, 0))["methods"]
    able = [card for card in cards if card["name"] != USUAL and not card["trouble"]]
    if not able:
        pytest.skip("there is one method only")
    return dict(able[0])


def choose(page: Any, name: str) -> None:
    """Pick a method with the pointer."""
    page.locator(".lab-method").click()
    page.locator(f".lab-method-option[data-name={name}]").click()


def wait_drawn(page: Any, title: str) -> None:
    """Until the card shows the method, and the settings below it are drawn."""
    page.wait_for_function("title => document.querySelector('.lab-method b').textContent === title", arg=title)
    page.get_by_role("button", name="Start now").wait_for()


def load(page: Any, data: bytes) -> None:
    file = {"name": "settings.json", "mimeType": "application/json", "buffer": data}
    page.locator(".lab-files input[type=file]").set_input_files(file)


def choose_set(page: Any, name: str) -> None:
    page.get_by_role("combobox", name="Image set").click()
    page.get_by_role("option", name=name).click()


def judged_as(page: Any, words: str) -> None:
    page.wait_for_function(
        "words => document.querySelector('.lab-method-judged').textContent.startsWith(words)", arg=words
    )


def preset(page: Any) -> str:
    return str(page.evaluate("document.querySelector('.lab-presets input:checked').value"))


@pytest.mark.long
def test_settings_of_another_method_are_saved_and_loaded(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    workspace = draw_set(tmp_path / "lab")
    other = another_method(workspace.image_set(SET).record)
    app = start(tmp_path / "lab")
    page = new_page(app.link())
    open_train(page)

    # By keyboard: the card opens the picker on its own method, letters search, Enter chooses
    usual = page.locator(".lab-method b").inner_text()
    assert preset(page) in ("quick_look", "standard")
    page.locator(".lab-method").focus()
    page.keyboard.press("Enter")
    chosen = page.locator(".lab-method-option[aria-selected=true]")
    assert chosen.get_attribute("data-name") == USUAL
    assert page.evaluate("document.activeElement.dataset.name") == USUAL
    page.keyboard.type(other["name"], delay=10)
    assert page.locator(".lab-methods-search").input_value() == other["name"]
    page.keyboard.press("ArrowDown")
    page.locator(f".lab-method-option[data-name={other['name']}]").focus()
    page.keyboard.press("Enter")
    wait_drawn(page, other["title"])
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.className") == "lab-method"

    # A tiny run
    page.locator(".lab-presets input[value=tiny]").check()
    page.wait_for_function("document.querySelector('#train-preset-about').textContent.includes('machinery')")
    page.locator(".lab-budget input[value=images]").check()
    page.wait_for_function("document.querySelector('.lab-budget input[type=number]').value === '100000'")
    page.locator(".lab-budget input[type=number]").fill("64")
    page.locator(".lab-all-settings > .label-wrap").filter(visible=True).click()
    page.get_by_label("Sheet columns").fill("4")
    page.get_by_label("Only class").fill("disc")
    page.get_by_label("Only class").press("Tab")
    page.get_by_role("button", name="Start now").click()
    page.locator(".lab-runs-run").wait_for()
    wait_state(page, "done")
    run = next((app.workspace / "runs").iterdir())
    made = json.loads((run / "run.json").read_text())
    assert (made["method"], made["preset"], made["image_set"]) == (other["name"], "tiny", SET)

    # Saved: what was chosen, and no name of anything
    with page.expect_download() as download:
        page.get_by_role("button", name="Save settings").click()
    saved = download.value.path()
    assert download.value.suggested_filename == f"{other['name']}-tiny-settings.json"
    content = json.loads(saved.read_text())
    assert (content["method"], content["preset"], content["budget"]) == (other["name"], "tiny", {"images": 64})
    assert content["training"] == {"sheet_columns": 4}
    assert SET not in saved.read_text() and "disc" not in saved.read_text()

    # Loaded into the form of another method; the buttons below still work
    choose(page, USUAL)
    wait_drawn(page, usual)
    page.locator(".lab-budget input[value=minutes]").check()
    page.wait_for_function("document.querySelector('.lab-budget input[type=number]').value === '15'")
    load(page, saved.read_bytes())
    wait_drawn(page, other["title"])
    page.wait_for_function("document.querySelector('.lab-budget input[type=number]').value === '64'")
    assert page.locator(".lab-budget input:checked").get_attribute("value") == "images"
    assert preset(page) == "tiny"
    page.locator(".lab-all-settings > .label-wrap").filter(visible=True).click()
    assert page.get_by_label("Sheet columns").input_value() == "4"
    page.get_by_role("button", name="Copy command").click()
    page.wait_for_function(
        "words => [...document.querySelectorAll('textarea')].some(area => area.value.includes(words))",
        arg=f"--method {other['name']} --preset tiny --images 64",
    )

    # The same file again after a change, and a file that is none
    page.get_by_label("Sheet columns").fill("6")
    page.get_by_label("Sheet columns").press("Tab")
    load(page, saved.read_bytes())
    page.wait_for_function("!document.querySelector('textarea')?.value.includes('--preset tiny')")
    page.locator(".lab-all-settings > .label-wrap").filter(visible=True).click()
    assert page.get_by_label("Sheet columns").input_value() == "4"
    load(page, json.dumps({**content, "training": {"sheet_columns": 400}}).encode())
    page.get_by_text("Sheet columns: It must be").wait_for()
    assert page.get_by_label("Sheet columns").input_value() == "4" and preset(page) == "tiny"
    assert page.faults == []


@pytest.mark.long
def test_a_method_that_cannot_learn_the_chosen_set_says_so(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    add_set(draw_set(tmp_path / "lab"), FEW, 5)
    app = start(tmp_path / "lab")
    page = new_page(app.link())
    open_train(page)
    choose_set(page, "discs")
    judged_as(page, "This set has 48 images; 500 or more are recommended.")
    choose_set(page, FEW)
    judged_as(page, "Needs at least 16 images; this set has 5.")
    page.get_by_role("button", name="Start now").click()
    page.get_by_text("cannot learn “few-images”").wait_for()
    assert not list((app.workspace / "runs").iterdir())

    # Greyed in the picker, named with its reason, and not to be chosen by pointer or key
    page.locator(".lab-method").click()
    options = page.locator(".lab-method-option")
    assert options.count() == page.locator(".lab-method-option[aria-disabled=true]").count() > 0
    first = options.first
    assert "this set has" in first.locator(".lab-method-trouble").inner_text()
    first.click(force=True)
    page.keyboard.press("Enter")
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('dialog[open]')")

    choose_set(page, "discs")
    judged_as(page, "This set has 48 images")

    # What it would take: told without a run
    page.locator("#train-estimate").click()
    told = page.locator(".lab-estimate span", has_text=re.compile("^15 min: about .* images, .* GB are free"))
    told.wait_for()
    assert not list((app.workspace / "runs").iterdir())
    assert page.faults == []
