"""StyleGAN (Karras, Laine & Aila 2019, here: SG), which Rahali (2025) tried on mammograms in his second experiment.

The study names style modulation, AdaIN and style mixing, and found the training unstable and the images very poor. All
else it leaves open; "as published" fills that with SG's generator, and with the discriminator, losses and rates of the
study's baseline, since an experiment changes one thing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.adversarial import GanOptions, augmenter, scaled, two_players
from engines.methods.base import MethodSpec, NetSpec, Networks, Phase, Preset, plain_sample
from engines.methods.blocks import EqualConv2d, EqualLinear, MinibatchStd, PixelNorm, UpConv, blur, pool_kernel
from engines.methods.rahali import Discriminator as BaselineDiscriminator
from engines.options import option

SMALLEST = 4  # side of the first feature map, and of the discriminator's last
MOST_CHANNELS, CHANNELS_BY_SIDE = 512, 16_384  # channels times the side of their map, from 32 pixels on
MAPPING_RATE = 0.01  # how fast the mapping learns, beside the other layers
BASELINE_FILTERS = (32, 64, 128, 256, 256)  # the last only at 256 pixels
SMOOTH = (1, 2, 1)


class Options(GanOptions):
    """Options of StyleGAN."""

    mapping_layers: int = option(
        8,
        "Mapping layers",
        "Layers of the network that turns random numbers into a style.",
        too_low="Properties of the images stay entangled: one number changes several at once.",
        too_high="Slower to begin.",
        ge=1,
        le=8,
    )
    style_mixing: float = option(
        0.9,
        "Style mixing",
        "Share of the training's images whose coarse and fine layers have different styles.",
        too_low="Coarse and fine properties depend on one another.",
        too_high="Coarse and fine properties hardly fit together.",
        ge=0,
        le=1,
    )
    discriminator: Literal["style", "baseline"] = option(
        "style",
        "Discriminator",
        "That of StyleGAN; or that of Rahali's baseline, a light one of strided convolutions.",
    )
    dropout: float = option(
        0.3,
        "Dropout in the baseline's discriminator",
        "Share of its features that each step leaves out. StyleGAN's discriminator has none.",
        too_low="With few images the discriminator learns them by heart.",
        too_high="The discriminator becomes too forgetful to teach detail.",
        ge=0,
        le=0.9,
    )


def bent(features: Tensor) -> Tensor:
    """LeakyReLU that keeps the scale of what comes in (He et al. 2015)."""
    return F.leaky_relu(features, 0.2) * 2**0.5


def filters(size: int, width: float) -> tuple[int, ...]:
    """Channels from full size down to 4x4: 16, 32, 64, 128, 256 at 1024 to 64 pixels, 512 below (SG, appendix C)."""
    sides = (size >> level for level in range((size // SMALLEST).bit_length()))
    return tuple(scaled(min(MOST_CHANNELS, CHANNELS_BY_SIDE // side), width) for side in sides)


class Mapping(nn.Module):
    """Latents [B, L], normalised, -> dense layers of L -> styles [B, L] float32."""

    def __init__(self, latent_dim: int, layers: int) -> None:
        super().__init__()
        self.norm = PixelNorm()
        self.layers = nn.ModuleList(EqualLinear(latent_dim, latent_dim, rate=MAPPING_RATE) for _ in range(layers))

    def forward(self, latents: Tensor) -> Tensor:
        with torch.autocast(latents.device.type, enabled=False):
            styles = self.norm(latents.float())
            for layer in self.layers:
                styles = bent(layer(styles))
        return styles


class EqualUpConv(UpConv):
    """UpConv with an equalised learning rate, then the filter that smooths the blocks of upsampling."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        nn.init.normal_(self.weight)
        nn.init.zeros_(self.get_parameter("bias"))
        self.scale = (inputs * 9) ** -0.5

    def forward(self, input: Tensor) -> Tensor:
        return blur(self.raised(input, self.weight * self.scale), SMOOTH)


class EqualDownConv(EqualConv2d):
    """Smooth, convolve with 3x3, and take the mean of 2x2 pixels; the last two as one kernel."""

    def forward(self, input: Tensor) -> Tensor:
        kernel = pool_kernel(self.weight * self.scale)
        return F.conv2d(blur(input, SMOOTH), kernel, self.bias, stride=2, padding=1)


class StyledLayer(nn.Module):
    """Noise and LeakyReLU behind a convolution, then AdaIN by a style (SG, figure 1b and eq. 1).

    Noise is new in every training pass; in eval mode it stands still, so that a latent makes one image.
    """

    still: Tensor  # [1, 1, H, W] standard normal

    def __init__(self, before: nn.Module, channels: int, side: int, latent_dim: int) -> None:
        super().__init__()
        self.before, self.side = before, side
        self.strength = nn.Parameter(torch.zeros(channels, 1, 1))
        self.style = EqualLinear(latent_dim, 2 * channels)
        self.register_buffer("still", torch.randn(1, 1, side, side))

    def forward(self, features: Tensor, styles: Tensor) -> Tensor:
        features = self.before(features).float()
        shape = (len(features), 1, self.side, self.side)
        noise = torch.randn(shape, device=features.device) if self.training else self.still
        features = F.leaky_relu(features + self.strength * noise, 0.2)
        features = features - features.mean(dim=(2, 3), keepdim=True)
        spread = features.square().mean(dim=(2, 3), keepdim=True)
        scale, shift = self.style(styles).float()[:, :, None, None].chunk(2, dim=1)
        return features * ((1 + scale) * (spread + 1e-8).rsqrt()) + shift


class Generator(nn.Module):
    """Latents [B, L] -> styles; a learned constant 4x4, two styled layers for each size, and a 1x1 conv, tanh.

    SG puts out images without tanh; here it keeps them within [-1, 1]. The networks do not grow in training (as SG2's).
    """

    def __init__(self, options: Options, size: int, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        latent_dim, rising = options.latent_dim, widths[::-1]
        self.mixing = options.style_mixing
        self.mapping = Mapping(latent_dim, options.mapping_layers)
        self.constant = nn.Parameter(torch.ones(1, rising[0], SMALLEST, SMALLEST))
        layers = [
            StyledLayer(nn.Identity(), rising[0], SMALLEST, latent_dim),
            StyledLayer(EqualConv2d(rising[0], rising[0], 3), rising[0], SMALLEST, latent_dim),
        ]
        for level, (coarse, fine) in enumerate(pairwise(rising), start=1):
            side = SMALLEST << level
            layers += [
                StyledLayer(EqualUpConv(coarse, fine), fine, side, latent_dim),
                StyledLayer(EqualConv2d(fine, fine, 3), fine, side, latent_dim),
            ]
        self.layers = nn.ModuleList(layers)
        self.to_image = EqualConv2d(rising[-1], channels, 1)

    def styles(self, latents: Tensor) -> list[Tensor]:
        """The style of each layer, [B, L]; in training most images change it at some layer (SG, section 3.1)."""
        first, count = self.mapping(latents), len(self.layers)
        if not (self.training and self.mixing):
            return [first] * count
        second = self.mapping(torch.randn_like(latents))
        crossing = torch.randint(1, count, (len(latents), 1), device=latents.device)
        whole = torch.rand(len(latents), 1, device=latents.device) >= self.mixing
        return [torch.where((crossing > layer) | whole, first, second) for layer in range(count)]

    def forward(self, latents: Tensor) -> Tensor:
        features = self.constant.expand(len(latents), -1, -1, -1)
        if self.to_image.weight.is_contiguous(memory_format=torch.channels_last):
            features = features.contiguous(memory_format=torch.channels_last)
        for layer, styles in zip(self.layers, self.styles(latents), strict=True):
            features = layer(features, styles)
        return torch.tanh(self.to_image(features).float())


class Discriminator(nn.Module):
    """Images [B, C, S, S] -> 1x1 conv -> {conv, conv that halves} down to 4x4 -> spread -> conv, dense, logit [B]."""

    def __init__(self, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        last = widths[-1]
        self.from_image = EqualConv2d(channels, widths[0], 1)
        self.blocks = nn.ModuleList()
        for fine, coarse in pairwise(widths):
            self.blocks += [EqualConv2d(fine, fine, 3), EqualDownConv(fine, coarse, 3)]
        self.spread = MinibatchStd()
        self.last = EqualConv2d(last + 1, last, 3)
        self.dense = EqualLinear(last * SMALLEST**2, last)
        self.verdict = EqualLinear(last, 1)

    def forward(self, images: Tensor) -> Tensor:
        features = bent(self.from_image(images))
        for layer in self.blocks:
            features = bent(layer(features))
        features = bent(self.last(self.spread(features)))
        return self.verdict(bent(self.dense(features.flatten(1)))).squeeze(1)


def build(options: Options, spec: NetSpec) -> Networks:
    widths = filters(options.size, options.width)
    discriminator: nn.Module
    if options.discriminator == "style":
        discriminator = Discriminator(widths, spec.channels)
    else:
        halvings = (options.size // 8).bit_length() - 1
        # The study's generators begin with 256 channels: half the width of SG's goes with the baseline's own filters.
        baseline = tuple(scaled(each, 2 * options.width) for each in BASELINE_FILTERS[:halvings])
        discriminator = BaselineDiscriminator(options.size, baseline, 3, options.dropout, spec.channels)
    return Networks(
        nets={
            "generator": Generator(options, options.size, widths, spec.channels),
            "discriminator": discriminator,
            **augmenter(options),
        },
        optimizers={"generator": options.adam_g, "discriminator": options.adam_d},
        latent_dim=options.latent_dim,
    )


def phases(options: Options) -> list[Phase]:
    # Apart, or the spread within a group of images would mix reals with fakes.
    return two_players(options, joint=False)


# SG, appendix C, but for the penalty: it is lazy, and weaker than their 10, which suits images of 1024 pixels.
_STANDARD = {
    "learning_rate_g": 1e-3,
    "learning_rate_d": 1e-3,
    "beta1": 0.0,
    "beta2": 0.99,
    "r1_gamma": 1.0,
    "ema_half_life_kimg": 10.0,
}

METHOD = MethodSpec(
    name="style_gan",
    title="StyleGAN (Rahali 2025)",
    summary="Random numbers become a style, which sets how strong every feature of every layer is.",
    good_for="To repeat the study's experiment, and to see styles at work. For quality choose StyleGAN2-ADA.",
    source="Rahali 2025, experiment 2; Karras, Laine & Aila 2019. Penalty: Mescheder et al. 2018.",
    cost="heavy",
    options=Options,
    presets={
        "as_published": Preset(
            "As published",
            "Rahali's second experiment at 128 pixels, as far as it is described. The study found it unstable and its "
            "images very poor.",
            {"learning_rate_g": 1e-4, "learning_rate_d": 1e-5, "width": 0.5, "discriminator": "baseline"},
        ),
        "quick_look": Preset(
            "Quick look",
            "64 pixels, narrow networks and faster rates: something to look at within minutes on a CPU.",
            {
                **_STANDARD, "size": 64, "batch": 16, "width": 0.125, "latent_dim": 64, "mapping_layers": 4,
                "learning_rate_g": 2e-3, "learning_rate_d": 2e-3, "ema_half_life_kimg": 0.5,
            },
        ),
        "standard": Preset(
            "Standard",
            "StyleGAN with its own discriminator, penalty and rates, at half its width.",
            {**_STANDARD, "latent_dim": 512, "width": 0.5},
        ),
        "tiny": Preset(
            "Tiny",
            "Networks too small for good images: to try the machinery within seconds.",
            {
                **_STANDARD, "size": 64, "batch": 8, "width": 0.02, "latent_dim": 16, "mapping_layers": 2,
                "learning_rate_g": 4e-3, "learning_rate_d": 4e-3, "ema_half_life_kimg": 0.1,
                "discriminator": "baseline", "dropout": 0.0,
            },
        ),
    },
    build=build,
    phases=phases,
    sample=plain_sample,
)  # fmt: skip
