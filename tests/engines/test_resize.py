"""The one resizer: keeps means and ranges, 16 bits, proportions; never overshoots."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines.resize import fit_inside, resize, resize_batch

Array = np.ndarray[Any, Any]


def edges(kind: Any) -> Array:
    """Hard black and white blocks, at which Lanczos overshoots."""
    top = 1.0 if kind == np.float32 else np.iinfo(kind).max
    return np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((37, 41))).astype(np.float64).__mul__(top).astype(kind)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("size", [16, 64, 100, 300, 512, (40, 90)])
def test_type_stays_and_values_never_leave_the_range_of_the_input(kind: Any, size: Any) -> None:
    picture = (edges(kind) * 0.5 + edges(kind).max() * 0.25).astype(kind)
    result = resize(picture, size)
    assert result.dtype == kind
    assert result.shape == (size if isinstance(size, tuple) else (size, size))
    assert result.min() >= picture.min() and result.max() <= picture.max()


def test_without_clipping_lanczos_would_overshoot() -> None:
    """The clip is needed: the bare filter leaves the range on the same picture."""
    picture = edges(np.float32)
    bare = np.asarray(Image.fromarray(picture).resize((200, 200), Image.Resampling.LANCZOS))
    assert bare.max() > 1.01
    assert resize(picture, 200).max() <= 1.0


@pytest.mark.parametrize("shape", [(1024, 1024), (333, 700), (1500, 900), (65, 64)])
@pytest.mark.parametrize("size", [32, 64])
def test_mean_is_kept(shape: tuple[int, int], size: int) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]]
    smooth = 0.5 + 0.3 * np.sin(3 * x / shape[1]) * np.cos(2 * y / shape[0])
    picture = (smooth * 65535).astype(np.uint16)
    assert resize(picture, size).mean() == pytest.approx(picture.mean(), rel=2e-3)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_an_even_picture_stays_even(kind: Any) -> None:
    assert np.all(resize(np.full((130, 77, 3), 200, kind), 48) == 200)


def test_a_16_bit_ramp_survives() -> None:
    ramp = np.tile(np.linspace(0, 65535, 2048).astype(np.uint16), (64, 1))
    result = resize(ramp, (8, 256)).astype(int)
    assert result[0, 0] < 600 and result[0, -1] > 64900
    assert np.all(np.diff(result[0]) > 0)
    assert len(np.unique(result)) == 256
    np.testing.assert_allclose(result[0], (np.arange(256) + 0.5) * 65535 / 256, atol=300)


def test_same_size_changes_nothing() -> None:
    picture = np.random.default_rng(0).integers(0, 65536, (64, 48, 3)).astype(np.uint16)
    np.testing.assert_array_equal(resize(picture, (64, 48)), picture)
    batch = picture[None, :48]
    assert resize_batch(batch, 48) is batch
    assert resize_batch(batch, 24).shape == (1, 24, 24, 3)


def test_channels_are_treated_alike() -> None:
    planes = np.random.default_rng(1).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    together = resize(planes, 32)
    for channel in range(3):
        np.testing.assert_array_equal(together[..., channel], resize(planes[..., channel], 32))


def test_padding_keeps_proportions_and_places_the_picture() -> None:
    tall = np.full((200, 50), 9, np.uint8)
    centred, left = resize(tall, 40, pad=True, fill=3), resize(tall, 40, pad=True, anchor="left", fill=3)
    assert fit_inside(200, 50, 40) == (40, 10)
    assert np.flatnonzero((centred == 9).all(axis=0)).tolist() == list(range(15, 25))
    assert np.flatnonzero((left == 9).all(axis=0)).tolist() == list(range(10))
    assert set(np.unique(centred)) == {3, 9}


def test_mask_fades_to_the_fill_and_keeps_the_object() -> None:
    picture = np.full((400, 400), 100, np.uint16)
    picture[:, 300:] = 65535
    mask = np.zeros((40, 40), np.float32)
    mask[:, :20] = 1
    result = resize(picture, 50, fill=0, mask=mask)
    assert np.all(abs(result[:, :23].astype(int) - 100) <= 1) and np.all(result[:, 27:] <= 1)


def test_sizes_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        resize(np.zeros((0, 5), np.uint8), 8)
    with pytest.raises(ValueError, match="at least one pixel"):
        resize(np.zeros((5, 5), np.uint8), 0)
