"""What a classifier is, what it learns from and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from engines.options import Options

Array = np.ndarray[Any, np.dtype[Any]]
Progress = Callable[[float], None]  # takes a fraction, and may raise to stop


def silent(fraction: float) -> None:
    """A progress that nobody watches."""


@dataclass(frozen=True)
class Labelled:
    """Images [N, H, W, C] uint8 or uint16 of one size, and the class number of each [N] int64.

    `patients` names the patient of each image, "" where unknown; empty where nobody asks.
    """

    images: Array
    labels: Array
    patients: Sequence[str] = ()


@dataclass(frozen=True)
class Fitting:
    """One training of one classifier.

    `validation` is for early stopping, pruning and calibration, and never the test set. The same `seed` gives the same
    classifier on the same computer. `weights` is the workspace's folder of pretrained weights, `cache` a folder for
    features by content hash (engines/metrics/features.py). A classifier that learns in epochs tells `epoch` which one
    has ended (from 1) and its log loss on `validation`, where there is one; it may raise to give the training up.
    """

    train: Labelled
    classes: tuple[str, ...]
    validation: Labelled | None = None
    seed: int = 0
    weights: Path | None = None
    cache: Path | None = None
    progress: Progress = silent
    epoch: Callable[[int, float], None] | None = None


class Fitted(Protocol):
    """A classifier that has learned."""

    def probabilities(self, images: Array, progress: Progress = silent) -> Array:
        """Class probabilities [N, K] float64 of images [N, H, W, C]; each row sums to 1."""

    def features(self, images: Array, progress: Progress = silent) -> Array:
        """What it decides by, [N, D] float32: for the nearest training images of a test image."""

    def saliency(self, images: Array, label: int) -> Array | None:
        """Where it looks for the class `label`: Grad-CAM [N, H, W] float32 in [0, 1]; None if it cannot say."""


@dataclass(frozen=True)
class ClassifierPreset:
    """A named choice of options; `changes` holds what differs from the defaults."""

    title: str
    summary: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class ClassifierSpec:
    """One classifier; a classifier file ends with `CLASSIFIER = ClassifierSpec(...)`.

    `fit` raises LabError for what a researcher can act on (weights missing, too few images, a class without any).
    `weights` names the pretrained files (engines/weights.py) that it needs with its default options. `cost` tells
    seconds from hours: "light" learns from pixels or cached features in seconds, "medium" trains a small network,
    "heavy" a deep one.
    """

    name: str
    title: str
    summary: str
    source: str
    options: type[Options]
    fit: Callable[[Any, Fitting], Fitted]
    cost: Literal["light", "medium", "heavy"] = "light"
    weights: tuple[str, ...] = ()
    presets: Mapping[str, ClassifierPreset] = field(default_factory=dict)
