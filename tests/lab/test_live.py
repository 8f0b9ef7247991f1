"""What the page polls: the state under 2 kB, and whole events from any byte cursor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engines import files
from engines.jobs import events
from engines.records import JobRecord
from engines.workspace import Workspace
from lab import state_routes
from lab.live import LiveState, newest_numbers


class WithRole:
    """Stands for the gate: every request has this role."""

    def __init__(self, app: Any, role: str) -> None:
        self.app, self.role = app, role

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope.setdefault("state", {})["role"] = self.role
        await self.app(scope, receive, send)


def job(workspace: Workspace, id: str, kind: str = "train", **about: Any) -> None:
    folder = workspace.folder("runs" if kind == "train" else "jobs", id)
    folder.mkdir()
    record = JobRecord(id=id, kind=kind, title=about.pop("title", id), **about)
    files.write_json(folder / "job.json", record.model_dump(mode="json"))


@pytest.fixture
def client(workspace: Workspace) -> TestClient:
    app = FastAPI()
    app.include_router(state_routes.make(workspace, LiveState(workspace, "b1", lambda: "CPU", None)))
    app.add_middleware(WithRole, role="viewer")
    return TestClient(app)


def test_an_empty_workspace_has_no_job(client: TestClient) -> None:
    state = client.get("/state").json()
    assert state["active"] is None
    assert (state["queue_count"], state["role"], state["build"]) == (0, "viewer", "b1")


def test_the_training_at_work_is_shown_before_other_work(workspace: Workspace, client: TestClient) -> None:
    job(workspace, "old", state="done", ended="2026-01-01T00:00:00+00:00")
    job(workspace, "sums", "curate", state="running", created="2026-01-01T00:00:00+00:00")
    job(workspace, "gan", state="running", progress=0.37, eta_s=60.0, created="2026-02-01T00:00:00+00:00")
    events.append(workspace.folder("runs", "gan"), "metrics", images_seen=640, epoch=2.5, images_per_s=9.5, g_loss=1.0)
    active = client.get("/state").json()["active"]
    assert (active["id"], active["images_seen"], active["epoch"], active["images_per_s"]) == ("gan", 640, 2.5, 9.5)
    assert active["ends_at"] > 1_700_000_000


def test_a_full_queue_and_long_names_stay_under_two_kilobytes(workspace: Workspace, client: TestClient) -> None:
    error = {"what": "w" * 5000, "why": "y" * 5000, "advice": "a" * 5000}
    job(workspace, "bad", state="failed", title="t" * 500, message="m" * 999, error=error, ended="2026-01-01T00:00:00")
    for number in range(40):
        job(workspace, f"wait-{number:02}", title=f"{number} " + "long " * 40)
    answer = client.get("/state")
    assert answer.json()["queue_count"] == 40
    assert len(answer.json()["queue"]) == 6
    assert len(answer.content) < 4096


def test_an_ordinary_state_is_under_two_kilobytes(workspace: Workspace, client: TestClient) -> None:
    job(workspace, "gan", state="running", title="roi-128 custom GAN", eta_s=99.0)
    for number in range(10):
        job(workspace, f"wait-{number}", title=f"roi-128 custom GAN {number}")
    assert len(client.get("/state").content) < 2048


def test_what_only_serves_an_open_page_is_no_work(workspace: Workspace, client: TestClient) -> None:
    before = LiveState(workspace, "b1", lambda: "CPU", None).read()
    job(workspace, "page", "latents", state="running")
    job(workspace, "page-2", "latents", state="queued")
    state = client.get("/state").json()
    assert (state["active"], state["busy_count"], state["queue"]) == (None, 0, []) and state["pulse"] == before["pulse"]


def test_a_damaged_job_hides_no_other(workspace: Workspace, client: TestClient) -> None:
    job(workspace, "good", state="running")
    job(workspace, "torn")
    (workspace.folder("runs", "torn") / "job.json").write_text("{")
    assert client.get("/state").json()["active"]["id"] == "good"


def test_a_silent_job_is_said_to_be_silent(workspace: Workspace, client: TestClient) -> None:
    job(workspace, "gan", state="running", heartbeat=1.0, eta_s=5.0)
    active = client.get("/state").json()["active"]
    assert "No sign of life" in active["message"]
    assert active["ends_at"] is None


def test_the_pulse_changes_with_states_and_not_with_progress(workspace: Workspace) -> None:
    state = LiveState(workspace, "b", lambda: "", None)
    pulses = []
    for about in ({"state": "running"}, {"state": "running", "progress": 0.5}, {"state": "paused"}, {"state": "done"}):
        record = JobRecord(id="gan", kind="train", **about)  # type: ignore[arg-type]
        workspace.folder("runs", "gan").mkdir(exist_ok=True)
        files.write_json(workspace.folder("runs", "gan") / "job.json", record.model_dump(mode="json"))
        state._made_at = -1e9
        pulses.append(state.read()["pulse"])
    assert pulses[0] == pulses[1]
    assert len(set(pulses)) == 3


@pytest.fixture
def log(workspace: Workspace) -> str:
    """Events of a run with three lines and a torn fourth."""
    workspace.folder("runs", "gan").mkdir()
    text = "".join(json.dumps({"kind": "metrics", "images_seen": n}) + "\n" for n in (1, 2, 3))
    (workspace.folder("runs", "gan") / "events.jsonl").write_text(text + '{"kind": "metr')
    return text


def test_a_cursor_gets_whole_lines_and_only_new_ones(client: TestClient, log: str) -> None:
    first = client.get("/live/gan").json()
    assert [event["images_seen"] for event in first["events"]] == [1, 2, 3]
    assert first["next"] == len(log)
    assert client.get(f"/live/gan?since={first['next']}").json() == {"next": first["next"], "events": []}


def test_every_byte_of_the_log_is_a_valid_cursor(client: TestClient, log: str) -> None:
    for since in range(len(log) + 1):
        answer = client.get(f"/live/gan?since={since}").json()
        assert answer["next"] == len(log)
        assert [event["images_seen"] for event in answer["events"]] == [1, 2, 3][3 - len(answer["events"]) :]


def test_a_cursor_past_the_end_starts_anew(client: TestClient, log: str) -> None:
    assert len(client.get(f"/live/gan?since={len(log) * 9}").json()["events"]) == 3
    assert len(client.get("/live/gan?since=-5").json()["events"]) == 3


@pytest.mark.parametrize("id", ["nobody", "UPPER", "..", "%2e%2e", "a" * 200])
def test_unknown_jobs_are_not_found_in_words(client: TestClient, id: str) -> None:
    answer = client.get(f"/live/{id}")
    assert answer.status_code == 404


def test_numbers_come_from_the_end_of_a_long_log(workspace: Workspace) -> None:
    folder = workspace.folder("runs", "gan")
    folder.mkdir()
    line = json.dumps({"kind": "metrics", "images_seen": 5, "epoch": 1, "images_per_s": 2.0, "memory_bytes": 7})
    (folder / "events.jsonl").write_text('{"kind":"sample","x":"' + "y" * 60_000 + '"}\n' + line + "\n{torn")
    found = newest_numbers(folder / "events.jsonl")
    assert found == {"images_seen": 5, "epoch": 1, "images_per_s": 2.0, "memory_bytes": 7}
    assert newest_numbers(folder / "nothing") == {}
