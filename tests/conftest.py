"""Fixtures that every part of the suite shares."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from engines.jobs import process, store
from engines.jobs.launchers import LocalLauncher
from engines.jobs.queue import EngineThread
from engines.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-P", str(ROOT / "tests" / "engines" / "jobs" / "worker_for_tests.py"))
StartEngine = Callable[..., EngineThread]
Until = Callable[[Callable[[], object]], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The journeys, which take longest, come first: two processes then end at about the same time."""
    items.sort(key=lambda item: "journeys" not in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def nothing_leaves_this_computer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails the suite if any of its processes tried to reach another computer (see outbound/sitecustomize.py)."""
    log = tmp_path_factory.mktemp("outbound") / "attempts.txt"
    log.touch()
    before = os.environ.get("PYTHONPATH")
    os.environ["PHANTOM_LAB_OUTBOUND_LOG"] = str(log)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "tests" / "outbound"), before]))
    watcher = importlib.util.spec_from_file_location("outbound", ROOT / "tests" / "outbound" / "sitecustomize.py")
    assert watcher and watcher.loader
    watcher.loader.exec_module(importlib.util.module_from_spec(watcher))
    yield
    attempts = log.read_text()
    assert not attempts, f"outbound connections:\n{attempts}"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace of its own."""
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images to test with: PHANTOM_LAB_DATA, else shared/data beside the checkout; skips where neither is."""
    folder = Path(os.environ.get("PHANTOM_LAB_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no research images: set PHANTOM_LAB_DATA to a folder that holds mini-mias and the others")
    return folder


@pytest.fixture
def until() -> Until:
    """Waits until a condition holds; fails after 30 s."""
    pause = threading.Event()

    def wait(condition: Callable[[], object]) -> None:
        for _ in range(3000):
            if condition():
                return
            pause.wait(0.01)
        raise AssertionError("it did not happen within 30 s")

    return wait


@pytest.fixture
def start_engine(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> Iterator[StartEngine]:
    """Starts engines on the test's workspace; at the end no process of theirs remains."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with ExitStack() as engines:

        def start(
            spare: bool | None = False, not_responding_s: float = 60.0, command: tuple[str, ...] = COMMAND
        ) -> EngineThread:
            return engines.enter_context(EngineThread(workspace, LocalLauncher(command), spare, not_responding_s))

        yield start
    for folder in store.folders(workspace):
        record = store.read(folder)
        process.end(record.pid, record.pid_started)
        until(lambda record=record: not process.alive(record.pid, record.pid_started))


@pytest.fixture
def engine(start_engine: StartEngine) -> EngineThread:
    return start_engine()
