"""What a method is: its options, its networks, its phases, and how it draws a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from engines.options import Options, option


class MethodOptions(Options):
    """The options that the loop itself reads; every method's options build on these."""

    size: Literal[64, 128, 256] = option(
        128,
        "Image size",
        "Width and height of the generated images. The image set is resized to it once, before training.",
        too_low="Fine structures such as calcifications are lost.",
        too_high="Each doubling costs about four times the time, and small sets of images no longer suffice.",
        unit="pixels",
        layer="dial",
    )
    batch: int = option(
        32,
        "Batch",
        "Images per training step.",
        too_low="Restless losses, and batch normalisation becomes unreliable.",
        too_high="Fewer steps for the same number of images seen; memory runs out.",
        unit="images",
        layer="basic",
        ge=2,
        le=1024,
    )
    flip: bool = option(
        False,
        "Mirror at random",
        "Shows each image mirrored half of the time. Leave it off for images that curation turned to one side.",
        too_low="With few images the discriminator learns them by heart sooner.",
        too_high="The generator draws both sides, which is wrong where side has a meaning.",
        layer="all",
    )
    ema_half_life_kimg: float = option(
        0.0,
        "Averaging half-life",
        "Sample sheets and generated images use a moving average of the generator's weights; after this many thousand "
        "images an old weight counts half. 0 switches averaging off. It never changes the training itself.",
        too_low="Sheets flicker from one to the next.",
        too_high="Sheets lag behind, and fine texture is averaged away.",
        unit="thousand images",
        layer="all",
        ge=0,
        le=500,
    )


@dataclass(frozen=True)
class NetSpec:
    """What the networks are built for: 1 channel is grey, 3 are colour."""

    channels: Literal[1, 3]


@dataclass(frozen=True)
class Adam:
    """Settings of one network's optimiser (Kingma & Ba 2015)."""

    learning_rate: float
    beta1: float = 0.5
    beta2: float = 0.999


@dataclass
class Networks:
    """The networks of a method by name, and their optimisers.

    `averaged` names those that are sampled from, of which the loop keeps a moving average; the first is the generator.
    """

    nets: dict[str, nn.Module]
    optimizers: dict[str, Adam]
    latent_dim: int
    averaged: tuple[str, ...] = ("generator",)


@dataclass
class Step:
    """What a phase sees of one training step.

    Draw random numbers only from torch's default generator: the loop seeds it from (seed, images seen) at each step.
    """

    nets: Mapping[str, nn.Module]
    real: Tensor  # [B, C, H, W] float32 in [-1, 1]
    images_seen: int
    report: Callable[[str, Tensor], None]  # adds a scalar to the running means; never waits for the device
    kept: dict[str, Tensor] = field(default_factory=dict)  # what one phase hands to the next


@dataclass(frozen=True)
class Phase:
    """One update of the networks in `nets` by a loss; those in `frozen` take no gradients while it is computed.

    It runs at every `every`-th step (lazy penalties), `repeat` times in a row (several critic steps).
    """

    name: str
    nets: tuple[str, ...]
    loss: Callable[[Step], Tensor]
    frozen: tuple[str, ...] = ()
    every: int = 1
    repeat: int = 1


@dataclass(frozen=True)
class Preset:
    """A named choice of options; `options` holds what differs from the defaults."""

    title: str
    summary: str
    options: dict[str, Any]


@dataclass(frozen=True)
class MethodSpec:
    """One way to generate images; a method file ends with `METHOD = MethodSpec(...)`."""

    name: str
    title: str
    summary: str
    source: str
    options: type[MethodOptions]
    presets: dict[str, Preset]  # the first is the default
    limits: dict[str, Any]
    build: Callable[[Any, NetSpec], Networks]
    phases: Callable[[Any], list[Phase]]
    sample: Callable[[nn.Module, Tensor], Tensor]  # latents [N, L] -> images [N, C, H, W] in [-1, 1]

    def choose(self, preset: str | None, changes: Mapping[str, Any]) -> MethodOptions:
        """The options of a preset (the first one if None) with changes; pydantic checks the result."""
        known = self.presets[preset] if preset else next(iter(self.presets.values()))
        return self.options.model_validate({**known.options, **changes})


def parameter_count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def draw_latents(count: int, latent_dim: int, like: Tensor) -> Tensor:
    """Latents [count, latent_dim] from the standard normal, on the device of `like`."""
    return torch.randn(count, latent_dim, device=like.device)
