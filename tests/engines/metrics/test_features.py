"""Features: kept by content, added to, safe from interruption and damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.extractors.base import Extractor
from engines.metrics import features
from engines.metrics.base import Inputs
from engines.metrics.features import described, described_by, keys_of

Array = np.ndarray[Any, np.dtype[Any]]


def quiet(fraction: float) -> None:
    pass


def images(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 1), np.uint8)


class Counting:
    """An extractor that remembers how many images it was asked about."""

    def __init__(self, id: str = "mean-v1", batch: int = 4) -> None:
        self.asked = 0
        self.ready = Extractor(id, id, 2, self.describe, batch=batch)

    def describe(self, pixels: Array) -> Array:
        self.asked += len(pixels)
        return np.stack([pixels.mean((1, 2, 3)), pixels.std((1, 2, 3))], 1).astype(np.float32)


def expected(pixels: Array) -> Array:
    return Counting().describe(pixels)


def stop_at(fraction: float) -> Callable[[float], None]:
    def stop(now: float) -> None:
        if now >= fraction:
            raise InterruptedError

    return stop


def test_a_set_known_by_half_is_described_by_half(tmp_path: Path) -> None:
    counting, pixels = Counting(), images(20)
    assert np.array_equal(described_by(counting.ready, pixels[:10], tmp_path, quiet), expected(pixels[:10]))
    shuffled = pixels[::-1]
    assert np.array_equal(described_by(counting.ready, shuffled, tmp_path, quiet), expected(shuffled))
    assert counting.asked == 20
    assert np.array_equal(described_by(counting.ready, pixels, tmp_path, quiet), expected(pixels))
    assert counting.asked == 20
    other = Counting("mean-v2")
    described_by(other.ready, pixels, tmp_path, quiet)
    assert other.asked == 20  # another extractor's numbers are never taken


def test_equal_images_are_described_once() -> None:
    counting, pixels = Counting(), images(3)[[0, 1, 0, 2, 1, 0]]
    assert np.array_equal(described_by(counting.ready, pixels, None, quiet), expected(pixels))
    assert counting.asked == 3


@pytest.mark.parametrize("block", [256, 8])
def test_what_was_described_before_a_stop_is_kept(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "BLOCK", block)
    counting, pixels = Counting(), images(40)
    with pytest.raises(InterruptedError):
        described_by(counting.ready, pixels, tmp_path, stop_at(0.5))
    assert counting.asked == 20
    assert np.array_equal(described_by(counting.ready, pixels, tmp_path, quiet), expected(pixels))
    assert counting.asked == 40


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "array", "text"])
def test_a_damaged_file_is_described_anew(damage: str, tmp_path: Path) -> None:
    counting, pixels = Counting(), images(10)
    described_by(counting.ready, pixels, tmp_path, quiet)
    (path,) = (tmp_path / "mean-v1").glob("*.npz")
    whole = bytearray(path.read_bytes())
    where = whole.index(expected(pixels)[0].tobytes())
    whole[where] ^= 0x40
    contents = {"cut": whole[: len(whole) // 2], "empty": b"", "flipped": whole, "text": b"not a zip"}
    if damage == "array":
        with open(path, "wb") as file:
            np.save(file, np.zeros(3))
    else:
        path.write_bytes(contents[damage])
    for _ in range(2):  # the second time from a mended cache
        assert np.array_equal(described_by(counting.ready, pixels, tmp_path, quiet), expected(pixels))
        assert counting.asked == 20


def test_keys_tell_pixels_types_and_shapes_apart() -> None:
    zeros = np.zeros((1, 4, 4, 1), np.uint8)
    forms = [zeros, zeros.reshape(1, 2, 8, 1), zeros.reshape(1, 4, 2, 2), np.zeros((1, 4, 2, 1), np.uint16), zeros + 1]
    assert len({keys_of(form)[0] for form in forms}) == len(forms)
    assert keys_of(images(6)[::2]) == keys_of(images(6)[::2].copy())


def test_inputs_choose_the_extractor_and_the_cache(tmp_path: Path) -> None:
    pixels = images(50)
    inputs = Inputs(pixels, pixels, ["p"] * 50, cache=tmp_path)
    found = described(inputs, pixels[:3], quiet)
    assert found.shape == (3, 261)
    assert np.array_equal(described(inputs, pixels[:3], quiet, "texture"), found)
    assert [path.name for path in tmp_path.iterdir()] == ["texture-v1"]
