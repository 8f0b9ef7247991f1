"""Drawing hundreds of phantoms at once, in a few processes: the pixels do not depend on how many there are."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

import numpy as np

from engines.phantoms.mammogram import Phantom, draw, png

CHUNK = 8  # images a process draws between two messages
WORTH_PROCESSES = 24  # below this many images, starting processes takes longer than it saves


@dataclass(frozen=True)
class Drawn:
    """One phantom as a PNG file; `phantom.pixels` is left empty, since the file holds them."""

    phantom: Phantom
    width: int
    height: int
    png: bytes


def draw_many(seed: int, count: int, check: Callable[[], None]) -> Iterator[Drawn]:
    """Yield phantoms 0..count-1 of a seed, in order; `check` is called between chunks and may raise to end the work.

    Processes are spawned, not forked, since the caller may hold threads or a GPU. Where they cannot be had, or one is
    killed, the rest is drawn here.
    """
    done = 0
    workers = min(8, _cores())
    if workers > 1 and count >= WORTH_PROCESSES:
        try:
            for drawn in _draw_in_processes(seed, count, check, workers):
                yield drawn
                done += 1
        except (BrokenProcessPool, PermissionError, NotImplementedError):
            pass
    for index in range(done, count):
        check()
        yield _draw(seed, [index])[0]


def _draw_in_processes(seed: int, count: int, check: Callable[[], None], workers: int) -> Iterator[Drawn]:
    chunks = deque(range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))
    flying: deque[Future[list[Drawn]]] = deque()
    executor = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_follow_parent)
    try:
        while chunks or flying:
            check()
            while chunks and len(flying) < 2 * workers:  # no more on their way, so that Stop is quick
                flying.append(executor.submit(_draw, seed, list(chunks.popleft())))
            yield from flying.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _draw(seed: int, indices: list[int]) -> list[Drawn]:
    """Draw these phantoms; what a worker process does."""
    result = []
    for index in indices:
        phantom = draw(seed, index)
        height, width = phantom.pixels.shape
        result.append(Drawn(replace(phantom, pixels=np.empty((0, 0), np.uint8)), width, height, png(phantom)))
    return result


def _cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _follow_parent() -> None:
    """End this process when its parent is gone, however that ended: an orphan would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, name="follow-parent", daemon=True).start()
