"""Images are made small once, and are the same as if they were made small each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engines.classifiers import shrinking
from engines.resize import resize_batch


def test_the_same_images_are_made_small_once(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 65536, (12, 40, 40, 3), dtype=np.uint16)
    made: list[int] = []

    def counting(batch: Any, side: int) -> Any:
        made.append(len(batch))
        return resize_batch(batch, side)

    monkeypatch.setattr(shrinking, "resize_batch", counting)
    first = shrinking.shrunk(images, 16)
    again = shrinking.shrunk(images[::-1], 16)
    assert sum(made) == 12
    np.testing.assert_array_equal(first, resize_batch(images, 16))
    np.testing.assert_array_equal(again, first[::-1])
    shrinking.shrunk(images, 8)
    assert sum(made) == 24, "another side is another image"


def test_what_is_kept_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrinking, "MOST_BYTES", 5 * 16 * 16)
    images = np.random.default_rng(1).integers(0, 256, (20, 40, 40, 1), dtype=np.uint8)
    np.testing.assert_array_equal(shrinking.shrunk(images, 16), resize_batch(images, 16))
    assert sum(small.nbytes for small in shrinking._kept.values()) == shrinking._size_bytes <= 5 * 16 * 16


def test_small_images_stay_as_they_are() -> None:
    images = np.zeros((2, 16, 16, 1), np.uint8)
    assert shrinking.shrunk(images, 16) is images and shrinking.shrunk(images, 32).shape == (2, 32, 32, 1)
