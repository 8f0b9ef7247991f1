"""Support vector machines that also say how sure they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from engines.classifiers.base import Array, Fitting
from engines.classifiers.classic import FittedVectors, unfinished_allowed
from engines.classifiers.vectors import VectorOptions, vectors_of
from engines.metrics.statistics import groups_of

_FOLDS = 3  # one number is fitted on what they leave out: more would cost more and not move it
_LARGEST_TABLE = 10_000  # images: above, kernels are computed as they are needed, since the table would take 800 MB


@dataclass(frozen=True)
class Kernel:
    """A kernel between rows of X and rows of Y, both centred on the training images' mean."""

    name: Literal["linear", "rbf"]
    gamma: float = 0.0

    def table(self, x: Array, y: Array) -> Array:
        """[N, M] float64. One matrix product: many times as fast as libsvm's own row by row, the same kernel."""
        products = x @ y.T
        if self.name == "linear":
            return products.astype(np.float64)
        squares = (x * x).sum(axis=1)[:, None] + (y * y).sum(axis=1)[None, :]
        distances = np.maximum(squares - 2 * products, 0).astype(np.float64)
        return np.exp(np.multiply(distances, -self.gamma, out=distances), out=distances)


def fit_machine(
    options: VectorOptions,
    fitting: Fitting,
    kernel_name: Literal["linear", "rbf"],
    c: float,
    gamma: Callable[[Array], float] = lambda rows: 0.0,
) -> FittedVectors:
    """A support vector machine (Cortes and Vapnik 1995) with probabilities; `gamma` is asked with the rows [N, D].

    A machine gives signed distances, of which the softmax is taken after one common scale ("temperature", Guo et al.,
    ICML 2017), fitted to images that were left out. So the order of images and the class that the machine chooses
    stay exactly its own, which Platt's sigmoid does not keep.
    """
    labels, classes = fitting.train.labels, len(fitting.classes)
    vectors, rows = vectors_of(options, fitting, lambda fraction: fitting.progress(0.5 * fraction))
    kernel = Kernel(kernel_name, gamma(rows))
    mean = rows.mean(axis=0)
    rows = rows - mean  # changes neither machine, and keeps the products small enough for single precision
    small = len(rows) <= _LARGEST_TABLE
    table = kernel.table(rows, rows) if small else rows
    machine = _machine(kernel, c, options.balanced, small)

    left_out, found = np.zeros((len(rows), classes)), np.zeros(len(rows), bool)
    folds = _folds(fitting, labels)
    for n, (kept, out) in enumerate(folds):
        if len(np.unique(labels[kept])) == classes:
            with unfinished_allowed():
                machine.fit(table[np.ix_(kept, kept)] if small else rows[kept], labels[kept])
            left_out[out] = _distances(machine, table[np.ix_(out, kept)] if small else rows[out])
            found[out] = True
        fitting.progress(0.5 + 0.5 * (n + 1) / (len(folds) + 1))
    scale = fitted_scale(left_out[found], labels[found])
    with unfinished_allowed():
        machine.fit(table, labels)
    fitting.progress(1.0)

    # Only these rows are needed from now on; the other columns of a table are multiplied by 0.
    support = machine.support_

    def predict(vectors: Array) -> Array:
        centred = vectors - mean
        if not small:
            return softmax(scale * _distances(machine, centred), axis=1)
        wide = np.zeros((len(centred), len(rows)))
        wide[:, support] = kernel.table(centred, rows[support])
        return softmax(scale * _distances(machine, wide), axis=1)

    return FittedVectors(vectors, predict)


def fitted_scale(distances: Array, labels: Array) -> float:
    """The factor of distances [N, K] before the softmax that makes the labels [N] likeliest; 1 without any images."""
    if not len(distances):
        return 1.0

    def loss(log_scale: float) -> float:
        return -float(log_softmax(np.exp(log_scale) * distances, axis=1)[np.arange(len(labels)), labels].mean())

    # Bounded: distances that tell nothing would want a factor of 0, which loses the order; perfect ones infinity.
    return float(np.exp(minimize_scalar(loss, bounds=(-7, 5), method="bounded").x))


def _machine(kernel: Kernel, c: float, balanced: bool, table: bool) -> Any:
    from sklearn.svm import SVC

    return SVC(
        C=c,
        kernel="precomputed" if table else kernel.name,
        gamma=kernel.gamma if not table and kernel.name == "rbf" else "scale",
        class_weight="balanced" if balanced else None,
        break_ties=True,
        cache_size=500,
    )


def _distances(machine: Any, rows: Array) -> Array:
    """Signed distances [N, K]: of two classes the first has 0."""
    found = machine.decision_function(rows)
    return np.stack([np.zeros_like(found), found], axis=1) if found.ndim == 1 else np.asarray(found)


def _folds(fitting: Fitting, labels: Array) -> list[tuple[Array, Array]]:
    """(kept, left out) indices; no patient stands on both sides where patients are known."""
    from sklearn.model_selection import StratifiedGroupKFold

    groups = groups_of(fitting.train.patients or [""] * len(labels))
    folds = min(_FOLDS, int(np.bincount(labels).min()), len(np.unique(groups)))
    if folds < 2:
        return []
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=fitting.seed)
    return list(splitter.split(labels, labels, groups))
