"""The canonical picture: cut, turned, blanked, scaled, with its values kept in proportion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engines.curation.canonical import Crop, canonical, find_crop, to_channels, to_depth
from engines.curation.inspection import inspect_pixels
from engines.curation.proxy import make_proxy
from engines.curation.segment import segment

Draw = Callable[..., np.ndarray[Any, Any]]


def crop_of(film: np.ndarray[Any, Any]) -> Crop:
    proxy = make_proxy(film)
    found = segment(proxy.values)
    assert found is not None
    return find_crop(found, proxy)


@pytest.mark.parametrize("padding", [0, 80])
def test_crop_holds_the_breast_and_little_else(draw: Draw, padding: int) -> None:
    crop = crop_of(draw("left", padding=padding, label="beside"))
    assert padding - 12 <= crop.x <= padding
    assert crop.y == pytest.approx(200 - 144 - 8, abs=8)
    assert crop.x + crop.width == pytest.approx(padding + 186 + 8, abs=8)
    assert crop.y + crop.height == pytest.approx(200 + 144 + 8, abs=8)


def test_left_and_right_breasts_become_the_same_picture(draw: Draw) -> None:
    films = draw("left"), draw("right")
    pictures = [canonical(film, 64, crop_of(film), flip=side, blank=True) for side, film in enumerate(films)]
    np.testing.assert_allclose(pictures[0], pictures[1], atol=12)
    columns = np.flatnonzero((pictures[0][..., 0] > 60).any(axis=0))
    assert columns[0] == 0, "the chest wall lies flush on the left edge"


def test_without_turning_a_right_breast_keeps_its_side(draw: Draw) -> None:
    film = draw("right")
    picture = canonical(film, 64, crop_of(film), flip=False, blank=True)[..., 0]
    columns = (picture > 60).sum(axis=0)
    assert columns[40:].sum() > columns[:24].sum()


def test_blank_puts_black_beside_the_breast_and_film_stays_otherwise(draw: Draw) -> None:
    film = draw("left")
    crop = crop_of(film)
    blank, kept = (canonical(film, 64, crop, flip=False, blank=blank)[..., 0] for blank in (True, False))
    assert blank[0, -1] == 0 and blank[:3, -8:].max() == 0
    assert 8 < kept[0, -1] < 16, "film and padding look alike"
    np.testing.assert_allclose(blank[32, :20], kept[32, :20], atol=1)


def test_a_label_in_the_box_is_blanked(draw: Draw) -> None:
    film = draw("left", label="touching")
    picture = canonical(film, 128, crop_of(film), flip=False, blank=True)
    assert picture.max() < 200


def test_a_16_bit_ramp_keeps_its_range_and_order() -> None:
    ramp = np.tile(np.linspace(0, 65535, 1024).astype(np.uint16), (1024, 1))
    result = to_depth(canonical(ramp, 128, None, flip=False, blank=True), 16, True, "as stored")
    assert result.dtype == np.uint16 and result.shape == (128, 128, 1)
    row = result[64, :, 0].astype(int)
    assert row[0] < 600 and row[-1] > 64900 and np.all(np.diff(row) > 0)


@pytest.mark.parametrize(
    ("bits", "deep", "top"), [(8, False, 255), (8, True, 65535), (12, True, 65535), (16, True, 65535)]
)
def test_every_depth_fills_the_range_of_the_set(bits: int, deep: bool, top: int) -> None:
    stored = np.array([[0.0, (2**bits - 1) / 2, 2**bits - 1]], np.float32)[..., None]
    assert to_depth(stored, bits, deep, "as stored").ravel().tolist() == [0, pytest.approx(top / 2, abs=1), top]


def test_percentile_contrast_stretches_each_picture_and_leaves_the_blank_black() -> None:
    picture = np.zeros((40, 40, 1), np.float32)
    picture[:, 10:] = np.linspace(1000, 2000, 30)[:, None]
    stretched = to_depth(picture, 16, True, "percentile per image")
    assert stretched[:, :10].max() == 0
    assert stretched[0, 10, 0] == 0 and stretched[0, -1, 0] == 65535
    assert to_depth(picture, 16, True, "as stored").max() == 2000


def test_channels() -> None:
    grey, colour = np.full((2, 2, 1), 7, np.float32), np.full((2, 2, 3), 7, np.float32)
    colour[..., 1] = 100
    assert to_channels(grey, 3).shape == (2, 2, 3)
    assert to_channels(colour, 1)[0, 0, 0] == pytest.approx(0.299 * 7 + 0.587 * 100 + 0.114 * 7)
    assert to_channels(colour, 3) is colour


@pytest.mark.parametrize("shape", [(450, 600, 3), (50, 50, 3), (33, 50, 3), (1, 1), (700, 20)])
def test_pictures_that_are_no_mammograms_are_survived(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    seen = inspect_pixels(pixels)
    assert seen.colour == (len(shape) == 3)
    assert seen.thumbnail[8:12] == b"WEBP"
    for crop in (None, seen.crop):
        assert canonical(pixels, 64, crop, flip=True, blank=True).shape == (64, 64, (len(shape) == 3 and 3) or 1)


def test_outline_runs_around_the_drawn_breast(draw: Draw) -> None:
    seen = inspect_pixels(draw("right"))
    points = np.array(seen.outline)
    assert 8 <= len(points) <= 64
    assert points.min() >= 0 and points.max() <= 1
    assert points[:, 0].min() == pytest.approx((300 - 186) / 300, abs=0.03)
    assert points[:, 1].min() == pytest.approx((200 - 144) / 400, abs=0.03)
    assert points[:, 1].max() == pytest.approx((200 + 144) / 400, abs=0.03)


def test_greys_stored_as_colour_are_grey(draw: Draw) -> None:
    seen = inspect_pixels(np.repeat(draw("left")[..., None], 3, axis=2))
    assert not seen.colour
    assert seen.shape.confidence > 0.95
