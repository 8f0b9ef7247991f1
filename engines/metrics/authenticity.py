"""AuthPct and C_T: two published measures of copying by distances between features, nearly blind to altered copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import KMeans

from engines.metrics.distances import nearest_distances

Array = np.ndarray[Any, np.dtype[Any]]

CAVEAT = (
    "AuthPct and C_T look at distances between features. They are nearly blind to copies that were moved, mirrored, "
    "blurred or scaled: a good value here does not mean that there are no copies."
)
CELL_IMAGES = 50  # held-out images for each cell of the partition, so that a cell's test means something
MOST_CELLS = 5
FEWEST_IN_CELL = 20


def authentic_share(real: Array, others: Array) -> float:
    """AuthPct: share of `others` [M, D] not closer to their nearest real [N, D] than that is to any other real.

    Alaa et al., "How faithful is your synthetic data?", ICML 2022, section 4.3.
    """
    distances, index = nearest_distances(others, real)
    among, _ = nearest_distances(real, real, np.arange(len(real)))
    return float(np.mean(distances > among[index]))


def copying_test(real: Array, held_out: Array, others: Array, seed: int) -> float | None:
    """C_T: how far the distances of `others` to their nearest real exceed those of held-out reals, in sd of chance.

    Well below 0 means copying, well above 0 underfitting. Mann and Whitney's U in each cell of a k-means partition of
    the real features, averaged with the held-out share of the cell (Meehan, Chaudhuri and Dasgupta, AISTATS 2020,
    section 3, whose least number of
    others in a cell is kept); None if no cell holds enough.
    """
    cells = max(1, min(MOST_CELLS, len(held_out) // CELL_IMAGES))
    partition = KMeans(cells, random_state=seed, n_init=3).fit(real)
    of_held_out, of_others = partition.predict(held_out), partition.predict(others)
    distances, held_out_distances = nearest_distances(others, real)[0], nearest_distances(held_out, real)[0]
    total, weights = 0.0, 0.0
    for cell in range(cells):
        first, second = distances[of_others == cell], held_out_distances[of_held_out == cell]
        if len(first) < FEWEST_IN_CELL or not len(second):
            continue
        pairs = len(first) * len(second)
        above = (first[:, None] > second).sum() + 0.5 * (first[:, None] == second).sum()
        score = (above - pairs / 2) / np.sqrt(pairs * (len(first) + len(second) + 1) / 12)
        total, weights = total + len(second) * float(score), weights + len(second)
    return total / weights if weights else None
