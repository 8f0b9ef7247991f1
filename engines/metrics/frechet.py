"""Fréchet distance between two sets of feature vectors, seen as Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def frechet_distance(first: Array, second: Array) -> float:
    """|m1-m2|² + tr C1 + tr C2 - 2 tr (C1 C2)^½ of features [N, D] and [M, D] (Dowson and Landau 1982).

    The last trace is the nuclear norm of X1 X2ᵀ for centred X/sqrt(N-1), so no matrix square root is taken: the
    triangular factors of X1 and X2 give the same norm in min(N, D) dimensions, exactly, also where the covariances
    are singular.
    """
    means = first.mean(0), second.mean(0)
    centred = [(x - m) / np.sqrt(len(x) - 1) for x, m in zip((first, second), means, strict=True)]
    factors = [np.asarray(np.linalg.qr(x, mode="r")) for x in centred]
    traces = sum(float((x**2).sum()) for x in centred)
    cross = float(np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum())
    return float(((means[0] - means[1]) ** 2).sum()) + traces - 2 * cross
