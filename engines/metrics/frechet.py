"""Fréchet distance between two sets of feature vectors, seen as Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def frechet_distance(first: Array, second: Array) -> float:
    """|m1-m2|² + tr C1 + tr C2 - 2 tr (C1 C2)^½ of features [N, D] and [M, D] (Dowson and Landau 1982).

    No matrix square root is taken. For centred rows X/√(N-1) the last trace is the nuclear norm of X1 X2ᵀ [N, M], so
    with fewer images than features it comes, exactly, from a matrix as small as the smaller set. Else it is the sum of
    the roots of the eigenvalues of S C2 Sᵀ, where C1 = SᵀS.
    """
    first, second = (np.asarray(x, np.float64) for x in (first, second))
    means = first.mean(0), second.mean(0)
    centred = [(x - m) / np.sqrt(len(x) - 1) for x, m in zip((first, second), means, strict=True)]
    traces = sum(float(np.vdot(x, x)) for x in centred)
    if min(len(first), len(second)) < first.shape[1]:
        shared = centred[0] @ centred[1].T
        small = shared @ shared.T if len(first) <= len(second) else shared.T @ shared
    else:
        covariances = [x.T @ x for x in centred]
        root = _root(covariances[0])
        small = root @ covariances[1] @ root.T
    cross = float(np.sqrt(np.maximum(np.linalg.eigvalsh(small), 0)).sum())
    return float(((means[0] - means[1]) ** 2).sum()) + traces - 2 * cross


def _root(covariance: Array) -> Array:
    """S with SᵀS = covariance: by Cholesky, or by its eigenvectors where it is singular."""
    try:
        return np.asarray(np.linalg.cholesky(covariance, upper=True))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        return np.asarray(np.sqrt(np.maximum(values, 0))[:, None] * vectors.T)
