"""One training step: the phases of a method, each with its loss, its gradients and its update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engines.methods.base import Phase, Step
from engines.methods.blocks import freeze
from engines.training.feed import Batch
from engines.training.optimizers import Optimizer


@dataclass(frozen=True)
class Choices:
    """How a step is computed; chosen by the probe (perf.py), or fixed in exact mode."""

    bf16: bool = False  # convolutions and products in bfloat16; weights, losses and penalties stay float32
    fold: bool = True  # upsampling folded into the convolution behind it
    threads: int = 1

    @property
    def words(self) -> str:
        parts = ["bfloat16" if self.bf16 else "float32", "folded upsampling" if self.fold else "plain upsampling"]
        return ", ".join([*parts, "channels last", "fused Adam", f"{self.threads} threads"])


class Means:
    """Running means on the device; reading them is the one place where the loop waits for it."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, name: str, value: Tensor) -> None:
        value = value.detach().float()
        self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._counts[name] = self._counts.get(name, 0) + 1

    @property
    def pending(self) -> bool:
        return bool(self._sums)

    def read(self) -> dict[str, float]:
        """The means since the last reading, in one transfer."""
        if not self._sums:
            return {}
        values = torch.stack(list(self._sums.values())).tolist()
        means = {name: value / self._counts[name] for name, value in zip(self._sums, values, strict=True)}
        self._sums, self._counts = {}, {}
        return means


def run_step(
    nets: Mapping[str, nn.Module],
    optimizers: Mapping[str, Optimizer],
    phases: list[Phase],
    parts: list[Batch],
    batches: int,
    images_seen: int,
    choices: Choices,
    means: Means,
    rate: float = 1.0,
) -> None:
    """Run the phases that are due; networks without an optimiser (in the probe) only get their gradients.

    The gradients of the parts of a batch are added up, each part weighing as it has images. `rate` scales the learning
    rates.
    """
    total, alone = sum(len(part.real) for part in parts), len(parts) == 1
    steps = [Step(nets, part.real, images_seen, means.add, part.labels, part.other, alone) for part in parts]
    for phase in phases:
        if batches % phase.every:
            continue
        for name in phase.frozen:
            freeze(nets[name], True)
        for _ in range(phase.repeat):
            for name in phase.nets:
                nets[name].zero_grad(set_to_none=True)
            for step in steps:
                with torch.autocast(step.real.device.type, torch.bfloat16, enabled=choices.bf16):
                    loss = phase.loss(step)
                (loss if alone else loss * (len(step.real) / total)).backward()
            for name in phase.nets:
                if name in optimizers:
                    optimizers[name].step(rate)
        for name in phase.frozen:
            freeze(nets[name], False)
