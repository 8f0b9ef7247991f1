"""The Classify tab's form in a real browser: what it warns of, checks, keeps, and puts back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engines.records import RunRecord
from engines.workspace import Workspace
from tests.journeys.test_classify import open_classify, planted
from tests.lab.planted_comparison import REAL, SYNTHETIC, masses, plant_set

pytestmark = pytest.mark.slow


def learned_by_a_generator(workspace: Workspace, image_set: str) -> None:
    """The synthetic set comes from a run that learned from the whole of a set."""
    workspace.save("runs", RunRecord(id="dreamer", name="dreamer", method="dcgan", image_set=image_set))
    record = workspace.image_set(SYNTHETIC).record
    workspace.save("image_sets", record.model_copy(update={"parents": {"runs/dreamer/00001000": "0"}}))


@pytest.mark.long
def test_the_form_warns_checks_and_goes_back(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    workspace = planted(tmp_path / "lab")
    learned_by_a_generator(workspace, REAL)
    rows = [
        {"index": n, "item": f"o{n}", "label": ("benign", "malignant")[n % 2], "patient": f"other {n}", "split": ""}
        for n in range(24)
    ]
    plant_set(workspace, "elsewhere", "real", masses(24, first=500), rows)
    page = new_page(start(tmp_path / "lab").link(), 1366, 768)
    open_classify(page)
    line, test = page.locator(".lab-arms-line"), page.get_by_role("combobox", name="Test images")
    line.get_by_text("3 classifiers × 3 training sets × 5 seeds = 45 trainings").wait_for()

    # Test images that no generator saw stand chosen; others are warned of, and one click brings these back
    page.wait_for_function("document.querySelector('[aria-label=\\'Test images\\']').value.startsWith('Elsewhere')")
    assert not page.locator(".lab-mend").is_visible()
    test.click()
    page.get_by_role("option").first.click()
    page.locator(".lab-mend").get_by_text("learned from all").wait_for()
    page.get_by_role("button", name="Test on “Elsewhere”").click()
    page.locator(".lab-mend").wait_for(state="hidden")
    assert test.input_value().startswith("Elsewhere")

    # A list that Tab leaves is closed
    page.get_by_role("combobox", name="Real images", exact=True).focus()
    for label in ("Test images", "Class of interest"):
        page.keyboard.press("Tab")
        page.wait_for_timeout(300)
        opened = "all => all.map(one => one.getAttribute('aria-label'))"
        assert page.locator("[role=combobox][aria-expanded=true]").evaluate_all(opened) == [label]
    page.keyboard.press("Tab")

    # What cannot be used is said at its field; nothing is counted until it is mended
    page.get_by_label("Seeds", exact=True).fill("-3")
    page.keyboard.press("Tab")
    page.locator("div.validation-error").get_by_text("It must be at least 1").wait_for()
    line.get_by_text("Seeds: It must be at least 1").wait_for()
    page.get_by_label("Seeds", exact=True).fill("4")
    page.keyboard.press("Tab")
    line.get_by_text("4 seeds = 36 trainings").wait_for()
    page.locator("div.validation-error").wait_for(state="detached")
    page.get_by_label("synthetic per real image").fill("-1")
    line.get_by_text("Synthetic per real: It must be above 0").wait_for()
    page.get_by_label("synthetic per real image").fill("0.5")

    # A study keeps its name, also over a reload, says when it was changed, and gives way to what was there before
    study, mark = page.get_by_label("As in"), page.locator(".lab-arms-to small")
    study.select_option("james_2024")
    line.get_by_text("6 training sets").wait_for()
    page.reload()
    page.wait_for_selector(".lab-columns")
    open_classify(page)
    line.get_by_text("6 training sets").wait_for()
    assert study.input_value() == "james_2024" and not mark.is_visible()
    page.get_by_label("images a phase").fill("100")
    mark.wait_for()
    study.select_option("")
    line.get_by_text("3 classifiers × 3 training sets × 4 seeds = 36 trainings").wait_for()
    assert page.get_by_label("synthetic per real image").input_value() == "0.5" and not mark.is_visible()

    page.get_by_role("button", name="Back to defaults").click()
    line.get_by_text("3 classifiers × 3 training sets × 5 seeds = 45 trainings").wait_for()
    assert page.get_by_label("synthetic per real image").input_value() == "1"
    assert page.faults == []
