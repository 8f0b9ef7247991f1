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
SHIFT_SHARE = 0.125  # of the side (DiffAugment; ADA's shift by whole pixels)


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
        """Take note of the verdicts on reals [B, ...]; every few batches the strength moves towards its target.

        Each move is as far as the images since the last one allow: from none to full within `augment_speed_kimg` (ADA,
        section 3.1).
        """
        if self.kind != "adaptive" or images_seen < self.start_images:
            return
        count = torch.full_like(self.signs[1], len(real_logits))
        self.signs += torch.stack([real_logits.float().sign().mean() * count, count])
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
    """Moved by up to an eighth of the side both ways; what comes in is black, as around a breast or an organ.

    (The paper fills with zeros, which are black or mid-grey as the images are scaled.)
    """
    count, _, height, width = images.shape
    most_y, most_x = round(height * SHIFT_SHARE), round(width * SHIFT_SHARE)
    down, right = _whole(count, -most_y, most_y, images), _whole(count, -most_x, most_x, images)
    rows = (torch.arange(height, device=images.device) - down).clamp(-1, height) + 1
    columns = (torch.arange(width, device=images.device) - right).clamp(-1, width) + 1
    padded = F.pad(images, (1, 1, 1, 1), value=-1.0)
    taken = padded.gather(2, rows[:, None, :, None].expand(-1, images.shape[1], -1, width + 2))
    return taken.gather(3, columns[:, None, None, :].expand(-1, images.shape[1], height, -1))


def _cutout(images: Tensor) -> Tensor:
    """A square hole of mid-grey around a random place; it may reach over the edge."""
    count, _, height, width = images.shape
    y, x = _whole(count, 0, height, images), _whole(count, 0, width, images)
    far_y = (torch.arange(height, device=images.device) + 0.5 - y).abs() > height * CUTOUT_SHARE / 2
    far_x = (torch.arange(width, device=images.device) + 0.5 - x).abs() > width * CUTOUT_SHARE / 2
    return images * (far_y[:, None, :, None] | far_x[:, None, None, :])


def ada_augment(images: Tensor, strength: Tensor, mirror: bool = False) -> Tensor:
    """ADA's geometric and colour changes, each on a share `strength` of the images (Karras et al. 2020, appendix B).

    Left out, because anatomy has sides and brightness a meaning: quarter turns, negatives, and mirroring unless asked
    for.
    """
    count, side = len(images), images.shape[-1]

    def uniform(*shape: int) -> Tensor:
        return torch.rand(count, *shape, device=images.device) * 2 - 1

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, device=images.device)

    def chance(values: Tensor, neutral: float, share: Tensor = strength) -> Tensor:
        chosen = torch.rand(count, *(1,) * (values.dim() - 1), device=images.device) < share
        return torch.where(chosen, values, neutral)

    # Where each pixel comes from, in coordinates from -1 to 1: 2 is the whole side.
    mirrored = torch.where(uniform() < 0, -1.0, 1.0) if mirror else torch.ones(count, device=images.device)
    whole = chance((uniform(2) * (SHIFT_SHARE * side)).round() * (2 / side), 0.0)
    size = chance(torch.exp2(0.2 * normal()), 1.0)
    turning = 1 - (1 - strength).sqrt()  # two turns, of which any happens with the chance of the other changes
    turn, second_turn = chance(uniform() * math.pi, 0.0, turning), chance(uniform() * math.pi, 0.0, turning)
    stretch = chance(torch.exp2(0.2 * normal()), 1.0)
    shift = chance(2 * 0.125 * normal(2), 0.0)
    with torch.autocast(images.device.type, enabled=False):
        matrix = _scaling(chance(mirrored, 1.0) * size, size) @ _rotation(turn) @ _scaling(stretch, 1 / stretch)
        matrix = matrix @ _rotation(second_turn)
        images = _resampled(images, matrix, whole + (matrix @ shift[:, :, None]).squeeze(2))

    images = images + chance(0.2 * normal(1, 1, 1), 0.0)
    images = images * chance(torch.exp2(0.5 * normal(1, 1, 1)), 1.0)
    if images.shape[1] == 3:
        # Hue turns the colours around the axis of greys, saturation stretches them away from it.
        hue, saturation = chance(uniform(1, 1, 1) * math.pi, 0.0), chance(torch.exp2(normal(1, 1, 1)), 1.0)
        grey = images.mean(dim=1, keepdim=True)
        colour = images - grey
        across = (colour.roll(1, dims=1) - colour.roll(-1, dims=1)) / 3**0.5
        images = grey + saturation * (hue.cos() * colour + hue.sin() * across)
    return images


def _rotation(angle: Tensor) -> Tensor:
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([cosine, -sine, sine, cosine], dim=1).unflatten(1, (2, 2))


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([x, y], dim=1))


def _resampled(images: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
    """Images of which the pixel at p is the given one at `matrix` [B, 2, 2] @ p + `shift` [B, 2]; x, y from -1 to 1.

    Bilinear, mirrored at the edges: simpler than ADA's wavelet filters, and the softness falls on reals and fakes
    alike. Written out because PyTorch's own has no exactly repeatable gradient on a GPU, and takes places in bfloat16
    where the training does.
    """
    channels, height, width = images.shape[1:]
    x = ((torch.arange(width, device=images.device) + 0.5) * (2 / width) - 1)[None, None, :]
    y = ((torch.arange(height, device=images.device) + 0.5) * (2 / height) - 1)[None, :, None]
    turned = matrix[..., None, None]
    column = turned[:, 0, 0] * x + turned[:, 0, 1] * y + shift[:, 0, None, None]
    row = turned[:, 1, 0] * x + turned[:, 1, 1] * y + shift[:, 1, None, None]
    column, row = _mirrored(((column + 1) * width - 1) / 2, width), _mirrored(((row + 1) * height - 1) / 2, height)
    left, top = column.floor().clamp(max=width - 2), row.floor().clamp(max=height - 2)
    corner = (top * width + left).long().flatten(1)[:, None].expand(-1, channels, -1)
    pixels = images.flatten(2)

    def corners(offset: int) -> Tensor:
        return pixels.gather(2, corner + offset).unflatten(2, (height, width))

    across, down = (column - left)[:, None], (row - top)[:, None]
    above, below = torch.lerp(corners(0), corners(1), across), torch.lerp(corners(width), corners(width + 1), across)
    return torch.lerp(above, below, down)


def _mirrored(place: Tensor, count: int) -> Tensor:
    """Places in pixels brought back into a row of `count` pixels, mirrored at its ends."""
    return (count - ((place + 0.5).remainder(2 * count) - count).abs() - 0.5).clamp(0, count - 1)


def _uniform(count: int, like: Tensor) -> Tensor:
    return torch.rand(count, 1, 1, 1, device=like.device)


def _whole(count: int, low: int, high: int, like: Tensor) -> Tensor:
    """Whole numbers from `low` to `high`, [count, 1]."""
    return torch.randint(low, high + 1, (count, 1), device=like.device)
