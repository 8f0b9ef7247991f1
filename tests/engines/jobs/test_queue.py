from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engines import files
from engines.errors import LabError
from engines.jobs import events, process, store
from engines.jobs.order import QUEUE_FILE
from engines.jobs.queue import EngineThread
from engines.workspace import Workspace

StartEngine = Callable[..., EngineThread]
Until = Callable[[Callable[[], object]], None]


def counting(engine: EngineThread, until: Until, kind: str = "count") -> str:
    """A job that counts for ever, and has begun to."""
    id = engine.submit(kind, {})
    until(lambda: events.newest(engine.workspace.job_folder(id), "metrics"))
    return id


def test_a_job_runs_to_its_end(engine: EngineThread, workspace: Workspace) -> None:
    id = engine.submit("count", {"steps": 3}, title="Three")
    job = engine.wait(id, 30)
    assert (job.state, job.result, job.progress, job.error) == ("done", {"steps": 3}, 1.0, None)
    assert job.title == "Three" and job.started and job.ended
    kinds = [event["kind"] for event in events.read(workspace.folder("jobs", id))]
    assert kinds[0] == "state" and kinds[-1] == "done" and kinds.count("metrics") == 3
    assert not engine.active() and not engine.queued()


def test_a_training_is_a_run_and_other_jobs_are_not(engine: EngineThread, workspace: Workspace) -> None:
    run, job = engine.submit("train", {"steps": 1}), engine.submit("count", {"steps": 1})
    assert workspace.folder("runs", run).is_dir() and workspace.folder("jobs", job).is_dir()
    assert {record.id for record in engine.jobs()} == {run, job}


def test_one_job_at_a_time_in_their_order(engine: EngineThread, until: Until) -> None:
    first = counting(engine, until)
    a, b, c = (engine.submit("count", {"steps": 1}, title=title) for title in "abc")
    engine.act(c, "up")
    engine.act(a, "down")
    engine.act(a, "down")
    engine.act(a, "down")
    assert [job.id for job in engine.queued()] == [c, b, a]
    engine.act(b, "hold")
    assert [job.id for job in engine.active()] == [first]
    engine.act(first, "stop")
    assert engine.wait(first, 30).state == "stopped"
    assert engine.wait(c, 30).state == engine.wait(a, 30).state == "done"
    assert engine.job(b).state == "queued"
    engine.act(b, "release")
    assert engine.wait(b, 30).state == "done"
    ended = [events.read(engine.workspace.job_folder(id), "done")[0]["t"] for id in (c, a, b)]
    assert ended == sorted(ended)


def test_the_order_survives_a_restart(start_engine: StartEngine, until: Until) -> None:
    engine = start_engine()
    running = counting(engine, until)
    a, b, c = (engine.submit("count", {"steps": 1}, title=title) for title in "abc")
    engine.act(c, "up")
    engine.act(c, "up")
    engine.act(b, "remove")
    engine.act(a, "hold")
    engine.close()
    engine = start_engine()
    assert [(job.id, (job.model_extra or {})["held"]) for job in engine.queued()] == [(c, False), (a, True)]
    assert [job.id for job in engine.active()] == [running]
    with pytest.raises(LabError):
        engine.job(b)


def test_the_same_key_makes_one_job(start_engine: StartEngine) -> None:
    engine = start_engine()
    id = engine.submit("count", {"steps": 1}, client_key="click-1")
    assert engine.submit("count", {"steps": 1}, client_key="click-1") == id
    assert engine.submit("count", {"steps": 1}, client_key="click-2") != id
    engine.wait(id, 30)
    engine.close()
    assert start_engine().submit("count", {"steps": 1}, client_key="click-1") == id


def test_pause_resume_sample_stop(engine: EngineThread, until: Until) -> None:
    id = counting(engine, until)
    folder = engine.workspace.job_folder(id)
    engine.act(id, "pause")
    assert engine.job(id).state in ("pausing", "paused")
    until(lambda: engine.job(id).state == "paused")
    seen = len(events.read(folder, "metrics"))
    engine.act(id, "sample_now")
    engine.act(id, "resume")
    until(lambda: events.read(folder, "sample"))
    assert len(events.read(folder, "metrics")) > seen
    engine.act(id, "stop")
    assert engine.job(id).state in ("stopping", "stopped")
    job = engine.wait(id, 30)
    assert (job.state, job.error) == ("stopped", None)


def test_a_stopped_run_goes_on_in_its_own_folder(engine: EngineThread, until: Until) -> None:
    id = counting(engine, until, "train")
    engine.act(id, "stop")
    engine.wait(id, 30)
    before = len(events.read(engine.workspace.job_folder(id), "metrics"))
    engine.act(id, "resume")
    until(lambda: len(events.read(engine.workspace.job_folder(id), "metrics")) > before)
    assert engine.job(id).state == "running"


def test_discard_removes_the_folder_and_nothing_else(engine: EngineThread, until: Until) -> None:
    kept = engine.submit("train", {"steps": 1})
    engine.wait(kept, 30)
    doomed = counting(engine, until, "train")
    folder = engine.workspace.job_folder(doomed)
    engine.act(doomed, "discard")
    until(lambda: [path.name for path in folder.parent.iterdir()] == [kept])
    with pytest.raises(LabError):
        engine.job(doomed)
    engine.act(kept, "discard")
    assert not list(folder.parent.iterdir())


def test_only_job_folders_are_ever_removed(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (workspace.path / "runs" / "link").symlink_to(tmp_path / "precious")
    for folder in (tmp_path / "precious", workspace.path, workspace.path / "runs" / "link", workspace.path / "runs"):
        with pytest.raises(LabError):
            store.remove(workspace, folder)
    assert (tmp_path / "precious").is_dir()


def test_removing_a_job_that_ran_keeps_its_folder(engine: EngineThread, until: Until) -> None:
    running = counting(engine, until)
    stopped = engine.submit("train", {"steps": 1})
    record = store.read(engine.workspace.job_folder(stopped))
    store.write(engine.workspace.job_folder(stopped), record.model_copy(update={"started": "2026-01-01"}))
    fresh = engine.submit("count", {})
    engine.act(stopped, "remove")
    engine.act(fresh, "stop")
    assert engine.job(stopped).state == "stopped"
    assert not engine.workspace.job_folder(fresh).exists()
    assert engine.job(running).state == "running"


def test_a_job_outlives_the_app_and_is_adopted(start_engine: StartEngine, until: Until) -> None:
    engine = start_engine()
    id = counting(engine, until)
    engine.close()
    folder = engine.workspace.job_folder(id)
    before = len(events.read(folder, "metrics"))
    until(lambda: len(events.read(folder, "metrics")) > before)
    engine = start_engine()
    assert [job.id for job in engine.active()] == [id]
    engine.act(id, "stop")
    assert engine.wait(id, 30).state == "stopped"


def test_a_job_that_died_with_the_app_is_interrupted_and_resumes(start_engine: StartEngine, until: Until) -> None:
    engine = start_engine()
    id = counting(engine, until, "train")
    engine.close()
    record = engine.job(id)
    process.end(record.pid, record.pid_started)
    until(lambda: not process.alive(record.pid, record.pid_started))
    assert EngineThread(engine.workspace).job(id).state == "interrupted", "also to a reader that runs nothing"
    engine = start_engine()
    job = engine.job(id)
    assert job.state == "interrupted" and job.error and "last checkpoint" in job.error["advice"]
    engine.act(id, "resume")
    until(lambda: engine.job(id).state == "running" and engine.job(id).heartbeat)
    assert engine.job(id).error is None


def test_two_apps_cannot_run_one_workspace(start_engine: StartEngine) -> None:
    start_engine()
    with pytest.raises(LabError, match="open in another"):
        start_engine()


def test_damaged_files_never_block_the_rest(start_engine: StartEngine, workspace: Workspace) -> None:
    engine = start_engine()
    ids = [engine.submit("train", {"steps": 1}, title=title) for title in ("torn", "wrong", "good")]
    for id in ids:
        engine.wait(id, 30)
    engine.close()
    for id, text in zip(ids, ('{"id": "to', '{"id": 3, "state": "flying"}'), strict=False):
        (workspace.job_folder(id) / "job.json").write_text(text)
    (workspace.path / QUEUE_FILE).write_text("[[[")
    (workspace.path / "runs" / "made-by-hand").mkdir()
    (workspace.path / "jobs" / "empty-20260101").mkdir()
    engine = start_engine()
    states = {job.id: (job.state, (job.error or {}).get("what", "")) for job in engine.jobs()}
    assert states[ids[0]] == ("failed", "The job's record cannot be read.")
    assert states[ids[1]] == ("failed", "The job's record is damaged.")
    assert states[ids[2]] == ("done", "")
    assert "made-by-hand" not in states and states["empty-20260101"][0] == "failed"
    with pytest.raises(LabError):
        engine.act(ids[0], "resume")
    assert (workspace.job_folder(ids[0]) / "job.json").read_text() == '{"id": "to', "left as evidence"
    assert engine.wait(engine.submit("count", {"steps": 1}), 30).state == "done"
    engine.act(ids[0], "discard")
    assert not workspace.job_folder(ids[0]).exists()


def test_what_makes_no_sense_is_refused_in_words(engine: EngineThread) -> None:
    id = engine.submit("count", {"steps": 1})
    engine.wait(id, 30)
    for verb in ("pause", "sample_now", "up", "remove", "resume", "explode"):
        with pytest.raises(LabError):
            engine.act(id, verb)
    for verb in ("stop", "kill"):
        engine.act(id, verb)
    assert engine.job(id).state == "done"
    for unknown in ("no-such-job", "../../etc", "A B"):
        with pytest.raises(LabError):
            engine.act(unknown, "stop")
    with pytest.raises(LabError):
        engine.submit("../train", {})


def test_parameters_out_of_bounds_end_in_words(engine: EngineThread) -> None:
    job = engine.wait(engine.submit("count", {"steps": -1, "speed": 3}), 30)
    assert job.state == "failed" and job.error
    assert "steps" in job.error["why"] and "speed" in job.error["why"]


def test_an_unknown_kind_ends_in_words(engine: EngineThread) -> None:
    job = engine.wait(engine.submit("levitate", {}), 30)
    assert job.error == {
        "what": "This engine has no job “levitate”.",
        "why": "",
        "advice": "It has: count, deaf, fail, latents, train.",
    }


def test_a_deaf_job_can_be_killed(engine: EngineThread, until: Until) -> None:
    id = counting(engine, until, "deaf")
    engine.act(id, "kill")
    job = engine.wait(id, 30)
    assert job.state == "interrupted" and job.error and "at your request" in job.error["what"]


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stand a process still")
def test_a_hung_job_is_seen_and_stop_ends_it(start_engine: StartEngine, until: Until) -> None:
    engine = start_engine(not_responding_s=1.5)
    id = counting(engine, until)
    pid = engine.job(id).pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    until(lambda: engine.job(id).message.startswith("Not responding"))
    assert [job.model_extra and job.model_extra["responding"] for job in engine.active()] == [False]
    os.kill(pid, signal.SIGCONT)
    until(lambda: engine.job(id).message.startswith("step"))
    os.kill(pid, signal.SIGSTOP)
    engine.act(id, "stop")
    job = engine.wait(id, 30)
    assert job.state == "interrupted" and not process.alive(job.pid, job.pid_started)


def test_a_job_of_another_computer_is_left_alone(start_engine: StartEngine, workspace: Workspace) -> None:
    record = store.create(workspace, "train", {})
    elsewhere = {"state": "running", "pid": 1, "pid_started": -1.0, "host": "reading-room", "heartbeat": time.time()}
    store.write(workspace.job_folder(record.id), record.model_copy(update=elsewhere))
    engine = start_engine()
    assert store.read(workspace.job_folder(record.id)).state == "running"
    engine.close()
    store.write(workspace.job_folder(record.id), record.model_copy(update=elsewhere | {"heartbeat": 1.0}))
    start_engine()
    assert store.read(workspace.job_folder(record.id)).state == "interrupted"


def test_leftovers_of_an_interrupted_job_are_swept(start_engine: StartEngine, workspace: Workspace) -> None:
    record = store.create(workspace, "train", {})
    folder = workspace.job_folder(record.id)
    (folder / "checkpoints" / f"{files.TEMPORARY}1-00000064").mkdir(parents=True)
    store.write(folder, record.model_copy(update={"state": "running", "pid": 1, "pid_started": -1.0}))
    start_engine()
    assert not list((folder / "checkpoints").iterdir())


def test_a_job_that_serves_a_page_waits_for_nobody_and_leaves_nothing(start_engine: StartEngine, until: Until) -> None:
    engine = start_engine()
    heavy = counting(engine, until)
    pages = [counting(engine, until, "latents") for _ in range(2)]
    assert {job.id for job in engine.active()} == {heavy, *pages}, "several at once, beside a training"
    engine.act(pages[0], "stop")
    until(lambda: not engine.workspace.job_folder(pages[0]).exists())
    failed = engine.submit("latents", {"text": "known"})
    until(lambda: engine.job(failed).state == "failed")
    assert engine.job(failed).error, "the page may read why"

    # The next start takes over the one at work, and forgets the one that failed
    engine.close()
    engine = start_engine()
    assert pages[1] in {job.id for job in engine.active()} and not engine.workspace.job_folder(failed).exists()
    engine.act(pages[1], "discard")
    until(lambda: not engine.workspace.job_folder(pages[1]).exists())
    assert [job.id for job in engine.active()] == [heavy]
