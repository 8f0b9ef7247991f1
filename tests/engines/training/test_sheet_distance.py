"""The distance of sheets follows what one sees, and its guards speak at the right time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engines.training import guards
from engines.training.feed import Data
from engines.training.sheet_distance import SheetDistance

Stored = np.ndarray[Any, np.dtype[Any]]


@pytest.fixture(scope="module")
def stacks(discs: Data) -> tuple[Stored, Stored]:
    """Two halves of real images of one kind."""
    return discs.images[:32], discs.images[32:]


def test_alike_is_near_and_noise_is_far(stacks: tuple[Stored, Stored]) -> None:
    reals, others = stacks
    distance = SheetDistance(reals)
    noise = np.random.default_rng(0).integers(0, 256, reals.shape, dtype=np.uint8)
    soft = (others // 2 + 64).astype(np.uint8)
    assert abs(distance(others)) < 0.2 < distance(soft) < distance(noise)
    assert distance(noise) > 3
    one = np.repeat(others[:1], 32, axis=0)
    assert distance(one) > 0.3, "a single motif is not the reals"


def test_depth_and_colour_change_nothing(stacks: tuple[Stored, Stored]) -> None:
    reals, others = stacks
    plain = SheetDistance(reals)(others)
    deep = SheetDistance(reals.astype(np.uint16) * 257)(others.astype(np.uint16) * 257)
    colour = SheetDistance(reals.repeat(3, axis=3))(others.repeat(3, axis=3))
    assert deep == pytest.approx(plain, abs=1e-3) and colour == pytest.approx(plain, abs=1e-3)


def test_odd_sides_and_single_images_are_measured_too(stacks: tuple[Stored, Stored]) -> None:
    reals, others = stacks
    assert np.isfinite(SheetDistance(reals[:, :30, :30])(others[:, :30, :30]))
    assert SheetDistance(reals[:1])(others) == SheetDistance(reals)(others[:1]) == 0.0


def names(distances: list[tuple[int, float]]) -> list[str]:
    """What the guards say of sheets with these distances."""
    watch = guards.Guards({})
    varied = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype=np.uint8)
    real = guards.diversity(varied)
    return [r.name for seen, distance in distances for r in watch.after_sheet(varied, real, distance, seen)]


def test_a_healthy_run_is_left_alone() -> None:
    """As measured on 120 mammograms at 128 pixels: from 11.6 to 0.2, uneven."""
    measured = [11.6, 6.5, 5.1, 4.4, 4.1, 2.9, 2.5, 4.6, 3.0, 1.7, 1.1, 0.8, 0.6, 0.6, 0.6, 0.5, 0.6, 0.4, 0.4, 0.3]
    assert names([(1500 * n, value) for n, value in enumerate(measured)]) == []


def test_a_jolt_is_told_once() -> None:
    measured = [(1000 * n, value) for n, value in enumerate([8, 4, 2, 1, 0.6, 0.4, 0.4, 3.0, 3.3, 2.9, 1.8, 0.8, 0.4])]
    assert names(measured) == ["fallen_back"]


def test_standing_still_far_away_is_told() -> None:
    stuck = [(1000 * n, 6.0 + 0.1 * (n % 3)) for n in range(40)]
    assert names(stuck) == ["no_progress"]
    near = [(1000 * n, 0.3 + 0.01 * (n % 3)) for n in range(40)]
    assert names(near) == [], "near the reals there is nothing left to gain"


def test_the_memory_stays_small() -> None:
    watch = guards.Guards({})
    image = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), dtype=np.uint8)
    for n in range(3000):
        watch.after_sheet(image, 0.1, 0.3, n)
    assert len(watch.memory["distances"]) <= guards.MOST_DISTANCES
