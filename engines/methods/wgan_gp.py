"""WGAN-GP: the one that James (2024) tried on skin lesions, and the residual one of Gulrajani et al. (2017)."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from engines.methods.adversarial import PlayerOptions, scaled
from engines.methods.augment import diff_augment
from engines.methods.base import (
    Adam,
    MethodSpec,
    NetSpec,
    Networks,
    Phase,
    Preset,
    RMSprop,
    Step,
    draw_latents,
    plain_sample,
)
from engines.methods.blocks import SpectralConv2d, UpConv
from engines.methods.penalties import gradient_penalty
from engines.methods.perceptual import perceptual_distance, vgg19
from engines.methods.residual import ResidualCritic, ResidualGenerator, normed, residual_widths
from engines.options import option

VGG = "vgg19"


class Options(PlayerOptions):
    """Options of WGAN-GP; the "discriminator" of the shared options is the critic."""

    size: Literal[64, 128, 140, 256] = option(  # type: ignore[assignment]  # other sizes than the base's
        128,
        "Image size",
        "Width and height of the generated images. 140 is the size of the study on skin lesions.",
        too_low="Fine structures such as calcifications are lost.",
        too_high="Each doubling costs about four times the time, and small sets of images no longer suffice.",
        unit="pixels",
        layer="dial",
    )
    critic_steps: int = option(
        5,
        "Critic steps",
        "Updates of the critic, each on new images, for one of the generator.",
        too_low="The critic lags behind, and what it tells the generator is wrong.",
        too_high="Slower: most of the time goes into the critic.",
        layer="basic",
        ge=1,
        le=20,
    )
    penalty_weight: float = option(
        10.0,
        "Gradient penalty",
        "How strongly the critic's slope between real and generated images is held at 1 (Gulrajani et al. 2017).",
        too_low="The critic becomes too sharp: losses explode.",
        too_high="The critic becomes too soft to teach detail.",
        gt=0,
        le=1000,
    )
    augment: Literal["none", "fixed"] = option(
        "none",
        "Augmentation",
        "Shifts, holes and changes of brightness and contrast on all that the critic sees (DiffAugment, 2020).",
        too_low="With few images the critic learns them by heart, and quality falls after a while.",
        too_high="In a short training it only slows the learning.",
        layer="basic",
    )
    perceptual_weight: float = option(
        0.0,
        "Perceptual term",
        "Weight of a distance between reals and fakes in the features of VGG-19, added to the generator's loss (James "
        "2024). It needs the published VGG-19 weights on this computer; 0 leaves it out.",
        too_low="The critic alone teaches.",
        too_high="Images resemble the mean of a batch of photographs' features: smooth, and all alike.",
        ge=0,
        le=100,
    )
    networks: Literal["published", "residual"] = option(
        "residual",
        "Networks",
        "James's pair, whose generator shrinks and enlarges a noise image; or the residual pair of Gulrajani et al.",
    )


class PlainBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, added to what came in (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.body = nn.Sequential(*normed(first, channels), second, nn.BatchNorm2d(channels))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


class PublishedGenerator(nn.Module):
    """Latents [B, L] -> dense -> noise image [B, 1, S, S] -> 2 convs that halve -> residual blocks -> 2 that double.

    The paper gives down-sampling convolutions, residual blocks and up-sampling. The rest is left open, and filled after
    its CycleGAN (64, 128, 256 channels, batch norm and ReLU) and after Zhu et al. 2017 (kernels of 7 at both ends and
    of 3 between, 6 blocks, 9 at 256 pixels). What goes in is not said either: here a noise image made of the latents.
    """

    def __init__(self, latent_dim: int, size: int, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        first, second, third, _ = widths
        self.size = size
        self.dense = nn.Linear(latent_dim, size * size)
        self.body = nn.Sequential(
            *normed(nn.Conv2d(1, first, 7, padding=3), first),
            *normed(nn.Conv2d(first, second, 3, stride=2, padding=1), second),
            *normed(nn.Conv2d(second, third, 3, stride=2, padding=1), third),
            *(PlainBlock(third) for _ in range(6 if size < 256 else 9)),
            *normed(UpConv(third, second), second),
            *normed(UpConv(second, first), first),
        )
        self.to_image = nn.Conv2d(first, channels, 7, padding=3)

    def forward(self, latents: Tensor) -> Tensor:
        noise = self.dense(latents).view(-1, 1, self.size, self.size)
        return torch.tanh(self.to_image(self.body(noise)).float())


class PublishedCritic(nn.Module):
    """Images [B, C, S, S] -> convs 64, 128, 256, 512 of stride 2 -> conv to 1 -> mean over places, [B].

    Spectral norm and LeakyReLU are the paper's; the filters are those of its CycleGAN's discriminator, whose batch norm
    would break the penalty of single images (Gulrajani et al. 2017, section 4). Slope 0.2 and kernels of 4: usual.
    """

    def __init__(self, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise((channels, *widths)):
            layers += [SpectralConv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        self.body = nn.Sequential(*layers, SpectralConv2d(widths[-1], 1, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images).flatten(1).mean(dim=1)


def begin(net: nn.Module) -> None:
    """He et al. 2015 for what ReLU feeds; the rest keeps the scale of its input (Glorot & Bengio 2010)."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fed_by_relu = isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3) and module.out_channels > 3
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu" if fed_by_relu else "linear")
            nn.init.zeros_(module.get_parameter("bias"))


def build(options: Options, spec: NetSpec) -> Networks:
    nets: dict[str, nn.Module]
    if options.networks == "published":
        widths = tuple(scaled(channels, options.width) for channels in (64, 128, 256, 512))
        nets = {
            "generator": PublishedGenerator(options.latent_dim, options.size, widths, spec.channels),
            "critic": PublishedCritic(widths, spec.channels),
        }
    else:
        widths = residual_widths(options.size, options.width)
        nets = {
            "generator": ResidualGenerator(options.latent_dim, options.size, widths, spec.channels),
            "critic": ResidualCritic(options.size, widths[::-1], spec.channels),
        }
        for net in nets.values():
            begin(net)
    optimizers: dict[str, Adam | RMSprop] = {"generator": options.adam_g, "critic": options.adam_d}
    perceptual = {VGG: lambda: vgg19(spec.weights)} if options.perceptual_weight else {}
    return Networks(nets, optimizers, options.latent_dim, pretrained=perceptual)


def phases(options: Options) -> list[Phase]:
    def seen(images: Tensor) -> Tensor:
        return diff_augment(images) if options.augment == "fixed" else images

    def drawn(step: Step) -> Tensor:
        return seen(step.nets["generator"](draw_latents(len(step.real), options.latent_dim, step.real)))

    def critic_loss(step: Step) -> Tensor:
        """Gulrajani et al. 2017, eq. 3."""
        critic = step.nets["critic"]
        with torch.no_grad():
            fake = drawn(step)
        real = seen(step.real)
        of_reals, of_fakes = critic(torch.cat([real, fake])).float().chunk(2)
        gap = of_reals.mean() - of_fakes.mean()
        penalty = gradient_penalty(critic, real, fake)
        loss = options.penalty_weight * penalty - gap
        step.report("d_loss", loss)
        step.report("critic_gap", gap)  # an estimate of the Wasserstein distance
        step.report("gradient_penalty", penalty)
        return loss

    def generator_loss(step: Step) -> Tensor:
        fake = drawn(step)
        loss = -step.nets["critic"](fake).float().mean()
        step.report("g_loss", loss)
        if options.perceptual_weight:
            distance = perceptual_distance(step.nets[VGG], seen(step.real), fake)
            step.report("perceptual_distance", distance)
            loss = loss + options.perceptual_weight * distance
        return loss

    return [
        Phase("critic", ("critic",), critic_loss),
        Phase("generator", ("generator",), generator_loss, frozen=("critic",), every=options.critic_steps),
    ]


# Where James is silent: Gulrajani's algorithm 1.
_ADAM = {"learning_rate_g": 1e-4, "learning_rate_d": 1e-4, "beta1": 0.0, "beta2": 0.9}
_FAST = {**_ADAM, "size": 64, "learning_rate_g": 1e-3, "learning_rate_d": 1e-3, "critic_steps": 2}
_PUBLISHED = {"networks": "published", "critic_steps": 2}
_TINY = {"batch": 8, "width": 0.09, "latent_dim": 16, "learning_rate_g": 5e-4, "learning_rate_d": 2e-3}

METHOD = MethodSpec(
    name="wgan_gp",
    title="WGAN-GP (James 2024)",
    summary="A critic measures how far generated images are from real ones; a penalty on its slope keeps it honest.",
    good_for="Steady training whose critic gap tells how it goes. In the study it collapsed; DCGAN+ gets there sooner.",
    source="James 2024; Gulrajani et al. 2017. Spectral norm: Miyato et al. 2018.",
    cost="heavy",
    options=Options,
    presets={
        "as_published": Preset(
            "As published",
            "James's networks at 140 pixels, two critic steps, without the perceptual term. It collapsed in the study; "
            "expect little.",
            {**_ADAM, **_PUBLISHED, "size": 140},
        ),
        "perceptual": Preset(
            "As published, with VGG-19",
            "The same with the perceptual term, whose weight the study does not give: 1. Needs the VGG-19 weights.",
            {**_ADAM, **_PUBLISHED, "size": 140, "perceptual_weight": 1.0},
        ),
        "quick_look": Preset(
            "Quick look",
            "64 pixels, small residual networks and faster rates: shadows within minutes on a CPU, no more.",
            {**_FAST, "batch": 16, "width": 0.25, "ema_half_life_kimg": 0.5},
        ),
        "standard": Preset(
            "Standard",
            "The residual networks at half their width with five critic steps, as most work on WGAN-GP trains them.",
            {**_ADAM, "width": 0.5, "ema_half_life_kimg": 10.0},
        ),
        "best": Preset("Best", "At full width, for a GPU.", {**_ADAM, "batch": 64, "ema_half_life_kimg": 20.0}),
        "tiny": Preset(
            "Tiny",
            "Networks too small for good images: to try the machinery within seconds.",
            {**_FAST, **_PUBLISHED, **_TINY},
        ),
    },
    build=build,
    phases=phases,
    sample=plain_sample,
)
