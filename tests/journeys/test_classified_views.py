"""A comparison looked at in a real browser: curves, phases, tuning, and from a confusion matrix to its images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engines import files
from engines.workspace import Workspace
from tests.lab.planted_comparison import CLASSIFIERS, ID, SYNTHETIC, confusion, plant


def view(page: Any, name: str) -> Any:
    """Open a view of the comparison by its tab."""
    page.locator(f"#lab-classified-tab-{name}").click()
    shown = page.locator(f"#lab-classified-{name}")
    shown.wait_for()
    return shown


def two_classes(workspace: Workspace) -> None:
    """Curves of benign images beside those of before, which name no class: they are of the class of interest."""
    file = workspace.folder("comparisons", ID) / "curves.json"
    kept = files.read_json(file)
    other = [{**one, "class": 0, "roc": {**one["roc"], "y": one["roc"]["x"], "low": [], "high": []}} for one in kept]
    files.write_json(file, [*kept, *other])


def look_at_trainings(page: Any) -> None:
    """Done, a cell has its interval; at work, the scatter of the seeds so far, which is called so."""
    cell = page.locator(f'.lab-matrix-cell[data-classifier="{CLASSIFIERS[0]}"][data-arm="phase-1"]')
    assert cell.locator("b").inner_text() == "0.74" and cell.locator("small").inner_text() == "[0.68, 0.80]"
    assert "95 % interval" in cell.get_attribute("title")
    told = page.evaluate(
        """() => {
          const matrix = new lab.classifiedViews.matrix(
            document.createElement("div"), document.createElement("div"), { measure: "auroc", chosen: {}, shown: "" });
          const row = (arm, seed, auroc) => ({ classifier: "a", arm, seed, metrics: { auroc } });
          const arms = ["real", "more", "last"].map((name) => ({ name, title: name, protocol: name, n_test: 9 }));
          const data = { live: true, state: "running", classifiers: [{ key: "a", title: "A" }], arms, seeds: 3,
            rows: [row("real", 0, 0.7), row("real", 1, 0.8), row("more", 0, 0.6)],
            summary: [], guards: [], not_done: [], headline: [], warnings: [], measures: {} };
          matrix.show(data);
          const live = [...matrix.cells.values()].map(({ button, value, spread }) =>
            [value.textContent, spread.textContent, button.title]);
          matrix.show({ ...data, live: false });
          return [matrix.said.textContent, ...live, [...matrix.cells.values()].map(({ few }) => few.textContent)];
        }"""
    )
    assert told[0] == ""
    assert told[1][:2] == ["0.750", "± 0.071 sd of 2 seeds"] and "no interval" in told[1][2]
    assert told[2][:2] == ["0.600", "1 seed"] and told[3][:2] == ["·", ""]
    assert told[4] == ["2 of 3 seeds", "1 of 3 seeds", ""]  # stopped


def in_sight(page: Any, node: Any) -> bool:
    """Whether a node is on show where it stands: neither scrolled away nor covered by what sticks to an edge."""
    return page.evaluate(  # type: ignore[no-any-return]
        """node => { const { x, y, width, height } = node.getBoundingClientRect();
          return [4, height - 4].every(down => node.contains(document.elementFromPoint(x + width / 2, y + down))); }""",
        node.element_handle(),
    )


def an_answer_stays_in_sight(page: Any) -> None:
    """A cell, a verdict and a difference are told at the foot of the panel, which is in view from the first."""
    foot = view(page, "matrix").locator(".lab-classified-foot")
    cell = page.locator(f'.lab-matrix-cell[data-classifier="{CLASSIFIERS[1]}"][data-arm="phase-1"]')
    cell.focus()
    page.keyboard.press("Enter")
    assert "hurts: AUROC −0.040" in foot.locator("p").first.inner_text()
    assert in_sight(page, cell) and cell.evaluate("node => node === document.activeElement")
    assert all(in_sight(page, button) for button in foot.get_by_role("button").all())
    assert foot.get_by_role("button").all_inner_texts() == ["Confusion", "Curves", "Images"]
    place = cell.bounding_box()
    cell.click()
    assert cell.bounding_box() == place  # what is in view does not move

    shown = view(page, "table")
    heads = shown.locator(".lab-results").first.locator("thead th").all_inner_texts()
    assert heads[0] == "Training set" and heads[1].startswith("AUROC") and heads[2].startswith("Against real alone")
    heights = shown.locator("tr[data-arm]").evaluate_all("all => all.map(row => row.offsetHeight)")
    assert heights and max(heights) < 75  # at most three lines
    page.evaluate("""() => { const panel = document.querySelector('#lab-classified-table');
      panel.querySelector('.lab-results').style.width = '1500px'; panel.scrollTo(300, 400); }""")
    assert shown.evaluate("panel => [panel.scrollLeft, panel.scrollTop].every(moved => moved > 0)")
    assert in_sight(page, shown.locator("thead th").first)
    shown.evaluate("panel => panel.scrollTo(0, 0)")
    shown.locator("[data-arm='phase-2'] .lab-results-said button").first.focus()
    page.keyboard.press("Enter")
    assert "p = 0.040 after Holm" in shown.locator(".lab-classified-foot").inner_text()
    assert in_sight(page, shown.locator("[data-arm='phase-2'] .lab-results-said button").first)

    shown = view(page, "forest")
    rows = shown.locator(".lab-forest .row")
    assert "+0.040 [+0.010, +0.070]" in rows.nth(4).text_content()
    assert rows.nth(4).locator(".verdict").get_attribute("data-verdict") == "helps"
    assert rows.nth(4).get_attribute("aria-label").startswith("Logistic regression on Texture, Phase 2")
    foot = shown.locator(".lab-classified-foot")
    for n, title in ((0, "Mean of 2 classifiers"), (rows.count() - 1, "Small CNN")):  # by keyboard, then by mouse
        rows.nth(n).focus() if n == 0 else rows.nth(n).click()
        page.keyboard.press("Enter")
        foot.get_by_text(title).wait_for()
        assert in_sight(page, foot.locator("p")) and foot.get_by_role("button").count() == (3 if n else 0)


def look_at_curves(page: Any) -> None:
    """A line for each training set in each chart; its key hides it; the cursor tells every value."""
    shown = view(page, "curves")
    charts = shown.locator(".lab-chart-plot")
    assert charts.count() == len(CLASSIFIERS)
    count = charts.first.locator(".curve").count()
    assert count == 5
    shown.locator(".lab-chart-keys button", has_text="Phase 1").click()
    assert charts.first.locator(".curve").count() == count - 1
    shown.locator(".lab-chart-keys button", has_text="Phase 1").click()
    charts.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    told = charts.first.get_attribute("aria-valuetext")
    # From left to right in twentieths: at a tenth of the false positives the planted curve is 0.1 ** 0.6.
    assert told.startswith("false positive rate 0.100;") and f"Real (TRTR) {0.1**0.6:.3f}" in told
    label = page.get_by_label("Positive class", exact=True)
    assert label.locator("option").all_inner_texts() == ["malignant", "benign"]
    label.select_option("benign")
    assert "Positive: benign." in shown.inner_text()
    charts.first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert "Real (TRTR) 0.100" in charts.first.get_attribute("aria-valuetext")
    label.select_option("malignant")
    page.get_by_label("Kind of curve").select_option("calibration")
    charts.first.focus()
    page.keyboard.press("ArrowRight")
    assert "0.050 · 8 images" in charts.first.get_attribute("aria-valuetext")


def look_at_phases_and_tuning(page: Any) -> None:
    shown = view(page, "phases")
    assert shown.locator(".band").count() == len(CLASSIFIERS) and shown.locator(".dot").count() == 6
    chart = shown.locator(".lab-chart-plot")
    chart.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    told = chart.get_attribute("aria-valuetext")
    assert told.startswith("synthetic images added 4") and "0.740 [0.680, 0.800] · no difference seen" in told
    assert "(under 0.05 mostly missed)" in told and "hurts" in told

    shown = view(page, "tuning")
    assert shown.locator("tbody tr").count() == 6 and shown.locator("tr[data-best] th").inner_text() == "5 ★"
    assert "given up early" in shown.locator("tbody tr").nth(2).inner_text()
    assert "Trial 5 of 6: log loss 0.490" in shown.inner_text()


def from_a_number_to_its_images(page: Any) -> None:
    shown = view(page, "confusion")
    cells = shown.locator(f'.lab-confusion[data-classifier="{CLASSIFIERS[1]}"][data-arm="phase-1"] button')
    counts = confusion(1, 1, 24)
    page.get_by_label("Numbers", exact=True).select_option("count")
    assert [float(text) for text in cells.locator("b").all_inner_texts()] == [value for row in counts for value in row]
    cells.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")

    gallery = page.locator(".lab-looked-list")
    rows = gallery.locator(".lab-looked-one")
    rows.first.wait_for()
    assert rows.count() >= counts[0][0]
    assert page.get_by_label("Training set", exact=True).input_value() == "phase-1"
    first = rows.first.locator(".lab-looked-figure em").all_inner_texts()
    assert first == ["real", "synthetic", "real", "synthetic", "real"]
    page.wait_for_function(
        "[...document.querySelectorAll('.lab-looked-one')].slice(0, 2).every(row =>"
        " [...row.querySelectorAll('img:not(.heat)')].every(image => image.naturalWidth))"
    )
    heat = rows.first.locator(".heat")
    assert not heat.is_visible()
    key = page.locator(".lab-classified-key", has=page.locator(".lab-looked-key"))
    assert not key.is_visible()
    page.get_by_role("button", name="Where it reacted").click()
    heat.wait_for()
    assert key.is_visible()
    assert "a class in red is not the image's own" in page.locator(".lab-view-images").inner_text()

    # One large, to the next by an arrow, and back to where one was
    rows.first.focus()
    page.keyboard.press("Enter")
    large = page.locator(".lab-looked-large")
    large.wait_for()
    index = large.get_attribute("data-index")
    assert large.locator(".lab-looked-figure").count() == 5

    # Beside it the nearest training image, or the one that is pressed
    beside = large.locator("figure").nth(1)
    assert "A real training image" in beside.inner_text()
    large.locator(".lab-looked-figure").nth(1).click()
    assert "A synthetic training image" in beside.inner_text()
    assert f"/picture/{SYNTHETIC}/" in beside.locator("img").get_attribute("src")
    assert in_sight(page, beside.locator("img")) and in_sight(page, large.get_by_role("button", name="Close"))
    page.keyboard.press("ArrowRight")
    assert large.get_attribute("data-index") != index == rows.first.get_attribute("data-index")
    page.keyboard.press("Escape")
    large.wait_for(state="detached")
    assert page.evaluate("document.activeElement.dataset.index") == rows.nth(1).get_attribute("data-index")

    rows.first.locator(".lab-looked-figure").nth(3).click()  # opens large, this training image beside it
    assert large.locator(".lab-looked-figure").nth(3).get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    large.wait_for(state="detached")

    # A classifier that is no network has no maps, and that is said
    page.get_by_label("Classifier", exact=True).filter(visible=True).select_option(CLASSIFIERS[0])
    page.get_by_text("no maps: only networks have them").wait_for()
    assert page.get_by_role("button", name="Where it reacted").is_disabled() and not key.is_visible()
    page.get_by_label("Classifier", exact=True).filter(visible=True).select_option(CLASSIFIERS[1])

    # A cell that is empty says so; one that came to pass with synthetic test images shows these
    page.get_by_label("Taken for", exact=True).select_option("1")
    page.get_by_text("No benign image was taken for malignant.").wait_for()
    page.get_by_label("Taken for", exact=True).select_option("0")
    page.get_by_label("Training set", exact=True).select_option("real_to_synthetic")
    page.wait_for_function("document.querySelector('.lab-looked-list img')?.src.includes('/picture/dreamed/')")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Predictions").click()
    lines = Path(waiting.value.path()).read_text().splitlines()
    assert len(lines) == 1 + 8 and lines[0].endswith("malignant (seed 0),benign (seed 1),malignant (seed 1)")


def test_a_comparison_is_looked_at(start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "lab")
    plant(workspace, more=True)
    two_classes(workspace)
    page = new_page(start(tmp_path / "lab").link(), 1366, 768)
    page.locator("#tab-classify-button").click()
    page.locator("#lab-classified-tab-curves").wait_for()
    look_at_trainings(page)
    look_at_curves(page)
    look_at_phases_and_tuning(page)
    from_a_number_to_its_images(page)
    an_answer_stays_in_sight(page)
    assert not page.faults
