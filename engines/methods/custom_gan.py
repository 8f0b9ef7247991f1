"""The custom GAN of Rahali (2025) for mammograms, exactly as published, and a lighter one that learns in minutes."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.adversarial import GanOptions, augmenter, scaled, two_players
from engines.methods.base import MethodSpec, NetSpec, Networks, Phase, Preset, Step, plain_sample
from engines.methods.blocks import UpConv
from engines.methods.rahali import Discriminator
from engines.options import option

BASE_SIZE = 8  # side of the generator's first feature map
BASE_CHANNELS = 256
COARSEST = 64  # pixels: where training from coarse to fine begins


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
    stage_kimg: float = option(
        0.0,
        "Coarse to fine",
        "Begin at 64 pixels, and double the resolution after so many thousand images until the image size is reached, "
        "as Rahali 2025 did (64, 128, 256). 0 trains at the full size from the start.",
        too_low="The coarse shapes are not there yet when the fine ones begin.",
        too_high="Most of the run is spent on small images.",
        unit="thousand images",
        ge=0,
        le=100_000,
    )

    @property
    def stages(self) -> int:
        """Resolutions that the training goes through: 64, 128, ... up to the image size."""
        return (self.size // COARSEST).bit_length() if self.stage_kimg else 1


class Generator(nn.Module):
    """Latents [B, L] -> dense 8x8x256 -> blocks of {upsample x2, conv 3x3, batch norm, ReLU} -> conv 3x3 -> tanh.

    The paper is silent on the activation after the dense layer and on the kernel size: ReLU and 3x3, as is usual.
    Coarse to fine, the last blocks wait for their stage, and each earlier stage has a last convolution of its own.
    """

    stage: Tensor  # [] int64: of the last step, so that a checkpoint draws what was trained

    def __init__(self, latent_dim: int, base: int, widths: tuple[int, ...], channels: int, stages: int = 1) -> None:
        super().__init__()
        self.base, self.stages, self.current = base, stages, stages - 1
        self.dense = nn.Linear(latent_dim, BASE_SIZE * BASE_SIZE * base)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(UpConv(before, after), nn.BatchNorm2d(after), nn.ReLU(inplace=True))
                for before, after in zip((base, *widths), widths, strict=False)
            )
        )
        self.to_image = nn.Conv2d(widths[-1], channels, kernel_size=3, padding=1)
        if stages > 1:
            self.to_coarse = nn.ModuleList(
                nn.Conv2d(width, channels, kernel_size=3, padding=1) for width in widths[-stages:-1]
            )
            self.register_buffer("stage", torch.zeros((), dtype=torch.int64))

    def enter(self, stage: int) -> None:
        """Compute at this stage from now on."""
        self.current = stage
        if self.stages > 1:
            self.stage.fill_(stage)

    def forward(self, latents: Tensor) -> Tensor:
        if self.stages > 1 and not self.training:
            self.current = int(self.stage)
        waiting = self.stages - 1 - self.current
        features = torch.relu(self.dense(latents)).view(-1, self.base, BASE_SIZE, BASE_SIZE)
        if self.to_image.weight.is_contiguous(memory_format=torch.channels_last):
            features = features.contiguous(memory_format=torch.channels_last)
        features = self.blocks[: len(self.blocks) - waiting](features)
        last = self.to_coarse[self.current] if waiting else self.to_image
        images = torch.tanh(last(features).float())
        # A sheet keeps its size whatever the stage.
        return F.interpolate(images, scale_factor=2.0**waiting) if waiting and not self.training else images


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
    base = scaled(BASE_CHANNELS, options.width)
    generator = Generator(options.latent_dim, base, generator_widths, spec.channels, options.stages)
    discriminator = Discriminator(
        options.size, discriminator_widths, 3 if published else 4, options.dropout, spec.channels, options.stages
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
    plain = two_players(options)
    if options.stages == 1:
        return plain

    def staged(phase: Phase) -> Phase:
        def loss(step: Step) -> Tensor:
            stage = min(int(step.images_seen / (options.stage_kimg * 1000)), options.stages - 1)
            for name in ("generator", "discriminator"):
                cast(Generator | Discriminator, step.nets[name]).enter(stage)
            coarser = 2 ** (options.stages - 1 - stage)
            return phase.loss(replace(step, real=F.avg_pool2d(step.real, coarser)))

        return replace(phase, loss=loss)

    return [staged(phase) for phase in plain]


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
        "coarse_to_fine": Preset(
            "Coarse to fine",
            "Rahali's stages of 64, 128 and 256 pixels; in the paper, 256 failed with black images.",
            {**_PUBLISHED, "size": 256, "stage_kimg": 200.0},
        ),
        "quick_look": Preset(
            "Quick look",
            "64 pixels, light networks and faster rates: something to look at within two minutes on a CPU.",
            {**_LIGHT, "size": 64, "batch": 16},
        ),
        "tiny": Preset(
            "Tiny",
            "Networks too small for good images: to try the machinery within seconds.",
            {**_LIGHT, "size": 64, "latent_dim": 16, "batch": 8, "width": 0.125, "learning_rate_g": 2e-3},
        ),
    },
    build=build,
    phases=phases,
    sample=plain_sample,
)
