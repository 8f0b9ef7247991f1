"""Headers of every answer, and the content policy of the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from lab.headers import HEADERS, Own, document_page
from lab.security import Access, Gate

PAGE = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "accept-encoding": "br"}
OWN = Own('<script defer src="/lab/static/a.js"></script>', '<link rel="stylesheet" href="/lab/static/a.css">')


async def page(request: Request) -> Response:
    assert "accept-encoding" not in request.headers  # a compressed page could not be given its nonce
    text = (
        '<html><head><script src="x.js"></script></head><body><gradio-app></gradio-app><script>1</script></body></html>'
    )
    return HTMLResponse(text, headers={"access-control-allow-origin": "*", "cache-control": "max-age=99"})


async def pieces(request: Request) -> Response:
    async def send() -> object:  # type: ignore[misc]
        for piece in ("data: 1\n\n", "data: <script>\n\n"):
            yield piece

    return StreamingResponse(send(), media_type="text/event-stream")  # type: ignore[arg-type]


async def data(request: Request) -> Response:
    return JSONResponse({"a": "<script>"})


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    access = Access(tmp_path / "sessions.json", "lab_1")
    app = Starlette(routes=[Route("/", page), Route("/pieces", pieces), Route("/data", data)])
    client = TestClient(Gate(app, access, {"127.0.0.1"}, OWN), base_url="http://127.0.0.1:1")
    client.get(f"/?token={access.invite('owner', 3600)}", headers=PAGE)
    return client


def test_every_script_of_the_page_has_the_nonce_of_its_policy(client: TestClient) -> None:
    answer = client.get("/", headers=PAGE)
    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce
    assert answer.text.count("<script") == answer.text.count(f'<script nonce="{nonce[1]}"') == 3
    assert f'<head><script nonce="{nonce[1]}" defer src="/lab/static/a.js">' in answer.text
    assert f"{OWN.styles}<gradio-app" in answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["cache-control"] == "no-store"
    again = client.get("/", headers=PAGE)
    assert again.headers["content-security-policy"] != policy


def test_the_policy_shuts_everything_that_gradio_does_not_need(client: TestClient) -> None:
    policy = client.get("/", headers=PAGE).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == rules["object-src"] == "'none'"
    assert "unsafe-inline" not in rules["script-src"]
    assert not [rule for rule in rules.values() if "http" in rule or "*" in rule]


@pytest.mark.parametrize("path", ["/", "/data", "/pieces", "/nowhere"])
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    answer = client.get(path, headers=PAGE)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "content-security-policy" in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_refusals_carry_the_headers_too(client: TestClient) -> None:
    answer = client.get("/", headers={"host": "evil.com"})
    assert answer.status_code == 400
    assert all(answer.headers[name] == value for name, value in HEADERS.items())


def test_streams_and_data_pass_unchanged(client: TestClient) -> None:
    assert client.get("/pieces").text == "data: 1\n\ndata: <script>\n\n"
    assert client.get("/data").json() == {"a": "<script>"}


def test_words_of_our_own_pages_are_text() -> None:
    page = document_page("<b>", "<script>alert(1)</script>", '"><img src=x>')
    body = bytes(page.body).decode()
    assert "<script>alert" not in body
    assert "<img" not in body
    assert "&lt;script&gt;" in body
