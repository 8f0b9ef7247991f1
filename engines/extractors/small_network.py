"""The small convolutional network: one builder for the classifier that trains it and the extractor that runs it."""

from __future__ import annotations

from typing import Literal

import pydantic
from pydantic import ConfigDict, Field
from torch import Tensor, nn

Activation = Literal["relu", "leaky_relu", "elu", "tanh"]


class Architecture(pydantic.BaseModel):
    """All that the shape of a small network depends on, in bounds that a file from elsewhere must keep to as well.

    `depth` convolutions, the first with `width` filters and each further one with twice as many, on images of `side`
    pixels; then a layer of `hidden` units. With `one_logit`, two classes are answered for by one unit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: int = Field(ge=1, le=16)
    classes: int = Field(ge=2, le=10_000)
    side: int = Field(ge=32, le=1024)
    depth: int = Field(ge=1, le=5)
    width: int = Field(ge=1, le=256)
    hidden: int = Field(ge=1, le=4096)
    activation: Activation
    dropout: float = Field(ge=0, le=0.9)
    one_logit: bool


def small_network(architecture: Architecture) -> nn.Sequential:
    """Images [B, C, side, side] in [0, 1] -> logits [B, K], with random weights.

    Its parts are: the convolutions, whose maps are [B, D, h, w]; what flattens them; the dense layers; the end.
    """
    layers: list[nn.Module] = []
    inputs = architecture.channels
    for n in range(architecture.depth):
        outputs = architecture.width * 2**n
        # Activation and pooling may change places, since both only ever rise; a quarter of the work this way.
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.MaxPool2d(2), activation(architecture.activation)]
        inputs = outputs
    entry = nn.Sequential(nn.Flatten(), nn.Dropout(architecture.dropout))
    size = inputs * (architecture.side // 2**architecture.depth) ** 2
    outputs = 1 if architecture.one_logit else architecture.classes
    head = dense_head(size, architecture.hidden, outputs, architecture.activation, architecture.dropout)
    return nn.Sequential(nn.Sequential(*layers), entry, head, OneLogit() if architecture.one_logit else nn.Identity())


def last_layer(network: nn.Sequential) -> nn.Module:
    """The last dense layer of a small network."""
    head = network[2]
    assert isinstance(head, nn.Sequential)
    return head[-1]


def up_to_last(network: nn.Sequential) -> nn.Sequential:
    """The part of a small network that gives what its answer is made from: [B, C, side, side] -> [B, hidden]."""
    convolutions, entry, head, _ = network
    assert isinstance(head, nn.Sequential)
    return nn.Sequential(convolutions, entry, head[:-1])


class OneLogit(nn.Module):
    """Two classes from one logit: softmax and cross-entropy over (0, z) are the sigmoid and binary one of z."""

    def forward(self, logit: Tensor) -> Tensor:
        return nn.functional.pad(logit, (1, 0))


def activation(name: str) -> nn.Module:
    """A fresh activation layer."""
    layers: dict[str, nn.Module] = {
        "relu": nn.ReLU(), "leaky_relu": nn.LeakyReLU(0.2), "elu": nn.ELU(), "tanh": nn.Tanh()
    }  # fmt: skip
    return layers[name]


def dense_head(inputs: int, hidden: int, outputs: int, activation_name: str, dropout: float) -> nn.Sequential:
    """[B, inputs] -> logits [B, outputs], through a hidden layer unless `hidden` is 0."""
    layers: list[nn.Module] = []
    if hidden:
        layers += [nn.Linear(inputs, hidden), activation(activation_name)]
    if dropout:
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(hidden or inputs, outputs))
