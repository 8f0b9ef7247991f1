"""A training leaves the cores to others that are busy, and takes them back; exact mode never changes its threads."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psutil
import pytest
import torch

from engines.training.crowd import LOOKS, Crowd


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(psutil, "cpu_count", lambda: 8)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_threads_follow_the_free_cores() -> None:
    crowd = Crowd(8, fixed=False)
    for others, threads in ((0.2, 8), (3.1, 5), (12.0, 1), (0.0, 8)):
        for _ in range(LOOKS):
            crowd.see(others)
        assert crowd.threads == threads
    assert torch.get_num_threads() == 8


def test_one_busy_second_changes_nothing() -> None:
    crowd = Crowd(8, fixed=False)
    for others in (4.0, 0.0, 4.0, 0.0, 0.0, 0.0):
        crowd.see(others)
    assert crowd.threads == 8


def test_a_number_that_was_chosen_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(8, fixed=True)
    monkeypatch.setattr(crowd, "see", lambda others: pytest.fail("looked"))
    for _ in range(2 * LOOKS):
        crowd.make_room()
    assert crowd.threads == 8


def test_what_is_read_of_the_machine_can_be_true() -> None:
    crowd = Crowd(2, fixed=False)
    seen: list[float] = []
    crowd.see = seen.append  # type: ignore[method-assign]
    sum(range(3_000_000))
    crowd.make_room()
    assert len(seen) == 1 and -2 < seen[0] <= (os.cpu_count() or 1) * 4
