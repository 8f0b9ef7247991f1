"""Puts page, routes and gate together and serves them; owner and viewer differ only in what is put in."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gradio as gr
import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from engines.workspace import Workspace
from lab import job_routes, static, theme
from lab.engine import Engine
from lab.live import LiveState
from lab.security import Access, Gate
from lab.settings import Settings

log = logging.getLogger("phantom_lab")
STOP_WITHIN_S = 1  # an open page streams events for ever; without this, SIGTERM would wait for it
STATE_SESSIONS = 200
# Every argument in which mount_gradio_app's default is looser than ours; tests/security compares them.
MOUNT: dict[str, Any] = {
    "auth": None,
    "auth_dependency": None,
    "show_error": False,
    "run_history": False,
    "enable_monitoring": False,
    "footer_links": [],
    "mcp_server": False,
    "ssr_mode": False,
    "pwa": False,
    "allowed_paths": [],
    "blocked_paths": [],
    "favicon_path": None,
    "max_file_size": "2gb",
    "root_path": None,
    "head": None,
    "css": None,
    "js": None,
}
NO_DOCS: dict[str, Any] = {"openapi_url": None, "docs_url": None, "redoc_url": None}


def routers(
    workspace: Workspace, state: LiveState, engine: Engine | None, only: Sequence[str] | None
) -> list[APIRouter]:
    """The routes of every lab/*_routes.py; those that change something only with an engine to change it."""
    found = []
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        wanted = module.name.endswith("_routes") if only is None else module.name in only
        if not wanted or module.name == "job_routes":
            continue
        try:
            made = importlib.import_module(f"lab.{module.name}")
            found.append(made.make(workspace, state) if module.name == "state_routes" else made.make(workspace))
        except Exception:  # one broken file must not keep the page from opening
            log.exception("routes of %s are left out", module.name)
    if engine is not None:
        found.append(job_routes.make(workspace, engine))
    return found


def assemble(
    workspace: Workspace,
    settings: Settings,
    access: Access,
    blocks: gr.Blocks,
    state: LiveState,
    engine: Engine | None,
    hosts: set[str],
    only: Sequence[str] | None = None,
    on_start: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The whole application: gate, then our routes, then Gradio."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        on_start()
        yield

    gate = Middleware(Gate, access=access, hosts=hosts, own=static.own())
    root = FastAPI(lifespan=life, middleware=[gate], **NO_DOCS)
    ours = FastAPI(**NO_DOCS)
    for router in routers(workspace, state, engine, only):
        ours.include_router(router)
    ours.router.routes.append(static.route())
    ours.add_exception_handler(Exception, _surprise)
    root.mount("/lab", ours)  # before Gradio: its mount takes every path
    gr.mount_gradio_app(
        root,
        blocks,
        "/",
        server_name=settings.bind,
        server_port=settings.port,
        app_kwargs=dict(NO_DOCS),
        theme=theme.make(),
        **MOUNT,
    )
    # Gradio runs a handler's `validator=` in blocks.app; until told, that is an app of its own with other sessions.
    mounted = [app for route in root.routes if isinstance(app := getattr(route, "app", None), gr.routes.App)]
    blocks.app = mounted[-1]
    _calm(blocks)
    return root


def _calm(blocks: gr.Blocks) -> None:
    """Let Gradio's queue look for clicks fifty times a second, not a thousand (on Windows its own choice is twenty).

    A thousand wake-ups a second cost 5 % of a core, and a training that shares the cores a fifth of its speed.
    """
    queue = blocks._queue
    queue.sleep_when_free = max(queue.sleep_when_free, 0.02)
    queue.progress_update_sleep_when_free = max(queue.progress_update_sleep_when_free, 0.1)


async def _surprise(request: Any, error: Exception) -> Any:
    from engines.errors import explain
    from lab.answers import fault

    log.error("unexpected error at %s: %s", request.url.path, type(error).__name__)
    return fault(explain(error), 500)


def serve(root: FastAPI, listener: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C; then be gone within STOP_WITHIN_S even while a page is open."""
    config = uvicorn.Config(
        root,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        server_header=False,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
    )
    listener.listen(128)
    uvicorn.Server(config).run(sockets=[listener])
