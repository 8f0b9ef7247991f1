"""The custom GAN of Rahali (2025) for mammograms, exactly as published, and a lighter one that learns in minutes."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from engines.methods.base import (
    Adam,
    MethodOptions,
    MethodSpec,
    NetSpec,
    Networks,
    Phase,
    Preset,
    Step,
    draw_latents,
)
from engines.methods.blocks import UpConv, logistic_d_loss, non_saturating_g_loss, r1_penalty
from engines.options import option

BASE_SIZE = 8  # side of the generator's first feature map
BASE_CHANNELS = 256


class Options(MethodOptions):
    """Options of the custom GAN; the defaults are the published values."""

    learning_rate_g: float = option(
        1e-4,
        "Learning rate of the generator",
        "How far each step moves the generator's weights.",
        too_low="Sheets hardly change for a long time.",
        too_high="Sheets jump about, then turn into noise or one single picture.",
        layer="basic",
        gt=0,
        le=0.01,
    )
    learning_rate_d: float = option(
        1e-5,
        "Learning rate of the discriminator",
        "How far each step moves the discriminator's weights.",
        too_low="The generator gets no useful hints: white blobs on grey.",
        too_high="The discriminator wins outright, and the generator stops learning.",
        layer="basic",
        gt=0,
        le=0.01,
    )
    dropout: float = option(
        0.2,
        "Dropout in the discriminator",
        "Share of the discriminator's features that each step leaves out.",
        too_low="With few images the discriminator learns them by heart.",
        too_high="The discriminator becomes too forgetful to teach detail.",
        layer="basic",
        ge=0,
        le=0.9,
    )
    networks: Literal["published", "light"] = option(
        "published",
        "Networks",
        "The published pair; or a light one, with a stronger discriminator, which learns sooner.",
    )
    latent_dim: int = option(
        128,
        "Latent size",
        "How many random numbers make one image.",
        too_low="Images resemble one another.",
        too_high="Slower, without a gain.",
        ge=2,
        le=1024,
    )
    beta1: float = option(
        0.5,
        "Adam beta 1",
        "Memory of the optimiser for the direction of past steps.",
        too_low="Restless steps.",
        too_high="The two networks circle around one another.",
        ge=0,
        lt=1,
    )
    beta2: float = option(
        0.999,
        "Adam beta 2",
        "Memory of the optimiser for the size of past steps.",
        too_low="Restless steps.",
        too_high="Slow to adapt when the gradients change.",
        ge=0,
        lt=1,
    )
    r1_gamma: float = option(
        0.0,
        "R1 penalty",
        "Keeps the discriminator smooth around real images (Mescheder et al. 2018). 0 switches it off.",
        too_low="The discriminator becomes too sharp, and training unstable.",
        too_high="The discriminator becomes too soft to teach detail.",
        ge=0,
        le=1000,
    )
    r1_every: int = option(
        16,
        "R1 penalty every",
        "The penalty is computed at every so many steps, and weighs accordingly more.",
        too_low="Slower training.",
        too_high="The penalty comes in jolts.",
        unit="steps",
        ge=1,
        le=64,
    )
    reuse_fakes: bool = option(
        True,
        "Reuse fakes",
        "The generator's step judges the fakes that the discriminator has just seen, which saves drawing new ones.",
        too_low="About a sixth slower; the generator is judged on fresh images.",
        too_high="Nothing to fear: it is how most published code does it.",
    )


class Generator(nn.Module):
    """Latents [B, L] -> dense 8x8x256 -> blocks of {upsample x2, conv 3x3, batch norm, ReLU} -> conv 3x3 -> tanh.

    The paper is silent on the activation after the dense layer and on the kernel size: ReLU and 3x3, as is usual.
    """

    def __init__(self, latent_dim: int, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(latent_dim, BASE_SIZE * BASE_SIZE * BASE_CHANNELS)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(UpConv(before, after), nn.BatchNorm2d(after), nn.ReLU(inplace=True))
                for before, after in zip((BASE_CHANNELS, *widths), widths, strict=False)
            )
        )
        self.to_image = nn.Conv2d(widths[-1], channels, kernel_size=3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        features = torch.relu(self.dense(latents)).view(-1, BASE_CHANNELS, BASE_SIZE, BASE_SIZE)
        if self.to_image.weight.is_contiguous(memory_format=torch.channels_last):
            features = features.contiguous(memory_format=torch.channels_last)
        return torch.tanh(self.to_image(self.blocks(features)).float())


class Discriminator(nn.Module):
    """Images [B, C, H, W] -> {conv of stride 2, LeakyReLU, dropout} blocks -> flatten -> dense -> logit [B].

    The published sigmoid is part of the loss (see blocks.logistic_d_loss).
    """

    def __init__(self, size: int, widths: tuple[int, ...], kernel: int, dropout: float, channels: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(before, after, kernel, stride=2, padding=1),
                    nn.LeakyReLU(0.2, inplace=True),
                    *([nn.Dropout(dropout)] if dropout else []),
                )
                for before, after in zip((channels, *widths), widths, strict=False)
            )
        )
        self.dense = nn.Linear(widths[-1] * (size // 2 ** len(widths)) ** 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.dense(self.blocks(images).flatten(1)).squeeze(1)


def widths(options: Options) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Filters of the generator's and the discriminator's blocks.

    Published for 128: 128, 128, 128, 64 and 32, 64, 128, 256. The paper raises the resolution from 64 to 256 without
    giving those networks; here a block of 128 is left out or added, and the discriminator always ends at 8x8.
    """
    doublings = {64: 3, 128: 4, 256: 5}[options.size]
    if options.networks == "published":
        return (128,) * (doublings - 1) + (64,), (32, 64, 128, 256, 256)[:doublings]
    return (128,) * (doublings - 2) + (64, 32), ((64, 128, 256) + (512,) * (doublings - 2))


def build(options: Options, spec: NetSpec) -> Networks:
    generator_widths, discriminator_widths = widths(options)
    published = options.networks == "published"
    generator = Generator(options.latent_dim, generator_widths, spec.channels)
    discriminator = Discriminator(
        options.size, discriminator_widths, 3 if published else 4, options.dropout, spec.channels
    )
    if not published:
        # He et al. 2015 for LeakyReLU; PyTorch's own start is smaller and costs the first minutes.
        for module in (*generator.modules(), *discriminator.modules()):
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, a=0.2)
                nn.init.constant_(module.get_parameter("bias"), 0.0)
    return Networks(
        nets={"generator": generator, "discriminator": discriminator},
        optimizers={
            "generator": Adam(options.learning_rate_g, options.beta1, options.beta2),
            "discriminator": Adam(options.learning_rate_d, options.beta1, options.beta2),
        },
        latent_dim=options.latent_dim,
    )


def phases(options: Options) -> list[Phase]:
    def discriminator_loss(step: Step) -> Tensor:
        generator, discriminator = step.nets["generator"], step.nets["discriminator"]
        latents = draw_latents(len(step.real), options.latent_dim, step.real)
        with torch.set_grad_enabled(options.reuse_fakes):
            fake = generator(latents)
        if options.reuse_fakes:
            step.kept["fake"] = fake
        # No batch statistics in this discriminator: reals and fakes can share one pass.
        real_logits, fake_logits = discriminator(torch.cat([step.real, fake.detach()])).float().chunk(2)
        loss = logistic_d_loss(real_logits, fake_logits)
        step.report("d_loss", loss)
        step.report("d_real", real_logits.sigmoid().mean())
        step.report("d_fake", fake_logits.sigmoid().mean())
        return loss

    def penalty(step: Step) -> Tensor:
        value = r1_penalty(step.nets["discriminator"], step.real)
        return value * (options.r1_gamma / 2 * options.r1_every)

    def generator_loss(step: Step) -> Tensor:
        fake = step.kept.pop("fake", None)
        if fake is None:
            fake = step.nets["generator"](draw_latents(len(step.real), options.latent_dim, step.real))
        loss = non_saturating_g_loss(step.nets["discriminator"](fake))
        step.report("g_loss", loss)
        return loss

    lazy = [Phase("r1", ("discriminator",), penalty, every=options.r1_every)] if options.r1_gamma else []
    return [
        Phase("discriminator", ("discriminator",), discriminator_loss),
        *lazy,
        Phase("generator", ("generator",), generator_loss, frozen=("discriminator",)),
    ]


def sample(generator: nn.Module, latents: Tensor) -> Tensor:
    images: Tensor = generator(latents)
    return images


METHOD = MethodSpec(
    name="custom_gan",
    title="Custom GAN (Rahali 2025)",
    summary="A plain convolutional GAN for grey or colour images of 64 to 256 pixels; light enough for a CPU.",
    source="Rahali 2025, baseline. Penalty: Mescheder, Geiger & Nowozin 2018; lazy: Karras et al. 2020.",
    options=Options,
    presets={
        "as_published": Preset(
            "As published",
            "Rahali's final baseline at 128 pixels, dropout 0.2. The discriminator learns slowly: the first minutes "
            "show blobs.",
            {},
        ),
        "dropout_03": Preset("Dropout 0.3", "Rahali's earlier variant with more dropout.", {"dropout": 0.3}),
        "quick_look": Preset(
            "Quick look",
            "64 pixels, light networks and faster rates: something to look at within two minutes on a CPU.",
            {
                "size": 64,
                "networks": "light",
                "batch": 16,
                "learning_rate_g": 5e-4,
                "learning_rate_d": 5e-4,
                "beta1": 0.0,
                "beta2": 0.99,
                "dropout": 0.0,
                "r1_gamma": 0.1,
                "r1_every": 16,
                "ema_half_life_kimg": 0.5,
            },
        ),
    },
    limits={"sizes": [64, 128, 256], "channels": [1, 3], "fewest_images": 16, "recommended_images": 500},
    build=build,
    phases=phases,
    sample=sample,
)
