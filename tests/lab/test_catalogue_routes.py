"""The Data tab's routes: lists, scores as columns, details of a screenful, the state of a job; owner only."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from engines import decisions, files
from engines.records import CatalogueRecord, ImageSetRecord, JobRecord
from engines.workspace import Workspace
from lab import catalogue_routes

Client = Callable[[str], TestClient]
ITEMS = ("000001", "000002", "000003")


@pytest.fixture
def client(workspace: Workspace) -> Client:
    """A client of the routes that the gate has given a role."""

    def make(role: str) -> TestClient:
        app = FastAPI()

        @app.middleware("http")
        async def gate(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
            request.state.role = role
            return await call_next(request)

        app.include_router(catalogue_routes.make(workspace), prefix="/lab")
        return TestClient(app)

    return make


@pytest.fixture
def catalogue(workspace: Workspace) -> Path:
    """Three analysed images: one sound, one cut off, one that could not be read."""
    folder = workspace.folder("catalogues", "films")
    (folder / "analysis").mkdir(parents=True)
    sizes = [{"item": item, "label": "benign", "width": 200, "height": 400} for item in ITEMS]
    files.write_csv(folder / "items.csv", sizes, ("item", "label", "width", "height"))
    table = [
        {"item": "000001", "label": "benign", "patient": "p1", "shape_confidence": 0.7496, "closed": 0.9, "flipped": 1,
         "crop_x": 20, "crop_y": 100, "crop_w": 100, "crop_h": 200, "reason": ""},
        {"item": "000002", "label": "=1+1", "patient": "p2", "shape_confidence": 0.2, "closed": 0.1, "flipped": 0,
         "crop_x": 0, "crop_y": 0, "crop_w": 0, "crop_h": 0, "reason": "cut off below"},
        {"item": "000003", "label": "benign", "patient": "p2", "shape_confidence": 0, "flipped": 0,
         "reason": "could not be read: The file is damaged."},
    ]  # fmt: skip
    files.write_csv(folder / "analysis" / "curation.csv", table, tuple(table[0]))
    lines = [{"item": item, "outline": [[0.1, 0.2], [0.3, index / 10]]} for index, item in enumerate(ITEMS[:2])]
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    files.write_text(folder / "analysis" / "outlines.jsonl", text)
    workspace.save("catalogues", CatalogueRecord(id="films", name="<b>Films</b>", layout="folder", items=3, rejected=2))
    return folder


def test_scores_come_as_columns_with_verdicts(catalogue: Path, client: Client) -> None:
    decisions.record_decision(catalogue, "000002", "accept", client="page", seq=1)
    decisions.record_decision(catalogue, "000009", "reject", client="page", seq=2)  # of an image no longer there
    answer = client("owner").get("/lab/catalogue/films/scores").json()
    assert answer["items"] == list(ITEMS)
    assert answer["scores"] == [0.7496, 0.2, 0.0], "rounding could put an image on the wrong side of the threshold"
    assert [answer["labels"][index] for index in answer["label"]] == ["benign", "=1+1", "benign"]
    assert answer["reasons"][answer["reason"][1]] == "cut off below"
    assert answer["unreadable"] == [2] and answer["flipped"] == 1 and answer["analysed"] is True
    assert answer["verdicts"] == {"000002": ["accept", ""]}


def test_scores_follow_a_new_analysis(catalogue: Path, client: Client) -> None:
    asked = client("owner")
    assert asked.get("/lab/catalogue/films/scores").json()["analysed"] is True
    row = {"item": "000001", "label": "benign", "shape_confidence": 1.0, "reason": ""}
    files.write_csv(catalogue / "analysis" / "curation.csv", [row], tuple(row))
    assert asked.get("/lab/catalogue/films/scores").json()["scores"] == [1.0]


def test_a_catalogue_without_analysis_is_empty_not_an_error(workspace: Workspace, client: Client) -> None:
    workspace.save("catalogues", CatalogueRecord(id="new", name="New", layout="folder", items=5))
    answer = client("owner").get("/lab/catalogue/new/scores")
    assert answer.status_code == 200
    assert answer.json()["analysed"] is False and answer.json()["items"] == []


def test_candidates_give_outline_and_crop_in_shares_of_the_picture(catalogue: Path, client: Client) -> None:
    address = "/lab/catalogue/films/candidates?items=000002,000001,../x,000099"
    found = client("owner").get(address).json()["items"]
    assert set(found) == {"000001", "000002"}
    assert found["000001"]["crop"] == [0.1, 0.25, 0.5, 0.5]
    assert found["000002"]["crop"] == [] and found["000002"]["outline"] == [[0.1, 0.2], [0.3, 0.1]]
    assert found["000001"]["outline"] == [[0.1, 0.2], [0.3, 0.0]]
    assert found["000001"]["parts"] == {"closed": 0.9} and found["000001"]["flipped"] is True


def test_too_many_candidates_are_refused(catalogue: Path, client: Client) -> None:
    items = ",".join(f"{number:06d}" for number in range(catalogue_routes.CANDIDATES_PER_REQUEST + 1))
    answer = client("owner").get("/lab/catalogue/films/candidates", params={"items": items})
    assert answer.status_code == 400 and answer.json()["advice"]


def test_an_image_set_is_looked_through_like_a_catalogue(workspace: Workspace, client: Client) -> None:
    record = ImageSetRecord(
        id="made", name="Made", origin="synthetic", items=2, width=64, height=32, channels=1, dtype="uint8"
    )
    workspace.save("image_sets", record)
    rows = [{"item": "000001", "label": "a"}, {"item": "000002", "label": "b"}]
    files.write_csv(workspace.folder("image_sets", "made") / "items.csv", rows, ("item", "label"))
    decisions.record_decision(workspace.folder("image_sets", "made"), "000001", "reject", "blur", client="p", seq=1)
    answer = client("owner").get("/lab/image_set/made/scores").json()
    assert answer["items"] == ["000001", "000002"] and answer["verdicts"] == {"000001": ["reject", "blur"]}
    detail = client("owner").get("/lab/image_set/made/candidates?items=000001").json()["items"]["000001"]
    assert (detail["width"], detail["height"]) == (64, 32)


def test_lists_name_catalogues_and_sets(catalogue: Path, client: Client) -> None:
    answer = client("viewer").get("/lab/catalogues").json()
    assert [(one["id"], one["name"], one["rejected"]) for one in answer["catalogues"]] == [("films", "<b>Films</b>", 2)]
    assert answer["image_sets"] == []


def test_work_says_what_came_of_a_job_without_paths(workspace: Workspace, client: Client) -> None:
    folder = workspace.folder("jobs", "add-films")
    folder.mkdir(parents=True)
    job = JobRecord(id="add-films", kind="add", state="done", parameters={"path": "/home/x"})
    job.result = {"id": "films", "items": 3, "path": "/home/x"}
    files.write_json(folder / "job.json", job.model_dump(mode="json"))
    answer = client("owner").get("/lab/work/add-films")
    assert answer.json()["state"] == "done" and answer.json()["result"] == {"id": "films", "items": 3}
    assert "/home" not in answer.text


@pytest.mark.parametrize(
    "address", ["/lab/catalogue/films/scores", "/lab/catalogue/films/candidates?items=000001", "/lab/work/add-films"]
)
def test_only_the_owner_sees_patients(catalogue: Path, client: Client, address: str) -> None:
    assert client("viewer").get(address).status_code == 403


@pytest.mark.parametrize("address", ["/lab/catalogue/none/scores", "/lab/catalogue/..%2Fx/scores", "/lab/work/none"])
def test_unknown_things_are_404_in_words(workspace: Workspace, client: Client, address: str) -> None:
    assert client("owner").get(address).status_code == 404
