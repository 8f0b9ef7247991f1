"""What Gradio would do by default and must not: an upgrade that changes a default fails here, not at a hospital."""

from __future__ import annotations

import gc
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from starlette.testclient import TestClient

from engines.workspace import Workspace
from lab import server, static
from lab.live import LiveState
from lab.security import Access
from lab.settings import Settings, scrub_environment
from lab.viewer import ROUTES, build

# Gradio leaves an event loop of its own unclosed when Blocks are made; nothing of ours can close it.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning", "ignore::DeprecationWarning"
)
PAGE = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "accept": "text/html"}


def test_every_argument_of_the_mount_is_said() -> None:
    known = set(inspect.signature(gr.mount_gradio_app).parameters)
    said = {"app", "blocks", "path", "server_name", "server_port", "app_kwargs", "theme", *server.MOUNT}
    # These say nothing about safety: paths of Node, which is off, and texts.
    harmless = {"auth_message", "node_server_name", "node_port", "i18n", "css_paths", "head_paths"}
    assert known - said - harmless == set()
    assert said <= known


def test_dangerous_defaults_of_the_mount_are_overruled() -> None:
    defaults = {name: value.default for name, value in inspect.signature(gr.mount_gradio_app).parameters.items()}
    assert defaults["server_name"] == "0.0.0.0"  # the reason why ours is passed
    assert defaults["show_error"] is True and server.MOUNT["show_error"] is False
    assert defaults["run_history"] is None and server.MOUNT["run_history"] is False
    assert defaults["enable_monitoring"] is None and server.MOUNT["enable_monitoring"] is False
    assert defaults["max_file_size"] is None and server.MOUNT["max_file_size"]
    assert server.MOUNT["allowed_paths"] == [] and server.MOUNT["mcp_server"] is False


def test_the_environment_cannot_loosen_gradio(tmp_path: Path) -> None:
    environment = {"GRADIO_SHARE": "True", "GRADIO_ALLOWED_PATHS": "/", "GRADIO_SERVER_NAME": "0.0.0.0", "PATH": "x"}
    scrub_environment(environment, tmp_path)
    ours = {name: value for name, value in environment.items() if name.startswith("GRADIO_")}
    assert ours == {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": str(tmp_path)}
    assert environment["PATH"] == "x"


@pytest.fixture
def client(workspace: Workspace, tmp_path: Path) -> Iterator[TestClient]:
    (workspace.path / ".env").write_text("SECRET")
    access = Access(tmp_path / "sessions.json", "lab_1")
    settings = Settings(workspace.path, 1, viewer=True)
    state = LiveState(workspace, static.build(), lambda: "CPU", None)
    root = server.assemble(workspace, settings, access, build(), state, None, {"127.0.0.1"}, ROUTES)
    with TestClient(root, base_url="http://127.0.0.1:1", raise_server_exceptions=False) as client:
        client.get(f"/?token={access.invite('viewer', 3600)}", headers=PAGE)
        yield client
    del root
    gc.collect()  # here, where Gradio's leftovers are expected


def test_what_gradio_opens_by_default_is_shut(client: TestClient, workspace: Workspace) -> None:
    assert client.get("/", headers=PAGE).status_code == 200
    for path in ("/openapi.json", "/docs", "/redoc", "/lab/openapi.json", "/lab/docs", "/gradio_api/runs"):
        assert client.get(path).status_code == 404, path
    assert client.get("/monitoring").status_code in (403, 404)
    for file in (workspace.path / ".env", workspace.path / "workspace.json", Path(__file__)):
        assert client.get(f"/gradio_api/file={file}").status_code in (403, 404), file
    config = client.get("/config").json()
    assert config["enable_queue"] is True or config["dependencies"] == []
    assert config.get("analytics_enabled") is False


def test_calls_around_the_queue_are_shut(client: TestClient) -> None:
    headers = {"origin": "http://127.0.0.1:1", "sec-fetch-site": "same-origin"}
    for path in ("/gradio_api/run/x", "/gradio_api/call/x", "/gradio_api/call/v2/x"):
        assert client.post(path, json={"data": []}, headers=headers).status_code >= 400


def test_every_route_is_shut_without_a_session(client: TestClient) -> None:
    client.cookies.clear()
    for route in client.app.routes:  # type: ignore[attr-defined]
        for path in _paths(route):
            answer = client.get(path, headers={"sec-fetch-site": "same-origin"})
            assert answer.status_code == 401, path


def _paths(route: object) -> list[str]:
    prefix = getattr(route, "path", "").rstrip("/")
    inner = getattr(route, "routes", None)
    if not inner:
        return [_filled(prefix or "/")]
    return [_filled(prefix + path) for child in inner for path in _paths(child)]


def _filled(path: str) -> str:
    return "/".join("x" if part.startswith("{") else part for part in path.split("/")) or "/"


def test_gradio_starts_without_telemetry_or_foreign_connections(tmp_path: Path) -> None:
    """Building and answering a page opens no socket to anywhere."""
    program = (
        "import os, socket, sys\n"
        "from pathlib import Path\n"
        "from lab.settings import scrub_environment\n"
        f"scrub_environment(os.environ, Path({str(tmp_path)!r}))\n"
        "real = socket.socket.connect\n"
        "def connect(self, address):\n"
        "    if not str(address[0]).startswith('127.') and address[0] != '::1':\n"
        "        print('foreign', address); os._exit(3)\n"
        "    return real(self, address)\n"
        "socket.socket.connect = connect\n"
        "names = socket.getaddrinfo\n"
        "def look_up(host, *rest, **more):\n"
        "    if host not in (None, 'localhost', '127.0.0.1', '::1'):\n"
        "        print('foreign', host); os._exit(3)\n"
        "    return names(host, *rest, **more)\n"
        "socket.getaddrinfo = look_up\n"
        "from lab.viewer import build\n"
        "build()\n"
        "print('quiet')\n"
    )
    environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "True", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120)
    assert done.stdout.strip() == "quiet", done.stdout + done.stderr
