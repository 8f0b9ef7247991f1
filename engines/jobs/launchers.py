"""Ways to start a worker: here, as a child process of this computer that outlives the app."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from engines.jobs import process

ROOT = Path(__file__).resolve().parents[2]
# -P: a file named json.py in the working directory must not be imported.
COMMAND = (sys.executable, "-P", "-m", "engines.worker")


class Worker:
    """A process that waits for a job or works on it, and tells by `changed` when it got ready or ended."""

    def __init__(self, child: subprocess.Popen[bytes], warm: bool, changed: Callable[[], None]) -> None:
        self._child, self.warm, self._changed = child, warm, changed
        self.identity = process.identify(child.pid)
        self.description: dict[str, Any] | None = None
        self.ready = threading.Event()
        for work in (self._hear, self._await_end):
            threading.Thread(target=work, name=f"worker-{child.pid}", daemon=True).start()

    def assign(self, folder: Path) -> None:
        """Give it the job of a folder. Raises OSError if it is gone."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(str(folder)).encode() + b"\n")
        finally:
            self._child.stdin.close()

    def dismiss(self) -> None:
        """Let a waiting worker go: the end of its input ends it."""
        assert self._child.stdin is not None
        with suppress(OSError):
            self._child.stdin.close()

    def exit_code(self) -> int | None:
        """None while it lives; negative: the signal that ended it."""
        return self._child.poll()

    def _hear(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as stdout:
            for line in stdout:
                with suppress(ValueError):
                    said = json.loads(line)
                    if isinstance(said, dict) and said.get("ready"):
                        self.description = said.get("description")
                        self.ready.set()
                        self._changed()

    def _await_end(self) -> None:
        self._child.wait()
        self._changed()


class LocalLauncher:
    """Starts workers on this computer, in sessions of their own: Ctrl-C or a kill of the app leaves them alone."""

    def __init__(self, command: Sequence[str] = COMMAND, device: str = "") -> None:
        self._command, self._device = tuple(command), device

    def start(self, warm: bool, changed: Callable[[], None], log: Path | None = None) -> Worker:
        """Start a waiting worker; what it prints before it has a job goes to `log`. Raises OSError."""
        errors: BinaryIO | int = open(log, "ab") if log else subprocess.DEVNULL
        try:
            child = subprocess.Popen(
                [*self._command, "--spare" if warm else "--wait"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
                env=self._environment(),
                **_apart(),
            )
        finally:
            if not isinstance(errors, int):
                errors.close()
        return Worker(child, warm, changed)

    def describe(self, timeout_s: float = 120) -> dict[str, Any]:
        """Ask a new process what the engine can do. Raises OSError, subprocess.SubprocessError or ValueError."""
        answer = subprocess.run(
            [*self._command, "--describe"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment(),
            timeout=timeout_s,
            check=True,
        )
        description: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
        return description

    def _environment(self) -> dict[str, str]:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
        if self._device.startswith("cuda:"):
            visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
            index = self._device.removeprefix("cuda:")
            environment["CUDA_VISIBLE_DEVICES"] = visible[int(index)] if visible else index
        return environment


def _apart() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
