"""R3GAN (Huang et al. 2024): plain residual networks without normalisation, a relativistic loss, and two penalties.

The loss compares each fake with a real, and R1 and R2 at every step make that game converge (section 2 of the paper);
the usual tricks are then not needed. Published for 50,000 images and more: on a few thousand it is a bet.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_weight

from engines.methods.adversarial import PlayerOptions, augmented, augmenter, heed
from engines.methods.augment import AugmentedOptions
from engines.methods.base import Limits, MethodSpec, NetSpec, Networks, Phase, Preset, Step, draw_latents, plain_sample
from engines.methods.blocks import blur
from engines.methods.penalties import squared_gradient
from engines.options import option

# Channels by the side of a feature map, of the paper's networks for FFHQ at 64 and at 256 pixels.
CHANNELS = {4: 768, 8: 768, 16: 768, 32: 768, 64: 384, 128: 192, 256: 96}
GROUP = 16  # channels of a group in the 3x3 convolution
TAPS = (1, 2, 1)
LEAK = 0.2
GAIN = math.sqrt(2 / (1 + LEAK**2))  # keeps the spread of values behind LeakyReLU (He et al. 2015)


class Options(PlayerOptions, AugmentedOptions):
    """Options of R3GAN. The paper's beta 2 rises from 0.9 to 0.99; here it stays the same through a run."""

    size: Literal[32, 64, 128, 256] = option(  # type: ignore[assignment]
        128,
        "Image size",
        "Width and height of the generated images. The image set is resized to it once, before training.",
        too_low="Fine structures such as calcifications are lost.",
        too_high="Each doubling costs about twice the time, and asks for a stronger penalty.",
        unit="pixels",
        layer="dial",
    )
    blocks: int = option(
        1,
        "Blocks at each size",
        "Residual blocks at every size of feature maps, from 4x4 to that of the image. The paper has 2.",
        too_low="Images stay simple.",
        too_high="Slower in proportion, and needs more images.",
        ge=1,
        le=4,
    )
    gamma_start: float = option(
        2.0,
        "Penalty at the start",
        "Keeps the discriminator smooth around real and generated images alike (R1 and R2), at every step. The paper "
        "begins with 2 at 64 pixels and with 150 at 256.",
        too_low="The discriminator becomes too sharp, and training unstable.",
        too_high="The discriminator stays too soft to teach anything: grey sheets.",
        ge=0,
        le=10_000,
    )
    gamma_end: float = option(
        0.2,
        "Penalty at the end",
        "What the penalty falls to during the burn-in, along a cosine. The paper ends at a tenth of the start.",
        too_low="Training breaks late in the run.",
        too_high="Fine texture is never learned.",
        ge=0,
        le=10_000,
    )
    burn_in_kimg: float = option(
        500.0,
        "Burn-in",
        "Over so many thousand images the penalty falls to its end value. The paper takes 10,000 thousand.",
        too_low="The discriminator becomes sharp before the generator draws anything.",
        too_high="Images stay soft for longer than need be.",
        unit="thousand images",
        ge=0,
        le=1_000_000,
    )


class GroupedProduct(torch.autograd.Function):
    """A 3x3 convolution in groups, whose gradients are such convolutions again.

    Left to PyTorch, the second gradient, which the penalties need at every step, runs through the groups one by one
    with kernels as large as the map. With it and Pointwise a step took a tenth to a third less time on a processor.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, groups: int) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.groups = groups
        return F.conv2d(features, weight, padding=1, groups=groups)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None]:
        features, weight = ctx.saved_tensors
        of_features = F.conv_transpose2d(gradient, weight, padding=1, groups=ctx.groups)
        if not ctx.needs_input_grad[1]:
            return of_features, None, None
        return of_features, conv2d_weight(features, weight.shape, gradient, padding=1, groups=ctx.groups), None


class GroupedConv(nn.Conv2d):
    """A 3x3 convolution in groups of 16 channels, [B, C, H, W]."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, padding=1, groups=channels // GROUP)

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        mixed: Tensor = GroupedProduct.apply(input, self.weight.to(input.dtype), self.groups)
        return mixed + self.get_parameter("bias").to(input.dtype)[:, None, None]


class Pointwise(nn.Conv2d):
    """A 1x1 convolution as a matrix product, so that its second gradient is one too. Keeps the spread of its inputs."""

    def __init__(self, inputs: int, outputs: int, bias: bool = False) -> None:
        super().__init__(inputs, outputs, 1, bias=bias)
        nn.init.normal_(self.weight, std=inputs**-0.5)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class Block(nn.Module):
    """x + {1x1, 3x3 in groups, 1x1}(x) with twice the channels inside, [B, C, H, W] (section 3).

    Begins as the identity: the last convolution starts at 0, the others shrink with the number of blocks in the
    network, to the power -1/4 for three layers (Fix-up: Zhang et al. 2019), so that no normalisation is needed.
    """

    def __init__(self, channels: int, blocks_in_all: int) -> None:
        super().__init__()
        inner = 2 * channels
        self.expand = Pointwise(channels, inner, bias=True)
        self.mix = GroupedConv(inner)
        self.reduce = Pointwise(inner, channels)
        for conv, fan_in in ((self.expand, channels), (self.mix, GROUP * 9)):
            nn.init.normal_(conv.weight, std=GAIN * fan_in**-0.5 * blocks_in_all**-0.25)
            nn.init.zeros_(conv.get_parameter("bias"))
        nn.init.zeros_(self.reduce.weight)

    def forward(self, features: Tensor) -> Tensor:
        inner = F.leaky_relu(self.mix(F.leaky_relu(self.expand(features), LEAK)), LEAK)
        return features + self.reduce(inner)


class Resample(nn.Module):
    """Twice or half the side by a [1, 2, 1] filter, with a 1x1 convolution on the smaller map if channels change."""

    def __init__(self, inputs: int, outputs: int, up: bool) -> None:
        super().__init__()
        self.up = up
        self.change = Pointwise(inputs, outputs) if inputs != outputs else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        if self.up:
            return blur(self.change(features), TAPS, up=2)
        return self.change(blur(features, TAPS, down=2))


class Generator(nn.Module):
    """Latents [B, L] -> a learned 4x4 map, each channel times a mix of the latents -> blocks -> image, without tanh."""

    def __init__(self, latent_dim: int, counts: list[int], blocks: int, channels: int) -> None:
        super().__init__()
        self.basis = nn.Parameter(torch.randn(counts[0], 4, 4))
        self.start = Pointwise(latent_dim, counts[0])
        layers: list[nn.Module] = []
        for number, count in enumerate(counts):
            if number:
                layers.append(Resample(counts[number - 1], count, up=True))
            layers += [Block(count, blocks * len(counts)) for _ in range(blocks)]
        self.blocks = nn.Sequential(*layers)
        self.to_image = Pointwise(counts[-1], channels)

    def forward(self, latents: Tensor) -> Tensor:
        features = self.basis * self.start(latents[:, :, None, None])
        images = self.to_image(self.blocks(features.contiguous(memory_format=torch.channels_last))).float()
        # Nothing holds the values to [-1, 1] but the discriminator; what is drawn is cut off there.
        return images if self.training else images.clamp(-1, 1)


class Discriminator(nn.Module):
    """Images [B, C, H, W] -> verdicts [B]: the generator mirrored, with its own learned 4x4 map at the end."""

    def __init__(self, counts: list[int], blocks: int, channels: int) -> None:
        super().__init__()
        self.from_image = Pointwise(channels, counts[-1])
        layers: list[nn.Module] = []
        for number in range(len(counts) - 1, -1, -1):
            layers += [Block(counts[number], blocks * len(counts)) for _ in range(blocks)]
            if number:
                layers.append(Resample(counts[number], counts[number - 1], up=False))
        self.blocks = nn.Sequential(*layers)
        self.basis = nn.Parameter(torch.randn(counts[0], 4, 4) / 4)
        self.end = nn.Parameter(torch.randn(counts[0]) * counts[0] ** -0.5)

    def forward(self, images: Tensor) -> Tensor:
        features = self.blocks(self.from_image(images))
        # Sums instead of layers, which keeps them in float32: verdicts may be large, and their differences count.
        return ((features * self.basis).sum(dim=(2, 3)) * self.end).sum(dim=1)


def counts(options: Options) -> list[int]:
    """Channels at each side from 4 on; groups want multiples of 8."""
    return [max(8, round(count * options.width / 8) * 8) for side, count in CHANNELS.items() if side <= options.size]


def gamma(options: Options, images_seen: int) -> float:
    """The weight of the penalties at a step: a cosine over the burn-in."""
    way = min(1.0, images_seen / (options.burn_in_kimg * 1000)) if options.burn_in_kimg else 1.0
    return options.gamma_end + (options.gamma_start - options.gamma_end) * (1 + math.cos(math.pi * way)) / 2


def relativistic_loss(better: Tensor, worse: Tensor) -> Tensor:
    """Mean of -log sigmoid(better - worse) over pairs of verdicts [B] (RpGAN: Jolicoeur-Martineau 2019)."""
    return F.softplus(worse - better).mean()


def build(options: Options, spec: NetSpec) -> Networks:
    generator = Generator(options.latent_dim, counts(options), options.blocks, spec.channels)
    discriminator = Discriminator(counts(options), options.blocks, spec.channels)
    return Networks(
        nets={"generator": generator, "discriminator": discriminator, **augmenter(options)},
        optimizers={"generator": options.adam_g, "discriminator": options.adam_d},
        latent_dim=options.latent_dim,
    )


def phases(options: Options) -> list[Phase]:
    def draw(step: Step) -> Tensor:
        images: Tensor = step.nets["generator"](draw_latents(len(step.real), options.latent_dim, step.real))
        return images

    def discriminator_loss(step: Step) -> Tensor:
        with torch.set_grad_enabled(step.alone):
            fake = draw(step)
        if step.alone:
            step.kept["fake"] = fake  # one draw serves both phases; the paper's code draws twice
        images = torch.cat([augmented(step, step.real), augmented(step, fake.detach())])
        verdicts: list[Tensor] = []

        def judge(images: Tensor) -> Tensor:
            verdicts.append(step.nets["discriminator"](images))
            return verdicts[0]

        # The pass that the penalties need, in float32, gives the verdicts as well.
        r1, r2 = squared_gradient(judge, images).chunk(2)
        real_verdicts, fake_verdicts = verdicts[0].chunk(2)
        # A verdict has no zero here, so the augmentation heeds how often a real beats its fake.
        heed(step, real_verdicts - fake_verdicts)
        loss = relativistic_loss(real_verdicts, fake_verdicts)
        step.report("d_loss", loss)
        step.report("critic_gap", (real_verdicts - fake_verdicts).mean())
        step.report("r1", r1.mean())
        step.report("r2", r2.mean())
        return loss + gamma(options, step.images_seen) / 2 * (r1.mean() + r2.mean())

    def generator_loss(step: Step) -> Tensor:
        fake = step.kept.pop("fake") if step.kept else draw(step)
        discriminator = step.nets["discriminator"]
        with torch.no_grad():
            real_verdicts = discriminator(augmented(step, step.real)).float()
        loss = relativistic_loss(discriminator(augmented(step, fake)).float(), real_verdicts)
        step.report("g_loss", loss)
        return loss

    return [
        Phase("discriminator", ("discriminator",), discriminator_loss),
        Phase("generator", ("generator",), generator_loss, frozen=("discriminator",)),
    ]


# The paper's rates fall from 2e-4 to a quarter during the burn-in; S and XS are its networks with a half and a third of
# the channels and one block instead of two.
_COMMON = {"latent_dim": 64, "beta1": 0.0, "beta2": 0.99, "decay_to": 0.25}
_QUICK = {**_COMMON, "size": 64, "burn_in_kimg": 20.0, "ema_half_life_kimg": 0.5}

METHOD = MethodSpec(
    name="r3_gan",
    title="R3GAN (Huang et al. 2024)",
    summary="A modern GAN without tricks: plain residual networks, a relativistic loss, and R1 and R2 at every step.",
    good_for="Experimental: a bet for a few thousand images and a GPU. For a first look choose DCGAN+.",
    source="Huang, Gokaslan, Kuleshov & Tompkin 2024 (NeurIPS). Start: Zhang, Dauphin & Ma 2019.",
    cost="heavy",
    options=Options,
    presets={
        "standard": Preset(
            "Standard", "64 pixels with the networks XS: a third of the published channels, one block instead of two.",
            {**_COMMON, "size": 64, "width": 1 / 3, "batch": 32, "decay_kimg": 500.0, "ema_half_life_kimg": 5.0},
        ),
        "best": Preset(
            "Best", "128 pixels with the networks S, half of the published channels: for a GPU, over a million images.",
            {
                **_COMMON, "size": 128, "width": 0.5, "batch": 64, "gamma_start": 15.0, "gamma_end": 1.5,
                "burn_in_kimg": 1000.0, "decay_kimg": 1000.0, "ema_half_life_kimg": 20.0, "augment": "adaptive",
            },
        ),
        "quick_look": Preset(
            "Quick look", "64 pixels, light networks and faster rates: something to look at, slowly, on a CPU.",
            {**_QUICK, "width": 1 / 12, "batch": 16, "learning_rate_g": 5e-4, "learning_rate_d": 5e-4},
        ),
        "tiny": Preset(
            "Tiny", "Networks too small for good images: to try the machinery within seconds.",
            {**_QUICK, "latent_dim": 16, "width": 1 / 96, "batch": 8, "learning_rate_g": 1e-3, "learning_rate_d": 1e-3},
        ),
    },
    build=build,
    phases=phases,
    sample=plain_sample,
    limits=Limits(recommended_images=2000),
    experimental=True,
)  # fmt: skip
