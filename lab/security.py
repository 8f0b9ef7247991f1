"""Who may come in: one gate in front of everything, one-time links, and sessions that survive a restart.

Order: host, origin, fetch metadata, token, session, role, headers. Every step refuses on its own, so that one
browser's gap is not ours. The gate is pure ASGI: uploads and event streams pass through it unbuffered.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import parse_qs, unquote

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from engines import files
from lab.headers import NOTHING, Own, document_page, guarded_send

Role = Literal["owner", "viewer", "reader"]
SAFE_METHODS = frozenset({"GET", "HEAD"})
TOKEN_BYTES = 24  # 192 random bits: guessing needs no throttle
Bar = tuple[int, str, str]  # status, what, advice


@dataclass
class Token:
    """A link's secret: `once` for the owner's; viewers' links serve several people until they expire."""

    role: Role
    expires: float
    session_s: float
    once: bool


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass
class Access:
    """Tokens in memory, sessions in a file that only this user may read; both as hashes, never as themselves."""

    path: Path
    cookie: str
    on_redeemed: Callable[[Role], None] = lambda role: None
    tokens: dict[str, Token] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            stored = files.read_json(self.path)
        except Exception:  # missing or damaged: nobody is let in by it, everybody opens the link again
            stored = {}
        if isinstance(stored, dict):
            self.sessions = {key: value for key, value in stored.items() if isinstance(value, dict)}

    def invite(self, role: Role, session_s: float, link_s: float = 86400.0, once: bool = True) -> str:
        """A new link secret of that role."""
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        self.tokens[_hash(secret)] = Token(role, time.time() + link_s, session_s, once)
        return secret

    def redeem(self, secret: str) -> tuple[str, float] | None:
        """Change a link secret into a session: (cookie value, seconds it lives), or None."""
        token = self.tokens.get(_hash(secret))
        if token is None or token.expires < time.time():
            return None
        if token.once:
            del self.tokens[_hash(secret)]
        session = secrets.token_urlsafe(TOKEN_BYTES)
        ends = time.time() + token.session_s
        self.sessions[_hash(session)] = {"role": token.role, "expires": ends}
        self._save()
        self.on_redeemed(token.role)
        return session, token.session_s

    def role(self, session: str) -> Role | None:
        """The role of a session that has not expired."""
        known = self.sessions.get(_hash(session))
        if known is None or float(known.get("expires", 0)) < time.time():
            return None
        role = known.get("role")
        return cast(Role, role) if role in ("owner", "viewer", "reader") else None

    def revoke(self) -> None:
        """End all links and sessions."""
        self.tokens.clear()
        self.sessions.clear()
        self._save()

    def _save(self) -> None:
        now = time.time()
        self.sessions = {key: value for key, value in self.sessions.items() if float(value.get("expires", 0)) > now}
        files.write_json(self.path, self.sessions)
        os.chmod(self.path, 0o600)


def cookie_value(headers: Headers, name: str) -> str:
    """One cookie of a request, or ""."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def host_name(host: str) -> str:
    """The name in a Host header, without port and in lower case; "" if it has no valid form."""
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(:[0-9]{1,5})?", host)
    return found[1].lower() if found else ""


class Gate:
    """ASGI middleware: lets a request through with a role, or answers it."""

    def __init__(self, app: ASGIApp, access: Access, hosts: set[str], own: Own = NOTHING, secure: bool = False) -> None:
        self.app, self.access, self.own, self.secure = app, access, own, secure
        self.hosts = hosts  # shared: a share link's host is added when the tunnel stands

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        page = self._is_page(scope, headers)
        if page:  # the page gets its nonce written in, so it must arrive as plain text
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        guarded = guarded_send(send, self.own, page)
        answer = self._answer(scope, headers)
        if answer is None:
            await self.app(scope, receive, guarded)
        else:
            await answer(scope, receive, guarded)

    def _answer(self, scope: Scope, headers: Headers) -> Response | None:
        """The gate's own answer, or None if the request may pass (its role is then in the scope)."""
        if barred := self._barred(scope, headers):
            return self._refuse(scope, headers, barred)
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        role = self.access.role(cookie_value(headers, self.access.cookie))
        if scope["path"] == "/" and scope["method"] == "GET" and "token" in query:
            return self._redeem(scope, headers, query["token"][0], role)
        if role is not None:
            scope.setdefault("state", {})["role"] = role
            return None
        foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if foreign and self._is_page(scope, headers) and "again" not in query:
            # A Strict cookie is withheld on a click in webmail; asked from our own page, the browser sends it.
            return document_page("Phantom Lab", "Opening …", "", go="/?again")
        advice = "Open the link that Phantom Lab printed when it started, or start it again for a new one."
        return self._refuse(
            scope, headers, (401, "This page is not open in this browser, or its session ended.", advice)
        )

    def _barred(self, scope: Scope, headers: Headers) -> Bar | None:
        """Requests that no browser page of ours sends."""
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or host_name(host) not in self.hosts:
            return 400, "This address is not one that Phantom Lab answers to.", "Use the link that it printed."
        origin, method = headers.get("origin"), scope["method"]
        if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            return 403, "Another site asked for this.", "Use Phantom Lab in its own tab."
        site = headers.get("sec-fetch-site")
        if site not in (None, "same-origin", "none") and not self._is_page(scope, headers):
            return 403, "Another site asked for this.", "Use Phantom Lab in its own tab."
        if method not in SAFE_METHODS and origin is None and site is None:
            return 403, "This request does not say where it comes from.", "Use Phantom Lab in a browser."
        if method == "OPTIONS":
            return 405, "Nothing here is open to other sites.", ""
        path = unquote(scope["path"]).lower()
        if "file=http" in path or "/proxy=" in path:
            return 403, "Phantom Lab fetches nothing from the internet.", ""
        return None

    def _is_page(self, scope: Scope, headers: Headers) -> bool:
        """A top-level visit of the page itself; over plain HTTP in a network, browsers send no fetch metadata."""
        if scope["method"] != "GET" or scope["path"] != "/":
            return False
        if "sec-fetch-dest" in headers:
            return headers["sec-fetch-dest"] == "document" and headers.get("sec-fetch-mode") == "navigate"
        return "text/html" in headers.get("accept", "")

    def _redeem(self, scope: Scope, headers: Headers, secret: str, role: Role | None) -> Response:
        session = self.access.redeem(secret) if self._is_page(scope, headers) else None
        if session is None and role is None:
            advice = "Each link opens one browser. Use the newest link that Phantom Lab printed, or start it again."
            return self._refuse(scope, headers, (401, "This link has been used or has expired.", advice))
        # Not a redirect: after a click in webmail the Strict cookie would be withheld on the redirected request.
        answer = document_page("Phantom Lab", "Opening …", "", go="/")
        if session is not None:
            value, lives_s = session
            secure = self.secure or headers.get("x-forwarded-proto") == "https"
            answer.set_cookie(
                self.access.cookie,
                value,
                max_age=int(lives_s),
                path="/",
                httponly=True,
                samesite="strict",
                secure=secure,
            )
        return answer

    def _refuse(self, scope: Scope, headers: Headers, barred: Bar) -> Response:
        status, what, advice = barred
        if self._is_page(scope, headers):
            page: HTMLResponse = document_page("Phantom Lab", what, advice, status=status)
            return page
        # Gradio shows `detail` of a JSON answer as it is, and only a parse error for anything else.
        return JSONResponse({"error": what, "detail": f"{what} {advice}".strip(), "advice": advice}, status)


def role_of(request: Any) -> str:
    """The role that the gate gave a request (Starlette's or Gradio's); "" without one."""
    inner = getattr(request, "request", request)
    return str(getattr(getattr(inner, "state", None), "role", ""))


def require_owner(request: Any) -> None:
    """Guard of every handler that changes something. Raises gr.Error for anybody but the owner."""
    if role_of(request) != "owner":
        import gradio as gr

        raise gr.Error("This is a read-only view: only the owner of the workspace can do that.", print_exception=False)
