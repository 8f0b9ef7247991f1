"""Guards: they watch a training and say in plain words what goes wrong and what to try next."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

TICKS_IN_A_ROW = 20  # ticks come about once a second; a training is not judged by a moment
OVERPOWERED_REAL, OVERPOWERED_FAKE = 0.97, 0.03  # mean verdicts of a discriminator that is practically never wrong
LOST_G_LOSS = 4.0  # its fakes pass for real with a probability of 2 %
LOW_DIVERSITY = 0.15  # of the diversity of as many real images
SHEETS_IN_A_ROW = 2
WARM_UP_IMAGES = 5_000  # every generator starts with near-equal images


@dataclass(frozen=True)
class Remark:
    """What the page shows as a card on the run."""

    name: str
    text: str
    advice: str
    severity: str = "warning"


OVERPOWERED = Remark(
    "discriminator_too_strong",
    "The discriminator recognises nearly every fake, so the generator hardly gets a hint of what to improve.",
    "If it stays so for some minutes: stop, and start again with a lower learning rate of the discriminator, more "
    "dropout, or an R1 penalty of 0.1 to 1.",
)
NO_DIVERSITY = Remark(
    "no_diversity",
    "The generated images resemble one another far more than the real ones do: the generator has settled on few motifs "
    "(mode collapse).",
    "Go back to an earlier checkpoint, or start again with an R1 penalty of 0.1 to 1, a larger batch, or lower "
    "learning rates.",
)


class Guards:
    """Keeps its memory in a plain dict that travels in the checkpoint."""

    def __init__(self, memory: dict[str, Any]) -> None:
        self.memory = memory

    def after_tick(self, means: Mapping[str, float]) -> list[Remark]:
        """Judge the mean losses and verdicts since the last tick."""
        lost = (
            means.get("d_real", 0.5) > OVERPOWERED_REAL
            and means.get("d_fake", 0.5) < OVERPOWERED_FAKE
            and means.get("g_loss", 0.0) > LOST_G_LOSS
        )
        return self._after(lost, TICKS_IN_A_ROW, OVERPOWERED)

    def after_sheet(self, images: np.ndarray[Any, np.dtype[Any]], real_diversity: float, seen: int) -> list[Remark]:
        """Judge the images [N, H, W, C] of a sample sheet against the diversity of as many real ones."""
        ratio = diversity(images) / real_diversity if real_diversity > 0 else 1.0
        return self._after(seen >= WARM_UP_IMAGES and ratio < LOW_DIVERSITY, SHEETS_IN_A_ROW, NO_DIVERSITY)

    def _after(self, bad: bool, in_a_row: int, warning: Remark) -> list[Remark]:
        """Warn once when something has been bad that often in a row; again only after it was good in between."""
        count = int(self.memory.get(warning.name, 0)) + 1 if bad else 0
        self.memory[warning.name] = min(count, in_a_row + 1)
        return [warning] if count == in_a_row else []


def diversity(images: np.ndarray[Any, np.dtype[Any]]) -> float:
    """Standard deviation over the images at each pixel, averaged over pixels, as a share of the full range."""
    return float(images.astype(np.float32).std(axis=0).mean() / np.iinfo(images.dtype).max)


def all_finite(means: Mapping[str, float]) -> bool:
    return all(math.isfinite(value) for value in means.values())
