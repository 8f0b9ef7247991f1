"""MSG-GAN: the generator draws at every scale at once, and the critic sees all scales (Karnewar & Wang 2020)."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.adversarial import augmented, augmenter, heed, scaled
from engines.methods.augment import AugmentedOptions
from engines.methods.base import MethodSpec, NetSpec, Networks, Phase, Preset, RMSprop, Step, draw_latents
from engines.methods.blocks import EqualConv2d, EqualLinear, MinibatchStd, PixelNorm, UpConv
from engines.options import option

START = 4  # side of the smallest scale
CHANNELS = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16}
DRIFT = 0.001  # holds the verdicts on reals near 0 (Karras et al. 2018, appendix A)
HE = 2**0.5  # He's constant, for layers with a LeakyReLU behind them

Scales = list[Tensor]  # [B, C, 4, 4], [B, C, 8, 8], ... up to the image size


class Options(AugmentedOptions):
    """Options of MSG-GAN; the preset "as published" holds what Aytar & Gündüç give."""

    size: Literal[32, 64, 128, 256, 512, 1024] = option(  # type: ignore[assignment]  # other sizes than the base's
        128,
        "Image size",
        "Width and height of the generated images. Each doubling adds a block to both networks, and a scale.",
        too_low="Fine structures such as calcifications are lost.",
        too_high="Each doubling adds a costly block, and small sets of images no longer suffice.",
        unit="pixels",
        layer="dial",
    )
    learning_rate_g: float = option(
        0.003,
        "Learning rate of the generator",
        "How far each step moves the generator's weights.",
        too_low="Sheets hardly change for a long time.",
        too_high="Sheets jump about, then turn into noise or one single picture.",
        layer="basic",
        gt=0,
        le=0.05,
    )
    learning_rate_d: float = option(
        0.003,
        "Learning rate of the critic",
        "How far each step moves the critic's weights.",
        too_low="The generator gets no useful hints.",
        too_high="Its verdicts swing wildly, and the generator follows them.",
        layer="basic",
        gt=0,
        le=0.05,
    )
    latent_dim: int = option(
        512,
        "Latent size",
        "How many random numbers make one image. They are scaled to one common length.",
        too_low="Images resemble one another.",
        too_high="Slower, without a gain.",
        ge=2,
        le=1024,
    )
    width: float = option(
        1.0,
        "Network width",
        "Share of the usual channels that every layer has.",
        too_low="Images stay simple and soft.",
        too_high="Slower by its square, and needs more images.",
        gt=0,
        le=4,
    )
    critic_steps: int = option(
        1,
        "Critic steps",
        "Updates of the critic for one of the generator; each sees images of its own.",
        too_low="The critic lags behind, and its hints are poor.",
        too_high="The generator learns that much more slowly.",
        unit="steps",
        ge=1,
        le=10,
    )
    penalty: float = option(
        10.0,
        "Gradient penalty",
        "Keeps the critic's slope near 1 at every scale (Gulrajani et al. 2017).",
        too_low="Losses grow without bounds, and the images fall apart.",
        too_high="The critic can no longer tell reals from fakes.",
        gt=0,
        le=1000,
    )


def conv(inputs: int, outputs: int, kernel: int, padding: int | None = None) -> EqualConv2d:
    """An equalised convolution that keeps the size of its signal through a LeakyReLU."""
    layer = EqualConv2d(inputs, outputs, kernel, padding=padding)
    layer.scale *= HE
    return layer


class EqualUpConv(UpConv):
    """Nearest x2 and an equalised 3x3 convolution; folded into one where that is faster (see blocks.UpConv)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        nn.init.normal_(self.weight)
        nn.init.zeros_(self.get_parameter("bias"))
        self.scale = HE * (inputs * 9) ** -0.5

    def forward(self, input: Tensor) -> Tensor:
        return self.raised(input, self.weight * self.scale)


class Generator(nn.Module):
    """Latents [B, L] -> images of every scale, float32; the last is the image that counts.

    As in ProGAN, which it follows: the latents on a sphere; every convolution with LeakyReLU and pixel norm behind it;
    blocks of two convolutions, the first one 4x4 on the latents as a single pixel, later ones after an upsampling.
    A 1x1 convolution to the image after every block, without tanh.
    """

    def __init__(self, latent_dim: int, sides: list[int], channels: int, width: float) -> None:
        super().__init__()
        widths = [scaled(CHANNELS[side], width) for side in sides]
        # 4x4 outputs from one pixel within a padding of 3: every output meets one tap of the kernel.
        firsts: list[nn.Module] = [conv(latent_dim, widths[0], 4, padding=3)]
        firsts += [EqualUpConv(before, after) for before, after in pairwise(widths)]
        self.blocks = nn.ModuleList(
            nn.Sequential(first, nn.LeakyReLU(0.2), PixelNorm(), conv(count, count, 3), nn.LeakyReLU(0.2), PixelNorm())
            for first, count in zip(firsts, widths, strict=True)
        )
        self.to_image = nn.ModuleList(EqualConv2d(count, channels, 1) for count in widths)
        self.normalise = PixelNorm()

    def forward(self, latents: Tensor) -> Scales:
        features = self.normalise(latents)[:, :, None, None]
        scales = []
        for block, to_image in zip(self.blocks, self.to_image, strict=True):
            features = block(features)
            scales.append(to_image(features).float())
        return scales


class Critic(nn.Module):
    """Images of every scale -> verdicts [B], without bounds.

    From the largest scale down, blocks of {the image of this scale put behind the features ("phi simple"), minibatch
    deviation, two convolutions 3x3, mean of 2x2}. The largest image enters by a 1x1 convolution alone. The last block
    ends with a 4x4 convolution and a dense layer.
    """

    def __init__(self, sides: list[int], channels: int, width: float) -> None:
        super().__init__()
        widths = [scaled(CHANNELS[side], width) for side in sides]
        wider = [widths[0], *widths]  # a block puts out as many as the next smaller scale has
        self.from_image = conv(channels, widths[-1], 1)
        self.deviation = MinibatchStd()
        taken = [count + channels for count in widths[:-1]] + [widths[-1]]
        self.first = nn.ModuleList(conv(given + 1, count, 3) for given, count in zip(taken, widths, strict=True))
        seconds = [conv(widths[0], widths[0], START, padding=0)]
        seconds += [conv(count, wider[place], 3) for place, count in enumerate(widths) if place]
        self.second = nn.ModuleList(seconds)
        self.verdict = EqualLinear(widths[0], 1)

    def forward(self, scales: Scales) -> Tensor:
        features = F.leaky_relu(self.from_image(scales[-1]), 0.2)
        for place in reversed(range(len(scales))):
            if place < len(scales) - 1:
                features = torch.cat([F.avg_pool2d(features, 2), scales[place].to(features.dtype)], dim=1)
            features = F.leaky_relu(self.first[place](self.deviation(features)), 0.2)
            features = F.leaky_relu(self.second[place](features), 0.2)
        return self.verdict(features.flatten(1)).squeeze(1)


def sides_up_to(size: int) -> list[int]:
    return [side for side in CHANNELS if side <= size]


def build(options: Options, spec: NetSpec) -> Networks:
    sides = sides_up_to(options.size)
    return Networks(
        nets={
            "generator": Generator(options.latent_dim, sides, spec.channels, options.width),
            "critic": Critic(sides, spec.channels, options.width),
            **augmenter(options),
        },
        optimizers={
            "generator": RMSprop(options.learning_rate_g),
            "critic": RMSprop(options.learning_rate_d),
        },
        latent_dim=options.latent_dim,
    )


def pyramid(images: Tensor) -> Scales:
    """Real images at every scale: means of 2x2 pixels, again and again."""
    scales = [images]
    while scales[0].shape[2] > START:
        scales.insert(0, F.avg_pool2d(scales[0], 2))
    return scales


def changed(step: Step, scales: Scales) -> Scales:
    """What the critic is to see: where there is augmentation, the same random changes at every scale of an image.

    All scales are laid over one another at full size for it, and brought back by means.
    """
    if "augment" not in step.nets:
        return scales
    size, channels = scales[-1].shape[2], scales[-1].shape[1]
    stack = torch.cat([F.interpolate(images, size=(size, size), mode="nearest") for images in scales], dim=1)
    parts = augmented(step, stack).split(channels, dim=1)
    return [
        F.avg_pool2d(part, size // images.shape[2]) if images.shape[2] < size else part
        for part, images in zip(parts, scales, strict=True)
    ]


def multi_scale_penalty(critic: nn.Module, real: Scales, fake: Scales) -> Tensor:
    """The mean over all scales of WGAN-GP's penalty (Gulrajani et al. 2017, eq. 3; averaged: Karnewar & Wang 2020).

    Every scale of an image is mixed with the same share. At each scale the norm of the gradient is drawn to 1.
    """
    share = torch.rand(len(real[0]), 1, 1, 1, device=real[0].device)
    with torch.autocast(real[0].device.type, enabled=False):
        between = [
            torch.lerp(one.float(), other.detach().float(), share).requires_grad_(True)
            for one, other in zip(real, fake, strict=True)
        ]
        gradients = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    # The square root has no gradient at 0: a critic that is flat at the start would give NaN.
    norms = [(gradient.square().flatten(1).sum(dim=1) + 1e-12).sqrt() for gradient in gradients]
    return (torch.stack(norms) - 1).square().mean()


def phases(options: Options) -> list[Phase]:
    def critic_loss(step: Step) -> Tensor:
        critic, latents = step.nets["critic"], draw_latents(len(step.real), options.latent_dim, step.real)
        with torch.no_grad():
            fake = step.nets["generator"](latents)
        real, fake = changed(step, pyramid(step.real)), changed(step, fake)
        # Two passes: minibatch deviation compares images of one kind.
        real_verdicts, fake_verdicts = critic(real).float(), critic(fake).float()
        gap = real_verdicts.mean() - fake_verdicts.mean()
        # A critic's verdicts have no zero; adaptive augmentation takes the middle between reals and fakes for it.
        heed(step, real_verdicts - (real_verdicts.mean() + fake_verdicts.mean()) / 2)
        penalty = multi_scale_penalty(critic, real, fake)
        loss = -gap + options.penalty * penalty + DRIFT * real_verdicts.square().mean()
        step.report("d_loss", loss)
        step.report("critic_gap", gap)
        step.report("gradient_penalty", penalty)
        return loss

    def generator_loss(step: Step) -> Tensor:
        latents = draw_latents(len(step.real), options.latent_dim, step.real)
        fake = changed(step, step.nets["generator"](latents))
        loss = -step.nets["critic"](fake).float().mean()
        step.report("g_loss", loss)
        return loss

    return [
        Phase("critic", ("critic",), critic_loss),
        Phase("generator", ("generator",), generator_loss, frozen=("critic",), every=options.critic_steps),
    ]


def sample(generator: nn.Module, latents: Tensor, labels: Tensor) -> Tensor:
    """The largest scale, held within the range that images have."""
    scales: Scales = generator(latents)
    return scales[-1].clamp(-1, 1)


# The study gives networks, latents, loss and RMSprop. From Karnewar & Wang: learning rate 0.003 for both. From ProGAN
# (Karras et al. 2018): one critic step, penalty 10, drift 0.001, averaged weights. The batch of 32 is our choice.
_PUBLISHED = {"size": 64, "ema_half_life_kimg": 10.0}

METHOD = MethodSpec(
    name="msg_gan",
    title="MSG-GAN",
    summary="Draws every image at all scales from 4 pixels up at once; the critic judges them together.",
    good_for="Steady training up to large images on a GPU; one class at a time (“Only class”). Slow on a processor.",
    source="Karnewar & Wang 2020, as used by Aytar & Gündüç 2024. Penalty: Gulrajani et al. 2017.",
    cost="heavy",
    options=Options,
    presets={
        "as_published": Preset(
            "As published",
            "Aytar and Gündüç's five blocks at 64 pixels, for one class at a time. Wants a GPU.",
            _PUBLISHED,
        ),
        "quick_look": Preset(
            "Quick look",
            "64 pixels and a sixteenth of the channels: something to look at within minutes on a CPU.",
            {"size": 64, "batch": 16, "latent_dim": 64, "width": 0.0625, "ema_half_life_kimg": 0.5},
        ),
        "standard": Preset(
            "Standard",
            "Six blocks at 128 pixels, with augmentation against learning small sets by heart. Wants a GPU.",
            {"size": 128, "batch": 16, "augment": "adaptive", "ema_half_life_kimg": 10.0},
        ),
        "tiny": Preset(
            "Tiny",
            "Networks too small for good images: to try the machinery within seconds.",
            {"size": 64, "batch": 4, "latent_dim": 16, "width": 0.015625, "ema_half_life_kimg": 0.1},
        ),
    },
    build=build,
    phases=phases,
    sample=sample,
)
