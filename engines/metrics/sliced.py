"""Sliced Wasserstein distance between the patches of two image sets, on each level of the Laplacian pyramid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from engines.metrics.base import Pixels, unit_grey

Array = np.ndarray[Any, np.dtype[Any]]

SMALLEST = 16  # pixels: below this a patch of 7 would be half the image
PATCH = 7
COMPARED = 8192  # patches of each set and level: the distance is biased by their number, so it is always the same
PATCHES = (8, 64)  # fewest and most of each image and level: enough for half a set to give COMPARED
DIRECTIONS = 4 * 128
_KERNEL = np.array([1, 4, 6, 4, 1], np.float32) / 16


def pyramid(grey: Array) -> list[Array]:
    """The Laplacian pyramid of a grey image [H, W] float32: details at each size, and the smallest image itself.

    Burt and Adelson, IEEE Trans. Communications 1983.
    """
    levels, at = [], grey
    while min(at.shape) >= 2 * SMALLEST:
        smaller = _smooth(at)[::2, ::2]
        spread = np.zeros_like(at)
        spread[::2, ::2] = 4 * smaller
        levels.append(at - _smooth(spread))
        at = smaller
    return [*levels, at]


def _smooth(image: Array) -> Array:
    rows = ndimage.correlate1d(image, _KERNEL, axis=0, mode="mirror")
    return np.asarray(ndimage.correlate1d(rows, _KERNEL, axis=1, mode="mirror"))


def patches_of(images: Pixels, seed: int, progress: Callable[[float], None]) -> Array:
    """Random patches [N, L, P, 49] float32 of each level of each image [N, H, W, C], colour as grey; P is 8 to 64."""
    generator = np.random.default_rng(seed)
    count = int(np.clip(-(-2 * COMPARED // len(images)), *PATCHES))
    found = []
    for n, image in enumerate(images):
        rows = []
        for level in pyramid(unit_grey(image[None])[0]):
            windows = np.lib.stride_tricks.sliding_window_view(level, (PATCH, PATCH))
            y, x = (generator.integers(0, size, count) for size in windows.shape[:2])
            rows.append(windows[y, x].reshape(count, -1))
        found.append(np.stack(rows))
        if n % 32 == 0:
            progress(n / len(images))
    return np.stack(found)


def sliced_distance(real: Array, other: Array, seed: int = 0) -> Array:
    """Sliced Wasserstein-1 distance [L] of patches [N, L, P, 49] and [M, L, P, 49], in the real patches' sd.

    Both are projected on the same random unit directions and sorted (Rabin et al., SSVM 2011). After Karras et al.
    (PGGAN, ICLR 2018, section 5), who normalise each set by its own mean and sd; the real set's are used for both, so
    that a change of brightness or contrast shows.
    """
    generator = np.random.default_rng(seed)
    directions = generator.normal(size=(DIRECTIONS, real.shape[-1])).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    count = min(COMPARED, len(real) * real.shape[2], len(other) * other.shape[2])
    distances = []
    for level in range(real.shape[1]):
        first, second = (_drawn(patches[:, level], count, generator) for patches in (real, other))
        mean, sd = first.mean(), max(float(first.std()), 1e-8)
        one, two = (np.sort(directions @ ((patches - mean) / sd).T, axis=1) for patches in (first, second))
        distances.append(float(np.abs(one - two).mean()))
    return np.array(distances)


def _drawn(patches: Array, count: int, generator: np.random.Generator) -> Array:
    """`count` of the patches [N, P, 49], spread evenly over the images."""
    images, each = patches.shape[:2]
    at = (generator.integers(0, images * each) + np.arange(count)) % (images * each)
    return np.asarray(patches[at % images, at // images])
