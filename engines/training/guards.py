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
# Diversity as a share of that of as many real images. Measured: James's WGAN-GP on mass crops collapses to 0.22-0.28
# from 18,000 images on; healthy runs stand above 0.55 once 6,000 are seen, and pass through 0.2 before.
LOW_DIVERSITY = 0.3
ALIKE_AFTER_IMAGES, ALIKE_SHEETS = 10_000, 3
SHEETS_IN_A_ROW = 2
WARM_UP_IMAGES = 5_000  # what a generator does before has no meaning
# Sheet distances (sheet_distance.py): healthy runs fall from about 10 to below 1 within 10,000 images.
FAR = 0.5
FELL_BACK = 4.0  # times the best distance so far: a jolt of the discriminator gives 5 to 10 times
NO_PROGRESS_IMAGES, NO_PROGRESS_SHEETS, PROGRESS = 20_000, 8, 0.9
MOST_DISTANCES = 400


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

FALLEN_BACK = Remark(
    "fallen_back",
    "The images have become much worse than they were: something threw the generator off its way.",
    "Often it finds back within some thousand images. If it does not: stop, and begin a new run from the checkpoint "
    "before, with half the learning rates or a larger R1 penalty.",
)
NO_PROGRESS = Remark(
    "no_progress",
    "The images have not come nearer to the real ones since the first half of this run, and are still far from them.",
    "More of the same will hardly help. Try the method's standard preset, other learning rates, or another method; "
    "with a Wasserstein critic also more critic steps and a lower rate.",
)


def rolled_back(lost_at: int, back_at: int) -> Remark:
    """What to say of a run that went back to an earlier checkpoint."""
    text = (
        f"At {lost_at:,} images a loss or a weight was no longer a finite number. The run went back to {back_at:,} "
        "images, and goes on in float32 with other random numbers."
    )
    return Remark("rolled_back", text, "If it happens again the run ends; then lower the learning rates.")


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

    def after_sheet(
        self, images: np.ndarray[Any, np.dtype[Any]], real_diversity: float, distance: float, seen: int
    ) -> list[Remark]:
        """Judge the images [N, H, W, C] of a sample sheet: their diversity against that of as many real ones, and
        their distance from these (see sheet_distance.py) against earlier sheets."""
        ratio = diversity(images) / real_diversity if real_diversity > 0 else 1.0
        past: list[list[float]] = self.memory.setdefault("distances", [])
        best = min((value for _, value in past), default=distance)
        past.append([seen, round(distance, 4)])
        if len(past) > MOST_DISTANCES:
            del past[1::2]
        worse = distance > FAR and distance > FELL_BACK * max(best, 0.0)
        return [
            *self._after(seen >= ALIKE_AFTER_IMAGES and ratio < LOW_DIVERSITY, ALIKE_SHEETS, NO_DIVERSITY),
            *self._after(seen >= WARM_UP_IMAGES and worse, SHEETS_IN_A_ROW, FALLEN_BACK),
            *self._after(distance > FAR and _stands_still(past, seen), SHEETS_IN_A_ROW, NO_PROGRESS),
        ]

    def _after(self, bad: bool, in_a_row: int, warning: Remark) -> list[Remark]:
        """Warn once when something has been bad that often in a row; again only after it was good in between."""
        count = int(self.memory.get(warning.name, 0)) + 1 if bad else 0
        self.memory[warning.name] = min(count, in_a_row + 1)
        return [warning] if count == in_a_row else []


def _stands_still(past: list[list[float]], seen: int) -> bool:
    """Whether no sheet of the second half of a run is nearer to the reals than those of its first half."""
    early = [value for at, value in past if at <= seen / 2]
    late = [value for at, value in past if at > seen / 2]
    if seen < NO_PROGRESS_IMAGES or min(len(early), len(late)) < NO_PROGRESS_SHEETS:
        return False
    return min(late) > PROGRESS * min(early)


def diversity(images: np.ndarray[Any, np.dtype[Any]]) -> float:
    """Standard deviation over the images at each pixel, averaged over pixels, as a share of the full range."""
    return float(images.astype(np.float32).std(axis=0).mean() / np.iinfo(images.dtype).max)


def all_finite(means: Mapping[str, float]) -> bool:
    return all(math.isfinite(value) for value in means.values())
