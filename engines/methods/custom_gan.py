"""The custom GAN of Rahali (2025) for mammograms, exactly as published, and a lighter one that learns in minutes."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from engines.methods.adversarial import GanOptions, augmenter, scaled, two_players
from engines.methods.base import MethodSpec, NetSpec, Networks, Phase, Preset, plain_sample
from engines.methods.blocks import UpConv
from engines.options import option

BASE_SIZE = 8  # side of the generator's first feature map
BASE_CHANNELS = 256


class Options(GanOptions):
    """Options of the custom GAN; the preset "as published" holds the paper's values."""

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


class Generator(nn.Module):
    """Latents [B, L] -> dense 8x8x256 -> blocks of {upsample x2, conv 3x3, batch norm, ReLU} -> conv 3x3 -> tanh.

    The paper is silent on the activation after the dense layer and on the kernel size: ReLU and 3x3, as is usual.
    """

    def __init__(self, latent_dim: int, base: int, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.base = base
        self.dense = nn.Linear(latent_dim, BASE_SIZE * BASE_SIZE * base)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(UpConv(before, after), nn.BatchNorm2d(after), nn.ReLU(inplace=True))
                for before, after in zip((base, *widths), widths, strict=False)
            )
        )
        self.to_image = nn.Conv2d(widths[-1], channels, kernel_size=3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        features = torch.relu(self.dense(latents)).view(-1, self.base, BASE_SIZE, BASE_SIZE)
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
        generator, discriminator = (128,) * (doublings - 1) + (64,), (32, 64, 128, 256, 256)[:doublings]
    else:
        generator, discriminator = (128,) * (doublings - 2) + (64, 32), (64, 128, 256) + (512,) * (doublings - 2)
    generator, discriminator = (
        tuple(scaled(channels, options.width) for channels in those) for those in (generator, discriminator)
    )
    return generator, discriminator


def build(options: Options, spec: NetSpec) -> Networks:
    generator_widths, discriminator_widths = widths(options)
    published = options.networks == "published"
    generator = Generator(options.latent_dim, scaled(BASE_CHANNELS, options.width), generator_widths, spec.channels)
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
        nets={"generator": generator, "discriminator": discriminator, **augmenter(options)},
        optimizers={"generator": options.adam_g, "discriminator": options.adam_d},
        latent_dim=options.latent_dim,
    )


def phases(options: Options) -> list[Phase]:
    return two_players(options)


_PUBLISHED = {"learning_rate_g": 1e-4, "learning_rate_d": 1e-5}
_LIGHT = {
    "networks": "light",
    "learning_rate_g": 5e-4,
    "learning_rate_d": 5e-4,
    "beta1": 0.0,
    "beta2": 0.99,
    "dropout": 0.0,
    "r1_gamma": 0.1,
    "r1_every": 16,
    "ema_half_life_kimg": 0.5,
}

METHOD = MethodSpec(
    name="custom_gan",
    title="Custom GAN (Rahali 2025)",
    summary="A plain convolutional GAN: dense layer, upsampling blocks, and a discriminator of strided convolutions.",
    good_for="A first look within minutes, also on a processor. For quality choose DCGAN+ or FastGAN.",
    source="Rahali 2025, baseline. Penalty: Mescheder, Geiger & Nowozin 2018; lazy: Karras et al. 2020.",
    cost="light",
    options=Options,
    presets={
        "as_published": Preset(
            "As published",
            "Rahali's final baseline at 128 pixels, dropout 0.2. The discriminator learns slowly: the first minutes "
            "show blobs.",
            _PUBLISHED,
        ),
        "dropout_03": Preset(
            "Dropout 0.3", "Rahali's earlier variant with more dropout.", {**_PUBLISHED, "dropout": 0.3}
        ),
        "quick_look": Preset(
            "Quick look",
            "64 pixels, light networks and faster rates: something to look at within two minutes on a CPU.",
            {**_LIGHT, "size": 64, "batch": 16},
        ),
        "tiny": Preset(
            "Tiny",
            "Networks too small for good images: to try the machinery within seconds.",
            {**_LIGHT, "size": 64, "latent_dim": 16, "batch": 8, "width": 0.125},
        ),
    },
    build=build,
    phases=phases,
    sample=plain_sample,
)
