"""Adam in one pass over all weights of a network.

The arithmetic is PyTorch's own fused kernel. `torch.optim` is left out, because its optimisers import the whole
compiler when they are made: seconds between Start and the first loss, and 150 MB, for nothing that is used here.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from engines.methods.base import Adam

EPSILON = 1e-8


class FusedAdam:
    """The optimiser of one network (Kingma & Ba 2015); the moments lie in memory as the weights do."""

    def __init__(self, parameters: Iterable[nn.Parameter], settings: Adam) -> None:
        self.parameters, self.settings = list(parameters), settings
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = [torch.zeros((), device=parameter.device) for parameter in self.parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Update the weights that have gradients."""
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
            lr=self.settings.learning_rate,
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
