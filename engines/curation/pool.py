"""Many pictures at once: a few processes that look at pictures, each with a sandboxed child that decodes them.

Processes, not threads: on small arrays threads wait for one another (58 against 70 pictures/s, research note D5).
They are spawned, since forking a process that holds CUDA or threads is not safe, and end themselves when their parent
is gone. Files from outside are decoded only in the sandbox's children, so a hostile file costs itself and no more.
Where processes cannot be had (one core, a restricted system), the pictures are looked at here, one by one.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

from engines.readers.base import Picture
from engines.readers.sandbox import Sandbox
from engines.records import Source


@dataclass
class _Chunk:
    """A few tasks that are with a process, or could not be handed to one any more."""

    tasks: list[Any]
    future: Future[list[Any]] | None = None


class Read(Protocol):
    """Decodes one picture; with `least_side` it may come smaller, with both sides at least that long."""

    def __call__(self, source: Source | Path, least_side: int = 0) -> Picture: ...


Work = Callable[[Any, Read], Any]

CHUNK = 4
# Below this many tasks, starting processes costs more than it saves.
_WORTH_PROCESSES = 12
_START_S = 60.0
# How a system says that it starts no processes.
_REFUSED = (OSError, BrokenProcessPool, TimeoutError, AssertionError, NotImplementedError)


def cores() -> int:
    """Processes worth starting here: the cores this process may use, at most 8."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, usable))


class Pool:
    """Applies a module-level function `work(task, read)` to many tasks, in order; use it as a context manager.

    `read` decodes one file and raises LabError for one that cannot be read.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = cores() if workers is None else workers
        self._executor: ProcessPoolExecutor | None = None
        self._ready: list[Future[list[Any]]] = []
        self._sandbox: Sandbox | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def map(
        self, work: Work, tasks: Iterable[Any], check: Callable[[], None], count: int | None = None
    ) -> Iterator[tuple[int, Any]]:
        """Yield (index, result) in the order of the tasks; an exception that `work` raised is given as the result.

        `check` is called between pictures and may raise to end the work. Tasks are taken as they are needed, so there
        may be any number of them; `count` says how many, for tasks that have no length.
        """
        number = len(tasks) if isinstance(tasks, Sequence) else count or 0
        rest, done = iter(tasks), 0
        if self._workers > 1 and number >= _WORTH_PROCESSES and self._start(work):
            flying: deque[_Chunk] = deque()
            try:
                for done, result in enumerate(self._in_processes(work, rest, check, flying), start=1):
                    yield done - 1, result
            except BrokenProcessPool:
                # A process was killed, for instance because memory ran short: go on here, one by one.
                rest = chain((task for chunk in flying for task in chunk.tasks), rest)
        for index, task in enumerate(rest, start=done):
            check()
            yield index, _guarded(work, task, self._read_here)

    def _in_processes(
        self, work: Work, tasks: Iterator[Any], check: Callable[[], None], flying: deque[_Chunk]
    ) -> Iterator[Any]:
        """Results in order; `flying` holds what was sent and did not come back, also when the processes die."""
        assert self._executor is not None
        while True:
            check()
            # No more than two chunks for each process on their way: results wait in memory, and Stop should be quick.
            while len(flying) < 2 * self._workers and (chunk := list(islice(tasks, CHUNK))):
                flying.append(_Chunk(chunk))
                flying[-1].future = self._executor.submit(_run_chunk, work, chunk)
            if not flying:
                return
            future = flying[0].future
            assert future is not None
            results = future.result()
            flying.popleft()
            yield from results

    def begin(self, work: Work) -> None:
        """Start the processes, without waiting for them, on the imports that `work` needs."""
        if self._workers < 2 or self._executor is not None:
            return
        executor = ProcessPoolExecutor(self._workers, multiprocessing.get_context("spawn"), initializer=_follow_parent)
        try:
            self._ready = [executor.submit(_run_chunk, work, ()) for _ in range(self._workers)]
        except _REFUSED:
            executor.shutdown(wait=False, cancel_futures=True)
        else:
            self._executor = executor

    def _start(self, work: Work) -> bool:
        """Start the processes and try one; False where the system does not let us."""
        self.begin(work)
        if self._executor is None:
            return False
        try:
            if self._ready:
                self._ready[0].result(timeout=_START_S)
        except _REFUSED:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None
        self._ready = []
        return self._executor is not None

    def _read_here(self, source: Source | Path, least_side: int = 0) -> Picture:
        if self._sandbox is None:
            self._sandbox = Sandbox(workers=1)
        return self._sandbox.read(source, least_side)


def _run_chunk(work: Work, tasks: Sequence[Any]) -> list[Any]:
    return [_guarded(work, task, _own_sandbox().read) for task in tasks]


def _guarded(work: Work, task: Any, read: Read) -> Any:
    try:
        return work(task, read)
    except Exception as error:  # one bad picture never stops the others
        return error


@cache
def _own_sandbox() -> Sandbox:
    """The decoder child of a worker process; it ends with the pipe that this process holds."""
    return Sandbox(workers=1)


def _follow_parent() -> None:
    """End this process when its parent is gone, however that ended: an orphan would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, name="follow-parent", daemon=True).start()
