"""CycleGAN: turns images of one class into another without pairs, as benign into malignant.

Two generators translate both ways, and what went there and back must be what it was (Zhu et al. 2017). The networks
are those of James (2024), a small pair, or those of Zhu et al. Where James is silent (rates, batch, kernels, strides)
the values are Zhu's; but a batch is 4 instead of 1, since batch normalisation needs several images.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.adversarial import augmented, augmenter, heed
from engines.methods.augment import AugmentedOptions
from engines.methods.base import Adam, Limits, MethodSpec, NetSpec, Networks, Phase, Preset, Step
from engines.methods.translators import Discriminator, Generator, ImagePool
from engines.options import option


class Options(AugmentedOptions):
    """Options of a translation; the preset "as published" holds what James (2024) gives."""

    size: Literal[64, 128, 140, 256] = option(  # type: ignore[assignment]  # other sizes than the base's
        128,
        "Image size",
        "Width and height of the images. The image set is resized to it once, before training.",
        too_low="Fine structures such as calcifications are lost.",
        too_high="Each doubling costs about four times the time.",
        unit="pixels",
        layer="dial",
    )
    source_class: str = option(
        "",
        "Translate from",
        "The class whose images are changed; the first one of the image set if empty.",
        layer="basic",
        max_length=200,
    )
    target_class: str = option(
        "",
        "Translate into",
        "The class that they are to look like; the next one of the image set if empty.",
        layer="basic",
        max_length=200,
    )
    networks: Literal["published", "standard"] = option(
        "standard",
        "Networks",
        "Published: James's small generator with batch normalisation. Standard: Zhu's with residual blocks and "
        "instance normalisation, better and several times slower.",
    )
    adversarial: Literal["lsgan", "bce"] = option(
        "lsgan",
        "Adversarial loss",
        "Squared distance from the right verdict (Mao et al. 2017), as in the original; or cross-entropy.",
    )
    learning_rate: float = option(
        2e-4,
        "Learning rate",
        "How far each step moves the weights of all four networks.",
        too_low="Translations stay copies of their originals for a long time.",
        too_high="Translations jump about, or turn into one single picture.",
        layer="basic",
        gt=0,
        le=0.01,
    )
    beta1: float = option(
        0.5,
        "Adam beta 1",
        "Memory of the optimiser for the direction of past steps.",
        too_low="Restless steps.",
        too_high="The networks circle around one another.",
        ge=0,
        lt=1,
    )
    adversarial_weight: float = option(
        1.0,
        "Weight of the adversarial loss",
        "How much it counts that translations pass for real images of their class.",
        too_low="Translations stay copies of their originals.",
        too_high="Translations look real, but forget what they were made from.",
        ge=0,
        le=100,
    )
    cycle_weight: float = option(
        10.0,
        "Weight of the cycle",
        "How much it counts that an image translated there and back is what it was.",
        too_low="Translations look real, but forget what they were made from.",
        too_high="Translations stay copies of their originals.",
        layer="basic",
        ge=0,
        le=100,
    )
    identity_weight: float = option(
        5.0,
        "Weight of the identity",
        "How much it counts that an image which is of the wanted class already stays as it is.",
        too_low="Brightness and colours change where they need not.",
        too_high="Translations stay copies of their originals.",
        layer="basic",
        ge=0,
        le=100,
    )
    width: float = option(
        1.0,
        "Network width",
        "Share of the usual channels that every layer has.",
        too_low="Translations stay simple and soft.",
        too_high="Slower by its square, and needs more images.",
        gt=0,
        le=4,
    )


def build(options: Options, spec: NetSpec) -> Networks:
    published = options.networks == "published"
    blocks = 0 if published else 6 if options.size <= 128 else 9
    nets: dict[str, nn.Module] = {
        name: Generator(spec.channels, options.width, published, blocks) for name in ("generator", "back")
    }
    for name in ("discriminator_a", "discriminator_b"):
        nets[name] = Discriminator(spec.channels, options.width, published)
    for net in nets.values():
        for module in net.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(module.weight, std=0.02)
                nn.init.zeros_(module.get_parameter("bias"))
    adam = Adam(options.learning_rate, options.beta1)
    pools = {f"pool_{side}": ImagePool(spec.channels, options.size) for side in "ab"}
    return Networks({**nets, **pools, **augmenter(options)}, dict.fromkeys(nets, adam), latent_dim=1)


def verdict_loss(verdicts: Tensor, real: bool, kind: Literal["lsgan", "bce"]) -> Tensor:
    """How far verdicts are from "real" (1) or "fake" (0), in float32: squared, or as cross-entropy of logits."""
    verdicts = verdicts.float()
    if kind == "lsgan":
        return (verdicts - float(real)).square().mean()
    return F.softplus(-verdicts if real else verdicts).mean()


def phases(options: Options) -> list[Phase]:
    """Both generators by one loss, then both discriminators (Zhu et al., eq. 3)."""

    def generators(step: Step) -> Tensor:
        a, b = _pair(step)
        there, back = step.nets["generator"], step.nets["back"]
        fake_b, fake_a = there(a), back(b)
        step.kept.update(fake_a=fake_a.detach(), fake_b=fake_b.detach())
        cycle = F.l1_loss(back(fake_b), a) + F.l1_loss(there(fake_a), b)
        loss = options.cycle_weight * cycle
        step.report("cycle_loss", cycle)
        if options.identity_weight:
            identity = F.l1_loss(there(b), b) + F.l1_loss(back(a), a)
            loss = loss + options.identity_weight * identity
            step.report("identity_loss", identity)
        for side, fake in (("a", fake_a), ("b", fake_b)):
            verdicts = step.nets[f"discriminator_{side}"](augmented(step, fake))
            loss = loss + options.adversarial_weight * verdict_loss(verdicts, True, options.adversarial)
        step.report("g_loss", loss)
        return loss

    def discriminators(step: Step) -> Tensor:
        lsgan = options.adversarial == "lsgan"
        loss, sure = torch.zeros((), device=step.real.device), torch.zeros(len(step.real), device=step.real.device)
        for side, real in zip("ab", _pair(step), strict=True):
            judge = step.nets[f"discriminator_{side}"]
            fake = step.nets[f"pool_{side}"](step.kept.pop(f"fake_{side}"))
            on_real, on_fake = judge(augmented(step, real)).float(), judge(augmented(step, fake)).float()
            # Halved, so that the discriminators learn slower than the generators (Zhu et al., section 4).
            loss = loss + verdict_loss(on_real, True, options.adversarial) / 2
            loss = loss + verdict_loss(on_fake, False, options.adversarial) / 2
            for name, verdicts in (("d_real", on_real), ("d_fake", on_fake)):
                step.report(name, (verdicts if lsgan else verdicts.sigmoid()).mean())
            sure = sure + on_real.detach().mean(dim=(1, 2, 3)) - 0.5 * lsgan  # undecided verdicts are 0.5 and 0
        heed(step, sure)
        step.report("d_loss", loss)
        return loss

    both = ("discriminator_a", "discriminator_b")
    return [
        Phase("generators", ("generator", "back"), generators, frozen=both),
        Phase("discriminators", both, discriminators),
    ]


def _pair(step: Step) -> tuple[Tensor, Tensor]:
    """Images of the source class (A) and of the target class (B)."""
    assert step.other is not None  # the loop feeds a translating method with both
    return step.real, step.other


def translate(generator: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Images [N, C, S, S] of the source class in the looks of the target class."""
    translated: Tensor = generator(images)
    return translated


_PUBLISHED = {"size": 140, "networks": "published", "batch": 4}

METHOD = MethodSpec(
    name="cycle_gan",
    title="CycleGAN",
    summary="Turns images of one class into another and back, without pairs: benign into malignant, for example.",
    good_for="A rare class beside a common one. It changes images rather than inventing them, so each result keeps the "
    "anatomy of a real patient: it is no substitute for anonymised images.",
    source="Zhu, Park, Isola & Efros 2017; as in James 2024 and Chi, Fang & Wang 2018.",
    cost="heavy",
    options=Options,
    presets={
        "as_published": Preset(
            "As published",
            "James's translation of benign into malignant skin lesions at 140 pixels, trained for 1,000 epochs there.",
            _PUBLISHED,
        ),
        "chi_2018": Preset(
            "Chi 2018",
            "Non-IDC into IDC patches, 25 epochs there. The paper names no networks or rates: Zhu's, at 64 pixels.",
            {"size": 64, "batch": 4},
        ),
        "standard": Preset("Standard", "Zhu's networks at 128 pixels.", {"batch": 4, "ema_half_life_kimg": 1.0}),
        "quick_look": Preset(
            "Quick look",
            "64 pixels and narrow networks: something to look at within minutes on a CPU.",
            {
                "size": 64, "batch": 8, "networks": "published", "width": 0.5, "learning_rate": 5e-4,
                "ema_half_life_kimg": 0.2,
            },
        ),
        "tiny": Preset(
            "Tiny",
            "Networks too small for good images: to try the machinery within seconds.",
            {
                "size": 64, "batch": 4, "networks": "published", "width": 0.0625, "learning_rate": 1e-3,
                "ema_half_life_kimg": 0.1,
            },
        ),
    },
    build=build,
    phases=phases,
    sample=translate,
    limits=Limits(),
    translates=True,
)  # fmt: skip
