"""Classic augmentation: each change does what its name says, and all repeat themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engines.classifiers.augmentation import AugmentationOptions, augmented
from engines.classifiers.base import Array

NOTHING = AugmentationOptions(
    rotation=0, shift=0, shear=0, zoom=0, flip_horizontally=False, flip_vertically=False, darkest=1, brightest=1,
    channel_shift=0,
)  # fmt: skip


def only(**changes: Any) -> AugmentationOptions:
    return NOTHING.model_copy(update=changes)


def pictures(dtype: Any = np.uint8, channels: int = 3) -> Array:
    """Smooth pictures [3, 24, 32, C] without symmetry: not square, so that swapped sides show."""
    y, x = np.mgrid[:24, :32]
    waves = [np.sin(x / (3 + n)) + np.cos(y / (2 + n)) + 0.02 * x + 0.05 * y for n in range(3)]
    grey = np.stack([(wave - wave.min()) / np.ptp(wave) for wave in waves])
    return (grey * 0.7 * np.iinfo(dtype).max).astype(dtype)[..., None].repeat(channels, axis=-1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_shape_type_order_and_repetition(dtype: Any) -> None:
    images = pictures(dtype)
    found = augmented(images, 4, 7)
    assert found.shape == (12, 24, 32, 3) and found.dtype == dtype
    assert np.array_equal(found, augmented(images, 4, 7))
    assert not np.array_equal(found, augmented(images, 4, 8))
    assert len({image.tobytes() for image in found}) == 12
    assert np.array_equal(augmented(images, 4, 7, NOTHING), images.repeat(4, axis=0))
    assert np.array_equal(found[:4], augmented(images[:1], 4, 7))  # an image's copies do not depend on the others


def test_flips_happen_half_of_the_time_each() -> None:
    image = pictures(channels=1)[:1]
    ways = [image[0], image[0, :, ::-1], image[0, ::-1], image[0, ::-1, ::-1]]
    found = augmented(image, 200, 1, only(flip_horizontally=True, flip_vertically=True))
    counts = [sum(np.array_equal(copy, way) for copy in found) for way in ways]
    assert sum(counts) == 200 and min(counts) > 25


def test_shifts_move_by_up_to_a_tenth_and_repeat_the_border() -> None:
    image = np.zeros((1, 40, 60, 1), np.uint8)
    image[0, 20, 30] = 200
    image[0, :, 0] = 99
    moved = []
    for copy in augmented(image, 60, 2, only(shift=0.1))[..., 0].astype(float):
        spot = np.where(np.mgrid[:40, :60][1] > 15, copy, 0)
        y, x = (np.mgrid[:40, :60] * spot).sum(axis=(1, 2)) / spot.sum()
        moved.append((y - 20, x - 30))
        if x > 32:  # moved to the right: what comes in is the border's value
            assert copy[5, 0] == pytest.approx(99, abs=1)
    down, right = np.abs(np.array(moved)).max(axis=0)
    assert 3 < down <= 4.1 and 4.5 < right <= 6.1


def test_rotation_keeps_lengths_on_images_that_are_not_square() -> None:
    image = np.zeros((1, 60, 90, 1), np.uint8)
    image[0, 29:31, 25:65] = 255
    angles = []
    for copy in augmented(image, 40, 3, only(rotation=30))[..., 0].astype(float):
        y, x = np.mgrid[:60, :90]
        weight = copy / copy.sum()
        centre = (y * weight).sum(), (x * weight).sum()
        spread = np.cov(np.stack([y.ravel(), x.ravel()]), aweights=weight.ravel() + 1e-12)
        values, vectors = np.linalg.eigh(spread)
        assert np.hypot(centre[0] - 29.5, centre[1] - 44.5) < 0.6
        assert np.sqrt(12 * values[1]) == pytest.approx(40, abs=1.0)  # the length of the bar
        angles.append(np.degrees(np.arctan2(vectors[0, 1], vectors[1, 1])) % 180)
    turned = np.minimum(np.array(angles), 180 - np.array(angles))
    assert 24 < turned.max() <= 30.5


def test_zoom_brightness_and_channel_shift_stay_within_their_ranges() -> None:
    image = np.zeros((1, 60, 60, 1), np.uint8)
    image[0, 20:40, 20:40] = 200
    sizes = np.array([[(copy > 100).any(axis=axis).sum() for axis in (0, 1)] for copy in
                      augmented(image, 60, 4, only(zoom=0.2))[..., 0]])  # fmt: skip
    assert sizes.min() >= 16 and sizes.max() <= 25 and sizes.min() < 18 and sizes.max() > 22
    assert (sizes[:, 0] != sizes[:, 1]).any()  # width and height, each for itself

    flat = np.full((1, 4, 4, 1), 100, np.uint8)
    bright = augmented(flat, 100, 5, only(darkest=0.8, brightest=1.2))[:, 0, 0, 0]
    assert 80 <= bright.min() < 85 and 115 < bright.max() <= 120

    grey = np.full((1, 4, 4, 3), 100, np.uint8)
    grey[0, 0, 0], grey[0, 0, 1] = 0, 255
    shifted = augmented(grey, 100, 6, only(channel_shift=0.1))[:, 3, 3].astype(int)
    assert 74 <= shifted.min() < 80 and 120 < shifted.max() <= 126
    assert (shifted == shifted[:, :1]).all()  # all channels together


def test_the_study_s_list_is_the_default() -> None:
    given = AugmentationOptions()
    assert (given.rotation, given.shift, given.shear, given.zoom) == (30, 0.1, 0.2, 0.2)
    assert given.flip_horizontally and given.flip_vertically and (given.darkest, given.brightest) == (0.8, 1.2)
