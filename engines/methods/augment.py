"""Differentiable augmentation: discriminators see every image, real or made, through the same random changes.

With few images a discriminator learns them by heart. Changing its reals alone would teach the generator to draw the
changes; changing reals and fakes alike, with gradients that pass through, does not leak (Zhao et al. 2020,
DiffAugment; Karras et al. 2020, StyleGAN2-ADA). The module is a network without an optimiser, so that its strength
travels in checkpoints; it moves on the device and never waits for it.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.base import MethodOptions
from engines.options import option

UPDATE_EVERY = 4  # batches between two moves of the adaptive strength
CUTOUT_SHARE = 0.5  # side of the hole, as a share of the image's (DiffAugment)
SHIFT_SHARE = 0.125


class AugmentedOptions(MethodOptions):
    """Options of a method whose discriminator sees augmented images."""

    augment: Literal["none", "fixed", "adaptive"] = option(
        "none",
        "Augmentation",
        "Shifts, holes and changes of brightness and contrast on all that the discriminator sees, real and generated "
        "alike. Fixed: always (DiffAugment, Zhao et al. 2020). Adaptive: as much as keeps the discriminator from "
        "learning the images by heart (ADA, Karras et al. 2020).",
        too_low="With few images the discriminator learns them by heart, and quality falls after a while.",
        too_high="In a short training it only slows the learning; brightness then also varies in the results.",
        layer="basic",
    )
    augment_from_kimg: float = option(
        0.0,
        "Augment from",
        "Augmentation begins after so many thousand images.",
        too_low="It slows the first minutes, in which nothing is learned by heart yet.",
        too_high="The discriminator knows the images by heart before it begins.",
        unit="thousand images",
        ge=0,
        le=100_000,
    )
    augment_target: float = option(
        0.6,
        "Adaptive target",
        "How sure of the reals the discriminator may be: the mean sign of its verdicts on them, from 0 to 1.",
        too_low="Strong changes early: results look shifted and washed out.",
        too_high="Changes come too late to help.",
        gt=0,
        lt=1,
    )
    augment_speed_kimg: float = option(
        500.0,
        "Adaptive speed",
        "In so many thousand images the strength can go from none to full. 100 suits a run that starts from another.",
        too_low="The strength jumps about.",
        too_high="It lags behind.",
        unit="thousand images",
        gt=0,
        le=100_000,
    )


class Augmenter(nn.Module):
    """Changes images [B, C, H, W] in [-1, 1] at random."""

    strength: Tensor  # [] float32 in [0, 1]: the chance of each adaptive change
    signs: Tensor  # [2]: sum of the signs of verdicts on reals, and how many
    updates: Tensor  # [] batches since the last move

    def __init__(self, options: AugmentedOptions) -> None:
        super().__init__()
        self.kind, self.mirror = options.augment, options.flip
        self.start_images = options.augment_from_kimg * 1000
        self.target, self.speed_images = options.augment_target, options.augment_speed_kimg * 1000
        self.register_buffer("strength", torch.zeros(()))
        self.register_buffer("signs", torch.zeros(2))
        self.register_buffer("updates", torch.zeros(()))

    def forward(self, images: Tensor, images_seen: int) -> Tensor:
        """The images as the discriminator is to see them, float32."""
        if self.kind == "none" or images_seen < self.start_images:
            return images
        return diff_augment(images) if self.kind == "fixed" else ada_augment(images, self.strength, self.mirror)

    @torch.no_grad()
    def learn(self, real_logits: Tensor, images_seen: int) -> None:
        """Take note of the verdicts on reals [B]; every few batches the adaptive strength moves towards its target."""
        if self.kind != "adaptive" or images_seen < self.start_images:
            return
        self.signs += torch.stack([real_logits.float().sign().sum(), torch.full_like(self.signs[1], len(real_logits))])
        self.updates += 1
        due = self.updates >= UPDATE_EVERY
        step = (self.signs[0] / self.signs[1] - self.target).sign() * self.signs[1] / self.speed_images
        self.strength.copy_(torch.where(due, (self.strength + step).clamp(0, 1), self.strength))
        self.signs.mul_(~due)
        self.updates.mul_(~due)


def diff_augment(images: Tensor) -> Tensor:
    """DiffAugment's colour, translation and cutout on every image (Zhao et al. 2020, policy of their small sets)."""
    return _cutout(_shift(_brightness_and_contrast(images)))


def _brightness_and_contrast(images: Tensor) -> Tensor:
    count = len(images)
    images = images + (_uniform(count, images) - 0.5)
    if images.shape[1] == 3:
        grey = images.mean(dim=1, keepdim=True)
        images = grey + (images - grey) * (_uniform(count, images) * 2)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (images - mean) * (_uniform(count, images) + 0.5)


def _shift(images: Tensor) -> Tensor:
    """Moved by up to an eighth of the side both ways; what comes in is black."""
    count, _, height, width = images.shape
    most_y, most_x = round(height * SHIFT_SHARE), round(width * SHIFT_SHARE)
    down, right = _whole(count, -most_y, most_y, images), _whole(count, -most_x, most_x, images)
    rows = (torch.arange(height, device=images.device) - down).clamp(-1, height) + 1
    columns = (torch.arange(width, device=images.device) - right).clamp(-1, width) + 1
    padded = F.pad(images, (1, 1, 1, 1), value=-1.0)
    taken = padded.gather(2, rows[:, None, :, None].expand(-1, images.shape[1], -1, width + 2))
    return taken.gather(3, columns[:, None, None, :].expand(-1, images.shape[1], height, -1))


def _cutout(images: Tensor) -> Tensor:
    """A square hole of mid-grey at a random place, which may reach over the edge."""
    count, _, height, width = images.shape
    y, x = _whole(count, 0, height, images), _whole(count, 0, width, images)
    far_y = (torch.arange(height, device=images.device) - y).abs() > height * CUTOUT_SHARE / 2
    far_x = (torch.arange(width, device=images.device) - x).abs() > width * CUTOUT_SHARE / 2
    return images * (far_y[:, None, :, None] | far_x[:, None, None, :])


def ada_augment(images: Tensor, strength: Tensor, mirror: bool = False) -> Tensor:
    """ADA's geometric and colour changes, each on a share `strength` of the images (Karras et al. 2020, appendix B).

    Resampling is bilinear with reflection at the edges, simpler than the paper's wavelet filters; the slight softness
    falls on reals and fakes alike. Quarter turns are left out, and mirroring unless asked for: anatomy has sides.
    """
    count = len(images)

    def chance(values: Tensor, neutral: float) -> Tensor:
        return torch.where(torch.rand(count, device=images.device) < strength, values, neutral)

    def normal() -> Tensor:
        return torch.randn(count, device=images.device)

    even = chance(torch.exp2(0.2 * normal()), 1.0)
    uneven = chance(torch.exp2(0.2 * normal()), 1.0)
    angle = chance((torch.rand(count, device=images.device) * 2 - 1) * math.pi, 0.0)
    shift_x, shift_y = chance(0.25 * normal(), 0.0), chance(0.25 * normal(), 0.0)
    side = chance(torch.where(torch.rand(count, device=images.device) < 0.5, -1.0, 1.0), 1.0) if mirror else 1.0
    cosine, sine = angle.cos(), angle.sin()
    matrix = torch.stack(
        [
            torch.stack([side * cosine * even * uneven, -sine * even / uneven, shift_x], dim=1),
            torch.stack([side * sine * even * uneven, cosine * even / uneven, shift_y], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    images = images + chance(0.2 * normal(), 0.0)[:, None, None, None]
    images = images * chance(torch.exp2(0.5 * normal()), 1.0)[:, None, None, None]
    if images.shape[1] == 3:
        grey = images.mean(dim=1, keepdim=True)
        images = grey + (images - grey) * chance(torch.exp2(normal()), 1.0)[:, None, None, None]
    return images


def _uniform(count: int, like: Tensor) -> Tensor:
    return torch.rand(count, 1, 1, 1, device=like.device)


def _whole(count: int, low: int, high: int, like: Tensor) -> Tensor:
    """Whole numbers from `low` to `high`, [count, 1]."""
    return torch.randint(low, high + 1, (count, 1), device=like.device)
