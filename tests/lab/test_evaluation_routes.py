"""Evaluations, their pictures and files: for the owner only, within their bounds, and nothing else of the disk."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from engines.jobs import description
from engines.records import EvaluationRecord
from engines.workspace import Workspace
from lab import evaluation_routes
from tests.lab.planted_evaluation import COUNT, ID, SPECS, details, pixels, plant, plant_job, plant_set, row
from tests.lab.test_media import Role, picture

OTHER_ID = "drawn-20260102"
READ = (
    "/evaluations?of=drawn", "/evaluations/all", f"/evaluations/compared?ids={ID},{OTHER_ID}",
    f"/evaluation/{ID}", f"/evaluation/{ID}/column/psnr_psnr", "/measuring/now",
    f"/evaluation/{ID}/map", f"/evaluation/{ID}/download/map.csv",
    f"/evaluation/{ID}/download/metrics.csv", f"/evaluation/{ID}/download/images.csv",
    f"/evaluation/{ID}/download/record.json", f"/evaluation/{ID}/download/report.html",
    f"/evaluation/{ID}/picture/synthetic/0", f"/evaluation/{ID}/picture/real/0",
    f"/evaluation/{ID}/picture/laid/2?nearest=5", f"/evaluation/{ID}/picture/difference/2?nearest=5",
)  # fmt: skip


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(description, "recall", lambda: {"metrics": SPECS})
    app = FastAPI()
    app.include_router(evaluation_routes.make(workspace))
    app.add_middleware(Role)
    return TestClient(app)


def shown(answer: Any) -> Any:
    """The pixels of a picture that was answered."""
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def drawn(client: TestClient, kind: str, index: int, more: str = "") -> Any:
    return shown(client.get(f"/evaluation/{ID}/picture/{kind}/{index}{more}"))


@pytest.mark.parametrize("path", READ)
def test_the_owner_reads_and_nobody_else(client: TestClient, workspace: Workspace, path: str) -> None:
    plant(workspace)
    plant_job(workspace, "now")
    workspace.save("evaluations", workspace.record("evaluations", ID).model_copy(update={"id": OTHER_ID}))
    assert client.get(path).status_code == 200
    for role in ("viewer", "reader", ""):
        refused = client.get(path, headers={"role": role})
        assert refused.status_code == 403 and refused.json()["error"] == "This is a read-only view."


def test_every_route_is_in_the_matrix(workspace: Workspace) -> None:
    """A route that is added must be added to READ too: it would show real images."""
    asked = [path.partition("?")[0] for path in READ]
    for route in evaluation_routes.make(workspace).routes:
        form = re.sub(r"\{[^}]+\}", "[^/]+", route.path)  # type: ignore[attr-defined]
        assert any(re.fullmatch(form, path) for path in asked), route.path  # type: ignore[attr-defined]
        assert route.methods == {"GET"}  # type: ignore[attr-defined]


def test_pictures_are_the_very_pixels(client: TestClient, workspace: Workspace) -> None:
    plant(workspace)
    assert (drawn(client, "synthetic", 2) == pixels(COUNT)[2, ..., 0]).all()
    assert (drawn(client, "real", 5) == pixels(8)[5, ..., 0]).all()  # 16 bit, shown as 8
    assert (drawn(client, "difference", 2, "?nearest=5") == 30).all()
    assert (drawn(client, "difference", 4, "?nearest=4") == 0).all()


def test_a_moved_copy_is_laid_over_its_original(client: TestClient, workspace: Workspace) -> None:
    """A copy that was mirrored and moved comes to lie over the real image, but for what it left uncovered."""
    plant(workspace, metrics=[row("memorisation", 0.2, details=details((2 / 12, -3 / 10), True))])
    image = pixels(8)[5]
    copy = np.zeros_like(image)
    copy[:-2, 3:] = image[2:, :-3]  # moved up by 2 and right by 3
    images = pixels(COUNT)
    images[2] = copy[:, ::-1]
    place = workspace.folder("image_sets", "drawn") / "images.npy"
    np.save(place, images)
    laid = drawn(client, "laid", 2, "?nearest=5")
    assert (laid[2:, :-3] == image[2:, :-3, 0]).all()
    assert (drawn(client, "difference", 2, "?nearest=5") == 0).all()
    assert (drawn(client, "difference", 2, "?nearest=4")).any()


def test_a_picture_can_be_had_small_and_never_large(client: TestClient, workspace: Workspace) -> None:
    plant_set(workspace, "mias", "real", pixels(8, np.uint8, 200, 100))
    plant_set(workspace, "drawn", "synthetic", pixels(COUNT))
    record = EvaluationRecord(id=ID, name="drawn", real="mias", synthetic="drawn", metrics=[row("psnr", 1.0)])
    workspace.save("evaluations", record)
    assert drawn(client, "real", 0, "?side=64").shape == (64, 32)
    assert drawn(client, "real", 0, "?side=1").shape == (32, 16)
    assert drawn(client, "real", 0, "?side=99999").shape == (200, 100)


def test_a_run_shows_what_was_drawn_for_it(client: TestClient, workspace: Workspace) -> None:
    plant(workspace)
    np.save(workspace.folder("evaluations", ID) / "images.npy", pixels(COUNT) + np.uint8(1))
    assert (drawn(client, "synthetic", 0) == pixels(COUNT)[0, ..., 0] + 1).all()


@pytest.mark.parametrize(
    "path",
    [
        "picture/synthetic/-1", f"picture/synthetic/{COUNT}", "picture/real/8", "picture/difference/0",
        "picture/difference/0?nearest=8", "picture/laid/9?nearest=0", "column/psnr_nearest", "column/index",
        "column/..%2Frecord.json", "download/images.npy", "download/..%2Fmetrics.csv", "download/%2e%2e%2frecord.json",
        "download/job.json", "picture/synthetic/0/../../../x",
    ],
)  # fmt: skip
def test_nothing_beyond_the_bounds(client: TestClient, workspace: Workspace, path: str) -> None:
    plant(workspace)
    assert client.get(f"/evaluation/{ID}/{path}").status_code == 404


@pytest.mark.parametrize("path", ["picture/secret/0", "picture/synthetic/one", "picture/synthetic/0?nearest=x"])
def test_nonsense_is_refused(client: TestClient, workspace: Workspace, path: str) -> None:
    plant(workspace)
    assert client.get(f"/evaluation/{ID}/{path}").status_code == 422


@pytest.mark.parametrize("id", ["nobody", "..", "%2e%2e", "Not-An-Id", "..%2f..%2fimage_sets%2fmias"])
def test_unknown_evaluations(client: TestClient, workspace: Workspace, id: str) -> None:
    plant(workspace)
    for path in ("", "/column/psnr_psnr", "/picture/real/0", "/download/record.json", "/download/report.html"):
        assert client.get(f"/evaluation/{id}{path}").status_code == 404
    assert client.get(f"/measuring/{id}").status_code == 404


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_that_lead_outside_are_not_followed(client: TestClient, workspace: Workspace, tmp_path: Path) -> None:
    plant(workspace)
    picture(tmp_path / "outside.png")
    np.save(tmp_path / "outside.npy", pixels(COUNT))
    folder = workspace.folder("evaluations", ID)
    (folder / "metrics.csv").unlink()
    (folder / "metrics.csv").symlink_to(tmp_path / "outside.png")
    (folder / "images.npy").symlink_to(tmp_path / "outside.npy")
    assert client.get(f"/evaluation/{ID}/download/metrics.csv").status_code == 404
    assert client.get(f"/evaluation/{ID}/picture/synthetic/0").status_code == 404


def test_pickled_arrays_are_never_opened(client: TestClient, workspace: Workspace) -> None:
    plant(workspace)
    np.save(workspace.folder("evaluations", ID) / "images.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert client.get(f"/evaluation/{ID}/picture/synthetic/0").status_code == 404
    assert client.get(f"/evaluation/{ID}").json()["pictures"] is False


def test_a_set_that_was_changed_since_is_not_shown(client: TestClient, workspace: Workspace) -> None:
    plant(workspace)
    record = workspace.image_set("mias").record
    workspace.save("image_sets", record.model_copy(update={"content_sha256": "another"}))
    refused = client.get(f"/evaluation/{ID}/picture/real/0")
    assert refused.status_code == 404 and "changed" in refused.json()["error"]
    assert client.get(f"/evaluation/{ID}").json()["pictures"] is False


def test_numbers_stay_when_the_images_are_gone(client: TestClient, workspace: Workspace) -> None:
    plant(workspace)
    for name in ("images.csv", "metrics.csv"):
        (workspace.folder("evaluations", ID) / name).unlink()
    (workspace.folder("image_sets", "drawn") / "images.npy").unlink()
    whole = client.get(f"/evaluation/{ID}").json()
    assert len(whole["rows"]) == 2 and whole["columns"] == [] and whole["files"] == ["map.csv", "record.json"]
    assert whole["pictures"] is False and whole["copies"]["pairs"]


def test_the_whole_and_a_column(client: TestClient, workspace: Workspace) -> None:
    plant(workspace)
    whole = client.get(f"/evaluation/{ID}").json()
    assert [one["title"] for one in whole["rows"]] == ["Copies of training images", "PSNR to the nearest real"]
    assert [column["name"] for column in whole["columns"]] == ["memorisation_ncc", "psnr_psnr"]
    assert whole["pictures"] and whole["described"] and not whole["of_run"]
    psnr = client.get(f"/evaluation/{ID}/column/psnr_psnr").json()
    assert psnr["values"] == [20.123, 21.123, 22.123, 23.123, 24.123, 25.123]
    assert psnr["nearest"] == [7, 6, 5, 4, 3, 2] and psnr["unseen"] == [1.0, 2.0] and psnr["threshold"] is None
    ncc = client.get(f"/evaluation/{ID}/column/memorisation_ncc").json()
    assert ncc["unseen"] == [0.1, 0.2] and ncc["threshold"] == 0.8 and ncc["compared_with"] == "held-out real images"


def test_the_list_is_of_one_thing(client: TestClient, workspace: Workspace) -> None:
    plant(workspace)
    plant_job(workspace, "now")
    found = client.get("/evaluations?of=drawn").json()
    assert [one["id"] for one in found["evaluations"]] == [ID] and found["job"] == "now"
    assert client.get("/evaluations?of=another").json() == {"evaluations": [], "job": ""}


def test_files_are_handed_out_to_keep(client: TestClient, workspace: Workspace) -> None:
    plant(workspace)
    for name in ("metrics.csv", "images.csv", "record.json", "report.html"):
        answer = client.get(f"/evaluation/{ID}/download/{name}")
        assert f'attachment; filename="{ID}-{name}"' in answer.headers["content-disposition"]
