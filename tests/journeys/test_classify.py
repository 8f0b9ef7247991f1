"""The Classify tab in a real browser: a matrix is built and watched as it fills, stopped, continued, and kept."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.workspace import Workspace
from tests.lab.planted_comparison import REAL, SYNTHETIC, plant, plant_sets

pytestmark = pytest.mark.slow
TEST = 60


def planted(folder: Path) -> Workspace:
    """A real set with a test part and a synthetic one, no two images alike: equal ones would be left out as leaks."""
    workspace = Workspace.open(folder)
    plant_sets(workspace, TEST)
    noise = np.random.default_rng(0)
    for id in (REAL, SYNTHETIC):
        place = workspace.folder("image_sets", id) / "images.npy"
        images = np.load(place)
        blots = noise.normal(0, 60, (len(images), 8, 8, 1)).repeat(4, 1).repeat(4, 2)
        np.save(place, np.clip(images + blots, 0, 255).astype(np.uint8))
    return workspace


def open_classify(page: Any) -> None:
    page.get_by_role("tab", name="Classify", exact=True).first.click()
    page.wait_for_selector("#classify-arms li")


def tick(page: Any, group: str, wanted: set[str]) -> None:
    for row in page.locator(f"#classify-arms [aria-label='{group}'] li[data-name]").all():
        box = row.locator("> label > input[type=checkbox]")
        if box.is_enabled() and row.is_visible():
            box.set_checked(row.get_attribute("data-name") in wanted)


def choose(page: Any, classifiers: set[str], sets: set[str], seeds: int) -> None:
    for group in ("Light", "Medium", "Heavy"):
        tick(page, group, classifiers)
    tick(page, "What the light classifiers look at", {"pixels"})
    tick(page, "Training sets", sets)
    if "mixed" in sets:
        page.get_by_label("synthetic per real image").fill("0.25")
    page.get_by_label("Seeds", exact=True).fill(str(seeds))
    page.keyboard.press("Tab")


def getting(page: Any) -> list[str]:
    """The classes that get synthetic images."""
    boxes = page.get_by_role("group", name="Synthetic images go to").get_by_role("checkbox").all()
    return [box.get_attribute("value") for box in boxes if box.is_checked()]


def option(page: Any, classifier: str, name: str) -> Any:
    """The control of a classifier's option."""
    return page.locator(f"#classify-arms li[data-name={classifier}] [data-option={name}] :is(input, select)")


def states(page: Any) -> list[str]:
    return page.locator(".lab-matrix .lab-cell-dot").evaluate_all("all => all.map(dot => dot.dataset.state)")  # type: ignore[no-any-return]


def wait_for_dots(page: Any, state: str, count: int) -> None:
    """Until so many trainings on show are in a state."""
    page.locator(f".lab-matrix .lab-cell-dot[data-state={state}]").filter(visible=True).nth(count - 1).wait_for()


def wait_until_done(page: Any) -> None:
    page.wait_for_function("document.querySelector('.lab-classified-exports a')?.offsetParent")


@pytest.mark.long
def test_a_matrix_is_built_watched_and_kept(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    workspace = planted(tmp_path / "lab")
    page = new_page(start(tmp_path / "lab").link(), 1366, 768)
    open_classify(page)
    choose(page, {"logistic_regression"}, {"mixed", "synthetic_to_real"}, 2)
    line = page.locator(".lab-arms-line")
    line.get_by_text("1 classifier × 3 training sets × 2 seeds = 6 trainings").wait_for()
    height = page.locator(".lab-classified").bounding_box()["height"]
    page.evaluate("document.querySelector('.lab-classified').kept = true")

    # Trainings arrive one by one; nothing on the page is replaced and nothing moves
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_selector(".lab-matrix-cell")
    assert len(states(page)) == 6
    wait_until_done(page)
    assert states(page) == ["done"] * 6
    assert page.evaluate("document.querySelector('.lab-classified').kept") is True
    assert page.locator(".lab-classified").bounding_box()["height"] == height
    (record,) = workspace.records("comparisons")
    assert len(record.rows) == 6 and record.parameters["ratio"] == 0.25

    # A cell, by keyboard: its seeds and its verdict
    cell = page.locator(".lab-matrix-cell[data-arm='mixed-0.25']")
    cell.focus()
    page.keyboard.press("Enter")
    assert page.locator(".lab-matrix-seeds tbody tr").count() == 2
    verdict = cell.locator(".lab-verdict").inner_text()
    assert page.locator(".lab-matrix-details p").first.inner_text().startswith(f"{verdict}: AUROC")

    # Another measure, the table, the differences and the checks
    page.get_by_label("Measure", exact=True).filter(visible=True).select_option("accuracy")
    page.get_by_role("tab", name="Results", exact=True).click()
    assert page.locator(".lab-results tbody tr[data-arm]").count() == 3
    assert "by Accuracy" in page.locator(".lab-results thead").inner_text()
    page.get_by_role("tab", name="Differences", exact=True).click()
    page.locator(".lab-forest .row").first.focus()
    page.keyboard.press("Enter")
    page.locator(".lab-forest-words").get_by_text("Accuracy").wait_for()
    page.get_by_role("tab", name="Checks", exact=True).click()
    found = page.locator(".lab-checks li").evaluate_all("all => all.map(one => [one.dataset.guard, one.dataset.state])")
    assert ["apart", "closed"] in found and ["generator", "unknown"] in found and ["size", "open"] in found

    # Files to keep
    for name, sign in (("LaTeX", "\\toprule"), ("Markdown", "| Classifier |"), ("Report", "<h2>Methods</h2>")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name, exact=True).click()
        assert sign in download.value.path().read_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert {row["arm"] for row in rows} == {"real", "mixed-0.25", "synthetic_to_real"}
    assert page.faults == []


@pytest.mark.long
def test_options_survive_a_reload_and_reach_the_record(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    workspace = planted(tmp_path / "lab")
    page = new_page(start(tmp_path / "lab").link(), 1366, 768)
    open_classify(page)
    choose(page, {"logistic_regression", "svm_rbf"}, {"mixed"}, 2)
    page.get_by_role("button", name="Settings of Logistic regression").click()
    option(page, "logistic_regression", "c").fill("0.5")
    page.locator("li[data-name=svm_rbf] > select").select_option("james_2024")
    page.get_by_role("button", name="Settings of SVM, Gaussian kernel").click()
    assert option(page, "svm_rbf", "gamma").input_value() == "1"
    option(page, "svm_rbf", "balanced").check()
    page.get_by_role("button", name="Settings of SVM, Gaussian kernel: 1 changed").wait_for()
    page.get_by_role("group", name="Synthetic images go to").get_by_label("benign").uncheck()
    page.get_by_label("Class of interest").click()
    page.get_by_role("option", name="benign", exact=True).click()

    # What cannot be used is said at the field, and when Compare is pressed; nothing starts
    option(page, "logistic_regression", "c").fill("0")
    page.locator("[data-option=c]").get_by_text("It must be above 0").wait_for()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.locator(".toast-body").get_by_text("Logistic regression, C: It must be above 0").wait_for()
    assert page.evaluate("document.activeElement.closest('[data-option]').dataset.option") == "c"
    assert not list((tmp_path / "lab" / "jobs").glob("*"))
    page.locator(".toast-body button").first.click()
    page.get_by_role("button", name="C: back to 0.01").click()
    assert option(page, "logistic_regression", "c").input_value() == "0.01"
    option(page, "logistic_regression", "c").fill("0.5")

    # Loaded anew, the form is as it was left
    page.reload()
    page.wait_for_selector(".lab-columns")
    open_classify(page)
    page.locator(".lab-arms-line").get_by_text("2 classifiers × 2 training sets × 2 seeds = 8 trainings").wait_for()
    assert page.get_by_label("Class of interest").input_value() == "benign" and getting(page) == ["malignant"]
    assert page.get_by_label("synthetic per real image").input_value() == "0.25"
    page.get_by_role("button", name="Settings of Logistic regression: 1 changed").click()
    assert option(page, "logistic_regression", "c").input_value() == "0.5"

    # Another preset keeps what was set, and what equals it is no change
    page.locator("li[data-name=logistic_regression] > select").select_option("james_2024")
    page.get_by_role("button", name="Settings of Logistic regression: 1 changed").wait_for()
    assert option(page, "logistic_regression", "iterations").input_value() == "100"
    page.locator("li[data-name=logistic_regression] > select").select_option("")

    page.get_by_role("button", name="Compare", exact=True).click()
    wait_until_done(page)
    (record,) = workspace.records("comparisons")
    changed = {"logistic_regression@pixels": {"c": 0.5}, "svm_rbf:james_2024": {"balanced": True}}
    assert record.parameters["options"] == changed and record.parameters["seeds"] == 2
    assert record.parameters["synthetic_classes"] == ["malignant"] and record.parameters["positive"] == "benign"
    used = {one["key"]: one["options"] for one in record.classifiers}
    assert used["logistic_regression@pixels"]["c"] == 0.5 and used["svm_rbf:james_2024"]["balanced"] is True
    assert page.faults == []


@pytest.mark.long
def test_it_is_followed_through_a_reload_stopped_and_continued(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    workspace = planted(tmp_path / "lab")
    page = new_page(start(tmp_path / "lab").link(), 1920, 1080)
    open_classify(page)
    choose(page, {"random_forest", "cnn_small"}, {"mixed", "augmented"}, 15)
    page.get_by_role("button", name="Compare", exact=True).click()
    wait_for_dots(page, "done", 3)

    # Loaded anew in the middle it goes on where it is
    page.reload()
    page.wait_for_selector(".lab-columns")
    open_classify(page)
    wait_for_dots(page, "done", 5)
    assert states(page).count("running") <= 1 and "waiting" in states(page)
    page.get_by_role("button", name="Stop and keep what is done").click()
    wait_until_done(page)
    (record,) = workspace.records("comparisons")
    done = len(record.rows)
    assert 4 < done < record.cells == 90 and states(page).count("done") == done
    page.get_by_text(re.compile(rf"{done} of 90 trainings")).wait_for()

    # Continue takes what is done as it was, and the list on the left follows
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Stop and keep what is done").wait_for()
    wait_for_dots(page, "reused", done)
    page.wait_for_selector(".lab-card[aria-selected=true][data-id^='jobs/']")
    wait_for_dots(page, "done", 3)
    page.get_by_role("button", name="Stop and keep what is done").click()
    wait_until_done(page)
    (newest,) = workspace.records("comparisons")  # it takes the place of the one that was stopped earlier
    assert newest.id != record.id and len(newest.rows) > done and sum(row["reused"] for row in newest.rows) >= done
    page.wait_for_selector(f".lab-card[aria-selected=true][data-id='comparisons/{newest.id}']")

    # A new one is followed and not the one that was on show; one that cannot be made says why and can be begun again
    page.get_by_label("synthetic per real image").fill("5")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.locator(".lab-classified-empty").get_by_text("“Dreamed” has too few images of the class").wait_for()
    page.get_by_label("synthetic per real image").fill("0.2")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_selector(".lab-card[aria-selected=true][data-id^='jobs/']")
    wait_for_dots(page, "done", 3)
    page.get_by_role("button", name="Stop and keep what is done").click()
    wait_until_done(page)
    assert len(workspace.records("comparisons")) == 2
    assert page.faults == []


@pytest.mark.long
def test_what_was_compared_before_is_there(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    workspace = Workspace.open(tmp_path / "lab")
    record = plant(workspace)
    workspace.save("comparisons", record.model_copy(update={"rows": record.rows[:7]}))
    page = new_page(start(tmp_path / "lab").link(), 1366, 768)
    open_classify(page)
    page.get_by_text("7 of 12 trainings").wait_for()
    page.get_by_role("button", name="Continue").wait_for()
    assert states(page).count("waiting") == 5
    assert "helps" in page.locator(".lab-matrix").inner_text()

    # As in a study: one click, and what lacks its weights is told
    page.get_by_label("As in").select_option("james_2024")
    assert page.locator("#classify-arms li[data-name=phases] input[type=checkbox]").is_checked()
    assert page.get_by_label("images a phase").input_value() == "520"
    assert getting(page) == ["malignant"]
    assert page.locator("#classify-arms li[data-name=svm_rbf] > select").input_value() == "james_2024"

    # Without a synthetic set nothing that needs one can be ticked
    page.locator(f"#classify-arms li[data-name={SYNTHETIC}] input").uncheck()
    assert page.locator("#classify-arms li[data-name=phases] input[type=checkbox]").is_disabled()
    page.locator(".lab-arms-line").get_by_text("1 training set ×").wait_for()
    assert page.faults == []


@pytest.mark.long
def test_an_empty_workspace_says_the_next_step(start: Callable[..., Any], new_page: Callable[..., Any]) -> None:
    page = new_page(start().link(), 1366, 768)
    open_classify(page)
    assert page.get_by_role("button", name="Compare", exact=True).is_disabled()
    page.locator(".lab-classified-empty").get_by_text("No comparison yet.").wait_for()
    page.get_by_role("button", name="Open the Data tab").click()
    page.wait_for_function("document.querySelector('.lab-classified').offsetParent === null")
    assert page.faults == []
