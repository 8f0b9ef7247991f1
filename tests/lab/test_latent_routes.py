"""What the page asks of a latent space reaches the job, answers come back, and an ended job is said to be ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engines import files
from engines.records import JobRecord
from engines.workspace import Workspace
from lab import latent_routes, media_routes
from tests.lab.test_media import Role, picture


def plant(workspace: Workspace, **about: Any) -> Path:
    folder = workspace.folder("jobs", "drawing")
    (folder / "latents").mkdir(parents=True, exist_ok=True)
    record = JobRecord(**{"id": "drawing", "kind": "latents", "state": "running", **about})
    files.write_json(folder / "job.json", record.model_dump(mode="json"))
    return folder


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(latent_routes, "WAIT_S", 0.05)
    app = FastAPI()
    for module in (latent_routes, media_routes):
        app.include_router(module.make(workspace))
    app.add_middleware(Role)
    with TestClient(app) as client:
        yield client


def test_a_request_becomes_a_line_and_its_answer_comes_back(workspace: Workspace, client: TestClient) -> None:
    folder = plant(workspace)
    for number in (1, 2):
        assert client.post("/latents/drawing", json={"view": "map", "number": number}).json() == {"ok": True}
    assert [line["number"] for line in files.read_jsonl(folder / latent_routes.REQUESTS)] == [1, 2]
    pending = client.get("/latents/drawing/me/map?number=2")
    assert (pending.status_code, pending.json()) == (202, {"pending": True})
    files.write_json(folder / "latents/me-map.json", {"number": 1})
    assert client.get("/latents/drawing/me/map?number=2").status_code == 202, "an older answer is none"
    files.write_json(folder / "latents/me-map.json", {"number": 2, "picture": "a.webp"})
    assert client.get("/latents/drawing/me/map?number=2").json()["picture"] == "a.webp"
    picture(folder / "latents/a.webp")
    assert client.get("/media/jobs/drawing/latents/a.webp").status_code == 200
    assert client.get("/media/jobs/drawing/latents/a.webp", headers={"role": "viewer"}).status_code == 403


def test_a_job_that_ended_is_gone_and_one_that_failed_says_why(workspace: Workspace, client: TestClient) -> None:
    assert client.post("/latents/nowhere", json={}).status_code == latent_routes.GONE
    plant(workspace, state="done")
    assert client.post("/latents/drawing", json={}).status_code == latent_routes.GONE
    assert client.get("/latents/drawing/me/map").status_code == latent_routes.GONE
    plant(workspace, state="failed", error={"what": "No memory.", "why": "", "advice": "Close something."})
    for answer in (client.post("/latents/drawing", json={}), client.get("/latents/drawing/me/map")):
        assert (answer.status_code, answer.json()["error"]) == (409, "No memory.")


@pytest.mark.parametrize("body", ["[1]", "x", '{"x": NaN}', "{" + ",".join(f'"{n}": 1' for n in range(40)) + "}"])
def test_what_is_no_request_never_reaches_the_job(workspace: Workspace, client: TestClient, body: str) -> None:
    folder = plant(workspace)
    assert client.post("/latents/drawing", content=body).status_code == 409
    assert not (folder / latent_routes.REQUESTS).exists()


@pytest.mark.parametrize("address", ["me/other", "ME/map", "..%2F..%2Fx/map", "a.b/map"])
def test_only_names_of_our_form_are_looked_for(workspace: Workspace, client: TestClient, address: str) -> None:
    plant(workspace)
    assert client.get(f"/latents/drawing/{address}").status_code in (404, 422)


def test_another_kind_of_job_takes_no_requests(workspace: Workspace, client: TestClient) -> None:
    folder = plant(workspace, kind="curate")
    assert client.post("/latents/drawing", json={}).status_code == 409
    assert not (folder / latent_routes.REQUESTS).exists()
