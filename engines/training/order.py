"""Which images come next, and which random numbers: pure functions of the seed and the images seen.

Nothing is remembered between steps, so a training that stops and goes on sees exactly what an unbroken one sees
(the rule of Karras et al. 2024, EDM2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

Indexes = np.ndarray[Any, np.dtype[np.int64]]


@lru_cache(maxsize=4)
def permutation(seed: int, epoch: int, count: int) -> Indexes:
    """The order of all `count` images in an epoch."""
    return np.random.default_rng([seed, 0, epoch]).permutation(count)


def indexes(seed: int, images_seen: int, batch: int, count: int) -> Indexes:
    """The images of the step that starts at `images_seen`, [batch]; every epoch shows every image once.

    A batch may reach into the next epoch, so that none is cut short.
    """
    places = np.arange(images_seen, images_seen + batch)
    chosen = np.empty(batch, dtype=np.int64)
    for epoch in range(images_seen // count, (images_seen + batch - 1) // count + 1):
        inside = places // count == epoch
        chosen[inside] = permutation(seed, epoch, count)[places[inside] % count]
    return chosen


def step_seed(seed: int, stream: int, images_seen: int) -> int:
    """The seed of all random numbers of one step. `stream` is raised when a training is rolled back."""
    state = np.random.SeedSequence([seed, 1, stream, images_seen]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def own_seed(seed: int, purpose: str) -> int:
    """A seed for looking (sample sheets, shown reals), apart from all that training draws."""
    state = np.random.SeedSequence([seed, 2, *purpose.encode()]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))
