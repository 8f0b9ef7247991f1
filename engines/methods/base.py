"""What a method is: its options, its networks, its phases, and how it draws a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

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
    warm_up_kimg: float = option(
        0.0,
        "Warm up",
        "The learning rates rise from 0 to their values over so many thousand images.",
        too_low="Deep networks can break in their first steps.",
        too_high="The first minutes are wasted.",
        unit="thousand images",
        ge=0,
        le=100_000,
    )
    decay_kimg: float = option(
        0.0,
        "Decay until",
        "The learning rates fall along a cosine until so many thousand images are seen. 0 keeps them constant.",
        too_low="Learning ends before the images are good.",
        too_high="Nothing to fear: as with constant rates, images stay restless until the end.",
        unit="thousand images",
        ge=0,
        le=1_000_000,
    )
    decay_to: float = option(
        0.1,
        "Decay to",
        "What is left of the learning rates at the end of their decay, as a share.",
        too_low="The end of the run learns nothing.",
        too_high="Images stay restless until the end.",
        ge=0,
        le=1,
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
    """What the networks are built for: 1 channel is grey, 3 are colour; `classes` counts those of the image set.

    `weights` is the workspace's folder of pretrained weights, for networks that need some (engines/pretrained.py).
    """

    channels: Literal[1, 3]
    classes: int = 1
    weights: Path | None = None


@dataclass(frozen=True)
class Adam:
    """Settings of one network's optimiser (Kingma & Ba 2015)."""

    learning_rate: float
    beta1: float = 0.5
    beta2: float = 0.999


@dataclass(frozen=True)
class RMSprop:
    """Settings of one network's optimiser (Tieleman & Hinton 2012)."""

    learning_rate: float
    smoothing: float = 0.99


@dataclass
class Networks:
    """The networks of a method by name, and the optimisers of those that learn.

    `averaged` names those that are sampled from, of which the loop keeps a moving average; the first is the generator.
    A network without an optimiser (an augmenter's strength, frozen features) is saved and restored with the others.
    """

    nets: dict[str, nn.Module]
    optimizers: dict[str, Adam | RMSprop]
    latent_dim: int
    averaged: tuple[str, ...] = ("generator",)
    # Pretrained networks that never change: loaded where a training begins, and never saved.
    pretrained: Mapping[str, Callable[[], nn.Module]] = field(default_factory=dict)


@dataclass
class Step:
    """What a phase sees of one training step.

    Draw random numbers only from torch's default generator: the loop seeds it from (seed, images seen) at each step.
    """

    nets: Mapping[str, nn.Module]
    real: Tensor  # [B, C, H, W] float32 in [-1, 1]; of a translating method the images to translate
    images_seen: int
    report: Callable[[str, Tensor], None]  # adds a scalar to the running means; never waits for the device
    labels: Tensor  # [B] int64: the class of each real, from 0
    other: Tensor | None = None  # [B, C, H, W]: of a translating method, images of the class to translate into
    alone: bool = True  # False where a batch is computed in parts; a graph kept between phases would then fill memory
    kept: dict[str, Tensor] = field(default_factory=dict)  # what one phase hands to the next


@dataclass(frozen=True)
class Phase:
    """One update of the networks in `nets` by a loss; those in `frozen` take no gradients while it is computed.

    It runs at every `every`-th step, `repeat` times in a row. Lazy penalties, and the generator of a method with
    several critic steps, have an `every` above 1: each critic step then sees images of its own.
    """

    name: str
    nets: tuple[str, ...]
    loss: Callable[[Step], Tensor]
    frozen: tuple[str, ...] = ()
    every: int = 1
    repeat: int = 1


@dataclass(frozen=True)
class Preset:
    """A named choice of options; `options` holds what differs from the defaults.

    Every method has a `tiny` one: networks so small that the tests, and a look at the machinery, take seconds.
    """

    title: str
    summary: str
    options: dict[str, Any]


@dataclass(frozen=True)
class Limits:
    """What a method can learn from: checked before any work."""

    channels: tuple[int, ...] = (1, 3)
    fewest_images: int = 16
    recommended_images: int = 500
    fewest_classes: int = 1


@dataclass(frozen=True)
class MethodSpec:
    """One way to generate images; a method file ends with `METHOD = MethodSpec(...)`."""

    name: str
    title: str
    summary: str  # one sentence: what it is
    good_for: str  # one sentence: when to choose it, and when not
    source: str
    cost: Literal["light", "medium", "heavy"]
    options: type[MethodOptions]
    presets: dict[str, Preset]  # the first is the default
    build: Callable[[Any, NetSpec], Networks]
    phases: Callable[[Any], list[Phase]]
    # (generator, latents [N, L], labels [N]) -> images [N, C, H, W] in [-1, 1], without drawing random numbers.
    # Where the method translates, images [N, C, H, W] take the latents' place.
    sample: Callable[[nn.Module, Tensor, Tensor], Tensor]
    limits: Limits = field(default_factory=Limits)
    conditional: bool = False  # draws images of the class that it is asked for
    translates: bool = False  # turns images of one class into another
    experimental: bool = False

    def choose(self, preset: str | None, changes: Mapping[str, Any]) -> MethodOptions:
        """The options of a preset (the first one if None) with changes; pydantic checks the result."""
        known = self.presets[preset] if preset else next(iter(self.presets.values()))
        return self.options.model_validate({**known.options, **changes})

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sides of the images that it can make, in pixels."""
        sizes: tuple[int, ...] = get_args(self.options.model_fields["size"].annotation)
        return sizes


def parameter_count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def draw_latents(count: int, latent_dim: int, like: Tensor) -> Tensor:
    """Latents [count, latent_dim] from the standard normal, on the device of `like`."""
    return torch.randn(count, latent_dim, device=like.device)


def plain_sample(generator: nn.Module, latents: Tensor, labels: Tensor) -> Tensor:
    """The `sample` of a method whose generator takes latents alone."""
    images: Tensor = generator(latents)
    return images
