"""What the plain two-player GANs share: their options, and the phases of the non-saturating game."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engines.methods.augment import AugmentedOptions, Augmenter
from engines.methods.base import Adam, MethodOptions, Phase, Step, draw_latents
from engines.methods.blocks import logistic_d_loss, non_saturating_g_loss
from engines.methods.penalties import r1_penalty
from engines.options import option


class PlayerOptions(MethodOptions):
    """Options of any two networks that play against each other, whatever their losses."""

    learning_rate_g: float = option(
        2e-4,
        "Learning rate of the generator",
        "How far each step moves the generator's weights.",
        too_low="Sheets hardly change for a long time.",
        too_high="Sheets jump about, then turn into noise or one single picture.",
        layer="basic",
        gt=0,
        le=0.01,
    )
    learning_rate_d: float = option(
        2e-4,
        "Learning rate of the discriminator",
        "How far each step moves the discriminator's weights.",
        too_low="The generator gets no useful hints: white blobs on grey.",
        too_high="The discriminator wins outright, and the generator stops learning.",
        layer="basic",
        gt=0,
        le=0.01,
    )
    latent_dim: int = option(
        128,
        "Latent size",
        "How many random numbers make one image.",
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
    beta1: float = option(
        0.5,
        "Adam beta 1",
        "Memory of the optimiser for the direction of past steps.",
        too_low="Restless steps.",
        too_high="The two networks circle around one another.",
        ge=0,
        lt=1,
    )
    beta2: float = option(
        0.999,
        "Adam beta 2",
        "Memory of the optimiser for the size of past steps.",
        too_low="Restless steps.",
        too_high="Slow to adapt when the gradients change.",
        ge=0,
        lt=1,
    )

    @property
    def adam_g(self) -> Adam:
        return Adam(self.learning_rate_g, self.beta1, self.beta2)

    @property
    def adam_d(self) -> Adam:
        return Adam(self.learning_rate_d, self.beta1, self.beta2)


class GanOptions(PlayerOptions, AugmentedOptions):
    """Options of a generator and a discriminator in the non-saturating game, with augmentation and R1."""

    r1_gamma: float = option(
        0.0,
        "R1 penalty",
        "Keeps the discriminator smooth around real images (Mescheder et al. 2018). 0 switches it off.",
        too_low="The discriminator becomes too sharp, and training unstable.",
        too_high="The discriminator becomes too soft to teach detail.",
        ge=0,
        le=1000,
    )
    r1_every: int = option(
        16,
        "R1 penalty every",
        "The penalty is computed at every so many steps, and weighs accordingly more.",
        too_low="Slower training.",
        too_high="The penalty comes in jolts.",
        unit="steps",
        ge=1,
        le=64,
    )
    reuse_fakes: bool = option(
        True,
        "Reuse fakes",
        "The generator's step judges the fakes that the discriminator has just seen, which saves drawing new ones.",
        too_low="About a sixth slower; the generator is judged on fresh images.",
        too_high="Nothing to fear: it is how most published code does it.",
    )


def scaled(channels: int, width: float) -> int:
    """Channels of a layer at a network width: a multiple of 4, at least 4."""
    return max(4, round(channels * width / 4) * 4)


def augmenter(options: AugmentedOptions) -> dict[str, nn.Module]:
    """The augmenter under its name among the networks; nothing where augmentation is off."""
    return {} if options.augment == "none" else {"augment": Augmenter(options)}


def augmented(step: Step, images: Tensor) -> Tensor:
    """Images as the discriminator is to see them."""
    if "augment" not in step.nets:
        return images
    changed: Tensor = step.nets["augment"](images, step.images_seen)
    return changed


def heed(step: Step, real_logits: Tensor) -> None:
    """Let the adaptive augmentation know how sure the discriminator is of reals."""
    if isinstance(augmenter := step.nets.get("augment"), Augmenter):
        augmenter.learn(real_logits.detach(), step.images_seen)
        step.report("augment_strength", augmenter.strength)


def report_verdicts(step: Step, loss: Tensor, real_logits: Tensor, fake_logits: Tensor) -> None:
    """The discriminator's loss, and the mean probabilities that it gives reals and fakes to be real."""
    step.report("d_loss", loss)
    step.report("d_real", real_logits.float().sigmoid().mean())
    step.report("d_fake", fake_logits.float().sigmoid().mean())


def two_players(
    options: GanOptions, joint: bool = True, g_steps: int = 1, real_label: float = 1.0, noise: float = 0.0
) -> list[Phase]:
    """The non-saturating game on logits (Goodfellow et al. 2014), with lazy R1 where it is asked for.

    `joint`: reals and fakes go through the discriminator in one pass, which its batch normalisation would notice; so
    leave it off where there is one. `g_steps`: updates of the generator for one of the discriminator. `real_label`:
    what the discriminator is to call reals. `noise`: standard deviation of what is added to all that it sees.
    """

    def shown(step: Step, images: Tensor) -> Tensor:
        images = augmented(step, images)
        return images + noise * torch.randn_like(images) if noise else images

    def discriminator_loss(step: Step) -> Tensor:
        generator, discriminator = step.nets["generator"], step.nets["discriminator"]
        latents = draw_latents(len(step.real), options.latent_dim, step.real)
        reuse = options.reuse_fakes and step.alone and g_steps == 1
        with torch.set_grad_enabled(reuse):
            fake = generator(latents)
        if reuse:
            step.kept["fake"] = fake
        real, fake = shown(step, step.real), shown(step, fake.detach())
        if joint:
            real_logits, fake_logits = discriminator(torch.cat([real, fake])).float().chunk(2)
        else:
            real_logits, fake_logits = discriminator(real).float(), discriminator(fake).float()
        heed(step, real_logits)
        loss = logistic_d_loss(real_logits, fake_logits, real_label)
        report_verdicts(step, loss, real_logits, fake_logits)
        return loss

    def penalty(step: Step) -> Tensor:
        # At the images as the discriminator sees them; through the changes it would cost more, for the same end.
        value = r1_penalty(step.nets["discriminator"], shown(step, step.real))
        return value * (options.r1_gamma / 2 * options.r1_every)

    def generator_loss(step: Step) -> Tensor:
        fake = step.kept.pop("fake", None)
        if fake is None:
            fake = step.nets["generator"](draw_latents(len(step.real), options.latent_dim, step.real))
        loss = non_saturating_g_loss(step.nets["discriminator"](shown(step, fake)))
        step.report("g_loss", loss)
        return loss

    lazy = [Phase("r1", ("discriminator",), penalty, every=options.r1_every)] if options.r1_gamma else []
    return [
        Phase("discriminator", ("discriminator",), discriminator_loss),
        *lazy,
        Phase("generator", ("generator",), generator_loss, frozen=("discriminator",), repeat=g_steps),
    ]
