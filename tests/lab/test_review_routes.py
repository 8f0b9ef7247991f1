"""The review's routes: large pictures with their grey depth, a reader's own marks and undo, agreement; owner only."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from engines import decisions, files
from engines.errors import LabError
from engines.records import CatalogueRecord, ImageSetRecord
from engines.workspace import Workspace
from lab import review_routes
from lab.viewing import Viewing

Client = Callable[[str], TestClient]


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of the routes that the gate has given a role; its decoding processes end with the test."""
    started: list[Viewing] = []

    def noted() -> Viewing:
        started.append(Viewing())
        return started[-1]

    monkeypatch.setattr(review_routes, "Viewing", noted)

    def make(role: str) -> TestClient:
        app = FastAPI()

        @app.middleware("http")
        async def gate(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
            request.state.role = role
            return await call_next(request)

        app.include_router(review_routes.make(workspace), prefix="/lab")
        return TestClient(app)

    yield make
    for viewing in started:
        viewing.close()


@pytest.fixture
def films(workspace: Workspace, tmp_path: Path) -> Path:
    """A catalogue of a 16-bit picture of 12 bits depth, a colour picture, and a file that is no picture."""
    ramp = np.linspace(100, 4000, 2400 * 1800).reshape(2400, 1800).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "Mustermann.png")
    Image.fromarray(np.full((40, 60, 3), (250, 10, 90), np.uint8)).save(tmp_path / "colour.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    folder = workspace.folder("catalogues", "films")
    workspace.save("catalogues", CatalogueRecord(id="films", name="Films", layout="folder", items=3))
    names = ("Mustermann.png", "colour.png", "broken.png")
    rows = [{"item": f"{n:06d}", "path": str(tmp_path / name), "member": ""} for n, name in enumerate(names, 1)]
    files.write_csv(folder / "sources.csv", rows, ("item", "path", "member"))
    return folder


def test_a_large_picture_keeps_its_grey_depth_and_says_its_stored_values(films: Path, client: Client) -> None:
    asked = client("owner")
    answer = asked.get("/lab/review/catalogue/films/view/000001")
    about = json.loads(answer.headers["X-Picture"])
    assert (about["width"], about["height"], about["channels"], about["bytes"]) == (1200, 1600, 1, 2)
    assert (about["stored_width"], about["stored_height"]) == (1800, 2400)
    pixels = np.frombuffer(answer.content, "<u2").reshape(1600, 1200)
    assert abs(int(pixels[0, 0]) - 100) < 20 and abs(int(pixels[-1, -1]) - 4000) < 20
    assert len(np.unique(pixels)) > 1000, "eight bits would leave 256 greys"
    assert about["low"] == pytest.approx(120, abs=10) and about["high"] == pytest.approx(3980, abs=10)
    assert b"Mustermann" not in answer.content and "Mustermann" not in str(answer.headers)
    again = asked.get("/lab/review/catalogue/films/view/000001")
    assert again.content == answer.content and again.headers["Cache-Control"] == "no-store"

    colour = asked.get("/lab/review/catalogue/films/view/000002")
    assert json.loads(colour.headers["X-Picture"])["channels"] == 3
    assert colour.content[:3] == bytes((250, 10, 90)), "a small picture is left as it is"


def test_a_broken_file_a_missing_one_and_a_strange_name_are_said_in_words(films: Path, client: Client) -> None:
    asked = client("owner")
    broken = asked.get("/lab/review/catalogue/films/view/000003")
    assert broken.status_code == 404 and "damaged" in broken.json()["error"]
    for address in ("catalogue/films/view/000009", "catalogue/none/view/000001", "catalogue/films/view/..%2Fx"):
        answer = asked.get(f"/lab/review/{address}")
        assert answer.status_code == 404 and answer.json(), address
    assert "Mustermann" not in broken.text


def test_pictures_of_an_image_set_come_from_its_array(workspace: Workspace, client: Client) -> None:
    images = np.arange(2 * 32 * 32, dtype=np.uint16).reshape(2, 32, 32, 1)
    made = ImageSetRecord(
        id="made", name="Made", origin="real", items=2, width=32, height=32, channels=1, dtype="uint16"
    )
    workspace.save("image_sets", made)
    folder = workspace.folder("image_sets", "made")
    files.write_csv(folder / "items.csv", [{"item": "000004"}, {"item": "000007"}], ("item",))
    files.write_npy(folder / "images.npy", images)
    answer = client("owner").get("/lab/review/image_set/made/view/000007")
    assert np.array_equal(np.frombuffer(answer.content, "<u2").reshape(32, 32), images[1, :, :, 0])


def test_nothing_of_it_is_for_a_viewer(films: Path, client: Client) -> None:
    for path in ("view/000001", "marks", "agreement"):
        assert client("viewer").get(f"/lab/review/catalogue/films/{path}").status_code == 403
    assert client("viewer").get("/lab/review/presets").status_code == 403


def test_a_reader_sees_only_their_own_marks_and_the_way_back(films: Path, client: Client) -> None:
    decisions.record_decision(films, "000001", "accept", client="a", seq=1, by="Amal")
    decisions.record_decision(films, "000001", "reject", "blur", client="b", seq=1, by="Karim")
    asked = client("owner")
    mine = asked.get("/lab/review/catalogue/films/marks?by=Amal").json()
    assert mine["verdicts"] == {"000001": ["accept", ""]} and mine["undo"] == [["000001", "none", ""]]
    assert mine["readers"] == {"Amal": 1, "Karim": 1} and mine["earlier"] == 0
    all_of_them = asked.get("/lab/review/catalogue/films/marks").json()
    assert all_of_them["verdicts"] == {"000001": ["reject", "blur"]} and all_of_them["undo"] == []


def test_agreement_lists_what_to_look_at_together(films: Path, client: Client) -> None:
    for number, (first, second) in enumerate([("accept", "accept"), ("reject", "accept"), ("reject", "reject")], 1):
        decisions.record_decision(films, f"{number:06d}", first, client="a", seq=number, by="Amal")
        decisions.record_decision(films, f"{number:06d}", second, client="b", seq=number, by="Karim")
    decisions.record_decision(films, "000002", "accept", client="a", seq=9, by=decisions.CONSENSUS)
    found = client("owner").get("/lab/review/catalogue/films/agreement?first=Amal&second=Karim").json()
    assert found["both"] == 3 and found["table"] == [[1, 0], [1, 1]] and found["kappa"] == pytest.approx(0.4)
    assert found["differ"] == [["000002", ["reject", ""], ["accept", ""], ["accept", ""]]]


def test_a_decoder_that_lies_or_ends_is_an_error_in_words_and_starts_again(tmp_path: Path) -> None:
    about = {"width": 9, "height": 9, "channels": 1, "bytes": 1, "size_bytes": 9}
    lying = f"import sys\nfor line in sys.stdin: print({json.dumps(json.dumps(about))}, flush=True)"
    viewing = Viewing((sys.executable, "-c", lying))
    with pytest.raises(LabError, match="could not be opened"):
        viewing.picture(("a",), {"path": "x"})
    viewing.close()
    viewing = Viewing((sys.executable, "-c", "pass"))
    for _ in range(2):
        with pytest.raises(LabError, match="could not be opened"):
            viewing.picture(("a",), {"path": "x"})
    viewing.close()
