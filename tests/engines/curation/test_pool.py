"""Many pictures at once: in order, failures as values, and on with the work when a process dies."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines.curation.inspection import Inspection, inspect_file
from engines.curation.pool import Pool
from engines.errors import LabError


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Sixteen small pictures of different widths; the fourth is broken and the sixth missing."""
    made = []
    for index in range(16):
        path = tmp_path / f"{index}.png"
        if index == 3:
            path.write_bytes(b"\x89PNG\r\n\x1a\n broken")
        elif index != 5:
            Image.fromarray(np.random.default_rng(index).integers(0, 255, (40, 30 + index), dtype=np.uint8)).save(path)
        made.append(path)
    return made


def check_results(results: list[tuple[int, Any]]) -> None:
    assert [index for index, _ in results] == list(range(16))
    for index, result in results:
        if index in (3, 5):
            assert isinstance(result, LabError)
        else:
            assert isinstance(result, Inspection) and result.width == 30 + index


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order_and_failures_as_values(paths: list[Path], workers: int) -> None:
    with Pool(workers) as pool:
        check_results(list(pool.map(inspect_file, paths, lambda: None)))


class Dying:
    """Stands for processes: two chunks come back, then they die."""

    def __init__(self) -> None:
        self.chunks = 0

    def submit(self, run: Any, work: Any, tasks: list[Any]) -> Future[list[Any]]:
        future: Future[list[Any]] = Future()
        self.chunks += 1
        if self.chunks <= 2:
            future.set_result(run(work, tasks))
        else:
            future.set_exception(BrokenProcessPool())
        return future

    def shutdown(self, **_: Any) -> None:
        pass


@pytest.mark.parametrize("streamed", [False, True])
def test_the_rest_is_done_here_when_processes_die(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    monkeypatch.setattr(Pool, "_start", lambda self, work: True)
    with Pool(2) as pool:
        monkeypatch.setattr(pool, "_executor", dying := Dying())
        tasks = iter(paths) if streamed else paths
        check_results(list(pool.map(inspect_file, tasks, lambda: None, count=len(paths))))
    assert dying.chunks > 2


def test_tasks_are_taken_as_they_are_needed(paths: list[Path]) -> None:
    taken = []

    def tasks() -> Iterator[Path]:
        for path in paths:
            taken.append(path)
            yield path

    with Pool(1) as pool:
        results = pool.map(inspect_file, tasks(), lambda: None)
        assert next(results)[0] == 0
    assert len(taken) == 1


class Enough(BaseException):
    """Stands for the stop of a job."""


def test_a_stop_is_heard_between_pictures(paths: list[Path]) -> None:
    heard = []

    def check() -> None:
        heard.append(1)
        if len(heard) > 4:
            raise Enough

    with pytest.raises(Enough), Pool(1) as pool:
        for _ in pool.map(inspect_file, paths, check):
            pass
    assert len(heard) == 5


def test_processes_begun_early_do_the_work(paths: list[Path]) -> None:
    with Pool(2) as pool:
        pool.begin(inspect_file)
        check_results(list(pool.map(inspect_file, paths, lambda: None)))


def test_pictures_are_looked_at_here_where_no_process_can_be_started(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no processes here")

    monkeypatch.setattr("engines.curation.pool.ProcessPoolExecutor.submit", refuse)
    with Pool(2) as pool:
        check_results(list(pool.map(inspect_file, paths, lambda: None)))
