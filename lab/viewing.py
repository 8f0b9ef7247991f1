"""Asks the process that decodes large pictures, starts it when one is wanted, and ends it when none was for a while."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

from engines.errors import LabError

MOST_KEPT_BYTES = 64 * 2**20  # of pictures in memory; nothing of them is written to the disk
MOST_PICTURE_BYTES = 32 * 2**20
IDLE_S = 180.0
ANSWER_WITHIN_S = 45.0  # its own sandbox ends a file after 20 s
ROOT = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-m", "engines.readers.viewing")
_GONE = LabError(
    "The picture could not be opened.", "The process that decodes pictures ended.", "Try again; if it stays, restart."
)


class View(NamedTuple):
    """A picture as the browser gets it: what it is, and its pixels (little endian, row by row)."""

    about: dict[str, Any]
    pixels: bytes


class Viewing:
    """Large pictures by key; all methods may be called from any thread."""

    def __init__(self, command: tuple[str, ...] = COMMAND, idle_s: float = IDLE_S) -> None:
        self._command, self._idle_s = command, idle_s
        self._process: subprocess.Popen[bytes] | None = None
        self._kept: OrderedDict[tuple[str, ...], View] = OrderedDict()
        self._lock = threading.Lock()
        self._idle: threading.Timer | None = None

    def picture(self, key: tuple[str, ...], request: dict[str, Any]) -> View:
        """The picture of that key, from memory or decoded. Raises LabError where it cannot be had."""
        with self._lock:
            if key not in self._kept:
                self._keep(key, self._ask(request))
            self._kept.move_to_end(key)
            return self._kept[key]

    def kept(self, key: tuple[str, ...]) -> View | None:
        """The picture of that key if it is in memory."""
        return self._kept.get(key)

    def close(self) -> None:
        """End the process; the next picture starts it again."""
        with self._lock:
            self._end()

    def _keep(self, key: tuple[str, ...], view: View) -> None:
        self._kept[key] = view
        while len(self._kept) > 1 and sum(len(one.pixels) for one in self._kept.values()) > MOST_KEPT_BYTES:
            self._kept.popitem(last=False)

    def _ask(self, request: dict[str, Any]) -> View:
        if self._idle:
            self._idle.cancel()
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # decoders name files and values there
                start_new_session=True,  # Ctrl-C is the app's affair; this process ends with the app's pipe
            )
        watchdog = threading.Timer(ANSWER_WITHIN_S, self._process.kill)
        watchdog.start()
        try:
            return self._exchange(self._process, request)
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            self._end()
            raise LabError(_GONE.what, _GONE.why, _GONE.advice) from None
        finally:
            watchdog.cancel()
            self._idle = threading.Timer(self._idle_s, self.close)
            self._idle.daemon = True
            self._idle.start()

    @staticmethod
    def _exchange(process: subprocess.Popen[bytes], request: dict[str, Any]) -> View:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        about = json.loads(process.stdout.readline(65536))
        if "error" in about:
            raise LabError(*(str(about["error"][part])[:500] for part in ("what", "why", "advice")))
        size = int(about.pop("size_bytes"))
        width, height, channels, depth = (int(about[name]) for name in ("width", "height", "channels", "bytes"))
        if size != width * height * channels * depth or not 0 < size <= MOST_PICTURE_BYTES:
            raise ValueError("the picture is not as large as it says")
        pixels = process.stdout.read(size)
        if len(pixels) != size:
            raise EOFError
        return View(about, pixels)

    def _end(self) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin and process.stdout
        process.stdout.close()
        try:
            process.stdin.close()
        except OSError:
            pass  # it died with a request in the pipe
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
