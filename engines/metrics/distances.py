"""Distances of feature vectors to their nearest neighbours, some rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

CHUNK = 512  # rows: with 10,000 references, 40 MB of distances


def nearest_distances(queries: Array, references: Array, barred: Array | None = None) -> tuple[Array, Array]:
    """Euclidean distance [Q] of each query [Q, D] to its nearest reference [R, D], and that one's index [Q].

    With `barred` [Q], the references of the query's own group do not count: `barred` holds the group of each row of
    queries and references, which are then the same images.
    """
    squares = np.einsum("rd,rd->r", references, references)
    index = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), CHUNK):
        part = queries[start : start + CHUNK]
        # |a - b|² less |a|², which is the same for all references of one query.
        near = squares - 2 * part @ references.T
        if barred is not None:
            near[barred[start : start + CHUNK, None] == barred] = np.inf
        index[start : start + CHUNK] = near.argmin(1)
    return np.sqrt(((queries - references[index]) ** 2).sum(1)), index
