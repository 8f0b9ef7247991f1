"""The read-only page for supervisors: a program of its own in which nothing that changes anything exists."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import gradio as gr

from engines.errors import LabError
from engines.workspace import Workspace
from lab import server, sockets, static, words
from lab.components.base import columns, left, part, right
from lab.components.strip import footer, header, strip
from lab.live import LiveState
from lab.security import Access
from lab.settings import Settings

log = logging.getLogger("phantom_lab")
# The only route files of this program; those that show real images or change something are never added.
ROUTES = ("state_routes", "run_routes", "media_routes")


def build() -> gr.Blocks:
    """Runs on the left, their curves and sheets on the right; no Gradio handler of any kind."""
    blocks: gr.Blocks = gr.Blocks(
        title=f"{words.NAME} · view", analytics_enabled=False, fill_height=True, fill_width=True
    )
    with blocks:
        with gr.Column(elem_classes=["lab-page"]):
            header(viewer=True)
            strip()
            with columns():
                with left():
                    part("runs", {"started": ""}, label="Runs and queue")
                with right():
                    part("chart", label="Losses")
                    part("health", label="How the run is doing")
                    part("scrubber", label="Sample sheets")
                    part("compare", label="Comparison of runs")
            footer()
    blocks.queue(api_open=False, max_size=64)
    return blocks


def run(workspace: Workspace, settings: Settings, private: Path, announce: Callable[[str], None]) -> None:
    """Serve the page until stopped; its links and sessions end after `expire_hours`. Raises LabError."""
    from lab.start import device_name, say

    listener = sockets.listen(settings)
    lives_s = settings.expire_hours * 3600
    access = Access(private / f"sessions-{settings.port}.json", f"lab_{settings.port}")
    secret = access.invite("viewer", session_s=lives_s, link_s=lives_s, once=False)
    hosts = sockets.local_hosts(settings)
    state = LiveState(workspace, static.build(), device_name(), None)
    with ExitStack() as stack:

        def opened() -> None:
            say(words.VIEWER_SHOWS)
            say(f"Links and sessions end at {time.strftime('%H:%M on %d %b', time.localtime(time.time() + lives_s))}.")
            for address in sockets.lan_addresses() if settings.lan else []:
                say(f"In your network: http://{address}:{settings.port}/?token={secret}")
            announce(f"http://127.0.0.1:{settings.port}/?token={secret}")
            if settings.share:
                threading.Thread(target=share, args=(settings, secret, hosts, stack), daemon=True).start()

        root = server.assemble(workspace, settings, access, build(), state, None, hosts, only=ROUTES, on_start=opened)
        server.serve(root, listener)


def share(settings: Settings, secret: str, hosts: set[str], stack: ExitStack) -> None:
    """Open a tunnel to the viewer through Gradio's relay; a network that forbids it is said in words."""
    from lab.start import say

    try:
        address = _tunnel(settings, stack)
    except LabError as error:
        say(f"No public link. {error}")
        return
    hosts.add(address.split("/")[2].lower())
    say(f"Public link: {address}/?token={secret}")
    say("Its encryption ends at the relay of gradio.live, which could see what the page shows.")


def _tunnel(settings: Settings, stack: ExitStack) -> str:
    import secrets

    from gradio.networking import setup_tunnel
    from gradio.tunneling import CURRENT_TUNNELS

    try:
        address = setup_tunnel(
            local_host="127.0.0.1",
            local_port=settings.port,
            share_token=secrets.token_urlsafe(32),
            share_server_address=None,
            share_server_tls_certificate=None,
        )
    except Exception as error:  # a download, a firewall, a virus scanner: many things forbid tunnels
        raise LabError(
            "The tunnel could not be opened.",
            f"{type(error).__name__}: {str(error)[:200]}",
            "A firewall or virus scanner may forbid it. Use --lan for colleagues in the same network.",
        ) from error
    for tunnel in CURRENT_TUNNELS:
        stack.callback(tunnel.kill)
    return str(address)
