"""Pictures come out of the workspace; nothing else does, and real ones only for the owner."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from engines import files
from engines.workspace import Workspace
from lab import media_routes


class Role:
    """Stands for the gate: every request has the role of its header."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            roles = [value.decode() for name, value in scope["headers"] if name == b"role"]
            scope.setdefault("state", {})["role"] = roles[0] if roles else "owner"
        await self.app(scope, receive, send)


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), 128).save(path)


@pytest.fixture
def client(workspace: Workspace, tmp_path: Path) -> TestClient:
    picture(workspace.path / "runs/gan/samples/00000064.webp")
    picture(workspace.path / "runs/gan/reals.webp")
    picture(workspace.path / "runs/gan/checkpoints/secret.png")
    picture(workspace.path / "catalogues/mias/analysis/thumbnails/000001.webp")
    shape = {"items": 1, "width": 4, "height": 4, "channels": 1, "dtype": "uint8"}
    for id in ("real", "synthetic", "imported"):
        picture(workspace.path / f"image_sets/{id}/thumbnails/000001.webp")
        origin, parent = (
            ("real" if id == "real" else "synthetic"),
            ("runs/gan/64k" if id == "synthetic" else "catalogues/x"),
        )
        about = {"id": id, "name": id, "origin": origin, "parents": {parent: ""}, **shape}
        files.write_json(workspace.path / f"image_sets/{id}/record.json", about)
    picture(tmp_path / "outside.png")
    (workspace.path / "runs/gan/samples/notes.json").write_text("{}")
    app = FastAPI()
    app.include_router(media_routes.make(workspace))
    app.add_middleware(Role)
    return TestClient(app)


OWNERS = (
    "runs/gan/samples/00000064.webp",
    "runs/gan/reals.webp",
    "catalogues/mias/analysis/thumbnails/000001.webp",
    "image_sets/real/thumbnails/000001.webp",
    "image_sets/synthetic/thumbnails/000001.webp",
    "image_sets/imported/thumbnails/000001.webp",  # somebody said that these are synthetic; nobody can know it
)
VIEWERS = (OWNERS[0], OWNERS[4])


@pytest.mark.parametrize("path", OWNERS)
def test_the_owner_sees_pictures(client: TestClient, path: str) -> None:
    answer = client.get(f"/media/{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"].startswith("private")


@pytest.mark.parametrize("path", OWNERS)
@pytest.mark.parametrize("role", ["viewer", "reader", ""])
def test_others_see_only_synthetic_ones(client: TestClient, path: str, role: str) -> None:
    assert client.get(f"/media/{path}", headers={"role": role}).status_code == (200 if path in VIEWERS else 403)


@pytest.mark.parametrize(
    "path",
    [
        "runs/gan/samples/../reals.webp/../../../../outside.png",
        "runs/gan/samples/../../../../outside.png",
        "runs/gan/samples/%2e%2e/%2e%2e/%2e%2e/%2e%2e/outside.png",
        "runs/gan/samples/..%2f..%2f..%2f..%2foutside.png",
        "runs/gan/samples/..%5c..%5coutside.png",
        "runs/../../outside.png",
        "runs/gan//etc/passwd",
        "runs/gan/samples/%00.webp",
        "runs/gan/samples/notes.json",
        "runs/gan/checkpoints/secret.png",
        "runs/gan/run.json",
        "runs/gan/samples",
        "runs/gan/",
        "runs/nobody/samples/00000064.webp",
        "jobs/gan/samples/00000064.webp",
        ".lab/x/samples/a.webp",
        "workspace.json/a/b",
    ],
)
def test_nothing_else_is_found(client: TestClient, path: str) -> None:
    assert client.get(f"/media/{path}").status_code == 404


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_that_lead_outside_are_not_followed(client: TestClient, workspace: Workspace, tmp_path: Path) -> None:
    (workspace.path / "runs/gan/samples/link.png").symlink_to(tmp_path / "outside.png")
    (workspace.path / "runs/linked").symlink_to(tmp_path)
    picture(tmp_path / "samples" / "a.png")
    assert client.get("/media/runs/gan/samples/link.png").status_code == 404
    assert client.get("/media/runs/linked/samples/a.png").status_code == 404
