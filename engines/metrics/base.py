"""What a metric is, what it gets and what it must say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from engines.errors import LabError
from engines.extractors.base import Pixels as Pixels
from engines.extractors.base import unit_grey as unit_grey

FEWEST = 50  # below this no distance between sets means anything
TEXTURE = "texture"  # the extractor that needs no weights
FEW = 2048  # below this the Fréchet family is visibly biased upwards (Chong and Forsyth, CVPR 2020)

SIZES = "Depends on the set sizes: compare only values with the same sizes."


@dataclass(frozen=True)
class Inputs:
    """Two sets to compare.

    `real` and `synthetic` are [N, H, W, C] uint8 or uint16 of one size; `patients` names the patient of each real
    image ("" where unknown), so that baselines never compare a patient with herself. `held_out` are real images that
    the model has not learned from, with their patients: what a new patient scores. `progress` takes a fraction and may
    raise to stop.
    """

    real: Pixels
    synthetic: Pixels
    patients: Sequence[str]
    seed: int = 0
    progress: Callable[[float], None] = lambda fraction: None
    cache: Path | None = None  # a folder for features, by content hash
    held_out: Pixels | None = None
    held_out_patients: Sequence[str] = ()
    extractor: str = TEXTURE  # of engines/extractors: for metrics that leave the choice open
    weights: Path | None = None  # the workspace's folder of pretrained weights

    def __post_init__(self) -> None:
        for name, images in (("real", self.real), ("synthetic", self.synthetic)):
            if len(images) < FEWEST:
                raise LabError(
                    f"There are too few {name} images to measure quality.",
                    f"{len(images)} images; at least {FEWEST} are needed for a number that means something.",
                    "Generate more images, or use a larger set.",
                )
        for name, others in (("synthetic", self.synthetic), ("held-out", self.held_out)):
            if others is not None and self.real.shape[1:3] != others.shape[1:3]:
                raise LabError(
                    "The sets differ in size.",
                    f"Real images are {self.real.shape[2]}×{self.real.shape[1]}, "
                    f"{name} ones {others.shape[2]}×{others.shape[1]}.",
                    "Make an image set of the same size: resizing here would change the result more than the model "
                    "does.",
                )

    def part(self, start: float, end: float) -> Callable[[float], None]:
        """A progress function for a part of the work, from the fraction `start` to `end`."""
        return lambda fraction: self.progress(start + (end - start) * fraction)


@dataclass(frozen=True)
class Score:
    """One number with what it is worth. `baseline` is the same measure between real images of different patients.

    `scale` places the value between noise (0) and the real baseline (1); None where that has no meaning. `per_image`
    has a column for every synthetic image, [n_synthetic] each; it is kept as a table beside the result.
    """

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
    scale: float | None = None
    per_image: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MetricSpec:
    """One metric; a metric file ends with `METRIC = MetricSpec(...)`.

    `light`: cheap enough to be computed again and again during a training. `legacy`: kept because it was published
    with, not to rank by. `chooses`: the extractor is the user's choice, otherwise the metric has its own.
    """

    name: str
    title: str
    summary: str
    source: str
    unit: str
    better: Literal["lower", "higher", "near_baseline"]
    compute: Callable[[Inputs], Score]
    light: bool = False
    legacy: bool = False
    chooses: bool = False
    needs: tuple[str, ...] = ()  # names of pretrained weights (engines/weights.py) without which it cannot run


def few(inputs: Inputs) -> str:
    """What to say of a Fréchet distance between small sets; nothing if they are large."""
    if min(len(inputs.real), len(inputs.synthetic)) >= FEW:
        return ""
    return f"Biased upwards below {FEW:,} images: compare only values with the same set sizes."
