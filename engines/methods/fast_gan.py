"""FastGAN (Liu et al. 2021): a generator with skip-layer excitation, and a discriminator that must also redraw reals.

Made for a few hundred images. What differs from the paper: redrawing is measured by the absolute difference at three
scales, where the authors take LPIPS, which needs downloaded VGG weights; and of what only their code has, the second,
small image is here, and the third decoder and the excitation within the discriminator are not.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.adversarial import PlayerOptions, augmented, augmenter, heed, scaled
from engines.methods.augment import AugmentedOptions
from engines.methods.base import Limits, MethodSpec, NetSpec, Networks, Phase, Preset, Step, draw_latents, plain_sample
from engines.methods.blocks import SpectralConv2d, SpectralLinear, SpectralUpConv
from engines.options import option

# Channels by the side of a feature map, at the authors' ngf = ndf = 64.
G_CHANNELS = {4: 1024, 8: 512, 16: 256, 32: 128, 64: 128, 128: 64, 256: 32, 512: 16}
D_CHANNELS = {256: 16, 128: 32, 64: 64, 32: 128, 16: 128, 8: 256}
SMALL_CHANNELS = {64: 32, 32: 64, 16: 128, 8: 128}
DECODER_CHANNELS = {16: 128, 32: 64, 64: 64, 128: 32}


class Options(PlayerOptions, AugmentedOptions):
    """Options of FastGAN."""

    size: Literal[64, 128, 256, 512] = option(  # type: ignore[assignment]
        128,
        "Image size",
        "Width and height of the generated images. The image set is resized to it once, before training.",
        too_low="Fine structures such as calcifications are lost.",
        too_high="Each doubling costs two to four times the time.",
        unit="pixels",
        layer="dial",
    )
    blocks: Literal["published", "lite"] = option(
        "published",
        "Blocks",
        "The published generator has a second convolution, and random noise for fine grain, in every other block; the "
        "lite one has a single convolution everywhere and no noise.",
        too_low="Lite: less fine texture.",
        too_high="Published: slower.",
    )
    redraw: float = option(
        1.0,
        "Weight of redrawing",
        "The discriminator must be able to redraw real images from what it has seen in them, which keeps it from "
        "learning them by heart. How much that counts beside telling real from fake; 0 switches it off.",
        too_low="With few images the discriminator learns them by heart.",
        too_high="The discriminator looks at everything, and no longer at what gives fakes away.",
        ge=0,
        le=100,
    )
    soft_margin: bool = option(
        True,
        "Soft margin",
        "The discriminator's aim is drawn for each verdict from 0.8 to 1, as in the authors' code; else it is 1.",
        too_low="The discriminator becomes a little too sure of itself.",
        too_high="Nothing to fear: its loss is a little more restless.",
    )


class Noise(nn.Module):
    """Adds noise in a learned share, none at first; fresh in training, and later the same for all images.

    Batch norm has come to expect the noise, so that drawing without it would change the contrast.
    """

    still: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.zeros(()))
        self.register_buffer("still", torch.randn(1, 1, side, side))

    def forward(self, features: Tensor) -> Tensor:
        noise = torch.randn_like(self.still.expand(len(features), -1, -1, -1)) if self.training else self.still
        return features + (self.share * noise).to(features.dtype)


class Gate(nn.Module):
    """Gated linear unit: one half of the channels times the sigmoid of the other (Dauphin et al. 2017)."""

    def forward(self, features: Tensor) -> Tensor:
        # The gradient of F.glu loses the channels-last layout, which makes the batch norm before it four times slower.
        through, gate = features.chunk(2, dim=1)
        return through * gate.sigmoid()


def up_block(inputs: int, outputs: int, side: int, large: bool) -> nn.Sequential:
    """Nearest x2, conv 3x3, batch norm, GLU; if `large`, with noise and a second convolution. -> [B, O, side, side]"""

    def rest() -> list[nn.Module]:
        return [*([Noise(side)] if large else []), nn.BatchNorm2d(2 * outputs), Gate()]

    second = [SpectralConv2d(outputs, 2 * outputs, 3, bias=False), *rest()] if large else []
    return nn.Sequential(SpectralUpConv(inputs, 2 * outputs, bias=False), *rest(), *second)


def excitation(inputs: int, outputs: int) -> nn.Sequential:
    """Factors [B, O, 1, 1] in [0, 1] for the channels of a large map, from a small map (section 3.1, eq. 1)."""
    pooled = SpectralConv2d(inputs, outputs, 4, padding=0, bias=False)
    factors = SpectralConv2d(outputs, outputs, 1, bias=False)
    return nn.Sequential(nn.AdaptiveAvgPool2d(4), pooled, nn.LeakyReLU(0.1), factors, nn.Sigmoid())


class Generator(nn.Module):
    """Latents [B, L] -> 4x4 -> up-blocks, of which those from 64 on are excited by the map of a 16th of their side.

    Training also takes a small image from the map of its side.
    """

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.small = small_side(options.size)
        counts = {side: scaled(count, options.width) for side, count in G_CHANNELS.items() if side <= options.size}
        self.start_channels = 2 * counts[4]
        # The published transposed convolution 4x4 at a single pixel is a dense layer.
        self.start = SpectralLinear(options.latent_dim, self.start_channels * 16, bias=False)
        self.start_norm = nn.Sequential(nn.BatchNorm2d(self.start_channels), Gate())
        self.ups, self.excitations = nn.ModuleDict(), nn.ModuleDict()
        for number, side in enumerate(list(counts)[1:]):
            large = options.blocks == "published" and number % 2 == 0
            self.ups[str(side)] = up_block(counts[side // 2], counts[side], side, large)
            if side >= 64:
                self.excitations[str(side)] = excitation(counts[side // 16], counts[side])
        self.to_image = SpectralConv2d(counts[options.size], channels, 3, bias=False)
        self.to_small = SpectralConv2d(counts[self.small], channels, 1, bias=False)

    def forward(self, latents: Tensor) -> Tensor:
        return self.pictures(latents)[0]

    def pictures(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """The images, and the small ones, [B, C, H, W] float32 in [-1, 1]."""
        features = self.start(latents).view(-1, self.start_channels, 4, 4)
        features = self.start_norm(features.contiguous(memory_format=torch.channels_last))
        maps = {4: features}
        for side, up in self.ups.items():
            features = up(features)
            if side in self.excitations:
                features = features * self.excitations[side](maps[int(side) // 16])
            maps[int(side)] = features
        return torch.tanh(self.to_image(features).float()), torch.tanh(self.to_small(maps[self.small]).float())


def small_side(size: int) -> int:
    """Side of the small images, and of redrawn ones: 128, as published, or half of a smaller image."""
    return min(128, size // 2)


def conv_block(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int | None = None) -> nn.Sequential:
    conv = SpectralConv2d(inputs, outputs, kernel, stride, padding, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True))


class Down(nn.Module):
    """[B, I, H, W] -> [B, O, H/2, W/2]: the mean of two convolutions and of an average-pooled shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.main = nn.Sequential(conv_block(inputs, outputs, 4, 2, 1), conv_block(outputs, outputs, 3))
        self.direct = nn.Sequential(nn.AvgPool2d(2), conv_block(inputs, outputs, 1))

    def forward(self, features: Tensor) -> Tensor:
        return (self.main(features) + self.direct(features)) / 2


def decoder(inputs: int, side: int, width: float, channels: int) -> nn.Sequential:
    """A map [B, I, 8, 8] back to an image [B, C, side, side] in [-1, 1] (section 3.2)."""
    counts = [inputs, *(scaled(count, width) for at, count in DECODER_CHANNELS.items() if at <= side)]
    blocks = [up_block(before, after, 0, large=False) for before, after in pairwise(counts)]
    return nn.Sequential(*blocks, SpectralConv2d(counts[-1], channels, 3, bias=False), nn.Tanh())


class Discriminator(nn.Module):
    """Images and their small versions -> verdicts [B, 50] float32, 25 on each, and its maps of sides 16 and 8.

    Each verdict judges a part of an image. The decoders draw from the maps.
    """

    def __init__(self, size: int, width: float, channels: int) -> None:
        super().__init__()
        small = small_side(size)
        big = {side: scaled(count, width) for side, count in D_CHANNELS.items() if side <= size}
        little = [scaled(count, width) for side, count in SMALL_CHANNELS.items() if side < small]
        kernel, stride = (3, 1) if size in big else (4, 2)  # 512 pixels are halved at once, as in the authors' code
        first = SpectralConv2d(channels, next(iter(big.values())), kernel, stride, 1, bias=False)
        self.start = nn.Sequential(first, nn.LeakyReLU(0.2, inplace=True))
        downs = [Down(before, after) for before, after in pairwise(big.values())]
        self.to_16, self.to_8 = nn.Sequential(*downs[:-1]), downs[-1]
        last = SpectralConv2d(2 * big[8], 1, 4, padding=0, bias=False)
        self.judge = nn.Sequential(conv_block(big[8], 2 * big[8], 1), last)
        halved = SpectralConv2d(channels, little[0], 4, 2, 1, bias=False)
        further = [conv_block(before, after, 4, 2, 1) for before, after in pairwise(little)]
        last = SpectralConv2d(little[-1], 1, 4, padding=0, bias=False)
        self.judge_small = nn.Sequential(halved, nn.LeakyReLU(0.2, inplace=True), *further, last)
        self.whole, self.part = (decoder(big[side], small, width, channels) for side in (8, 16))

    def forward(self, images: Tensor, small: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        of_16 = self.to_16(self.start(images))
        of_8 = self.to_8(of_16)
        verdicts = torch.cat([self.judge(of_8).flatten(1), self.judge_small(small).flatten(1)], dim=1)
        return verdicts.float(), of_16, of_8


def quarters(images: Tensor, which: Tensor) -> Tensor:
    """One quarter of each image or map: [B, C, H, W] and numbers [B] from 0 to 3 -> [B, C, H/2, W/2]."""
    split = images.unflatten(3, (2, -1)).unflatten(2, (2, -1))  # [B, C, 2, H/2, 2, W/2]
    return split[torch.arange(len(images), device=images.device), :, which // 2, :, which % 2]


def difference(made: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference, averaged over full, half and quarter side, in float32."""
    gap = made.float() - wanted
    return torch.stack([(F.avg_pool2d(gap, by) if by > 1 else gap).abs().mean() for by in (1, 2, 4)]).mean()


def hinge(verdicts: Tensor, soft: bool) -> Tensor:
    """Hinge loss of verdicts that should be above the margin of 1, or of one drawn from 0.8 to 1."""
    margin = 0.8 + 0.2 * torch.rand_like(verdicts) if soft else 1.0
    return F.relu(margin - verdicts).mean()


def build(options: Options, spec: NetSpec) -> Networks:
    generator = Generator(options, spec.channels)
    discriminator = Discriminator(options.size, options.width, spec.channels)
    for module in (*generator.modules(), *discriminator.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            nn.init.normal_(module.weight, float(isinstance(module, nn.BatchNorm2d)), 0.02)
    return Networks(
        nets={"generator": generator, "discriminator": discriminator, **augmenter(options)},
        optimizers={"generator": options.adam_g, "discriminator": options.adam_d},
        latent_dim=options.latent_dim,
    )


def phases(options: Options) -> list[Phase]:
    """Hinge losses (section 3.2); reals and fakes pass the discriminator apart, because of its batch norm."""
    side = small_side(options.size)

    def fakes(step: Step) -> tuple[Tensor, Tensor]:
        latents = draw_latents(len(step.real), options.latent_dim, step.real)
        return cast(Generator, step.nets["generator"]).pictures(latents)

    def discriminator_loss(step: Step) -> Tensor:
        discriminator = cast(Discriminator, step.nets["discriminator"])
        with torch.set_grad_enabled(step.alone):
            fake, small = fakes(step)
        if step.alone:
            step.kept.update(fake=fake, small=small)
        real = augmented(step, step.real)
        small_real = F.adaptive_avg_pool2d(real, side)  # the authors' code takes every other pixel, which aliases
        real_verdicts, of_16, of_8 = discriminator(real, small_real)
        fake_verdicts = discriminator(augmented(step, fake.detach()), augmented(step, small.detach()))[0]
        heed(step, real_verdicts.mean(dim=1))
        loss = hinge(real_verdicts, options.soft_margin) + hinge(-fake_verdicts, options.soft_margin)
        step.report("d_loss", loss)
        step.report("critic_gap", real_verdicts.mean() - fake_verdicts.mean())
        if options.redraw:
            which = torch.randint(0, 4, (len(real),), device=real.device)
            quarter = F.adaptive_avg_pool2d(quarters(real, which), side)
            redrawn = discriminator.whole(of_8), discriminator.part(quarters(of_16, which))
            missed = difference(redrawn[0], small_real) + difference(redrawn[1], quarter)
            step.report("redraw_loss", missed)
            loss = loss + options.redraw * missed
        return loss

    def generator_loss(step: Step) -> Tensor:
        fake, small = (step.kept.pop("fake"), step.kept.pop("small")) if step.kept else fakes(step)
        loss = -step.nets["discriminator"](augmented(step, fake), augmented(step, small))[0].mean()
        step.report("g_loss", loss)
        return loss

    return [
        Phase("discriminator", ("discriminator",), discriminator_loss),
        Phase("generator", ("generator",), generator_loss, frozen=("discriminator",)),
    ]


# The authors' settings; their moving average of 0.999 at a batch of 8 is a half-life of 8 ln 2 / 0.001 images.
_PUBLISHED = {"latent_dim": 256, "batch": 8, "augment": "fixed", "ema_half_life_kimg": 5.5}
_QUICK = {"size": 64, "blocks": "lite", "batch": 8, "ema_half_life_kimg": 0.5}

METHOD = MethodSpec(
    name="fast_gan",
    title="FastGAN (Liu et al. 2021)",
    summary="A GAN for few images: excitation across scales, and a discriminator that must also redraw what it sees.",
    good_for="A few hundred images at 128 pixels and above. On a processor, or for a first look, choose DCGAN+.",
    source="Liu, Zhu, Song & Elgammal 2021 (ICLR). Augmentation: Zhao et al. 2020. Redrawing without LPIPS.",
    cost="medium",
    options=Options,
    presets={
        "standard": Preset(
            "Standard", "128 pixels with networks of half the published width, and the published rates.",
            {**_PUBLISHED, "width": 0.5},
        ),
        "best": Preset(
            "Best", "256 pixels with the published networks and rates: for a GPU, over 400 thousand images and more.",
            {**_PUBLISHED, "size": 256},
        ),
        "quick_look": Preset(
            "Quick look", "64 pixels, light networks, no augmentation: something to look at within minutes on a CPU.",
            {**_QUICK, "width": 0.375, "learning_rate_g": 5e-4, "learning_rate_d": 5e-4},
        ),
        "tiny": Preset(
            "Tiny", "Networks too small for good images: to try the machinery within seconds.",
            {**_QUICK, "latent_dim": 16, "width": 0.0625, "learning_rate_g": 1e-3, "learning_rate_d": 1e-3},
        ),
    },
    build=build,
    phases=phases,
    sample=plain_sample,
    limits=Limits(recommended_images=100),
)  # fmt: skip
