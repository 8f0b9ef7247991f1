"""The review in a real browser: by keyboard alone, a mark a second and faster, none lost, all of it undone."""

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

COUNT = 66
COLUMNS = (
    "item", "label", "patient", "shape_confidence", "closed", "edge", "solid", "ellipse", "smooth", "area", "reason",
)  # fmt: skip
PARTS = {"closed": 0.31, "edge": 0.9, "solid": 1, "ellipse": 0.85, "smooth": 0.6, "area": 1}
DECIDED = "Number(document.querySelector('[data-looked]')?.textContent.replace(/\\D/g, '') || -1)"
CURRENT = "document.querySelector('.lab-tile[aria-selected=true]')?.dataset.item"


def row(number: int) -> dict[str, Any]:
    score = 0.30 + number / 100
    reason = "cut off below" if score < 0.75 else ""
    return {
        "item": f"{number:06d}",
        "label": "normal",
        "patient": f"p{number}",
        "shape_confidence": score,
        "reason": reason,
        **PARTS,
    }


@pytest.fixture
def reviewed(tmp_path: Path) -> Workspace:
    """A workspace with scored pictures of 12 bits; the last three of them look alike."""
    workspace = Workspace.open(tmp_path / "reviewed")
    folder = workspace.folder("catalogues", "films")
    (folder / "analysis" / "thumbnails").mkdir(parents=True)
    ramp = np.linspace(0, 4095, 1500 * 1100).reshape(1500, 1100)
    for number in range(1, COUNT + 1):
        pixels = np.roll(ramp, 20 * number, axis=0).astype(np.uint16)
        if number < 4:
            Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        small = Image.fromarray((pixels[::6, ::6] >> 4).astype(np.uint8))
        small.save(folder / "analysis" / "thumbnails" / f"{number:06d}.webp")
    items = [{"item": f"{n:06d}", "label": "normal", "width": 1100, "height": 1500} for n in range(1, COUNT + 1)]
    files.write_csv(folder / "items.csv", items, ("item", "label", "width", "height"))
    sources = [{"item": f"{n:06d}", "path": str(tmp_path / f"{n}.png")} for n in range(1, COUNT + 1)]
    files.write_csv(folder / "sources.csv", sources, ("item", "path"))
    files.write_csv(folder / "analysis" / "curation.csv", [row(n) for n in range(1, COUNT + 1)], COLUMNS)
    files.write_json(folder / "analysis" / "groups.json", [[f"{n:06d}" for n in (COUNT - 2, COUNT - 1, COUNT)]])
    workspace.save("catalogues", CatalogueRecord(id="films", name="Films", layout="folder", items=COUNT))
    return workspace


def journal(workspace: Workspace) -> list[dict[str, Any]]:
    """The decisions on disk. One that was on its way when its page went is sent twice, under one number."""
    lines: list[dict[str, Any]] = files.read_jsonl(workspace.folder("catalogues", "films") / decisions.DECISIONS_FILE)
    return list({(line["client"], line["seq"]): line for line in lines}.values())


def wait_for_lines(page: Any, workspace: Workspace, count: int) -> None:
    """Until the journal holds that many decisions; the page has 30 s for it."""
    for _ in range(1800):
        if len(journal(workspace)) >= count:
            break
        page.wait_for_timeout(16)  # needs no page of its own: the app may load it anew when it comes back
    assert len(journal(workspace)) == count


def open_at(new_page: Callable[..., Any], app: Any) -> Any:
    page = new_page(app.link(), 1366, 768)
    page.wait_for_function(f"{DECIDED} === 0")
    page.wait_for_selector(".lab-tile img")
    return page


@pytest.mark.long
def test_sixty_decisions_by_keyboard_survive_a_kill_and_are_all_undone(
    start: Callable[..., Any], new_page: Callable[..., Any], reviewed: Workspace
) -> None:
    app = start(reviewed.path)
    page = open_at(new_page, app)
    shown = page.evaluate("[...document.querySelectorAll('.lab-tile')].map((tile) => tile.dataset.item)")
    assert shown[:3] == ["000045", "000044", "000046"], "nearest to the line first"
    keys = [("a", "accept", ""), ("r", "reject", ""), ("3", "reject", "marker text"), ("a", "accept", "")] * 15
    expected: dict[str, tuple[str, str]] = {}
    for key, verdict, reason in keys:
        expected[page.evaluate(CURRENT)] = (verdict, reason)
        page.keyboard.press(key)
    assert len(expected) == 60, "every key marked an image of its own"
    page.wait_for_function(f"{DECIDED} === 60")
    wait_for_lines(page, reviewed, 60)
    folder = reviewed.folder("catalogues", "films")
    assert decisions.current(folder) == expected

    # The app dies without a word; a mark made meanwhile waits in the page and is sent when the app is back.
    app.process.kill()
    app.process.wait()
    assert decisions.current(folder) == expected
    page.keyboard.press("a")
    # The sixtieth may be on the disk while its answer died with the app: the page then counts two, and sends it again.
    page.wait_for_selector("[data-problem]:text-matches('^(1 mark is|2 marks are) not saved yet')")
    assert len(journal(reviewed)) == 60 and page.evaluate(DECIDED) == 61
    start(reviewed.path, int(app.url.rsplit(":", 1)[1]))
    wait_for_lines(page, reviewed, 61)
    page.wait_for_function("document.querySelector('[data-problem]')?.textContent === ''")

    # Undo goes back through all of it, also through what was marked before the page was loaded anew.
    page.reload()
    page.wait_for_function(f"{DECIDED} === 61")
    for _ in range(70):  # more often than there are marks
        page.keyboard.press("u")
    page.wait_for_function(f"{DECIDED} === 0 && document.querySelector('[data-act=undo]').disabled")
    wait_for_lines(page, reviewed, 122)
    assert decisions.current(folder) == {}
    assert page.faults == []


@pytest.mark.long
def test_a_mark_that_a_page_could_not_send_is_sent_by_the_next(
    start: Callable[..., Any], new_page: Callable[..., Any], reviewed: Workspace
) -> None:
    page = open_at(new_page, start(reviewed.path))
    page.route("**/lab/decide", lambda route: route.abort())
    marked = page.evaluate(CURRENT)
    page.keyboard.press("4")
    page.wait_for_selector("[data-problem]:has-text('1 mark is not saved yet')")
    page.unroute("**/lab/decide")
    page.reload()
    page.wait_for_function(f"{DECIDED} === 1")
    wait_for_lines(page, reviewed, 1)
    assert decisions.current(reviewed.folder("catalogues", "films")) == {marked: ("reject", "blur")}
    page.keyboard.press("u")
    page.wait_for_function(f"{DECIDED} === 0")


@pytest.mark.long
def test_the_large_view_has_the_grey_depth_and_says_why(
    start: Callable[..., Any], new_page: Callable[..., Any], reviewed: Workspace
) -> None:
    page = open_at(new_page, start(reviewed.path))
    page.locator("select[aria-label='Order of the images']").select_option("item")
    page.keyboard.press("Tab")  # away from the list, as a reader without a mouse would
    page.locator("[data-scroller]").focus()
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    page.wait_for_selector(".lab-zoom [data-picture]:not([hidden])")
    window = "document.querySelector('.lab-zoom [data-window]').textContent"
    size = page.evaluate(
        "(() => { const c = document.querySelector('[data-picture]'); return [c.width, c.height]; })()"
    )
    assert max(size) >= 1024
    assert page.evaluate(window).endswith("of 0–65,535"), "a 16-bit PNG says its stored greys"
    assert "1100 × 1500 px, 16 bit" in page.inner_text(".lab-zoom [data-size]")
    parts = page.inner_text(".lab-zoom [data-parts]")
    for words in ("0.31", "cut off by an edge of the film", "takes 30 %", "cut off below", "the outline is uneven"):
        assert words in parts, words

    # A narrow window shows greys that eight bits would merge: the same canvas, other pixels.
    greys = """() => {
      const canvas = document.querySelector('[data-picture]');
      const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      return new Set(data.filter((_, at) => at % 4 === 0)).size;
    }"""
    page.evaluate("window.kept = document.querySelector('[data-picture]')")
    page.evaluate("lab.window.set(0.5, 0.02)")
    page.wait_for_function(f"/width 8\\d /.test({window})")
    page.evaluate("new Promise(requestAnimationFrame)")
    assert page.evaluate(greys) > 70, "about 81 stored greys, where a thumbnail would have five"
    page.keyboard.press("i")
    page.wait_for_function(f"{window}.endsWith('inverted')")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").get_by_text("next of images that look alike").wait_for()
    page.keyboard.press("Escape")

    page.keyboard.press("2")
    page.wait_for_selector(".lab-zoom [data-title]:has-text('000002')")
    page.wait_for_selector(".lab-zoom [data-picture]:not([hidden])")
    page.keyboard.press("End")
    page.wait_for_selector(".lab-zoom [data-alike]:has-text('3 of 3 alike')")
    page.wait_for_selector(".lab-zoom [data-size]:has-text('Only the thumbnail is shown')")
    page.keyboard.press("g")
    page.wait_for_selector(".lab-zoom [data-alike]:has-text('1 of 3 alike')")
    assert page.evaluate("window.kept === document.querySelector('[data-picture]')")
    page.keyboard.press("Escape")
    page.wait_for_selector(f".lab-tile[data-item='{COUNT - 2:06d}']:focus")
    assert decisions.current(reviewed.folder("catalogues", "films")) == {"000001": ("reject", "implant")}
    assert page.faults == []


@pytest.mark.long
def test_filters_keep_the_place_and_groups_stand_side_by_side(
    start: Callable[..., Any], new_page: Callable[..., Any], reviewed: Workspace
) -> None:
    page = open_at(new_page, start(reviewed.path))
    chip = page.locator(".lab-chips [data-filter]:visible")
    assert [text.replace("\n", " ") for text in chip.all_inner_texts()] == [
        "All 66", "Doubtful 11", "Kept 22", "Left out 44", "Accepted 0", "Rejected 0", "Alike 3",
    ]  # fmt: skip
    page.locator("[data-filter=alike]").click()
    page.wait_for_function("document.querySelectorAll('.lab-tile').length === 3")
    assert page.locator(".lab-alike:visible").all_inner_texts() == ["1 of 3 alike", "2 of 3 alike", "3 of 3 alike"]
    page.locator("[data-filter=kept]").click()
    page.wait_for_function("document.querySelectorAll('.lab-tile').length === 22")
    first = page.evaluate(CURRENT)
    page.keyboard.press("r")
    page.wait_for_selector(f".lab-tile[data-item='{first}'][data-verdict=reject]")
    assert page.evaluate("document.querySelectorAll('.lab-tile').length") == 22, "marking moves nothing"
    page.wait_for_function("document.querySelector('[data-count=kept]').textContent === '21'")
    page.locator("[data-filter=reject]").click()
    page.wait_for_function(f"document.querySelectorAll('.lab-tile').length === 1 && {CURRENT} === '{first}'")
    assert page.faults == []


@pytest.mark.long
def test_two_readers_are_blind_to_one_another_and_then_look_together(
    start: Callable[..., Any], new_page: Callable[..., Any], reviewed: Workspace
) -> None:
    app = start(reviewed.path)
    page = open_at(new_page, app)
    folder = reviewed.folder("catalogues", "films")

    def reads(name: str, keys: str) -> None:
        page.get_by_label("Reading as").fill(name)
        page.keyboard.press("Enter")
        page.wait_for_function(f"{DECIDED} === 0")
        page.keyboard.press("Home")
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_function(f"{DECIDED} === {len(keys)}")

    reads("Amal", "aaar1r")
    reads("Karim", "aararr")
    wait_for_lines(page, reviewed, 12)
    assert decisions.readers(folder) == {"Amal": 6, "Karim": 6}
    page.reload()
    page.wait_for_function(f"{DECIDED} === 6")
    assert page.get_by_label("Reading as").input_value() == "Karim"

    page.get_by_role("button", name="Agreement").click()
    shown = page.get_by_role("dialog", name="Agreement of two readers")
    shown.locator("[data-kappa]").wait_for()
    found = decisions.agreement(folder, "Karim", "Amal")
    assert found.both == 6 and len(found.differ) == 2 and found.kappa == pytest.approx(1 / 3)
    assert "Cohen's kappa 0.33" in shown.inner_text() and "the interval is rough" in shown.inner_text()
    shown.get_by_role("button", name="Look at them together").click()
    page.wait_for_function("document.querySelectorAll('.lab-tile').length === 2")
    assert "Karim" in page.locator(".lab-caption").first.inner_text()
    page.keyboard.press("r")
    page.keyboard.press("r")
    wait_for_lines(page, reviewed, 14)
    held = decisions.current(folder)
    assert all(held[item][0] == "reject" for item in found.differ)
    assert page.faults == []


@pytest.mark.long
def test_the_grid_follows_an_analysis_that_grows_without_losing_its_place(
    start: Callable[..., Any], new_page: Callable[..., Any], reviewed: Workspace
) -> None:
    folder = reviewed.folder("catalogues", "films")
    part = folder / "analysis.part"
    (folder / "analysis").rename(part)
    table = part / "curation.csv"
    whole = table.read_bytes().splitlines(keepends=True)
    table.write_bytes(b"".join(whole[:41]))
    page = open_at(new_page, start(reviewed.path))
    page.wait_for_function("document.querySelector('[data-of]').textContent === ' of 40 decided'")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("a")
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"{DECIDED} === 1")
    wait_for_lines(page, reviewed, 1)
    places = "[...document.querySelectorAll('.lab-tile')].map((tile) => [tile.dataset.place, tile.dataset.item])"
    before = page.evaluate(places)
    page.evaluate("window.kept = [document.activeElement, document.activeElement.querySelector('img')]")
    with open(table, "ab") as file:
        file.write(b"".join(whole[41:]))
    page.wait_for_function(f"document.querySelector('[data-of]').textContent === ' of {COUNT} decided'")
    page.evaluate("new Promise(requestAnimationFrame)")
    inside = "document.activeElement === window.kept[0] && window.kept[1].isConnected"
    assert page.evaluate(inside), "neither the focused tile nor its picture was replaced"
    assert [pair for pair in before if pair not in page.evaluate(places)] == []
    assert page.locator(".lab-tile[data-verdict=accept]").count() == 1
    part.rename(folder / "analysis")
    page.wait_for_selector("[data-filter=alike]:visible")
    assert page.evaluate(inside)
    page.get_by_role("button", name="Sort again").click()
    page.wait_for_function("document.querySelector('.lab-tile[data-place=\"0\"]').dataset.item === '000045'")
    assert page.faults == []


@pytest.mark.long
def test_the_line_has_a_curve_of_what_it_keeps(
    start: Callable[..., Any], new_page: Callable[..., Any], reviewed: Workspace
) -> None:
    page = open_at(new_page, start(reviewed.path))
    points = page.evaluate("document.querySelector('#data-histogram polyline').getAttribute('points')").split()
    shares = [(100 - float(point.split(",")[1])) / 96 for point in points]
    scores = [round(0.30 + number / 100, 4) for number in range(1, COUNT + 1)]
    for percent in (0, 30, 50, 75, 90, 96):
        kept = sum(score >= percent / 100 - 1e-9 for score in scores) / COUNT
        assert shares[percent] == pytest.approx(kept, abs=0.002), percent
    assert json.loads(page.evaluate("JSON.stringify(lab.curation.state.counts.kept)")) == 22
