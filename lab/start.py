"""The order of a start: settings, engine, and only then Gradio, whose import takes seconds."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import signal
import subprocess
import threading
import time
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from engines import files, registry
from engines.errors import LabError
from engines.jobs import description
from engines.jobs.queue import EngineThread
from engines.workspace import Workspace
from lab.settings import OWNER_SESSION_HOURS, Settings, parse, refusal, scrub_environment

PRIVATE = ".lab"  # sessions and Gradio's cache: in the workspace, but never part of what is shared or exported
DESCRIBED_WITHIN_S = 30.0
log = logging.getLogger("phantom_lab")


def say(text: str) -> None:
    """A line for the terminal, at once."""
    print(text, flush=True)


def start(arguments: Sequence[str], started: float) -> int:
    """Start and serve; returns the exit code. Raises LabError if it cannot."""
    settings = parse(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
    if sentence := refusal(settings, may_be_shared=_deidentified(settings.workspace)):
        raise LabError(sentence)
    signal.signal(signal.SIGTERM, _end)
    new = not (settings.workspace / "workspace.json").exists()
    if new and settings.viewer:
        raise LabError("There is no workspace to view.", f"{settings.workspace} holds none.", "Check --workspace.")
    workspace = Workspace.open(settings.workspace, create=not settings.viewer)
    say(f"Workspace: {workspace.path}{' (new, with a demo)' if new else ''}")
    private = private_folder(workspace.path, f"gradio-{settings.port}")
    scrub_environment(os.environ, private / f"gradio-{settings.port}")
    if settings.viewer:
        from lab.viewer import run

        run(workspace, settings, private, lambda link: announce(settings, [link], started))
    else:
        run_owner(workspace, settings, private, new, started)
    return 0


def _end(number: int, frame: object) -> None:
    raise SystemExit(0)


def _deidentified(path: Path) -> bool:
    with suppress(OSError, LabError, AttributeError):
        return files.read_json(path / "workspace.json").get("settings", {}).get("deidentified") is True
    return False


def private_folder(workspace: Path, cache: str) -> Path:
    """The folder for this user only; what Gradio kept from the last start goes."""
    folder = workspace / PRIVATE
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chmod(folder, 0o700)
    shutil.rmtree(folder / cache, ignore_errors=True)
    (folder / cache).mkdir(mode=0o700, exist_ok=True)
    return folder


def run_owner(workspace: Workspace, settings: Settings, private: Path, new: bool, started: float) -> None:
    """The full page with the engine behind it."""
    from lab import sockets

    listener = sockets.listen(settings)  # before anything heavy: a taken port is said at once
    with EngineThread(workspace, spare=settings.spare) as engine:
        if new:
            with suppress(LabError):
                engine.submit("demo", {}, "Demo phantoms", "first-start")
        describe = Describer(engine)
        from lab import app, server, static
        from lab.live import LiveState
        from lab.security import Access

        access = Access(private / f"sessions-{settings.port}.json", f"lab_{settings.port}")
        session_s = OWNER_SESSION_HOURS * 3600

        def link() -> str:
            return f"http://127.0.0.1:{settings.port}/?token={access.invite('owner', session_s)}"

        access.on_redeemed = lambda role: say(f"Opened. For another browser: {link()}")
        blocks = app.build(workspace, settings, engine, describe)
        state = LiveState(workspace, static.build(), device_name(), engine)
        root = server.assemble(
            workspace, settings, access, blocks, state, engine, sockets.local_hosts(settings),
            on_start=lambda: announce(settings, [link()], started),
        )  # fmt: skip
        server.serve(root, listener)


class Describer:
    """What the engine can do, from the spare worker where one is starting: asking a second process costs seconds."""

    def __init__(self, engine: EngineThread) -> None:
        self._engine = engine
        self._version = registry.code_version()
        self._lock = threading.Lock()
        self._said: dict[str, Any] = description.recall(self._version) or {}

    def __call__(self) -> dict[str, Any]:
        """The description; {} if the engine does not start."""
        with self._lock:
            if not self._said:
                self._said = self._wait() or self._ask()
            return self._said

    def _wait(self) -> dict[str, Any]:
        until = time.monotonic() + (DESCRIBED_WITHIN_S if self._engine.keeps_spare else 0)
        while time.monotonic() < until:
            if self._engine.spare_ready:  # then it has said what it can, and the engine is about to note it
                until = min(until, time.monotonic() + 0.5)
            if said := description.recall(self._version):
                return said
            time.sleep(0.05)
        return {}

    def _ask(self) -> dict[str, Any]:
        try:
            return self._engine.describe()
        except LabError as error:
            log.error("%s", error)
            return {}


def announce(settings: Settings, links: Sequence[str], started: float) -> None:
    """Say where the page is, and open it; the start is over, so garbage is collected from here on."""
    gc.freeze()
    gc.enable()
    say(f"Ready after {time.perf_counter() - started:.1f} s. Open: {links[0]}")
    for link in links[1:]:
        say(f"           or: {link}")
    if settings.open_browser:
        threading.Thread(target=webbrowser.open, args=(links[0],), daemon=True).start()


def device_name() -> Callable[[], str]:
    """The device in words; a GPU is asked for in the background, since its tool takes a moment."""
    memory = f"{psutil.virtual_memory().total / 2**30:.0f} GB"
    found = [f"CPU · {psutil.cpu_count() or 1} cores · {memory}"]

    def ask() -> None:
        command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
        with suppress(OSError, subprocess.SubprocessError, ValueError):
            answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
            name, megabytes = answer.splitlines()[0].rsplit(",", 1)
            found[0] = f"{name.strip()} · {float(megabytes) / 1024:.0f} GB"

    if shutil.which("nvidia-smi"):
        threading.Thread(target=ask, daemon=True).start()
    return lambda: found[0]
