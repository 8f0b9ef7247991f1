"""Curation in a real browser: charts that filter, a preview, groups that look alike, versions and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engines.workspace import Workspace

pytestmark = pytest.mark.slow
PHANTOMS = 48
PATIENCE_MS = 120_000
KEPT = "Number(document.querySelector('#data-histogram strong')?.textContent.replace(/\\D/g, ''))"
LESIONS = ".lab-overview-row[data-column=label][data-value=lesion]"


def open_view(page: Any, name: str) -> None:
    page.locator(".lab-views").get_by_role("tab", name=name).click()


def make_set(page: Any) -> None:
    says = f"document.querySelector('#data-make').textContent.includes('· ' + {KEPT} + ' image')"
    page.wait_for_function(f"{says} && !document.querySelector('#data-make').disabled")
    page.locator("#data-make").click()


def wait_sets(page: Any, count: int) -> None:
    page.wait_for_function(
        "count => document.querySelectorAll('.lab-entry[data-kind=image_sets]').length === count", arg=count
    )


@pytest.mark.long
def test_choices_carry_into_sets_and_back(start: Callable[..., Any], new_page: Callable[..., Any]) -> None:
    app = start()
    workspace = Workspace.open(app.workspace)
    page = new_page(app.link())
    page.set_default_timeout(PATIENCE_MS)
    job = f'{{"kind": "demo", "title": "demo", "parameters": {{"count": {PHANTOMS}}}}}'
    page.evaluate("(body) => window.lab.post('/lab/jobs', JSON.parse(body))", job)
    page.wait_for_selector(".lab-tile >> nth=10")
    page.wait_for_function(f"document.querySelector('[data-of]').textContent.includes('{PHANTOMS}')")

    # A bar of a chart is a filter, which scores and button follow.
    open_view(page, "Overview")
    page.locator(LESIONS).click()
    page.wait_for_function(f"{KEPT} > 0 && {KEPT} <= {PHANTOMS // 2}")
    lesions = int(page.evaluate(KEPT))

    # The chosen steps on the hardest cases, before anything is made.
    page.get_by_label("Gaussian blur").check()
    page.locator("#data-look").click()
    page.wait_for_selector(".lab-preview-list li")
    shown = (
        "[...document.querySelectorAll('.lab-preview-list img')].every((img) => img.complete && img.naturalWidth > 8)"
    )
    page.wait_for_function(shown)
    assert page.locator(".lab-preview-list li").count() == min(12, lesions)

    page.get_by_label("Name of the image set").fill("Lesions")
    make_set(page)
    wait_sets(page, 1)
    (first,) = workspace.records("image_sets")
    assert first.classes == {"lesion": lesions} and first.phantoms
    assert first.parameters["where"] == {"label": ["lesion"]} and set(first.parameters["steps"]) == {"blur"}
    assert set(first.split_counts) == {"train", "validation", "test"}

    # A change makes a version that says what differs.
    page.locator(".lab-entry[data-kind=image_sets]").click()
    page.get_by_role("button", name="New version").click()
    page.get_by_text("The next set becomes version 2").wait_for()
    page.wait_for_function(f"{KEPT} === {lesions}")  # the filter, like the form, begins as it was
    open_view(page, "Overview")
    page.locator(".lab-overview-chips .lab-chip").first.click()
    page.wait_for_function(f"{KEPT} > {lesions}")
    make_set(page)
    wait_sets(page, 2)
    second = next(one for one in workspace.records("image_sets") if one.version == 2)
    assert second.replaces == first.id and second.changes and second.classes.keys() == {"lesion", "no_lesion"}
    assert set(second.parameters["steps"]) == {"blur"}

    # Going back makes the first one again, as the newest.
    page.locator(f".lab-entry[data-id='{first.id}']").click()
    page.get_by_role("button", name="Go back to this").click()
    wait_sets(page, 3)
    third = next(one for one in workspace.records("image_sets") if one.version == 3)
    assert third.replaces == second.id and third.content_sha256 == first.content_sha256

    # Groups that look alike: ticking one keeps its images only.
    page.locator(".lab-entry[data-kind=catalogues]").click()
    open_view(page, "Groups")
    page.locator("#data-find-groups").click()
    page.locator(".lab-clusters-list li >> nth=1").wait_for()
    everything = int(page.evaluate(KEPT))
    page.locator(".lab-clusters-list input").first.check()
    page.wait_for_function(f"{KEPT} > 0 && {KEPT} < {everything}")
    assert page.faults == []
