"""Many pictures at once: in order, failures as values, and on with the work when a process dies."""

from __future__ import annotations

from collections.abc import Iterator
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


def test_the_rest_is_done_here_when_processes_die(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(self: Pool, work: Any, tasks: Any, check: Any) -> Iterator[Any]:
        for task in tasks[:7]:
            try:
                yield work(task, self._read_here)
            except LabError as error:
                yield error
        raise BrokenProcessPool

    monkeypatch.setattr(Pool, "_start", lambda self: True)
    monkeypatch.setattr(Pool, "_in_processes", dying)
    with Pool(2) as pool:
        check_results(list(pool.map(inspect_file, paths, lambda: None)))


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
