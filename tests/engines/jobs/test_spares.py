from __future__ import annotations

from collections.abc import Callable

import pytest

from engines import registry
from engines.jobs import events, spares
from engines.jobs.queue import EngineThread

StartEngine = Callable[..., EngineThread]
Until = Callable[[Callable[[], object]], None]


@pytest.fixture
def engine(start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch) -> EngineThread:
    monkeypatch.setattr(spares, "REST_S", 0.0)
    return start_engine(spare=True)


def test_the_spare_takes_the_next_job_and_is_followed_by_another(engine: EngineThread, until: Until) -> None:
    until(lambda: engine.spare_ready)
    spare = engine._spares.spare
    assert spare is not None and spare.identity is not None
    id = engine.submit("count", {"steps": 1})
    job = engine.wait(id, 30)
    assert (job.state, job.pid) == ("done", spare.identity.pid)
    until(lambda: engine._spares.spare is not None and engine._spares.spare is not spare)


def test_a_spare_that_died_does_not_take_the_job_with_it(engine: EngineThread, until: Until) -> None:
    until(lambda: engine.spare_ready)
    spare = engine._spares.spare
    assert spare is not None
    spare._child.kill()
    assert engine.wait(engine.submit("count", {"steps": 1}), 30).state == "done"


def test_a_spare_of_older_code_is_sent_away(
    engine: EngineThread, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: engine.spare_ready)
    spare = engine._spares.spare
    assert spare is not None and spare.identity is not None
    monkeypatch.setattr(registry, "code_version", lambda: "newer")
    id = engine.submit("count", {"steps": 1})
    assert engine.wait(id, 30).pid != spare.identity.pid
    until(lambda: spare.exit_code() is not None)


def test_what_the_spare_prints_later_goes_to_the_log_of_its_job(engine: EngineThread, until: Until) -> None:
    until(lambda: engine.spare_ready)
    id = engine.submit("fail", {"text": "known"})
    engine.wait(id, 30)
    folder = engine.workspace.job_folder(id)
    assert "The images are too few" in (folder / "worker.log").read_text()
    assert events.read(folder, "error")


def test_a_broken_installation_is_tried_three_times_only(
    start_engine: StartEngine, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spares, "REST_S", 0.0)
    engine = start_engine(spare=True, command=("/bin/sh", "-c", "exit 1"))
    until(lambda: engine._spares._failures == spares.MOST_FAILURES)
    until(lambda: engine._spares.spare is None)
    assert not engine.spare_ready


def test_a_small_computer_keeps_none(start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spares, "LEAST_MEMORY_BYTES", float("inf"))
    engine = start_engine(spare=None)
    assert not engine._spares.wanted
