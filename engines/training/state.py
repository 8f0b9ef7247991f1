"""All that a training is made of at one moment: enough to go on as if it had never stopped."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from engines.errors import LabError
from engines.methods.base import Networks
from engines.training.optimizers import Optimizer, make_optimizer


@dataclass
class TrainState:
    """Networks, their moving average, optimisers and counters; `nets` are the networks with the pretrained ones."""

    networks: Networks
    nets: dict[str, nn.Module]
    average: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    images_seen: int = 0
    batches: int = 0
    trained_s: float = 0.0
    stream: int = 0  # raised by a roll-back, so that the same random numbers do not lead to the same fault
    histories: dict[str, Any] = field(default_factory=dict)  # of the guards

    @classmethod
    def new(cls, networks: Networks, device: torch.device) -> TrainState:
        for net in networks.nets.values():
            net.to(device).to(memory_format=torch.channels_last)
        average = {name: copy.deepcopy(networks.nets[name]).eval().requires_grad_(False) for name in networks.averaged}
        optimizers = {
            name: make_optimizer(networks.nets[name].parameters(), settings)
            for name, settings in networks.optimizers.items()
        }
        fixed = {
            name: load().eval().requires_grad_(False).to(device).to(memory_format=torch.channels_last)
            for name, load in networks.pretrained.items()
        }
        return cls(networks, {**networks.nets, **fixed}, average, optimizers)

    def update_average(self, batch: int, half_life_images: float) -> None:
        """Move the average a step towards the weights; buffers (batch norm) are copied.

        The half-life grows with the images seen up to its value, so that the start is soon forgotten.
        """
        half_life = min(half_life_images, max(self.images_seen, batch) / 4)
        share = 1 - 0.5 ** (batch / half_life)
        for name, average in self.average.items():
            net = self.networks.nets[name]
            torch._foreach_lerp_(list(average.parameters()), [p.detach() for p in net.parameters()], share)
            self._copy_buffers(name)

    def copy_average(self) -> None:
        """Without averaging, what is sampled from are the weights themselves."""
        for name, average in self.average.items():
            for mean, weight in zip(average.parameters(), self.networks.nets[name].parameters(), strict=True):
                mean.data.copy_(weight.data)
            self._copy_buffers(name)

    def _copy_buffers(self, name: str) -> None:
        for mean, buffer in zip(self.average[name].buffers(), self.networks.nets[name].buffers(), strict=True):
            mean.copy_(buffer)

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the state by name, without the average, contiguous on the CPU."""
        named: dict[str, Tensor] = {}
        for name, net in self.networks.nets.items():
            named |= {f"{name}.{key}": value for key, value in net.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            named |= {f"optimizer.{name}.{key}": value for key, value in optimizer.state().items()}
        return _portable(named)

    def average_tensors(self) -> dict[str, Tensor]:
        """The weights to sample from, by network and name."""
        return _portable(
            {f"{name}.{key}": value for name, net in self.average.items() for key, value in net.state_dict().items()}
        )

    def counters(self) -> dict[str, Any]:
        return {
            "images_seen": self.images_seen,
            "batches": self.batches,
            "trained_s": round(self.trained_s, 3),
            "stream": self.stream,
            "histories": self.histories,
        }

    def begin_from(self, tensors: dict[str, Tensor]) -> tuple[int, int]:
        """Take over the weights of another training that fit by name and shape; how many tensors did, and of how many.

        Optimisers begin afresh (transfer learning).
        """
        taken = wanted = 0
        with torch.no_grad():
            for name, net in self.networks.nets.items():
                for key, tensor in net.state_dict().items():
                    given = tensors.get(f"{name}.{key}")
                    wanted += 1
                    if given is not None and given.shape == tensor.shape:
                        tensor.copy_(given)
                        taken += 1
        self.copy_average()
        return taken, wanted

    def restore(self, tensors: dict[str, Tensor], average: dict[str, Tensor], counters: dict[str, Any]) -> None:
        """Take over a saved state in place; memory layouts stay as they are. Raises LabError if it does not fit."""
        wanted = self.tensors().keys() | {f"average.{name}" for name in self.average_tensors()}
        given = tensors.keys() | {f"average.{name}" for name in average}
        if wanted != given:
            raise LabError(
                "The checkpoint does not fit the networks.",
                f"It was made with other options, or by another version: {len(wanted ^ given)} tensors differ.",
                "Start a new run with the options you want.",
            )
        with torch.no_grad():
            for name, net in self.networks.nets.items():
                _copy_into(net.state_dict(), tensors, f"{name}.")
            for name, optimizer in self.optimizers.items():
                _copy_into(optimizer.state(), tensors, f"optimizer.{name}.")
            for name, net in self.average.items():
                _copy_into(net.state_dict(), average, f"{name}.")
        for key in ("images_seen", "batches", "trained_s", "stream", "histories"):
            setattr(self, key, counters[key])


def all_finite(tensors: dict[str, Tensor]) -> bool:
    return all(math.isfinite(float(tensor.double().sum())) for tensor in tensors.values())


def _portable(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}


def _copy_into(target: dict[str, Tensor], source: dict[str, Tensor], prefix: str) -> None:
    for key, tensor in target.items():
        given = source[prefix + key]
        if given.shape != tensor.shape:
            raise LabError(
                "The checkpoint does not fit the networks.",
                f"“{prefix + key}” has another shape.",
                "Start a new run with the options you want.",
            )
        tensor.copy_(given)
