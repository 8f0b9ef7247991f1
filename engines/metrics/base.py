"""What a metric is, what it gets and what it must say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engines.errors import LabError

Pixels = np.ndarray[Any, np.dtype[Any]]

FEWEST = 50  # below this no distance between sets means anything
FEW = 2048  # below this the Fréchet family is visibly biased upwards (Chong and Forsyth, CVPR 2020)


@dataclass(frozen=True)
class Inputs:
    """Two sets to compare.

    `real` and `synthetic` are [N, H, W, C] uint8 or uint16 of one size; `patients` names the patient of each real
    image, so that baselines never compare a patient with herself. `progress` takes a fraction and may raise to stop.
    """

    real: Pixels
    synthetic: Pixels
    patients: Sequence[str]
    seed: int = 0
    progress: Callable[[float], None] = lambda fraction: None
    cache: Path | None = None  # a folder for features, by content hash

    def __post_init__(self) -> None:
        for name, images in (("real", self.real), ("synthetic", self.synthetic)):
            if len(images) < FEWEST:
                raise LabError(
                    f"There are too few {name} images to measure quality.",
                    f"{len(images)} images; at least {FEWEST} are needed for a number that means something.",
                    "Generate more images, or use a larger set.",
                )
        if self.real.shape[1:3] != self.synthetic.shape[1:3]:
            raise LabError(
                "The two sets differ in size.",
                f"Real images are {self.real.shape[2]}×{self.real.shape[1]}, "
                f"synthetic ones {self.synthetic.shape[2]}×{self.synthetic.shape[1]}.",
                "Make an image set of the same size: resizing here would change the result more than the model does.",
            )


@dataclass(frozen=True)
class Score:
    """One number with what it is worth. `baseline` is the same measure between real images of different patients."""

    name: str
    value: float
    low: float
    high: float
    n_real: int
    n_synthetic: int
    extractor: str
    baseline: float
    baseline_low: float
    baseline_high: float
    warnings: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MetricSpec:
    """One metric; a metric file ends with `METRIC = MetricSpec(...)`."""

    name: str
    title: str
    summary: str
    source: str
    unit: str
    better: Literal["lower", "higher", "near_baseline"]
    compute: Callable[[Inputs], Score]


def unit_grey(images: Pixels) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Stored pixels [N, H, W, C] as grey values [N, H, W] float32 in [0, 1]; colour by Rec. 601 luminance."""
    scaled = images.astype(np.float32) / np.float32(np.iinfo(images.dtype).max)
    if scaled.shape[-1] == 1:
        return np.asarray(scaled[..., 0])
    return np.asarray(scaled @ np.array([0.299, 0.587, 0.114], np.float32))
