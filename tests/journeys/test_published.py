"""A study in a real browser: one click sets the form as it was, and its printed numbers stand beside ours."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engines.workspace import Workspace
from tests.lab.test_classified_published import KEYS, renamed

pytestmark = [pytest.mark.slow, pytest.mark.long]


def test_a_study_is_chosen_and_its_numbers_are_looked_at(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    workspace = Workspace.open(tmp_path / "studied")
    workspace.save("comparisons", renamed(workspace, KEYS))
    page = new_page(start(workspace.path).link())
    page.locator("#tab-classify-button").click()
    page.locator("#lab-classified-tab-published").click()
    shown = page.locator("#lab-classified-published")
    cell = shown.locator('tr[data-classifier="cnn_small:james_2024"][data-arm="phase-2"] td').nth(1)
    assert cell.locator("b").inner_text() == "0.73" and cell.locator("small").inner_text() == "printed 0.88"
    assert "no mark to be reached" in shown.inner_text()
    with page.expect_download() as saved:
        page.get_by_role("group", name="Save these tables").get_by_text("CSV").click()
    rows = list(csv.DictReader(saved.value.path().read_text().splitlines()))
    assert len(rows) == 12 and {row["study"] for row in rows} == {"james_2024"}

    # The engine's words come some seconds after a first start.
    study = page.get_by_label("As in", exact=True)
    study.wait_for(timeout=60_000)
    study.select_option("al_bouhairi")
    page.get_by_role("button", name="All settings").last.click()
    trials = page.get_by_label("Tuning trials")
    page.wait_for_function("field => field.value === '20'", arg=trials.element_handle())
    study.select_option("james_2024")
    page.wait_for_function("field => field.value === '0'", arg=trials.element_handle())
    assert page.locator("#classify-arms li[data-name='phases'] input[type=checkbox]").is_checked()
    assert not page.faults
