"""Decodes files from outside in child processes with limits; a crash of a child costs one file.

A few children stay alive and take file after file, since starting Python costs a thousand times what reading a header
does. Nothing that a child sends back is unpickled: replies are JSON and raw pixels, and both are checked.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np
import psutil

from engines.errors import LabError
from engines.readers.base import Header, Limits, Picture
from engines.records import Source

Verb = Literal["probe", "read"]
PROBES_AT_ONCE = 16  # requests on their way to one child; the pipe holds more
START_S = 60.0
WATCH_EVERY_S = 0.1
_MAX_REPLY_BYTES = 65536
_PIPE_BYTES = 2**20  # the most that Linux grants without privileges; the default is 64 KiB
_CHILD = ("-m", "engines.readers.child")
_CRASHED = LabError(
    "This file made the decoder crash.", "It is damaged, or made to do harm.", "Fetch it again, or leave it out."
)
_TOO_SLOW = LabError(
    "This file took too long to decode.", "It is damaged, or larger than it seems.", "Convert it to PNG, then add it."
)
_TOO_LARGE = LabError(
    "This file needs too much memory.",
    "It is damaged, or larger than it seems.",
    "Fetch it again, or convert it to PNG, then add it.",
)


class Sandbox:
    """A pool of limited child processes. Use it as a context manager; all methods may be called from any thread."""

    def __init__(self, limits: Limits | None = None, workers: int = 0, program: Sequence[str] = _CHILD) -> None:
        self.limits = limits or Limits()
        self.workers = workers or min(4, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="sandbox")
        self._children = [_Child(self.limits, program) for _ in range(self.workers)]
        self._free: queue.LifoQueue[_Child] = queue.LifoQueue()  # a child that runs already comes first
        for child in self._children:
            self._free.put(child)
        self._closing = threading.Event()
        self._watchdog = threading.Thread(target=self._watch, name="sandbox-watchdog", daemon=True)
        self._watchdog.start()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the children; work under way ends with them."""
        self._closing.set()
        for child in self._children:
            child.end()
        self._threads.shutdown(cancel_futures=True)
        self._watchdog.join()
        for child in self._children:
            child.bury()

    def probe(self, source: Source | Path) -> Header:
        """The header of one picture. Raises LabError for a file that is refused or broken."""
        return cast(Header, _or_raise(next(self._stream("probe", [source], 1))))

    def read(self, source: Source | Path, least_side: int = 0) -> Picture:
        """The pixels of one picture. Raises LabError for a file that is refused or broken.

        With `least_side` above 0 it may come smaller than stored, with both sides at least that long.
        """
        return cast(Picture, _or_raise(next(self._stream("read", [source], 1, least_side))))

    def probe_many(self, sources: Iterable[Source | Path]) -> Iterator[Header | LabError]:
        """A header or a refusal for every picture, in order."""
        return cast(Iterator[Header | LabError], self._stream("probe", sources, PROBES_AT_ONCE))

    def read_many(self, sources: Iterable[Source | Path]) -> Iterator[Picture | LabError]:
        """Pixels or a refusal for every picture, in order; decodes at most `workers` + 1 files ahead."""
        return cast(Iterator[Picture | LabError], self._stream("read", sources, 1))

    def _stream(
        self, verb: Verb, sources: Iterable[Source | Path], at_once: int, least_side: int = 0
    ) -> Iterator[Header | Picture | LabError]:
        source = (_request(verb, one, least_side) for one in sources)
        ahead: deque[Future[list[Header | Picture | LabError]]] = deque()
        try:
            while batch := list(itertools.islice(source, at_once)):
                ahead.append(self._threads.submit(self._batch, batch))
                if len(ahead) > self.workers + 1:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()

    def _batch(self, requests: list[str]) -> list[Header | Picture | LabError]:
        child = self._free.get()
        try:
            results: list[Header | Picture | LabError] = []
            while len(results) < len(requests):
                results += child.ask(requests[len(results) :])
                if self._closing.is_set() and len(results) < len(requests):
                    raise LabError("The import was ended.", "", "Start it again.")
            return results
        finally:
            self._free.put(child)

    def _watch(self) -> None:
        while not self._closing.wait(WATCH_EVERY_S):
            for child in self._children:
                child.watch()


def _request(verb: Verb, source: Source | Path, least_side: int) -> str:
    path, member = source if isinstance(source, Source) else Source(source)
    return json.dumps({"verb": verb, "path": os.fspath(path), "member": member, "least_side": least_side}) + "\n"


def _or_raise(result: Header | Picture | LabError) -> Header | Picture:
    if isinstance(result, LabError):
        raise LabError(result.what, result.why, result.advice)
    return result


class _Child:
    """One child process, started when first needed and again after it died."""

    def __init__(self, limits: Limits, program: Sequence[str]) -> None:
        self._limits, self._program = limits, program
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline = 0.0  # 0 while nothing is asked
        self._cause: LabError | None = None  # why the watchdog killed the child
        self._ended = False

    def ask(self, lines: list[str]) -> list[Header | Picture | LabError]:
        """Answers for the first files, at least one; fewer than all where the child died on the last of them."""
        results: list[Header | Picture | LabError] = []
        try:
            requests, replies = self._pipes()
            requests.write("".join(lines).encode())
            requests.flush()
            for _ in lines:
                self._deadline = time.monotonic() + self._limits.timeout_s
                results.append(self._reply(replies))
        except (EOFError, OSError, ValueError, KeyError, TypeError):  # died, or no longer speaks our protocol
            results.append(self.bury() or _CRASHED)
        finally:
            self._deadline = 0.0
        return results

    def watch(self) -> None:
        """Kill the child if its file takes too long or too much memory; called by the watchdog."""
        process, deadline = self._process, self._deadline
        if process is None or not deadline:
            return
        try:
            if time.monotonic() > deadline:
                self._cause = _TOO_SLOW
            elif psutil.Process(process.pid).memory_info().rss > self._limits.max_memory_bytes:
                self._cause = _TOO_LARGE  # where the platform does not limit it by itself
            else:
                return
            process.kill()
        except (psutil.Error, OSError):
            return

    def end(self) -> None:
        """Kill the child for good; who waits for its answer gets none. Pipes are closed by `bury`."""
        self._ended = True
        if process := self._process:
            process.kill()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None or self._process.poll() is not None:
            self._start()
        assert self._process and self._process.stdin and self._process.stdout
        return self._process.stdin, self._process.stdout

    def _start(self) -> None:
        if self._ended:
            raise LabError("The import was ended.", "", "Start it again.")
        root = str(Path(__file__).resolve().parent.parent.parent)
        # One thread per library: the pool is the parallelism, and thread stacks count against the memory limit.
        threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        search = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        self._cause = None
        self._process = subprocess.Popen(
            [sys.executable, *self._program, json.dumps(dataclasses.asdict(self._limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders name files and values there
            env={**os.environ, **threads, "PYTHONPATH": search},
            start_new_session=True,  # Ctrl-C is the parent's affair; the children end with its pipe
        )
        assert self._process.stdout
        if sys.platform == "linux":
            import fcntl

            fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._deadline = time.monotonic() + START_S
        if self._process.stdout.readline(_MAX_REPLY_BYTES) != b'{"ready": true}\n':
            self.bury()
            raise LabError(
                "The process that decodes files did not start.",
                "Python could not start a second process of itself, or memory is short.",
                "Close other programs, then try again.",
            )

    def bury(self) -> LabError | None:
        """Make sure that the child is gone; the reason if the watchdog killed it."""
        if self._process:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    try:
                        pipe.close()
                    except OSError:
                        continue  # unsent requests of a dead child
            self._process = None
        return self._cause

    def _reply(self, replies: IO[bytes]) -> Header | Picture | LabError:
        line = replies.readline(_MAX_REPLY_BYTES)
        if not line.endswith(b"\n"):
            raise EOFError
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            return LabError(*(str(reply["error"][part])[:500] for part in ("what", "why", "advice")))
        if "header" in reply:
            return _checked(Header(**reply["header"]))
        about = reply["picture"]
        shape, kind = tuple(int(size) for size in about["shape"]), np.dtype(about["dtype"])
        is_plain = len(shape) in (2, 3) and shape[2:] in ((), (3,)) and kind in (np.uint8, np.uint16)
        if not is_plain or min(shape) < 1 or shape[0] * shape[1] > self._limits.max_pixels:
            raise ValueError("a child sent pixels of an impossible kind")
        pixels = np.empty(shape, kind)
        if replies.readinto(pixels.data.cast("B")) != pixels.nbytes:  # type: ignore[attr-defined]
            raise EOFError
        if not 1 <= int(about["bits"]) <= 16 or not _plain(about["tags"]):
            raise ValueError("a child sent facts of an impossible kind")
        return Picture(pixels, int(about["bits"]), about["tags"], max(1, int(about["reduced"])))


def _checked(header: Header) -> Header:
    """The header if all it says is of its kind. Raises ValueError otherwise: a decoder taken over may say anything."""
    numbers = (header.width, header.height, header.channels, header.bits, header.frames)
    if not all(type(number) is int and 0 < number < 2**31 for number in numbers):
        raise ValueError("a child sent a header of an impossible kind")
    if header.channels not in (1, 3) or header.bits > 16 or not _plain(header.tags) or not _is_digest(header.patient):
        raise ValueError("a child sent a header of an impossible kind")
    return header


def _plain(tags: Any) -> bool:
    """Whether these are few short facts."""
    return isinstance(tags, dict) and all(
        isinstance(name, str) and type(value) in (str, int, float) and len(str(value)) <= 64
        for name, value in tags.items()
    )


def _is_digest(text: Any) -> bool:
    return isinstance(text, str) and (not text or (len(text) == 64 and text.isalnum()))
