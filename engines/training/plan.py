"""What a training is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engines.methods.base import MethodOptions, MethodSpec, NetSpec
from engines.training.checkpoints import Checkpoint
from engines.training.state import TrainState


@dataclass(frozen=True)
class Budget:
    """How long to train: until so many images are seen, or so many seconds are spent. Pauses do not count."""

    images: int | None = None
    seconds: float | None = None

    def fraction(self, state: TrainState) -> float:
        by_images = state.images_seen / self.images if self.images else 0.0
        by_time = state.trained_s / self.seconds if self.seconds else 0.0
        return min(max(by_images, by_time), 1.0)

    def met(self, state: TrainState) -> bool:
        return self.fraction(state) >= 1.0

    def eta_s(self, state: TrainState, images_per_s: float) -> float | None:
        if self.images:
            return max(self.images - state.images_seen, 0) / images_per_s if images_per_s > 0 else None
        return max(self.seconds - state.trained_s, 0.0) if self.seconds else None

    def milestones_passed(self, state: TrainState, count: int) -> int:
        return int(self.fraction(state) * count)


@dataclass(frozen=True)
class Plan:
    """A method with its options, and how the run is watched and kept."""

    method: MethodSpec
    options: MethodOptions
    preset: str
    channels: Literal[1, 3]
    seed: int
    budget: Budget
    classes: tuple[str, ...] = ("",)  # of the images, in the order of their numbers
    parts: int = 1  # in which a batch is computed, to save memory
    init_from: Checkpoint | None = None  # weights to begin with, where they fit
    exact: bool = False
    sample_every_images: int = 0  # 0: chosen by the clock, so that sheets never cost more than a few percent
    sheet_columns: int = 8
    sheet_rows: int = 4
    checkpoint_every_s: float = 60.0
    checkpoint_every_images: int = 0  # 0: by the clock alone
    keep_checkpoints: int = 3
    milestones: int = 8  # checkpoints spread over the run that stay, to compare its stages
    measure_every_images: int = 0  # 0: never
    measure_count: int = 256
    threads: int | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    weights: Path | None = None  # the workspace's folder of pretrained weights

    @property
    def net_spec(self) -> NetSpec:
        """What the networks are built for."""
        return NetSpec(self.channels, len(self.classes), self.weights)

    def as_dict(self) -> dict[str, Any]:
        """What a checkpoint notes: enough to build the networks again."""
        return {
            "method": self.method.name,
            "preset": self.preset,
            "options": self.options.model_dump(mode="json"),
            "channels": self.channels,
            "classes": list(self.classes),
            "seed": self.seed,
            "exact": self.exact,
        }
