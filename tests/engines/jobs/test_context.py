from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engines import files
from engines.errors import LabError
from engines.jobs import control, events, store
from engines.jobs.context import JobContext, JobStopped
from engines.workspace import Workspace


@pytest.fixture
def context(workspace: Workspace) -> JobContext:
    record = store.create(workspace, "count", {})
    return JobContext(workspace, workspace.job_folder(record.id), record)


def test_check_tells_stop_from_discard(context: JobContext) -> None:
    context.check()
    control.request(context.folder, "stop")
    with pytest.raises(JobStopped) as stopped:
        context.check()
    assert not stopped.value.discard
    control.request(context.folder, "discard")
    with pytest.raises(JobStopped) as stopped:
        context.check()
    assert stopped.value.discard


def test_a_guard_around_one_file_does_not_eat_stop(context: JobContext) -> None:
    control.request(context.folder, "stop")
    with pytest.raises(JobStopped):
        try:
            context.check()
        except Exception:
            pytest.fail("Stop was taken for a bad file")


def test_a_signal_counts_as_a_request(context: JobContext) -> None:
    context.signalled("stop")
    assert context.requested("stop")
    assert context.take("stop")
    assert not context.requested("stop")
    assert context.stop_taken


def test_pause_point_waits_for_resume(context: JobContext) -> None:
    control.request(context.folder, "pause")
    paused = threading.Thread(target=context.pause_point)
    paused.start()
    while store.read(context.folder).state != "paused":
        paused.join(0.01)
    assert paused.is_alive()
    control.request(context.folder, "resume")
    paused.join(10)
    assert not paused.is_alive()
    assert store.read(context.folder).state == "running"


def test_progress_reaches_job_json_by_itself(context: JobContext) -> None:
    with context.reporting():
        context.progress(0.5, "half", eta_s=3.21)
        watched = threading.Event()
        while (seen := store.read(context.folder)).progress != 0.5:
            watched.wait(0.01)
    assert (seen.message, seen.eta_s) == ("half", 3.2)
    assert seen.heartbeat is not None
    assert [event["fraction"] for event in events.read(context.folder, "progress")] == [0.5]


def test_progress_of_every_image_makes_few_events(context: JobContext) -> None:
    for n in range(5000):
        context.progress(n / 5000, f"image {n}")
    assert len(events.read(context.folder, "progress")) < 10


def test_progress_stays_between_nothing_and_all(context: JobContext) -> None:
    context.progress(1.7)
    assert context.job.progress == 1.0
    context.progress(-1)
    assert context.job.progress == 0.0


def test_the_end_is_one_record_and_one_event(context: JobContext) -> None:
    context.finish("failed", error=LabError("It broke.", "So.", "Mend it."))
    assert store.read(context.folder).error == {"what": "It broke.", "why": "So.", "advice": "Mend it."}
    assert [event["kind"] for event in events.read(context.folder)] == ["state", "error", "state"]


def test_a_full_disk_stops_no_heartbeat_but_shows_at_the_end(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_json", refuse)
    context.state("running")
    with pytest.raises(OSError):
        context.finish("done", {})


def test_a_detached_context_leaves_no_record(workspace: Workspace, tmp_path: Path) -> None:
    context = JobContext.detached(workspace, tmp_path / "apart")
    context.progress(0.3, "going")
    context.emit("metrics", images_seen=1)
    context.state("paused")
    assert [path.name for path in context.folder.iterdir()] == [events.FILE]
