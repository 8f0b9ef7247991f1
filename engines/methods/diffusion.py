"""A diffusion model after EDM: it learns to take noise out of images, and draws by taking it out of pure noise.

From Karras et al. (2022), "Elucidating the design space of diffusion-based generative models", with a small U-Net.
Left out: their augmentation, which the network would have to be told of.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from engines.methods.adversarial import scaled
from engines.methods.base import Adam, Limits, MethodOptions, MethodSpec, NetSpec, Networks, Phase, Preset, Step
from engines.methods.unet import UNet
from engines.options import option

# Karras et al., table 1: noise levels are standard deviations for pixels in [-1, 1].
SIGMA_DATA, SIGMA_MIN, SIGMA_MAX, RHO = 0.5, 0.002, 80.0, 7.0
NOISE_MEAN, NOISE_SPREAD = -1.2, 1.2  # of the logarithm of the levels to learn at
BASE_CHANNELS = 64


class Options(MethodOptions):
    """Options of the diffusion model."""

    size: Literal[32, 64, 128, 256] = option(  # type: ignore[assignment]  # other sizes than the base's
        64,
        "Image size",
        "Width and height of the generated images. The image set is resized to it once, before training.",
        too_low="Fine structures such as calcifications are lost.",
        too_high="Each doubling costs about four times the time, in training and in drawing.",
        unit="pixels",
        layer="dial",
    )
    learning_rate: float = option(
        2e-4,
        "Learning rate",
        "How far each step moves the weights.",
        too_low="Sheets stay grey or noisy for a long time.",
        too_high="The loss jumps, and sheets turn to noise.",
        layer="basic",
        gt=0,
        le=0.01,
    )
    width: float = option(
        1.0,
        "Network width",
        "Share of the usual channels that every layer has.",
        too_low="Images stay simple and soft.",
        too_high="Slower by its square; with few images it learns them by heart.",
        layer="basic",
        gt=0,
        le=4,
    )
    blocks: int = option(
        2,
        "Blocks per level",
        "Residual blocks at each resolution of the network.",
        too_low="Images stay simple.",
        too_high="Slower; with few images it learns them by heart.",
        ge=1,
        le=4,
    )
    patch: Literal[1, 2, 4] = option(
        1,
        "Patch",
        "The network takes squares of so many pixels as one place with more channels: 2 is about four times as fast.",
        too_low="Slow at large sizes.",
        too_high="Fine texture suffers.",
        unit="pixels",
    )
    dropout: float = option(
        0.13,
        "Dropout",
        "Share of the network's features that each step leaves out (0.13 for CIFAR-10, 0.25 for 15,000 animal faces).",
        too_low="With few images the network learns them by heart.",
        too_high="Images stay soft.",
        layer="basic",
        ge=0,
        le=0.9,
    )
    sampler: Literal["heun", "multistep"] = option(
        "heun",
        "Drawing method",
        "Heun: EDM's own, two looks at each step. Multistep: DPM-Solver++ (Lu et al. 2022), one look at each step; "
        "nearly as good in a third of the time.",
    )
    sampler_steps: int = option(
        18,
        "Drawing steps",
        "In so many steps noise becomes an image. It changes drawing, not training.",
        too_low="Grainy images with too much contrast.",
        too_high="Sample sheets and generated sets take longer, without a gain.",
        unit="steps",
        layer="basic",
        ge=2,
        le=256,
    )


class Denoiser(nn.Module):
    """Noisy images [B, C, S, S] and the standard deviation of their noise [B] -> the images without it, float32.

    The network is fed at unit variance, and asked for a mixture of image and noise that is about as hard at every
    level (Karras et al., eq. 7 and table 1).
    """

    def __init__(self, options: Options, channels: int) -> None:
        super().__init__()
        self.size, self.channels = options.size, channels
        self.sampler, self.steps = options.sampler, options.sampler_steps
        base = scaled(BASE_CHANNELS, options.width)
        self.net = UNet(options.size, channels, base, options.blocks, options.patch, options.dropout)

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        sigma = sigma.view(-1, 1, 1, 1)
        total = (sigma**2 + SIGMA_DATA**2).sqrt()
        answer = self.net(noisy / total, sigma.log().flatten() / 4)
        return noisy * (SIGMA_DATA / total) ** 2 + answer.float() * (sigma * SIGMA_DATA / total)


def build(options: Options, spec: NetSpec) -> Networks:
    return Networks(
        nets={"generator": Denoiser(options, spec.channels)},
        optimizers={"generator": Adam(options.learning_rate, beta1=0.9)},
        latent_dim=spec.channels * options.size**2,
    )


def denoising_loss(denoised: Tensor, real: Tensor, sigma: Tensor) -> Tensor:
    """Squared error, weighted so that every noise level counts the same at first (Karras et al., eq. 2, table 1)."""
    weight = (sigma**2 + SIGMA_DATA**2) / (sigma * SIGMA_DATA) ** 2
    return (weight.view(-1, 1, 1, 1) * (denoised - real).square()).mean()


def phases(options: Options) -> list[Phase]:
    def denoising(step: Step) -> Tensor:
        sigma = (torch.randn(len(step.real), device=step.real.device) * NOISE_SPREAD + NOISE_MEAN).exp()
        noisy = step.real + torch.randn_like(step.real) * sigma.view(-1, 1, 1, 1)
        loss = denoising_loss(step.nets["generator"](noisy, sigma), step.real, sigma)
        step.report("denoising_loss", loss)
        return loss

    return [Phase("denoising", ("generator",), denoising)]


def noise_levels(steps: int) -> list[float]:
    """Standard deviations from 80 down to 0.002, denser below, and 0 (Karras et al., eq. 5)."""
    top, bottom = SIGMA_MAX ** (1 / RHO), SIGMA_MIN ** (1 / RHO)
    return [(top + step / (steps - 1) * (bottom - top)) ** RHO for step in range(steps)] + [0.0]


def sample(generator: nn.Module, latents: Tensor, labels: Tensor) -> Tensor:
    """Images [N, C, S, S] from latents [N, C*S*S], which are the noise to begin with; no other is added."""
    assert isinstance(generator, Denoiser)
    images = latents.float().view(-1, generator.channels, generator.size, generator.size) * SIGMA_MAX
    draw = {"heun": heun, "multistep": multistep}[generator.sampler]
    return draw(generator, images, noise_levels(generator.steps)).clamp(-1, 1)


def heun(denoiser: nn.Module, images: Tensor, levels: list[float]) -> Tensor:
    """Heun's method: the mean of the slopes before and after each step (Karras et al., algorithm 1)."""

    def slope(at: Tensor, sigma: float) -> Tensor:
        return (at - denoiser(at, at.new_full((len(at),), sigma))) / sigma

    for sigma, lower in pairwise(levels):
        direction = slope(images, sigma)
        ahead = images + (lower - sigma) * direction
        if lower:
            ahead = images + (lower - sigma) * (direction + slope(ahead, lower)) / 2
        images = ahead
    return images


def multistep(denoiser: nn.Module, images: Tensor, levels: list[float]) -> Tensor:
    """DPM-Solver++(2M): steps in the logarithm of the noise, and the slope from the step before (Lu et al. 2022)."""
    earlier, last_step = images, 0.0
    for sigma, lower in pairwise(levels):
        clean = denoiser(images, images.new_full((len(images),), sigma))
        if not lower:
            return clean
        step = math.log(sigma / lower)
        ahead = clean + (clean - earlier) * (step / (2 * last_step)) if last_step else clean
        images = images * (lower / sigma) + ahead * (1 - lower / sigma)
        earlier, last_step = clean, step
    return images


METHOD = MethodSpec(
    name="diffusion",
    title="Diffusion (EDM)",
    summary="Learns to take noise out of images, and draws by taking it out of pure noise: steady training, slow "
    "drawing. Small medical sets it learns by heart more than GANs do: check for copies of real patients.",
    good_for="Thousands of images and a GPU. Below that choose FastGAN or DCGAN+: they memorise less and draw at once.",
    source="Karras, Aittala, Aila & Laine 2022 (EDM). U-Net: Ho, Jain & Abbeel 2020. Patches: Hoogeboom et al. 2023. "
    "Multistep drawing: Lu et al. 2022. Memorisation: Akbar et al. 2023.",
    cost="heavy",
    options=Options,
    presets={
        "standard": Preset(
            "Standard",
            "64 pixels, 64 channels: the smallest network that draws well. Needs a GPU, and some hundred thousand "
            "images seen.",
            {"warm_up_kimg": 10.0, "ema_half_life_kimg": 20.0},
        ),
        "quick_look": Preset(
            "Quick look",
            "64 pixels, a tiny network and few drawing steps: shapes within minutes on a CPU, no detail.",
            {
                "patch": 2, "width": 0.5, "blocks": 1, "batch": 8, "learning_rate": 1e-3, "dropout": 0.0,
                "sampler": "multistep", "sampler_steps": 12, "warm_up_kimg": 0.4, "ema_half_life_kimg": 0.3,
            },
        ),
        "best": Preset(
            "Best",
            "128 pixels in squares of two, 128 channels: hours on a GPU. Only for some thousands of images.",
            {
                "size": 128, "patch": 2, "width": 2.0, "dropout": 0.2, "warm_up_kimg": 50.0,
                "ema_half_life_kimg": 50.0,
            },
        ),
        "tiny": Preset(
            "Tiny",
            "A network too small for good images: to try the machinery within seconds.",
            {
                "patch": 4, "width": 0.125, "blocks": 1, "batch": 8, "learning_rate": 3e-3, "dropout": 0.0,
                "sampler": "multistep", "sampler_steps": 6, "warm_up_kimg": 0.1, "ema_half_life_kimg": 0.05,
            },
        ),
    },
    build=build,
    phases=phases,
    sample=sample,
    limits=Limits(fewest_images=64, recommended_images=5000),
)  # fmt: skip
