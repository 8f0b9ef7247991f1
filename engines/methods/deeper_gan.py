"""The deeper generator of Rahali (2025), experiment 1: a published failure, kept for comparison.

The study found that it overfits and draws poorly after 1,000 to 10,000 epochs, and went back to its shallower baseline
(the custom GAN). Where it is silent the gaps are filled as follows: 128 pixels, 2 convolutions of 3x3 after every
upsampling, filters that halve with every doubling from the 512 at the start, LeakyReLU of slope 0.2, and the
discriminator and rates of the baseline.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from engines.methods.adversarial import GanOptions, augmenter, scaled, two_players
from engines.methods.base import MethodSpec, NetSpec, Networks, Phase, Preset, plain_sample
from engines.methods.blocks import UpConv
from engines.methods.rahali import Discriminator
from engines.options import option

BASE_SIZE = 8  # side of the generator's first feature map, and of the discriminator's last
BASE_CHANNELS, FEWEST_CHANNELS = 512, 32
DISCRIMINATOR_WIDTHS = (32, 64, 128, 256, 256)  # as in the baseline; the last only at 256 pixels
SLOPE = 0.2


class Options(GanOptions):
    """Options of the deeper GAN; the preset "as published" holds the paper's values."""

    convolutions: int = option(
        2,
        "Convolutions after each upsampling",
        "Each with LeakyReLU and batch normalisation behind it. The study says only that they were repeated.",
        too_low="1 is hardly deeper than the baseline.",
        too_high="Slower, and sooner learned by heart.",
        layer="basic",
        ge=1,
        le=6,
    )
    dropout: float = option(
        0.3,
        "Dropout in the discriminator",
        "Share of the discriminator's features that each step leaves out.",
        too_low="With few images the discriminator learns them by heart.",
        too_high="The discriminator becomes too forgetful to teach detail.",
        layer="basic",
        ge=0,
        le=0.9,
    )


class Generator(nn.Module):
    """Latents [B, L] -> dense 8x8x512 -> {upsample x2, repeated conv 3x3, LeakyReLU, batch norm} -> conv 3x3, tanh.

    Batch norm stands behind LeakyReLU, as printed; usual is the reverse.
    """

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        widths = generator_widths(options)
        self.base = widths[0]
        self.dense = nn.Sequential(
            nn.Linear(options.latent_dim, BASE_SIZE**2 * self.base), nn.LeakyReLU(SLOPE, inplace=True)
        )
        self.blocks = nn.Sequential(
            *(doubling(before, after, options.convolutions) for before, after in pairwise(widths))
        )
        self.to_image = nn.Conv2d(widths[-1], channels, kernel_size=3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        features = self.dense(latents).view(-1, self.base, BASE_SIZE, BASE_SIZE)
        if self.to_image.weight.is_contiguous(memory_format=torch.channels_last):
            features = features.contiguous(memory_format=torch.channels_last)
        return torch.tanh(self.to_image(self.blocks(features)).float())


def doubling(inputs: int, outputs: int, convolutions: int) -> nn.Sequential:
    """[B, I, H, W] -> [B, O, 2H, 2W]; the first convolution comes with the upsampling."""
    layers: list[nn.Module] = []
    for number in range(convolutions):
        convolution = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1) if number else UpConv(inputs, outputs)
        layers += [convolution, nn.LeakyReLU(SLOPE, inplace=True), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers)


def generator_widths(options: Options) -> list[int]:
    """Channels from the 8x8 start to the image's side: 512, 256, 128, 64, 32 at 128 pixels."""
    doublings = (options.size // BASE_SIZE).bit_length() - 1
    return [scaled(max(BASE_CHANNELS // 2**n, FEWEST_CHANNELS), options.width) for n in range(doublings + 1)]


def build(options: Options, spec: NetSpec) -> Networks:
    halvings = (options.size // BASE_SIZE).bit_length() - 1
    widths = tuple(scaled(channels, options.width) for channels in DISCRIMINATOR_WIDTHS[:halvings])
    discriminator = Discriminator(options.size, widths, 3, options.dropout, spec.channels)
    return Networks(
        nets={"generator": Generator(options, spec.channels), "discriminator": discriminator, **augmenter(options)},
        optimizers={"generator": options.adam_g, "discriminator": options.adam_d},
        latent_dim=options.latent_dim,
    )


def phases(options: Options) -> list[Phase]:
    return two_players(options)


_PUBLISHED = {"learning_rate_g": 1e-4, "learning_rate_d": 1e-5}

METHOD = MethodSpec(
    name="deeper_gan",
    title="Deeper GAN (Rahali 2025)",
    summary="The custom GAN with a wider start and repeated convolutions after every upsampling; the study found that "
    "it overfits and draws poorly.",
    good_for="Reproducing the study's first experiment. To get good images choose DCGAN+ or FastGAN instead.",
    source="Rahali 2025, experiment 1: reported as overfitting and poor, and given up there for the baseline.",
    cost="medium",
    options=Options,
    presets={
        "as_published": Preset(
            "As published",
            "Rahali's experiment 1 at 128 pixels, dropout 0.3. Expect what the study saw: poor images.",
            _PUBLISHED,
        ),
        "quick_look": Preset(
            "Quick look",
            "64 pixels, half the channels and faster rates: something to look at within minutes on a CPU.",
            {"size": 64, "batch": 16, "width": 0.5, "ema_half_life_kimg": 0.5},
        ),
        "tiny": Preset(
            "Tiny",
            "Networks too small for good images: to try the machinery within seconds.",
            {
                "size": 64,
                "latent_dim": 16,
                "batch": 8,
                "width": 0.125,
                "learning_rate_g": 1e-3,
                "learning_rate_d": 1e-3,
                "ema_half_life_kimg": 0.5,
            },
        ),
    },
    build=build,
    phases=phases,
    sample=plain_sample,
)
