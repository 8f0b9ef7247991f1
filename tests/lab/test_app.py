"""The page as a whole: one broken tab never takes the others with it, and the viewer has nothing to call."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from engines.workspace import Workspace
from lab import app, viewer
from lab.settings import Settings
from lab.tabs.base import TabContext, TabSpec

# Gradio leaves an event loop of its own unclosed when Blocks are made; nothing of ours can close it.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning", "ignore::DeprecationWarning"
)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


def texts(config: dict[str, Any]) -> str:
    return str([component["props"].get("value") for component in config["components"]])


def build(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, specs: list[TabSpec], broken: dict[str, str]) -> Any:
    monkeypatch.setattr(app, "find_tabs", lambda: (specs, broken))
    blocks = app.build(workspace, Settings(workspace.path, 1), SimpleNamespace(), dict)  # type: ignore[arg-type]
    return blocks.get_config_file()


def good(context: TabContext) -> None:
    gr.Textbox("all is well", label="Good")


def bad(context: TabContext) -> None:
    gr.Textbox("before the fault", label="Bad")
    raise RuntimeError("a fault in the tab")


def test_a_tab_that_fails_shows_a_card_and_the_others_work(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = [TabSpec("bad", "Bad", 1, bad), TabSpec("good", "Good", 2, good)]
    config = build(workspace, monkeypatch, specs, {"gone": "SyntaxError: somewhere"})
    shown = texts(config)
    for words in ("all is well", "before the fault", "RuntimeError: a fault in the tab", "SyntaxError: somewhere"):
        assert words in shown


def test_a_file_that_cannot_be_imported_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = [SimpleNamespace(name="no_such_tab"), SimpleNamespace(name="base")]
    monkeypatch.setattr(app.pkgutil, "iter_modules", lambda paths: modules)
    specs, broken = app.find_tabs()
    assert specs == []
    assert list(broken) == ["no_such_tab"]
    assert "ModuleNotFoundError" in broken["no_such_tab"]


def test_the_tabs_stand_in_the_order_of_work() -> None:
    specs, broken = app.find_tabs()
    assert broken == {}
    assert [spec.order for spec in specs] == sorted(spec.order for spec in specs)
    assert len({spec.name for spec in specs}) == len(specs)


def test_the_viewer_has_no_function_to_call_and_no_route_that_writes(workspace: Workspace) -> None:
    from lab import server, static
    from lab.live import LiveState

    config = viewer.build().get_config_file()
    assert config["dependencies"] == []
    state = LiveState(workspace, static.build(), str, None)
    routes = [route for router in server.routers(workspace, state, None, viewer.ROUTES) for route in router.routes]
    allowed = {"/state", "/live/{id}", "/runs", "/run/{id}", "/compare", "/media/{kind}/{id}/{path:path}"}
    assert {route.path for route in routes} == allowed  # type: ignore[attr-defined]
    assert {method for route in routes for method in route.methods} == {"GET"}  # type: ignore[attr-defined]
