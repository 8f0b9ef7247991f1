"""Workers that die, hang or fail in every way we could think of: the job says so, and the next one runs."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable

import pytest

from engines import files
from engines.errors import LabError
from engines.jobs import events, process
from engines.jobs.queue import EngineThread

StartEngine = Callable[..., EngineThread]
Until = Callable[[Callable[[], object]], None]
KILLS = 10


def test_kill_at_random_moments_loses_no_file(engine: EngineThread, until: Until) -> None:
    """The task writes its product and an event at every step: a kill falls into a write sooner or later."""
    moments = random.Random(4)
    id = engine.submit("train", {"steps": 1000})
    folder = engine.workspace.job_folder(id)
    seen = 0
    for _ in range(KILLS):
        # Wait for the record too: an event of the last life must not count as a sign of this one.
        alive = seen + moments.randrange(1, 60)
        until(lambda alive=alive: len(events.read(folder, "metrics")) >= alive or engine.job(id).state == "done")
        record = engine.job(id)
        process.end(record.pid, record.pid_started)
        until(lambda: engine.job(id).state in ("interrupted", "done"))
        job = engine.wait(id, 30)
        assert job.state == "interrupted" and job.error and "killed" in job.error["what"]
        assert files.read_json(folder / "product.json")["step"] >= 1
        assert not list(folder.rglob(f"{files.TEMPORARY}*"))
        text = (folder / events.FILE).read_bytes()
        assert text.endswith(b"\n") and b'"state":"interrupted"' in text.splitlines()[-1]
        seen = len(events.read(folder, "metrics"))
        engine.act(id, "resume")
    until(lambda: len(events.read(folder, "metrics")) > seen)


@pytest.mark.parametrize(
    ("way", "state", "words"),
    [
        ("known", "failed", "The images are too few."),
        ("missing", "failed", "A file or folder is missing."),
        ("full", "failed", "The disk is full."),
        ("full_at_the_end", "failed", "The disk is full."),
        ("gpu", "failed", "The GPU ran out of memory."),
        ("memory", "failed", "The computer ran out of memory."),
        ("unknown", "failed", "The work stopped on an error"),
        ("give_up", "failed", "The work stopped on an error"),
        ("leave", "interrupted", "The job's process is gone."),
        ("crash", "interrupted", "The job's process crashed."),
        ("thread", "done", ""),
    ],
)
def test_every_fault_ends_as_a_card(engine: EngineThread, way: str, state: str, words: str) -> None:
    id = engine.submit("fail", {"text": way})
    job = engine.wait(id, 30)
    assert job.state == state
    card = job.error or {"what": ""}
    assert card["what"].startswith(words)
    assert "Traceback" not in str(card) and "JANE-DOE" not in str(card)
    log = (engine.workspace.job_folder(id) / "worker.log").read_text()
    if way in ("known", "missing", "full", "gpu", "memory", "unknown", "give_up", "thread"):
        assert "Traceback" in log, "the whole story is for worker.log"
    if way == "crash":
        assert "Segmentation fault" in log
    if way == "thread":
        assert [event["name"] for event in events.read(engine.workspace.job_folder(id), "warning")] == ["background"]


def test_the_queue_goes_on_after_faults(engine: EngineThread) -> None:
    ids = [engine.submit("fail", {"text": way}) for way in ("crash", "gpu")]
    last = engine.submit("count", {"steps": 1})
    assert engine.wait(last, 30).state == "done"
    assert [engine.job(id).state for id in ids] == ["interrupted", "failed"]


def test_a_worker_that_cannot_start_ends_as_a_card(start_engine: StartEngine) -> None:
    engine = start_engine(command=("/bin/sh", "-c", "echo no python here >&2; exit 7"))
    job = engine.wait(engine.submit("count", {}), 30)
    assert job.state == "failed" and job.error and "could not be started" in job.error["what"]
    engine.close()
    engine = start_engine(command=("/no/such/python",))
    job = engine.wait(engine.submit("count", {}), 30)
    assert job.state == "failed" and job.error


def test_a_folder_removed_under_a_running_job_blocks_nothing(engine: EngineThread, until: Until) -> None:
    id = engine.submit("train", {})
    folder = engine.workspace.job_folder(id)
    until(lambda: events.newest(folder, "metrics"))
    files.remove_folder(folder)
    until(lambda: engine.job(id).state == "failed")
    job = engine.job(id)
    assert job.error and job.error["what"] == "The job's folder is missing."
    assert engine.wait(engine.submit("count", {"steps": 1}), 30).state == "done"
    engine.act(id, "discard")
    assert id not in {job.id for job in engine.jobs()}


def test_an_end_that_the_disk_refuses_is_written_later(
    engine: EngineThread, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = engine.submit("count", {})
    folder = engine.workspace.job_folder(id)
    until(lambda: events.newest(folder, "metrics"))

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(files, "write_json", refuse)
        record = engine.job(id)
        process.end(record.pid, record.pid_started)
        until(lambda: engine.job(id).state == "interrupted")
        assert files.read_json(folder / "job.json")["state"] == "running"
    until(lambda: events.read(folder, "state")[-1]["state"] == "interrupted")
    assert files.read_json(folder / "job.json")["state"] == "interrupted"


def test_on_a_full_disk_requests_are_refused_in_words_but_stop_works(
    engine: EngineThread, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = engine.submit("train", {})
    until(lambda: events.newest(engine.workspace.job_folder(id), "metrics"))

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(files, "write_bytes", refuse)
        for attempt in (lambda: engine.submit("count", {}), lambda: engine.act(id, "pause")):
            with pytest.raises(LabError, match="The disk is full"):
                attempt()
        engine.act(id, "stop")
        assert engine.wait(id, 30).state == "stopped"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_polite_signal_means_stop_and_save(engine: EngineThread, until: Until, number: str) -> None:
    id = engine.submit("train", {})
    until(lambda: events.newest(engine.workspace.job_folder(id), "metrics"))
    pid = engine.job(id).pid
    assert pid
    os.kill(pid, getattr(signal, number))
    job = engine.wait(id, 30)
    assert (job.state, job.error) == ("stopped", None)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_second_signal_stops_a_task_that_never_looks(engine: EngineThread, until: Until) -> None:
    id = engine.submit("deaf", {})
    until(lambda: events.newest(engine.workspace.job_folder(id), "metrics"))
    pid = engine.job(id).pid
    assert pid
    until(lambda: os.kill(pid, signal.SIGTERM) or engine.job(id).state == "stopped" if alive(engine, id) else True)
    assert engine.wait(id, 30).state == "stopped"


def alive(engine: EngineThread, id: str) -> bool:
    record = engine.job(id)
    return process.alive(record.pid, record.pid_started)
