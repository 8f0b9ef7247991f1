"""The page itself: it opens, stays inside its policy, says what happens, and goes when told to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engines import files
from engines.jobs import events
from engines.records import JobRecord, RunRecord
from engines.workspace import Workspace


@pytest.fixture
def shared_page(shared_app: Any, new_page: Callable[..., Any]) -> Any:
    return new_page(shared_app.link())


HOSTILE = (
    "<img src=x onerror=window.hit=1>",
    "<script>window.hit=1</script>",
    "${window.hit=1}",
    "{{constructor.constructor('window.hit=1')()}}",
    "`+(window.hit=1)+`",
    "\"'><svg onload=window.hit=1>",
    "javascript:window.hit=1",
    "[a](javascript:window.hit=1) **b**",
)


def plant(workspace: Path) -> None:
    """Runs, catalogues, image sets and jobs whose every name is hostile."""
    lab = Workspace.open(workspace)
    for number, text in enumerate(HOSTILE):
        id = f"run-{number}"
        run = RunRecord(id=id, name=text, method=text, preset=text, image_set=text, options={"a": text}, set_items=4)
        lab.save("runs", run)
        error = {"what": text, "why": text, "advice": text}
        job = JobRecord(id=id, kind="train", title=text, state="failed", message=text, error=error, ended=run.created)
        files.write_json(lab.folder("runs", id) / "job.json", job.model_dump(mode="json"))
        folder = lab.folder("runs", id)
        events.append(folder, "warning", name=text, text=text, advice=text, severity="warning")
        events.append(folder, "metrics", images_seen=64, epoch=1, g_loss=1.0, d_loss=1.0, images_per_s=2.0)
        events.append(folder, "error", **error)
        common: dict[str, Any] = {"id": f"set-{number}", "name": text, "items": 1, "classes": {text: 1}}
        catalogue = {**common, "layout": text, "source": text, "warnings": [text]}
        image_set = {**common, "origin": "real", "width": 8, "height": 8, "channels": 1, "dtype": "uint8"}
        for kind, record in (("catalogues", catalogue), ("image_sets", {**image_set, "resizer": text})):
            place = lab.folder(kind, f"set-{number}")  # type: ignore[arg-type]
            place.mkdir()
            files.write_json(place / "record.json", record)
        row = {"item": "000001", "label": text, "patient": text, "side": text, "view": text, "reason": text}
        files.write_csv(lab.folder("catalogues", f"set-{number}") / "items.csv", [row], list(row))
        rejected = {"file": text, "reason": text, "advice": text}
        files.write_csv(lab.folder("catalogues", f"set-{number}") / "rejected.csv", [rejected], list(rejected))
        analysis = lab.folder("catalogues", f"set-{number}") / "analysis"
        analysis.mkdir()
        files.write_csv(analysis / "curation.csv", [{**row, "shape_confidence": 0.7}], [*row, "shape_confidence"])


def open_tabs(page: Any) -> Iterator[str]:
    """Open the page's tabs one after the other (not those inside a tab)."""
    bar = page.locator(".lab-tabs > .tab-wrapper > .tab-container:not(.visually-hidden)")
    for name in bar.get_by_role("tab").all_inner_texts():
        bar.get_by_role("tab", name=name, exact=True).click()
        yield name


def test_the_page_opens_with_its_frame(shared_app: Any, shared_page: Any) -> None:
    page = shared_page
    assert page.locator(".lab-name").inner_text() == "PhantomLab"
    page.wait_for_function("document.querySelector('.lab-strip-name').textContent === 'No run.'")
    assert "Not for diagnosis" in page.locator(".lab-footer").inner_text()
    assert page.title() == "Phantom Lab"
    assert page.faults == []


def test_no_page_level_scrolling_on_a_small_laptop(shared_app: Any, new_page: Callable[..., Any]) -> None:
    app = shared_app
    page = new_page(app.link(), 1366, 768)
    for name in open_tabs(page):
        sizes = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert sizes == [1366, 768], name
    assert page.locator(".lab-footer").bounding_box()["y"] + 34 == 768


def test_every_tab_stays_inside_the_content_policy(shared_app: Any, shared_page: Any) -> None:
    app = shared_app
    page = shared_page
    page.evaluate("document.addEventListener('securitypolicyviolation', (e) => (window.bad ||= []).push(e.blockedURI))")
    foreign: list[str] = []
    ours = (app.url, "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(ours) else foreign.append(request.url))
    opened = list(open_tabs(page))
    assert len(opened) >= 1
    page.wait_for_load_state("networkidle")
    assert page.locator(".lab-broken").count() == 0, opened
    assert page.evaluate("window.bad || []") == []
    assert page.faults == []
    assert foreign == []


def test_a_page_at_rest_draws_nothing(shared_app: Any, new_page: Callable[..., Any]) -> None:
    """Sixty frames a second on every open page would be taken from the training on a small computer."""
    page = new_page()
    count = "window.frames_asked = 0; const next = window.requestAnimationFrame.bind(window);"
    page.add_init_script(
        f"{count} window.requestAnimationFrame = (f) => {{ window.frames_asked += 1; return next(f); }};"
    )
    page.goto(shared_app.link())
    page.wait_for_selector(".lab-columns")
    rest = """() => new Promise((done) => {
      let last = -1;
      let left = 20;
      const look = setInterval(() => {
        const still = window.frames_asked === last;
        last = window.frames_asked;
        left -= 1;
        if (still || !left) { clearInterval(look); done(still); }
      }, 500);
    })"""
    assert page.evaluate(rest), "something on the page asks for frames without end"


def test_hostile_names_are_only_text(start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path) -> None:
    plant(tmp_path / "hostile")
    app = start(tmp_path / "hostile")
    page = new_page(app.link())
    page.wait_for_function("document.querySelector('.lab-strip-card strong').textContent !== ''")
    assert page.locator(".lab-strip-name").inner_text() in HOSTILE
    for _ in open_tabs(page):
        for text in HOSTILE:  # lists of runs, catalogues and sets: every one is opened once
            if (entry := page.locator(".lab-left button:visible", has_text=text)).count():
                entry.first.click()
        page.wait_for_load_state("networkidle")
    shown = page.locator("body").inner_text()
    assert sum(text in shown for text in HOSTILE) >= 1
    assert page.evaluate("window.hit") is None
    assert page.locator("img[src='x'], svg[onload], a[href^='javascript']").count() == 0
    assert page.faults == []


def test_the_strip_follows_a_job_and_speaks_in_words(shared_app: Any, shared_page: Any) -> None:
    app = shared_app
    page = shared_page
    lab = Workspace.open(app.workspace)
    folder = lab.folder("jobs", "sums")
    folder.mkdir()
    error = {"what": "The disk is full.", "why": "No space left.", "advice": "Free some space."}
    job = JobRecord(
        id="sums", kind="export", title="Sums", state="failed", ended="2026-01-01T10:00:00+00:00", error=error
    )
    files.write_json(folder / "job.json", job.model_dump(mode="json"))
    card = page.locator(".lab-strip-card")
    card.wait_for()
    assert [words for words in error.values() if words not in card.inner_text()] == []
    page.get_by_role("button", name="Dismiss").click()
    assert not card.is_visible()
    files.remove_folder(folder)


def test_a_stranger_and_a_used_link_see_words(shared_app: Any, shared_page: Any, new_page: Callable[..., Any]) -> None:
    app = shared_app
    stranger = new_page()
    assert stranger.goto(app.url).status == 401
    assert "Open the link" in stranger.inner_text("body")
    used = app.printed[next(n for n, line in enumerate(app.printed) if "Open: " in line)].split("Open: ")[1]
    assert stranger.goto(used).status == 401
    assert "has been used" in stranger.inner_text("body")


@pytest.mark.long
def test_an_open_page_lives_through_a_restart(start: Callable[..., Any], new_page: Callable[..., Any]) -> None:
    app = start()
    page = new_page(app.link())
    page.wait_for_function("window.lab.state")
    assert app.stop() == 0  # within ten seconds, while the page streams; timed in tests/benchmarks
    assert "Traceback" not in "\n".join(app.printed)
    page.wait_for_function("document.querySelector('.lab-strip-offline')?.classList.contains('lab-hidden') === false")
    start(app.workspace, int(app.url.rsplit(":", 1)[1]))
    page.wait_for_function("document.querySelector('.lab-strip-offline')?.classList.contains('lab-hidden')")
    page.wait_for_function("window.lab?.state?.role === 'owner'")  # the page may have loaded itself anew


def test_keys_open_the_list_of_keys_and_change_the_theme(shared_app: Any, shared_page: Any) -> None:
    page = shared_page
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.keyboard.press("Escape")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("l")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.reload()
    page.wait_for_selector(".lab-columns")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_the_viewer_page_changes_nothing(
    start: Callable[..., Any], new_page: Callable[..., Any], tmp_path: Path
) -> None:
    plant(tmp_path / "shown")
    app = start(tmp_path / "shown", None, "--viewer")
    page = new_page(app.link())
    page.wait_for_function("window.lab.state")
    assert page.evaluate("window.lab.state.role") == "viewer"
    assert page.evaluate("window.gradio_config.dependencies") == []
    assert page.locator(".lab-strip button:visible").all_inner_texts() in ([], ["Dismiss"])
    answer = page.evaluate("fetch('/lab/jobs', {method: 'POST', body: '{}'}).then((a) => a.status)")
    assert answer in (404, 405)
    assert page.evaluate("window.hit") is None
    assert json.loads((app.workspace / "runs" / "run-0" / "job.json").read_text())["state"] == "failed"
    assert page.faults == []
