"""How far the images of a sample sheet lie from the reals: cheap enough for every sheet, good enough to see a trend.

It is no measure of quality (see engines/metrics for those): some dozens of images, and blocks of an eighth of the side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Stored = np.ndarray[Any, np.dtype[Any]]
Features = np.ndarray[Any, np.dtype[np.float64]]

BLOCKS = 8  # on each side
DARKEST_SPREAD = 0.01  # of the full range: blocks of plain background have no contrast to take a logarithm of


class SheetDistance:
    """Energy distance (Szekely & Rizzo 2013) to fixed reals, on the mean and the log contrast of 8x8 blocks.

    Features are measured in units of their spread over the reals: 0 is alike, 0.1 the noise of some dozens of images,
    10 a generator before its first step. A single image has no spread to compare: its distance is 0.
    """

    def __init__(self, reals: Stored) -> None:
        features = _features(reals)
        self.mean = features.mean(axis=0)
        spread = features.std(axis=0)
        # Black background hardly varies among reals; measured in its own spread it would drown all the rest.
        usual = np.concatenate([np.full(part.shape, np.median(part)) for part in np.split(spread, 2)])
        self.spread = np.maximum(np.maximum(spread, usual), 1e-6)
        self.reals = self._scaled(features)
        self.within = _mean_apart(self.reals)

    def __call__(self, images: Stored) -> float:
        """The distance of images [N, H, W, C], stored as the reals are."""
        if min(len(images), len(self.reals)) < 2:
            return 0.0
        drawn = self._scaled(_features(images))
        between = np.sqrt(((drawn[:, None] - self.reals[None]) ** 2).mean(axis=2)).mean()
        return float(2 * between - _mean_apart(drawn) - self.within)

    def _scaled(self, features: Features) -> Features:
        return (features - self.mean) / self.spread


def _features(images: Stored) -> Features:
    """[N, 2 * blocks * channels]: block means, then the logarithms of their standard deviations."""
    count, height, width, channels = images.shape
    high, wide = height // BLOCKS, width // BLOCKS
    inside = images[:, : high * BLOCKS, : wide * BLOCKS].astype(np.float64) / np.iinfo(images.dtype).max
    blocks = inside.reshape(count, BLOCKS, high, BLOCKS, wide, channels)
    means, spreads = blocks.mean(axis=(2, 4)), blocks.std(axis=(2, 4))
    contrasts = np.log(spreads + DARKEST_SPREAD)
    return np.concatenate([means.reshape(count, -1), contrasts.reshape(count, -1)], axis=1)


def _mean_apart(features: Features) -> float:
    """Mean distance of two different rows."""
    if len(features) < 2:
        return 0.0
    apart = np.sqrt(((features[:, None] - features[None]) ** 2).mean(axis=2))
    return float(apart.sum() / (len(features) * (len(features) - 1)))
