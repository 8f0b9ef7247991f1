"""What the classic classifiers of scikit-learn share once they have learned."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from engines.classifiers.base import Array, Progress, silent
from engines.classifiers.vectors import Vectors


@dataclass(frozen=True)
class FittedVectors:
    """A classifier of vectors: `predict` turns [N, D] float32 into class probabilities [N, K]."""

    vectors: Vectors
    predict: Callable[[Array], Array]

    def probabilities(self, images: Array, progress: Progress = silent) -> Array:
        found = self.predict(self.vectors.of(images, progress)).astype(np.float64)
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def features(self, images: Array, progress: Progress = silent) -> Array:
        return self.vectors.of(images, progress)

    def saliency(self, images: Array, label: int) -> Array | None:
        return None  # a vector has no place in the image


@contextmanager
def unfinished_allowed() -> Iterator[None]:
    """A limit of iterations is a setting of ours, and its help says what a low one does: no warning on top."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
