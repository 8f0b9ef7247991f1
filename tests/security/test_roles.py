"""Every route of the owner's program: whoever is not the owner is refused, but for the few that the viewer has too."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engines.workspace import Workspace
from lab import server
from lab.live import LiveState
from tests.lab.test_media import Role

# Names, numbers and synthetic sheets; each decides for itself what of it is real (tests/lab/test_media.py).
OPEN = {
    "/state", "/live/{id}", "/runs", "/run/{id}", "/compare", "/media/{kind}/{id}/{path:path}",
    "/catalogues",  # the lists' own counts; the viewer's program does not have it at all
}  # fmt: skip
FILLED = {
    "one": "catalogue",
    "kind": "synthetic",
    "index": "0",
    "verb": "pause",
    "view": "map",
    "path": "samples/a.webp",
}


def asked(path: str) -> str:
    """A route's path with something in the place of each parameter."""
    return re.sub(r"\{(\w+)(:path)?\}", lambda found: FILLED.get(found[1], "some-id"), path)


def test_only_the_owner_reaches_the_other_routes(workspace: Workspace) -> None:
    engine: Any = SimpleNamespace(queued=list)
    state = LiveState(workspace, "build", str, engine)
    app = FastAPI()
    routes = []
    for router in server.routers(workspace, state, engine, None):
        app.include_router(router)
        routes += [(method, route.path) for route in router.routes for method in route.methods]  # type: ignore[attr-defined]
    app.add_middleware(Role)
    client = TestClient(app)
    closed = [(method, path) for method, path in routes if path not in OPEN]
    assert len(closed) > 20 and {path for _, path in routes} >= OPEN
    let_in = []
    for method, path in closed:
        for role in ("viewer", "reader", ""):
            answer = client.request(method, asked(path), headers={"role": role}, json={} if method == "POST" else None)
            if answer.status_code != 403:
                let_in.append((method, path, role, answer.status_code))
    assert not let_in


@pytest.mark.parametrize("path", sorted(OPEN))
def test_what_is_open_only_reads(workspace: Workspace, path: str) -> None:
    engine: Any = SimpleNamespace(queued=list)
    state = LiveState(workspace, "build", str, engine)
    found = [
        route.methods  # type: ignore[attr-defined]
        for router in server.routers(workspace, state, engine, None)
        for route in router.routes
        if route.path == path  # type: ignore[attr-defined]
    ]
    assert found == [{"GET"}]
