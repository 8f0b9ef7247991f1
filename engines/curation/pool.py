"""Many pictures at once: a few worker processes that one bad picture can neither stop nor silently thin out.

Processes, not threads: on small arrays threads wait for one another (58 against 70 pictures/s, research note D5).
They are spawned, since forking a process that holds CUDA or threads is not safe, and end themselves when their parent
is gone. Where processes cannot be had (one core, a restricted system) the work is done here, one by one.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from engines.errors import LabError

CHUNK = 4
# Below this many tasks, starting processes costs more than it saves.
_WORTH_PROCESSES = 12
_CRASHED = LabError(
    "The picture made its reader crash.", "The decoder's process ended.", "Leave it out, or convert it to PNG."
)


def cores() -> int:
    """Processes worth starting here: the cores this process may use, at most 8."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, usable))


class Pool:
    """Applies one module-level function to many tasks, in order; use it as a context manager.

    The function must return its failures as values; what it raises nevertheless comes back as the raised exception.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = cores() if workers is None else workers
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def map(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], check: Callable[[], None]
    ) -> Iterator[tuple[int, Any]]:
        """Yield (index, result or exception) in the order of the tasks; `check` is called often and may raise."""
        if self._workers < 2 or len(tasks) < _WORTH_PROCESSES or not self._start():
            for index, task in enumerate(tasks):
                check()
                yield index, _guarded(function, task)
            return
        yield from self._map_in_processes(function, tasks, check)

    def _map_in_processes(
        self, function: Callable[[Any], Any], tasks: Sequence[Any], check: Callable[[], None]
    ) -> Iterator[tuple[int, Any]]:
        waiting = deque(range(start, min(start + CHUNK, len(tasks))) for start in range(0, len(tasks), CHUNK))
        flying: deque[tuple[range, Future[list[Any]]]] = deque()
        while waiting or flying:
            check()
            try:
                while waiting and len(flying) < 2 * self._workers:
                    flying.append((waiting[0], self._submit(function, [tasks[i] for i in waiting[0]])))
                    waiting.popleft()
                span, future = flying[0]
                results = future.result()
            except BrokenProcessPool:
                # One of the pictures in flight killed a process, and all of them are lost: do these again, each by
                # itself, so that only the guilty one is left out.
                again = [index for span, _ in flying for index in span]
                flying.clear()
                if not again and waiting:
                    again = list(waiting.popleft())
                for index in again:
                    check()
                    yield index, self._alone(function, tasks[index])
                continue
            flying.popleft()
            yield from zip(span, results, strict=True)

    def _alone(self, function: Callable[[Any], Any], task: Any) -> Any:
        try:
            return self._submit(function, [task]).result()[0]
        except BrokenProcessPool:
            self._close()
            return _CRASHED

    def _submit(self, function: Callable[[Any], Any], tasks: list[Any]) -> "Future[list[Any]]":
        if self._executor is None and not self._start():
            raise BrokenProcessPool("no worker process could be started again")
        assert self._executor is not None
        try:
            return self._executor.submit(_run_chunk, function, tasks)
        except BrokenProcessPool:
            self._close()
            raise

    def _start(self) -> bool:
        """Start the processes and try them once; False where the system does not let us."""
        if self._executor is not None:
            return True
        try:
            self._executor = ProcessPoolExecutor(
                self._workers, multiprocessing.get_context("spawn"), initializer=_follow_parent
            )
            self._executor.submit(os.getpid).result(timeout=60)
        except (OSError, BrokenProcessPool, TimeoutError, AssertionError, NotImplementedError):
            self._close()
            return False
        return True

    def _close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None


def _run_chunk(function: Callable[[Any], Any], tasks: list[Any]) -> list[Any]:
    return [_guarded(function, task) for task in tasks]


def _guarded(function: Callable[[Any], Any], task: Any) -> Any:
    try:
        return function(task)
    except Exception as error:
        return error


def _follow_parent() -> None:
    """End this process when its parent is gone, however that ended: an orphan would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, name="follow-parent", daemon=True).start()
