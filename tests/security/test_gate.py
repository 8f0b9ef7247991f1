"""The gate: who passes, who does not, and that no single step has to be right for a stranger to stay out."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from lab.security import Access, Gate, host_name, require_owner

PORT = 7860
OWN = f"http://127.0.0.1:{PORT}"
PAGE = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "accept": "text/html"}
METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
PATHS = ("/", "/thing", "/gradio_api/upload")


async def thing(request: Request) -> Response:
    return JSONResponse({"role": request.state.role})


async def page(request: Request) -> Response:
    return HTMLResponse("<html><head></head><body><script>let a = 1</script><gradio-app></gradio-app></body></html>")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@pytest.fixture
def access(tmp_path: Path) -> Access:
    return Access(tmp_path / "private" / "sessions.json", f"lab_{PORT}")


@pytest.fixture
def client(access: Access) -> TestClient:
    return make_client(access)


def make_client(access: Access) -> TestClient:
    routes = [Route("/", page), WebSocketRoute("/socket", socket)]
    routes += [Route(path, thing, methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"]) for path in PATHS[1:]]
    app = Starlette(routes=routes)
    gate = Gate(app, access, {"127.0.0.1", "localhost", "[::1]"})
    return TestClient(gate, base_url=OWN, follow_redirects=False)


def let_in(client: TestClient, access: Access, role: str = "owner") -> None:
    secret = access.invite(role, session_s=3600)  # type: ignore[arg-type]
    assert client.get(f"/?token={secret}", headers=PAGE).status_code == 200


HOSTS = {
    "127.0.0.1:7860": True,
    "127.0.0.1": True,
    "localhost:7860": True,
    "LOCALHOST:9999": True,  # a tunnel of one's own may end at another port
    "[::1]:7860": True,
    "evil.com": False,
    "localhost.evil.com:7860": False,
    "127.0.0.1.nip.io:7860": False,
    "127.0.0.1.": False,
    "2130706433": False,
    "0.0.0.0:7860": False,
    "127.0.0.1:7860@evil.com": False,
}
ORIGINS = (None, "same", "null", "http://evil.com", "http://127.0.0.1:8888", "")
SITES = (None, "same-origin", "none", "same-site", "cross-site")


def allowed(host: bool, origin: str | None, site: str | None, method: str, path: str) -> bool:
    """What the matrix should say, written down a second time."""
    if not host or method == "OPTIONS" or origin not in (None, "same") or site in ("same-site", "cross-site"):
        return False
    return method in ("GET", "HEAD") or origin == "same" or site is not None


def test_only_our_own_page_passes_the_matrix(client: TestClient, access: Access) -> None:
    let_in(client, access)
    wrong = []
    matrix = list(itertools.product(HOSTS, ORIGINS, SITES, METHODS, PATHS[1:2]))
    for host, origin, site, method, path in matrix:
        headers = {"host": host}
        if origin is not None:
            headers["origin"] = f"http://{host}" if origin == "same" else origin
        if site is not None:
            headers["sec-fetch-site"] = site
        answer = client.request(method, path, headers=headers | {"cookie": cookies(client)})
        if (answer.status_code < 400) != allowed(HOSTS[host], origin, site, method, path):
            wrong.append((host, origin, site, method, path, answer.status_code))
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert not wrong
    assert len(matrix) == 12 * 6 * 5 * 5


def cookies(client: TestClient) -> str:
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_nothing_answers_without_a_session(client: TestClient, method: str, path: str) -> None:
    headers = {"origin": OWN, "sec-fetch-site": "same-origin"}
    assert client.request(method, path, headers=headers).status_code in (401, 405)


def test_preflight_is_refused_and_promises_nothing(client: TestClient, access: Access) -> None:
    let_in(client, access)
    asked = {"origin": "https://evil.com", "access-control-request-method": "POST"}
    answer = client.options("/thing", headers=asked)
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_on_another_port_is_the_same_site_and_stays_out(client: TestClient, access: Access) -> None:
    let_in(client, access)
    for extra in ({"sec-fetch-mode": "no-cors"}, {"sec-fetch-mode": "cors"}, {"sec-fetch-dest": "image"}):
        assert client.get("/thing", headers={"sec-fetch-site": "same-site", **extra}).status_code == 403
    posted = client.post("/thing", headers={"origin": "http://127.0.0.1:8888", "sec-fetch-site": "same-site"})
    assert posted.status_code == 403


def test_a_link_opens_one_browser_once(client: TestClient, access: Access) -> None:
    secret = access.invite("owner", session_s=3600)
    first = client.get(f"/?token={secret}", headers=PAGE)
    assert first.status_code == 200
    assert 'location.replace("/")' in first.text
    cookie = first.headers["set-cookie"].lower()
    assert all(word in cookie for word in (f"lab_{PORT}=", "httponly", "samesite=strict", "path=/", "max-age=3600"))
    assert secret not in cookie
    assert client.get("/thing").json() == {"role": "owner"}
    stranger = make_client(access)
    again = stranger.get(f"/?token={secret}", headers=PAGE)
    assert again.status_code == 401
    assert "set-cookie" not in again.headers


def test_a_preview_does_not_use_up_a_link(client: TestClient, access: Access) -> None:
    secret = access.invite("owner", session_s=3600)
    for headers in ({"accept": "*/*"}, {**PAGE, "sec-fetch-dest": "empty"}, {**PAGE, "sec-fetch-dest": "iframe"}):
        assert client.get(f"/?token={secret}", headers=headers).status_code in (401, 403)
    assert client.head(f"/?token={secret}", headers=PAGE).status_code == 401
    assert client.get(f"/?token={secret}", headers=PAGE).status_code == 200


def test_a_used_link_still_opens_the_browser_that_used_it(client: TestClient, access: Access) -> None:
    secret = access.invite("owner", session_s=3600)
    client.get(f"/?token={secret}", headers=PAGE)
    assert 'location.replace("/")' in client.get(f"/?token={secret}", headers=PAGE).text


def test_viewers_share_a_link_until_it_expires(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = access.invite("viewer", session_s=100, link_s=100, once=False)
    one, two, late = make_client(access), make_client(access), make_client(access)
    for client in (one, two):
        assert client.get(f"/?token={secret}", headers=PAGE).status_code == 200
        assert client.get("/thing").json() == {"role": "viewer"}
    later = __import__("time").time() + 101
    monkeypatch.setattr("lab.security.time.time", lambda: later)
    assert late.get(f"/?token={secret}", headers=PAGE).status_code == 401
    assert one.get("/thing").status_code == 401


def test_a_click_in_webmail_gets_in(client: TestClient, access: Access) -> None:
    from_mail = {**PAGE, "sec-fetch-site": "cross-site"}
    secret = access.invite("owner", session_s=3600)
    assert 'location.replace("/")' in client.get(f"/?token={secret}", headers=from_mail).text
    client.cookies.clear()  # what Strict does on a later click from another site
    bounce = client.get("/", headers=from_mail)
    assert bounce.status_code == 200
    assert 'location.replace("/?again")' in bounce.text
    assert client.get("/?again", headers={**PAGE, "sec-fetch-site": "same-origin"}).status_code == 401


def test_sessions_survive_a_restart_as_hashes_in_a_private_file(access: Access) -> None:
    client = make_client(access)
    let_in(client, access)
    restarted = make_client(Access(access.path, access.cookie))
    restarted.cookies = client.cookies
    assert restarted.get("/thing").json() == {"role": "owner"}
    stored = access.path.read_text()
    assert client.cookies[access.cookie] not in stored
    assert [value["role"] for value in json.loads(stored).values()] == ["owner"]
    if os.name != "nt":
        assert access.path.stat().st_mode & 0o777 == 0o600
        assert access.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"a": 1}', '{"a": {"role": "root", "expires": 9e99}}'])
def test_a_damaged_session_file_lets_nobody_in(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "sessions.json"
    path.write_text(damage)
    access = Access(path, "lab_1")
    assert access.role("a") is None
    assert make_client(access).get("/thing").status_code == 401


def test_cookies_of_another_port_do_not_count(access: Access, tmp_path: Path) -> None:
    owner = make_client(access)
    let_in(owner, access)
    viewer = make_client(Access(tmp_path / "other" / "sessions.json", "lab_7861"))
    value = owner.cookies[access.cookie]
    assert viewer.get("/thing", headers={"cookie": f"lab_7861={value}"}).status_code == 401
    assert viewer.get("/thing", headers={"cookie": f"{access.cookie}={value}"}).status_code == 401


def test_revoking_ends_every_session(client: TestClient, access: Access) -> None:
    let_in(client, access)
    access.revoke()
    assert client.get("/thing").status_code == 401


def test_refusals_are_words(client: TestClient) -> None:
    answer = client.get("/thing")
    assert answer.status_code == 401
    assert set(answer.json()) == {"error", "detail", "advice"}
    assert answer.json()["advice"].startswith("Open the link")
    shown = client.get("/", headers=PAGE)
    assert shown.headers["content-type"].startswith("text/html")
    assert "Open the link" in shown.text


@pytest.mark.parametrize(
    "path", ["/gradio_api/file=http://evil.com/x", "/gradio_api/file=HTTPS%3A//evil.com", "/proxy=x"]
)
def test_nothing_is_fetched_for_anybody(client: TestClient, access: Access, path: str) -> None:
    let_in(client, access)
    assert client.get(path).status_code == 403


def test_web_sockets_are_closed(client: TestClient, access: Access) -> None:
    let_in(client, access)
    with pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)), client.websocket_connect("/socket"):
        pass


@pytest.mark.parametrize(
    ("host", "name"),
    [("a.b:1", "a.b"), ("[::1]", "[::1]"), ("[::1]:80", "[::1]"), ("A", "a"), ("a:b", ""), ("", ""), (":80", "")],
)
def test_host_names(host: str, name: str) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize("role", ["viewer", "reader", ""])
def test_only_the_owner_may_change_things(role: str) -> None:
    gradio = pytest.importorskip("gradio")
    request = type("Request", (), {"state": type("State", (), {"role": role})()})()
    with pytest.raises(gradio.Error):
        require_owner(request)
    request.state.role = "owner"
    require_owner(request)
