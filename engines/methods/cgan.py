"""The conditional GAN of Al Bouhairi et al. (Passau): one pair of networks draws every class, and is told which."""

from __future__ import annotations

from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.adversarial import GanOptions, augmented, augmenter, heed, report_verdicts, scaled
from engines.methods.base import Limits, MethodSpec, NetSpec, Networks, Phase, Preset, Step, draw_latents
from engines.methods.blocks import logistic_d_loss, non_saturating_g_loss
from engines.methods.penalties import r1_penalty
from engines.options import option

DOUBLINGS = 4  # 14 -> 224 in the study; other sizes begin at a sixteenth as well
BASE_CHANNELS = 256
GENERATOR_WIDTHS = (128, 64, 32, 16)  # at 2x, 4x, 4x again, and 8x the first feature map
DISCRIMINATOR_WIDTHS = (32, 64, 128, 256)
DENSE_UNITS = 512
EMBEDDING = 50  # numbers that stand for a class; the study does not say how many


class Options(GanOptions):
    """Options of the conditional GAN; the preset "as published" holds what the study gives."""

    size: Literal[32, 64, 128, 224, 256] = option(  # type: ignore[assignment]  # other sizes than the base's
        128,
        "Image size",
        "Width and height of the generated images. The study drew 224. The image set is resized once, before training.",
        too_low="Fine structures such as calcifications are lost.",
        too_high="Each doubling costs about four times the time, and small sets of images no longer suffice.",
        unit="pixels",
        layer="dial",
    )
    dropout: float = option(
        0.4,
        "Dropout in the discriminator",
        "Share of the discriminator's features that each step leaves out.",
        too_low="With few images the discriminator learns them by heart.",
        too_high="The discriminator becomes too forgetful to teach detail.",
        layer="basic",
        ge=0,
        le=0.9,
    )


class Generator(nn.Module):
    """Latents [B, L] and classes [B] -> images [B, C, 16 b, 16 b] in [-1, 1].

    The latents with 50 learned numbers of the class -> dense b x b x 256 -> transposed convolutions with batch norm
    and LeakyReLU to 128 channels at 2b, 64 and then 32 at 4b, 16 at 8b -> one more to the image, tanh. The study is
    silent on kernels (here 4x4 where a step doubles the side, which leaves no checkerboard, else 3x3), on the slope of
    LeakyReLU (0.2, as in its discriminator) and on what follows the dense layer (LeakyReLU).
    """

    def __init__(self, latent_dim: int, classes: int, base_size: int, channels: int, width: float) -> None:
        super().__init__()
        base, *widths = (scaled(count, width) for count in (BASE_CHANNELS, *GENERATOR_WIDTHS))
        self.base, self.base_size, self.classes = base, base_size, classes
        self.embedding = nn.Embedding(classes, EMBEDDING)
        self.dense = nn.Linear(latent_dim + EMBEDDING, base * base_size**2)
        self.blocks = nn.Sequential(
            up(base, widths[0]), up(widths[0], widths[1]), same(widths[1], widths[2]), up(widths[2], widths[3])
        )
        self.to_image = nn.ConvTranspose2d(widths[3], channels, kernel_size=4, stride=2, padding=1)

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        features = self.dense(torch.cat([latents, self.embedding(labels)], dim=1))
        features = F.leaky_relu(features, 0.2).view(-1, self.base, self.base_size, self.base_size)
        if self.to_image.weight.is_contiguous(memory_format=torch.channels_last):
            features = features.contiguous(memory_format=torch.channels_last)
        return torch.tanh(self.to_image(self.blocks(features)).float())


def up(before: int, after: int) -> nn.Sequential:
    """[B, before, H, W] -> [B, after, 2H, 2W]."""
    conv = nn.ConvTranspose2d(before, after, kernel_size=4, stride=2, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.LeakyReLU(0.2, inplace=True))


def same(before: int, after: int) -> nn.Sequential:
    """[B, before, H, W] -> [B, after, H, W]."""
    conv = nn.ConvTranspose2d(before, after, kernel_size=3, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.LeakyReLU(0.2, inplace=True))


class Discriminator(nn.Module):
    """Images [B, C, H, W] and classes [B] -> logits [B].

    A learned picture of the class is put behind the image as one more channel -> {conv 3x3 of stride 2, LeakyReLU,
    dropout} blocks -> flatten -> dense 512, ReLU -> dense 1. The published sigmoid is part of the loss. The study says
    "rising filters"; here they mirror the generator's: 32, 64, 128, 256.
    """

    def __init__(self, size: int, classes: int, channels: int, width: float, dropout: float) -> None:
        super().__init__()
        widths = [scaled(count, width) for count in DISCRIMINATOR_WIDTHS]
        self.size = size
        self.embedding = nn.Embedding(classes, size * size)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1),
                    nn.LeakyReLU(0.2, inplace=True),
                    *([nn.Dropout(dropout)] if dropout else []),
                )
                for before, after in zip((channels + 1, *widths), widths, strict=False)
            )
        )
        units = scaled(DENSE_UNITS, width)
        self.dense = nn.Linear(widths[-1] * (size // 2**DOUBLINGS) ** 2, units)
        self.verdict = nn.Linear(units, 1)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        picture = self.embedding(labels).view(-1, 1, self.size, self.size).to(images.dtype)
        features = self.blocks(torch.cat([images, picture], dim=1)).flatten(1)
        return self.verdict(F.relu(self.dense(features))).squeeze(1)


def start(module: nn.Module) -> None:
    """Weights as Keras, in which the study works, draws them: Glorot & Bengio 2010, and classes within ±0.05.

    Torch's own, smaller ones learn late; and its N(0, 1) for the classes drowns the latents and the image beside them.
    """
    if isinstance(module, nn.Embedding):
        nn.init.uniform_(module.weight, -0.05, 0.05)
    elif isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.get_parameter("bias"))


def build(options: Options, spec: NetSpec) -> Networks:
    base_size = options.size // 2**DOUBLINGS
    generator = Generator(options.latent_dim, spec.classes, base_size, spec.channels, options.width)
    discriminator = Discriminator(options.size, spec.classes, spec.channels, options.width, options.dropout)
    for module in (*generator.modules(), *discriminator.modules()):
        start(module)
    return Networks(
        nets={"generator": generator, "discriminator": discriminator, **augmenter(options)},
        optimizers={"generator": options.adam_g, "discriminator": options.adam_d},
        latent_dim=options.latent_dim,
    )


def phases(options: Options) -> list[Phase]:
    """Half of what the discriminator learns from is real, half made; then the generator learns from a whole batch.

    So the batch of the options is the half: as many fakes join it, and the generator draws twice as many. Fakes for
    the discriminator get the classes of the reals beside them, so that how rare a class is gives nothing away; fakes
    for the generator's own step get random classes, as published.
    """

    def discriminator_loss(step: Step) -> Tensor:
        generator, discriminator = step.nets["generator"], step.nets["discriminator"]
        latents = draw_latents(len(step.real), options.latent_dim, step.real)
        reuse = options.reuse_fakes and step.alone
        with torch.set_grad_enabled(reuse):
            fake = generator(latents, step.labels)
        if reuse:
            step.kept["fake"] = fake
        images = torch.cat([augmented(step, step.real), augmented(step, fake.detach())])
        real_logits, fake_logits = discriminator(images, step.labels.repeat(2)).float().chunk(2)
        heed(step, real_logits)
        loss = logistic_d_loss(real_logits, fake_logits)
        report_verdicts(step, loss, real_logits, fake_logits)
        return loss

    def penalty(step: Step) -> Tensor:
        discriminator = step.nets["discriminator"]
        value = r1_penalty(lambda images: discriminator(images, step.labels), augmented(step, step.real))
        return value * (options.r1_gamma / 2 * options.r1_every)

    def generator_loss(step: Step) -> Tensor:
        generator = step.nets["generator"]
        fake, labels = step.kept.pop("fake", None), step.labels
        if fake is None:
            latents = draw_latents(2 * len(step.real), options.latent_dim, step.real)
            labels = torch.randint(cast(Generator, generator).classes, (len(latents),), device=latents.device)
            fake = generator(latents, labels)
        loss = non_saturating_g_loss(step.nets["discriminator"](augmented(step, fake), labels))
        step.report("g_loss", loss)
        return loss

    lazy = [Phase("r1", ("discriminator",), penalty, every=options.r1_every)] if options.r1_gamma else []
    return [
        Phase("discriminator", ("discriminator",), discriminator_loss),
        *lazy,
        Phase("generator", ("generator",), generator_loss, frozen=("discriminator",)),
    ]


def sample(generator: nn.Module, latents: Tensor, labels: Tensor) -> Tensor:
    images: Tensor = generator(latents, labels)
    return images


# The study gives the networks and the course of a step. Learning rates, beta 1, latents and batch are those of the
# Keras examples that it follows: Adam 2e-4, 0.5; 100; 32, of which half are real.
_PUBLISHED = {"size": 224, "latent_dim": 100, "batch": 16, "reuse_fakes": False}
_LIGHT = {
    "learning_rate_g": 5e-4,
    "learning_rate_d": 5e-4,
    "beta1": 0.0,
    "beta2": 0.99,
    "dropout": 0.0,
    "r1_gamma": 0.1,
    "ema_half_life_kimg": 0.5,
}

METHOD = MethodSpec(
    name="cgan",
    title="Conditional GAN (Passau 2024)",
    summary="One GAN for all classes: both networks are told the class, and it draws images of the class you ask for.",
    good_for="To reproduce the study, or to fill up rare classes that resemble common ones; not for fine detail.",
    source="Al Bouhairi, Yehya, Gill & Do 2024. Conditioning: Mirza & Osindero 2014.",
    cost="light",
    options=Options,
    presets={
        "as_published": Preset(
            "As published",
            "The study's networks at 224 pixels. It worked on digits and poorly on CBIS-DDSM: expect soft blobs.",
            _PUBLISHED,
        ),
        "quick_look": Preset(
            "Quick look",
            "64 pixels, a penalty in dropout's place and faster rates: something to look at within minutes on a CPU.",
            {**_LIGHT, "size": 64, "latent_dim": 100, "batch": 16},
        ),
        "standard": Preset(
            "Standard",
            "128 pixels with an R1 penalty and averaged weights: the study's idea, trained with what is known today.",
            {**_LIGHT, "learning_rate_g": 2e-4, "learning_rate_d": 2e-4, "ema_half_life_kimg": 5.0},
        ),
        "tiny": Preset(
            "Tiny",
            "Networks too small for good images: to try the machinery within seconds.",
            {
                **_LIGHT,
                "learning_rate_g": 2e-3,
                "learning_rate_d": 2e-3,
                "size": 64,
                "latent_dim": 16,
                "batch": 8,
                "width": 0.125,
            },
        ),
    },
    build=build,
    phases=phases,
    sample=sample,
    limits=Limits(fewest_classes=2),
    conditional=True,
)
