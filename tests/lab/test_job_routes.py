"""The routes that change something: for the owner only, checked, and with errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engines import decisions, files
from engines.errors import LabError
from engines.workspace import Workspace
from lab import job_routes
from tests.lab.planted_evaluation import RUN_ID, plant_run


class Recorder:
    """An engine that writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.fault: Exception | None = None

    def submit(self, kind: str, parameters: dict[str, Any], title: str = "", client_key: str = "") -> str:
        if self.fault:
            raise self.fault
        self.asked.append((kind, parameters, title, client_key))
        return "new-1"

    def act(self, id: str, verb: str) -> None:
        if self.fault:
            raise self.fault
        self.asked.append((id, verb))


class Role:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            roles = [value.decode() for name, value in scope["headers"] if name == b"role"]
            scope.setdefault("state", {})["role"] = roles[0] if roles else "owner"
        await self.app(scope, receive, send)


@pytest.fixture
def engine() -> Recorder:
    return Recorder()


@pytest.fixture
def client(workspace: Workspace, engine: Recorder) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(job_routes.make(workspace, engine))  # type: ignore[arg-type]
    app.add_middleware(Role)
    with TestClient(app) as client:
        yield client


def test_a_job_is_queued_and_noted(client: TestClient, engine: Recorder, workspace: Workspace) -> None:
    asked = {"kind": "demo", "parameters": {"a": 1}, "title": "Demo", "client_key": "k"}
    assert client.post("/jobs", json=asked).json() == {"id": "new-1"}
    assert engine.asked == [("demo", {"a": 1}, "Demo", "k")]
    assert files.read_jsonl(workspace.path / "audit.jsonl")[0]["what"] == "queued demo"


@pytest.mark.parametrize("path", ["/jobs", "/jobs/a/stop", "/decide", "/star/a"])
@pytest.mark.parametrize("role", ["viewer", "reader", ""])
def test_only_the_owner_changes_anything(client: TestClient, engine: Recorder, path: str, role: str) -> None:
    answer = client.post(path, json={"kind": "demo"}, headers={"role": role})
    assert answer.status_code == 403
    assert answer.json()["error"] == "This is a read-only view."
    assert engine.asked == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"a"', b'{"kind": 5}', b'{"kind": "demo", "parameters": []}', b'{"title": "' + b"x" * 300000],
)
def test_nonsense_is_refused_in_words(client: TestClient, engine: Recorder, content: bytes) -> None:
    answer = client.post("/jobs", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert engine.asked == []


def test_verbs_reach_the_engine_and_others_do_not(client: TestClient, engine: Recorder) -> None:
    assert client.post("/jobs/run-1/pause").json() == {"ok": True}
    assert client.post("/jobs/run-1/explode").status_code == 404
    assert engine.asked == [("run-1", "pause")]


def test_what_makes_no_sense_now_is_said(client: TestClient, engine: Recorder) -> None:
    engine.fault = LabError("This job is not running.", "It is done.", "Resume it first.")
    answer = client.post("/jobs/run-1/pause")
    assert (answer.status_code, answer.json()["advice"]) == (409, "Resume it first.")


def test_a_full_disk_is_said(client: TestClient, engine: Recorder) -> None:
    engine.fault = OSError(28, "No space left on device")
    answer = client.post("/jobs", json={"kind": "demo"})
    assert (answer.status_code, answer.json()["error"]) == (507, "The disk is full.")


def test_verdicts_are_kept_and_the_last_of_a_client_wins(client: TestClient, workspace: Workspace) -> None:
    workspace.folder("catalogues", "mias").mkdir()
    about = {"kind": "catalogues", "id": "mias", "item": "000001", "client": "c"}
    for seq, verdict in ((2, "reject"), (1, "accept")):  # posts may overtake one another
        answer = client.post("/decide", json={**about, "verdict": verdict, "reason": "blur", "seq": seq})
        assert answer.json() == {"ok": True}
    assert decisions.current(workspace.folder("catalogues", "mias"))["000001"][0] == "reject"


@pytest.mark.parametrize(
    "change", [{"kind": "runs"}, {"id": "nobody"}, {"id": "../x"}, {"seq": "1"}, {"verdict": "yes"}]
)
def test_wrong_verdicts_are_refused(client: TestClient, workspace: Workspace, change: dict[str, Any]) -> None:
    workspace.folder("catalogues", "mias").mkdir()
    about = {"kind": "catalogues", "id": "mias", "item": "000001", "client": "c", "verdict": "accept", "seq": 1}
    assert client.post("/decide", json={**about, **change}).status_code == 400
    assert not (workspace.folder("catalogues", "mias") / "decisions.jsonl").exists()


def test_a_checkpoint_is_starred_and_unstarred(client: TestClient, workspace: Workspace) -> None:
    plant_run(workspace)
    assert client.post(f"/star/{RUN_ID}", json={"images_seen": 128, "on": True}).json() == {"starred": [128]}
    assert client.post(f"/star/{RUN_ID}", json={"images_seen": 64, "on": True}).json() == {"starred": [64, 128]}
    assert client.post(f"/star/{RUN_ID}", json={"images_seen": 128, "on": False}).json() == {"starred": [64]}
    assert workspace.run(RUN_ID).starred == [64] and workspace.run(RUN_ID).method == "custom_gan"
    assert [line["images_seen"] for line in files.read_jsonl(workspace.path / "audit.jsonl")] == [128, 64, 128]


@pytest.mark.parametrize(
    ("id", "given"),
    [
        ("nobody", {"images_seen": 64, "on": True}),
        ("Not-An-Id", {"images_seen": 64, "on": True}),
        (RUN_ID, {"images_seen": 99, "on": True}),
        (RUN_ID, {"images_seen": "64", "on": True}),
        (RUN_ID, {"images_seen": True, "on": True}),
        (RUN_ID, {"images_seen": -64, "on": False}),
        (RUN_ID, {"images_seen": 64, "on": "yes"}),
        (RUN_ID, {}),
    ],
)
def test_wrong_stars_are_refused(client: TestClient, workspace: Workspace, id: str, given: dict[str, Any]) -> None:
    plant_run(workspace)
    refused = client.post(f"/star/{id}", json=given)
    assert refused.status_code == 400 and refused.json()["error"]
    assert workspace.run(RUN_ID).starred == []
