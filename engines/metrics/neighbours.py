"""Balls around feature vectors that reach to the k-th neighbour: the shapes behind precision, recall and the like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
CHUNK = 512  # rows at a time: 512 × 5,000 distances take 20 MB


def _squares(queries: Array, points: Array) -> Iterator[tuple[int, Array]]:
    """Squared distances [rows, P] of queries [Q, D] to points [P, D], some rows at a time, with the first row's index.

    By |a-b|² = |a|² + |b|² - 2ab in double precision: radii and distances must be rounded alike.
    """
    queries, points = np.asarray(queries, np.float64), np.asarray(points, np.float64)
    lengths = (points**2).sum(1)
    for start in range(0, len(queries), CHUNK):
        part = queries[start : start + CHUNK]
        yield start, np.maximum((part**2).sum(1)[:, None] + lengths - 2 * part @ points.T, 0)


def radii(points: Array, k: int) -> Array:
    """Squared distance [P] of each point to its k-th nearest other point."""
    found = []
    for start, squares in _squares(points, points):
        rows = np.arange(len(squares))
        squares[rows, start + rows] = np.inf  # itself
        found.append(np.partition(squares, k - 1, axis=1)[:, k - 1])
    return np.concatenate(found)


def share_inside(queries: Array, points: Array, k: int) -> float:
    """Share of queries that lie in at least one point's ball."""
    reach = radii(points, k)
    return sum(int((squares <= reach).any(1).sum()) for _, squares in _squares(queries, points)) / len(queries)


def mean_balls(queries: Array, points: Array, k: int) -> float:
    """In how many points' balls a query lies on average, over k."""
    reach = radii(points, k)
    return sum(int((squares < reach).sum()) for _, squares in _squares(queries, points)) / (k * len(queries))


def share_reached(points: Array, queries: Array, k: int) -> float:
    """Share of points in whose ball at least one query lies."""
    reach = radii(points, k)
    return float(np.mean(np.concatenate([s.min(1) for _, s in _squares(points, queries)]) < reach))
