from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from engines import files, registry, worker
from engines.errors import LabError
from engines.jobs import process, store
from engines.jobs.launchers import LocalLauncher
from engines.options import Options
from engines.tasks.base import TaskSpec
from engines.workspace import Workspace

SCRIPT = Path(__file__).with_name("worker_for_tests.py")


def run(*arguments: str, **named: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-P", str(SCRIPT), *arguments], capture_output=True, check=False, **named)  # type: ignore[call-overload, no-any-return]


def test_by_hand_in_one_line(workspace: Workspace) -> None:
    record = store.create(workspace, "count", {"steps": 2})
    folder = workspace.job_folder(record.id)
    assert run(str(folder)).returncode == 0
    job = store.read(folder)
    assert (job.state, job.result) == ("done", {"steps": 2})
    assert job.pid and job.heartbeat


def test_a_failure_shows_in_the_exit_code(workspace: Workspace) -> None:
    record = store.create(workspace, "fail", {"text": "known"})
    assert run(str(workspace.job_folder(record.id))).returncode == 1


def test_a_folder_without_a_job_is_refused(tmp_path: Path) -> None:
    done = run(str(tmp_path))
    assert done.returncode == 2
    assert b"A file or folder is missing" in done.stderr


def test_a_job_that_another_process_works_on_is_refused(workspace: Workspace) -> None:
    record = store.create(workspace, "count", {})
    folder = workspace.job_folder(record.id)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        identity = process.identify(other.pid)
        assert identity is not None
        store.write(folder, record.model_copy(update={"pid": identity.pid, "pid_started": identity.started}))
        before = files.read_json(folder / "job.json")
        with pytest.raises(LabError, match="Another process"):
            worker.claim(folder)
        assert files.read_json(folder / "job.json") == before
        other.kill()


def test_a_waiting_worker_ends_with_its_app() -> None:
    done = run("--wait", input=b"")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"ready": True, "description": None}


def test_the_engine_describes_itself_whatever_lies_in_the_working_directory(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.path / "json.py").write_text("raise SystemExit('a file of the workspace was imported')")
    monkeypatch.chdir(workspace.path)
    said = LocalLauncher().describe()
    assert said["code"] == registry.code_version()
    assert set(registry.FOLDERS) < set(said)
    assert said["tasks"]["curate"]["parameters"]["properties"]


def test_a_spare_is_ready_although_a_warm_up_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("no kernels here")

    spec = TaskSpec("count", "Count", "For tests.", Options, lambda parameters, context: {}, warm_up=broken)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))  # its app is gone at once
    assert worker.main(["--spare"], tasks={"count": spec}) == 0
    assert json.loads(capsys.readouterr().out)["ready"] is True
