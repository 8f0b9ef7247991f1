"""Security headers of every answer, and the content policy with a fresh nonce for every page."""

from __future__ import annotations

import html
import secrets
from typing import NamedTuple

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse
from starlette.types import Message, Send

# Gradio compiles the templates of gr.HTML with Function ('unsafe-eval') and writes style attributes; the rest is shut.
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; media-src 'self' blob:; "
    "manifest-src 'self'; worker-src 'self' blob:; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>TITLE</title><style>
body{background:#14161a;color:#e6e9ee;font:15px system-ui,sans-serif;display:grid;place-items:center;height:90vh}
main{max-width:34em;line-height:1.5}p{color:#98a1ae}</style></head><body><main><h1>TITLE</h1><p>WHAT</p><p>ADVICE</p>
</main>SCRIPT</body></html>"""


class Own(NamedTuple):
    """What we put into Gradio's page: lines that load our scripts, and lines that load our styles."""

    scripts: str = ""
    styles: str = ""


NOTHING = Own()


def policy(nonce: str) -> str:
    """The content policy for one page."""
    return POLICY.format(nonce=nonce)


def document_page(title: str, what: str, advice: str, status: int = 200, go: str = "") -> HTMLResponse:
    """A small page of our own; `go` is one of our own paths that it moves on to."""
    script = f'<script>location.replace("{go}")</script>' if go else ""
    page = PAGE.replace("TITLE", html.escape(title)).replace("WHAT", html.escape(what))
    page = page.replace("ADVICE", html.escape(advice)).replace("SCRIPT", script)
    return HTMLResponse(page, status, {"Cache-Control": "no-store"})


def with_nonce(page: bytes, nonce: str, own: Own) -> bytes:
    """Give every script of a page its nonce, and put our own scripts and styles in.

    Data in Gradio's page stand in JSON with `<` escaped, so every `<script` is one that the program wrote. Scripts come
    first in the head; styles stand in the body, since Gradio adds its own to the head while it runs and the last wins.
    """
    marked = page.replace(b"<head>", b"<head>" + own.scripts.encode(), 1)
    marked = marked.replace(b"<gradio-app", own.styles.encode() + b"<gradio-app", 1)
    return marked.replace(b"<script", b'<script nonce="' + nonce.encode() + b'"')


def guarded_send(send: Send, own: Own, page: bool) -> Send:
    """Add our headers to an answer; an HTML page is collected and rewritten, everything else streams through."""
    nonce = secrets.token_urlsafe(16)
    held: list[Message] = []
    body = bytearray()

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers["Content-Security-Policy"] = policy(nonce)
            for name in [name for name in headers if name.lower().startswith("access-control-")]:
                del headers[name]  # nothing here is for other sites
            if page and headers.get("content-type", "").startswith("text/html"):
                headers["Cache-Control"] = "no-store"
                held.append(message)
                return
        elif held and message["type"] == "http.response.body":
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            start = held.pop()
            message = {"type": "http.response.body", "body": with_nonce(bytes(body), nonce, own)}
            MutableHeaders(scope=start)["content-length"] = str(len(message["body"]))
            await send(start)
        await send(message)

    return guarded
