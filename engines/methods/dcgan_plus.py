"""DCGAN+: a small convolutional GAN with what ten years of research found to pay, for a first run of every image set.

The networks are those of a DCGAN (Radford et al. 2016) made light: a generator of upsampling and 3x3 convolutions
with batch normalisation, a discriminator of strided 4x4 convolutions without any. Around them stand the non-saturating
loss on logits (Goodfellow et al. 2014), a lazy R1 penalty (Mescheder et al. 2018; Karras et al. 2020) or spectral
normalisation (Miyato et al. 2018), He et al.'s (2015) initialisation, an average of the generator's weights, and
augmentation that begins once the discriminator knows the images by heart (Karras et al. 2020, ADA).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.adversarial import GanOptions, augmenter, scaled, two_players
from engines.methods.base import MethodSpec, NetSpec, Networks, Phase, Preset, plain_sample
from engines.methods.blocks import SpectralConv2d, SpectralLinear, UpConv, fold_kernel
from engines.options import option

BASE_SIZE = 8  # side of the generator's first feature map
BASE_CHANNELS = 256
LAST_SIDE = 4  # side of the discriminator's last feature map
# R1 weighs GAMMA_RATE * size² / batch. The form of the rule is StyleGAN2-ADA's (there 0.0002); the factor is doubled
# so that it gives the 0.1 that was measured best of few at 64 pixels and a batch of 16.
GAMMA_RATE = 0.0004


class Options(GanOptions):
    """Options of DCGAN+."""

    size: Literal[32, 64, 128, 256, 512] = option(  # type: ignore[assignment]
        128,
        "Image size",
        "Width and height of the generated images. The image set is resized to it once, before training.",
        too_low="Fine structures such as calcifications are lost.",
        too_high="Each doubling costs about four times the time, and small sets of images no longer suffice.",
        unit="pixels",
        layer="dial",
    )
    penalty: Literal["r1", "spectral_norm", "none"] = option(
        "r1",
        "Discriminator kept smooth by",
        "R1: a penalty on its gradients at real images. Spectral norm: every layer is limited to a stretch of 1. "
        "In short trainings R1 was clearly better.",
        too_low="None: the discriminator becomes too sharp, and training breaks sooner or later.",
        too_high="Spectral norm: gentle hints, and slow learning of texture.",
    )
    r1_gamma: float | None = option(  # type: ignore[assignment]
        None,
        "R1 penalty",
        "Weight of the R1 penalty. Left empty it follows from size and batch: 0.0004 times the number of pixels, "
        "divided by the batch (0.1 at 64 pixels and 16 images, 0.4 at 128).",
        too_low="The discriminator becomes too sharp, and training unstable.",
        too_high="The discriminator becomes too soft to teach detail.",
        ge=0,
        le=1000,
    )
    upsampling: Literal["nearest", "smooth"] = option(
        "nearest",
        "Upsampling",
        "How the generator doubles its feature maps: by repeating pixels, or bilinearly.",
        too_low="Nearest: a faint woven pattern in early sheets.",
        too_high="Smooth: no woven pattern, but contour lines instead, and fine texture comes much later.",
    )
    edges: Literal["zeros", "continued"] = option(
        "continued",
        "Beyond the edges",
        "What the generator's convolutions find beyond the edges of a feature map: zeros, or the last pixel again.",
        too_low="Zeros: early sheets have frames along their edges.",
        too_high="Continued: no frames; about an eighth slower.",
    )

    @property
    def gamma(self) -> float:
        """Weight of the R1 penalty; 0 where another one is chosen."""
        if self.penalty != "r1":
            return 0.0
        return GAMMA_RATE * self.size**2 / self.batch if self.r1_gamma is None else self.r1_gamma


class ChoosyUpConv(UpConv):
    """Upsample x2, then a 3x3 convolution, as UpConv; bilinearly with `smooth`, last pixels repeated with `continued`.

    Folding is possible only where pixels are repeated.
    """

    def __init__(self, inputs: int, outputs: int, smooth: bool, continued: bool) -> None:
        super().__init__(inputs, outputs)
        self.smooth, self.continued = smooth, continued

    def forward(self, input: Tensor) -> Tensor:
        if not self.smooth and not self.continued:
            return super().forward(input)
        if self.fold and not self.smooth:
            # One pixel more on each side before doubling, so three rows less behind it.
            padded = F.pad(input, (1, 1, 1, 1), mode="replicate")
            return F.conv_transpose2d(padded, fold_kernel(self.weight), self.bias, stride=2, padding=3)
        raised = F.interpolate(input, scale_factor=2.0, mode="bilinear" if self.smooth else "nearest")
        if not self.continued:
            return F.conv2d(raised, self.weight, self.bias, padding=1)
        return F.conv2d(F.pad(raised, (1, 1, 1, 1), mode="replicate"), self.weight, self.bias)


class Generator(nn.Module):
    """Latents [B, L] -> dense 8x8x256, ReLU -> blocks of {upsample x2, conv 3x3, batch norm, ReLU} -> conv, tanh."""

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.base = scaled(BASE_CHANNELS, options.width)
        smooth, continued = options.upsampling == "smooth", options.edges == "continued"
        widths = generator_widths(options)
        self.dense = nn.Linear(options.latent_dim, BASE_SIZE * BASE_SIZE * self.base)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    ChoosyUpConv(before, after, smooth, continued), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
                )
                for before, after in zip((self.base, *widths), widths, strict=False)
            )
        )
        self.to_image = nn.Conv2d(
            widths[-1], channels, kernel_size=3, padding=1, padding_mode="replicate" if continued else "zeros"
        )

    def forward(self, latents: Tensor) -> Tensor:
        features = torch.relu(self.dense(latents)).view(-1, self.base, BASE_SIZE, BASE_SIZE)
        if self.to_image.weight.is_contiguous(memory_format=torch.channels_last):
            features = features.contiguous(memory_format=torch.channels_last)
        return torch.tanh(self.to_image(self.blocks(features)).float())


class Discriminator(nn.Module):
    """Images [B, C, H, W] -> {conv 4x4 of stride 2, LeakyReLU} blocks down to 4x4 -> flatten -> dense -> logit [B].

    Without batch norm, which would mix the verdicts of a batch, and without dropout.
    """

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        widths = discriminator_widths(options)
        spectral = options.penalty == "spectral_norm"
        convolution, dense = (SpectralConv2d, SpectralLinear) if spectral else (nn.Conv2d, nn.Linear)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(convolution(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True))
                for before, after in zip((channels, *widths), widths, strict=False)
            )
        )
        self.dense = dense(widths[-1] * LAST_SIDE**2, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.dense(self.blocks(images).flatten(1)).squeeze(1)


def generator_widths(options: Options) -> tuple[int, ...]:
    """Filters of the generator's blocks: 128, 64, 32 at 64 pixels, and one more block of 128 for each doubling."""
    doublings = (options.size // BASE_SIZE).bit_length() - 1
    return tuple(scaled(channels, options.width) for channels in (128,) * (doublings - 2) + (64, 32))


def discriminator_widths(options: Options) -> tuple[int, ...]:
    """Filters of the discriminator's blocks: 64, 128, 256, 512 at 64 pixels, and one more of 512 for each doubling."""
    halvings = (options.size // LAST_SIDE).bit_length() - 1
    return tuple(scaled(min(64 * 2**block, 512), options.width) for block in range(halvings))


def build(options: Options, spec: NetSpec) -> Networks:
    generator, discriminator = Generator(options, spec.channels), Discriminator(options, spec.channels)
    for module in (*generator.modules(), *discriminator.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, a=0.2)
            nn.init.zeros_(module.get_parameter("bias"))
    return Networks(
        nets={"generator": generator, "discriminator": discriminator, **augmenter(options)},
        optimizers={"generator": options.adam_g, "discriminator": options.adam_d},
        latent_dim=options.latent_dim,
    )


def phases(options: Options) -> list[Phase]:
    return two_players(options.model_copy(update={"r1_gamma": options.gamma}))


_MEASURED = {"learning_rate_g": 5e-4, "learning_rate_d": 5e-4, "beta1": 0.0, "beta2": 0.99, "batch": 16}
# The recipe that was measured on mass crops of CBIS-DDSM, hence zeros at the edges
# despite the frames; only mirroring is left off, since anatomy has sides, and the average is shorter.
_QUICK = {**_MEASURED, "size": 64, "r1_gamma": 0.1, "edges": "zeros", "ema_half_life_kimg": 0.5}
# Augmentation from the first image slowed short trainings by far: up to 30 kimg nothing was learned by heart.
_LATE = {"augment": "adaptive", "augment_from_kimg": 50.0}

METHOD = MethodSpec(
    name="dcgan_plus",
    title="DCGAN+",
    summary="A small convolutional GAN with a modern loss, a smooth discriminator and late, adaptive augmentation.",
    good_for="The first run on any image set, also on a processor. For the last bit of quality, with a GPU and at "
    "least 1,000 images, choose StyleGAN2-ADA; with a few hundred images FastGAN.",
    source="Networks: Radford et al. 2016, made light. R1: Mescheder, Geiger & Nowozin 2018; lazy, and its weight: "
    "Karras et al. 2020. Spectral norm: Miyato et al. 2018. Initialisation: He et al. 2015.",
    cost="light",
    options=Options,
    presets={
        "standard": Preset(
            "Standard",
            "128 pixels; augmentation begins after 50,000 images, if the discriminator then knows them by heart.",
            {**_MEASURED, **_LATE, "ema_half_life_kimg": 1.0},
        ),
        "quick_look": Preset(
            "Quick look",
            "64 pixels: believable masses after some 30,000 images, a few minutes on two quiet processor cores.",
            _QUICK,
        ),
        "best": Preset(
            "Best",
            "128 pixels with twice the channels, larger batches, and learning rates that fall until 2 million images "
            "are seen: for a GPU. Its rates are a careful guess, not measured.",
            {
                **_MEASURED,
                **_LATE,
                "width": 2.0,
                "batch": 32,
                "learning_rate_g": 2.5e-4,  # wider layers, whose sums grow, take smaller steps
                "learning_rate_d": 2.5e-4,
                "decay_kimg": 2000.0,
                "ema_half_life_kimg": 5.0,
            },
        ),
        "tiny": Preset(
            "Tiny",
            "Networks too small for good images: to try the machinery within seconds.",
            # So narrow a generator needs larger steps, or the discriminator wins within 150 of them.
            {**_QUICK, "batch": 8, "width": 0.125, "latent_dim": 16, "learning_rate_g": 2e-3},
        ),
    },
    build=build,
    phases=phases,
    sample=plain_sample,
)
