"""Optimisers that update all weights of a network in a few passes.

The arithmetic of Adam is PyTorch's own fused kernel. `torch.optim` is left out, because its optimisers import the whole
compiler when they are made: seconds between Start and the first loss, and 150 MB, for nothing that is used here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor, nn

from engines.methods.base import Adam, RMSprop

EPSILON = 1e-8


class Optimizer(Protocol):
    """What the loop asks of the optimiser of one network."""

    def step(self, rate: float = 1.0) -> None:
        """Update the weights that have gradients; `rate` scales the learning rate."""

    def state(self) -> dict[str, Tensor]:
        """Its memory by name: the tensors themselves, to be saved or overwritten."""


def make_optimizer(parameters: Iterable[nn.Parameter], settings: Adam | RMSprop) -> Optimizer:
    """The optimiser with these settings."""
    if isinstance(settings, Adam):
        return FusedAdam(parameters, settings)
    return ForeachRMSprop(parameters, settings)


class FusedAdam:
    """Adam (Kingma & Ba 2015); the moments lie in memory as the weights do."""

    def __init__(self, parameters: Iterable[nn.Parameter], settings: Adam) -> None:
        self.parameters, self.settings = list(parameters), settings
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = [torch.zeros((), device=parameter.device) for parameter in self.parameters]

    @torch.no_grad()
    def step(self, rate: float = 1.0) -> None:
        """Update the weights that have gradients; `rate` scales the learning rate."""
        having = [index for index, parameter in enumerate(self.parameters) if parameter.grad is not None]
        if not having:
            return
        steps = [self.steps[index] for index in having]
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            [self.parameters[index] for index in having],
            [grad for index in having if (grad := self.parameters[index].grad) is not None],
            [self.means[index] for index in having],
            [self.squares[index] for index in having],
            [],
            steps,
            lr=self.settings.learning_rate * rate,
            beta1=self.settings.beta1,
            beta2=self.settings.beta2,
            weight_decay=0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """The moments and step counts by name, as they are in memory."""
        named: dict[str, Tensor] = {}
        for index, moments in enumerate(zip(self.means, self.squares, self.steps, strict=True)):
            named |= {f"{index}.{key}": tensor for key, tensor in zip(("mean", "square", "step"), moments, strict=True)}
        return named


class ForeachRMSprop:
    """RMSprop without momentum (Tieleman & Hinton 2012, lecture 6.5), as in torch.optim."""

    def __init__(self, parameters: Iterable[nn.Parameter], settings: RMSprop) -> None:
        self.parameters, self.settings = list(parameters), settings
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]

    @torch.no_grad()
    def step(self, rate: float = 1.0) -> None:
        """Update the weights that have gradients; `rate` scales the learning rate."""
        having = [index for index, parameter in enumerate(self.parameters) if parameter.grad is not None]
        if not having:
            return
        gradients = [grad for index in having if (grad := self.parameters[index].grad) is not None]
        squares = [self.squares[index] for index in having]
        torch._foreach_mul_(squares, self.settings.smoothing)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - self.settings.smoothing)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_add_(roots, EPSILON)
        weights: list[Tensor] = [self.parameters[index] for index in having]
        torch._foreach_addcdiv_(weights, gradients, roots, -self.settings.learning_rate * rate)

    def state(self) -> dict[str, Tensor]:
        """The mean squares by name, as they are in memory."""
        return {f"{index}.square": square for index, square in enumerate(self.squares)}
