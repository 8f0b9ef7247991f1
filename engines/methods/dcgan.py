"""The DCGAN of Chi, Fang & Wang (2018) for patches of breast tissue, in its three versions (study 4).

The base is Radford et al. (2016). The study does not print its networks; its 25 epochs and two generator steps are the
habits of the well-known TensorFlow port, so what is missing is taken from there: 64 channels next to the image where
Radford et al. have 128 (`width` 2 gives theirs), kernels of 5x5, Adam at 2e-4 with beta1 0.5, batches of 64.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from engines.methods.adversarial import GanOptions, augmenter, scaled, two_players
from engines.methods.base import MethodSpec, NetSpec, Networks, Phase, Preset, plain_sample
from engines.methods.blocks import UpConv
from engines.options import option

BASE_SIZE = 4  # side of the generator's first feature map, and of the discriminator's last
FIRST_CHANNELS, MOST_CHANNELS = 64, 512  # next to the image, and at most
KERNEL = 5
INITIAL_SPREAD = 0.02


class Options(GanOptions):
    """Options of the DCGAN; the presets hold the study's three versions."""

    size: Literal[32, 64, 128, 256] = option(  # type: ignore[assignment]  # other sizes than the base's
        64,
        "Image size",
        "Width and height of the generated images; the study's patches had 50. The image set is resized to it once, "
        "before training.",
        too_low="Fine structures such as calcifications are lost.",
        too_high="Each doubling costs about four times the time, and above 64 this network soon becomes unstable.",
        unit="pixels",
        layer="dial",
    )
    upsampling: Literal["transposed", "resized"] = option(
        "transposed",
        "Upsampling",
        "Transposed: convolutions of stride 2, run backwards (versions 1 and 2). Resized: pixels are repeated, then "
        "convolved with stride 1 (version 3).",
        too_low="Transposed: a checkerboard shows in even areas.",
        too_high="Resized: no checkerboard, but softer images.",
        layer="basic",
    )
    generator_steps: int = option(
        2,
        "Generator steps",
        "Updates of the generator for each one of the discriminator; 2 in the study, 1 with Radford et al.",
        too_low="The discriminator wins where images are few.",
        too_high="Slower, and the generator runs ahead of what the discriminator can teach.",
        ge=1,
        le=5,
    )
    real_label: float = option(
        1.0,
        "Label of reals",
        "What the discriminator is to call real images; 0.9 in versions 2 and 3, so that it never becomes certain.",
        too_low="The discriminator becomes too doubtful to teach detail.",
        too_high="At 1 it can become certain, and the generator stops learning.",
        gt=0.5,
        le=1,
    )
    noise: float = option(
        0.0,
        "Noise on the discriminator's images",
        "Standard deviation of the Gaussian noise on all that it sees, where black is -1 and white 1; 0.2 in versions "
        "2 and 3.",
        too_low="The discriminator wins soon where images are few.",
        too_high="It cannot see fine texture, which then stays grainy or is missing.",
        ge=0,
        le=1,
    )


class Generator(nn.Module):
    """Latents [B, L] -> projected to 4x4x512 -> up-convolutions that halve the channels, the last one to the image.

    Batch norm and ReLU after every layer but the last, which has tanh (Radford et al. 2016, figure 1 and section 3).
    Their latents are uniform in [-1, 1]; the lab's are normal, and the error function turns one into the other.
    """

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        widths = channels_of_maps(options)[::-1]
        self.first = widths[0]
        self.project = nn.Linear(options.latent_dim, BASE_SIZE**2 * self.first, bias=False)
        self.start = nn.Sequential(nn.BatchNorm2d(self.first), nn.ReLU(inplace=True))
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(up_conv(options, before, after), nn.BatchNorm2d(after), nn.ReLU(inplace=True))
                for before, after in pairwise(widths)
            )
        )
        self.to_image = up_conv(options, widths[-1], channels, bias=True)

    def forward(self, latents: Tensor) -> Tensor:
        uniform = torch.erf(latents / math.sqrt(2))
        features = self.project(uniform).view(-1, self.first, BASE_SIZE, BASE_SIZE)
        if self.to_image.weight.is_contiguous(memory_format=torch.channels_last):
            features = features.contiguous(memory_format=torch.channels_last)
        return torch.tanh(self.to_image(self.blocks(self.start(features))).float())


class Discriminator(nn.Module):
    """Images [B, C, H, W] -> convolutions of stride 2 down to 4x4, doubling the channels -> dense -> logit [B].

    LeakyReLU after each, and batch norm in all but the first (Radford et al. 2016, section 3).
    """

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        widths = channels_of_maps(options)
        first = nn.Conv2d(channels, widths[0], KERNEL, stride=2, padding=KERNEL // 2)
        self.blocks = nn.Sequential(
            nn.Sequential(first, nn.LeakyReLU(0.2, inplace=True)),
            *(
                nn.Sequential(
                    nn.Conv2d(before, after, KERNEL, stride=2, padding=KERNEL // 2, bias=False),
                    nn.BatchNorm2d(after),
                    nn.LeakyReLU(0.2, inplace=True),
                )
                for before, after in pairwise(widths)
            ),
        )
        self.dense = nn.Linear(widths[-1] * BASE_SIZE**2, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.dense(self.blocks(images).flatten(1)).squeeze(1)


def channels_of_maps(options: Options) -> list[int]:
    """Channels of the feature maps from half the image's side down to 4x4: 64, 128, 256, 512 at 64 pixels.

    Larger images add maps of 512.
    """
    halvings = (options.size // BASE_SIZE).bit_length() - 1
    return [scaled(min(FIRST_CHANNELS * 2**n, MOST_CHANNELS), options.width) for n in range(halvings)]


def up_conv(options: Options, inputs: int, outputs: int, bias: bool = False) -> nn.Conv2d | nn.ConvTranspose2d:
    """[B, I, H, W] -> [B, O, 2H, 2W]. Batch norm has a bias of its own, so those before it need none."""
    if options.upsampling == "resized":
        return UpConv(inputs, outputs, bias=bias)
    return nn.ConvTranspose2d(inputs, outputs, KERNEL, stride=2, padding=KERNEL // 2, output_padding=1, bias=bias)


def build(options: Options, spec: NetSpec) -> Networks:
    generator, discriminator = Generator(options, spec.channels), Discriminator(options, spec.channels)
    for module in (*generator.modules(), *discriminator.modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(module.weight, std=INITIAL_SPREAD)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return Networks(
        nets={"generator": generator, "discriminator": discriminator, **augmenter(options)},
        optimizers={"generator": options.adam_g, "discriminator": options.adam_d},
        latent_dim=options.latent_dim,
    )


def phases(options: Options) -> list[Phase]:
    # Reals and fakes apart: one batch norm over both would tell the discriminator which is which.
    return two_players(
        options, joint=False, g_steps=options.generator_steps, real_label=options.real_label, noise=options.noise
    )


_PUBLISHED = {"size": 64, "latent_dim": 100, "batch": 64}
_STEADIED = {**_PUBLISHED, "real_label": 0.9, "noise": 0.2}
_RESIZED = {**_STEADIED, "upsampling": "resized"}

METHOD = MethodSpec(
    name="dcgan",
    title="DCGAN (Chi 2018)",
    summary="The classic convolutional GAN, with batch normalisation in both networks and two generator steps for one "
    "of the discriminator.",
    good_for="Reproducing the study, and comparing upsampling by transposed and by resized convolutions. For quality "
    "choose DCGAN+ or FastGAN.",
    source="Chi, Fang & Wang 2018, versions 1 to 3. Networks: Radford, Metz & Chintala 2016. Label smoothing: Salimans "
    "et al. 2016.",
    cost="medium",
    options=Options,
    presets={
        "as_published": Preset(
            "As published, version 1", "Plain DCGAN at 64 pixels; the study saw a checkerboard.", _PUBLISHED
        ),
        "version_2": Preset(
            "Version 2", "Labels of reals at 0.9, and noise of 0.2 on what the discriminator sees.", _STEADIED
        ),
        "version_3": Preset("Version 3", "As version 2, with resized instead of transposed convolutions.", _RESIZED),
        "quick_look": Preset(
            "Quick look",
            "Version 3 with a quarter of the channels and small batches: something to look at within minutes on a CPU.",
            {**_RESIZED, "width": 0.25, "batch": 16},
        ),
        "tiny": Preset(
            "Tiny",
            "Networks too small for good images: to try the machinery within seconds.",
            {
                **_RESIZED,
                "width": 0.125,
                "batch": 8,
                "latent_dim": 16,
                "learning_rate_g": 1e-3,
                "learning_rate_d": 1e-3,
            },
        ),
    },
    build=build,
    phases=phases,
    sample=plain_sample,
)
