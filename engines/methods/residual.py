"""The residual generator and critic of Gulrajani et al. (2017)."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.adversarial import scaled
from engines.methods.blocks import UpConv, pool_kernel

MOST_CHANNELS, LEAST_CHANNELS = 512, 64  # at 4x4 and at full size
START_SIZE = 4


def normed(conv: nn.Module, channels: int) -> list[nn.Module]:
    return [conv, nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


class RaisingBlock(nn.Module):
    """Batch norm, ReLU, upsample x2 and convolve; norm, ReLU, convolve; plus the input, enlarged through a 1x1 conv."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        first, second = UpConv(before, after), nn.Conv2d(after, after, 3, padding=1)
        self.body = nn.Sequential(nn.BatchNorm2d(before), nn.ReLU(), *normed(first, after), second)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, features: Tensor) -> Tensor:
        # A 1x1 convolution and nearest upsampling change places: the first is cheaper at the smaller size.
        return F.interpolate(self.shortcut(features), scale_factor=2.0, mode="nearest") + self.body(features)


class LoweringBlock(nn.Module):
    """ReLU and conv, twice, then the mean of 2x2 pixels; plus the input, made smaller, through a 1x1 conv."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(before, channels, 3, padding=1) for channels in (before, after))
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, features: Tensor) -> Tensor:
        body = torch.relu(self.first(torch.relu(features)))
        body = F.conv2d(body, pool_kernel(self.second.weight), self.second.bias, stride=2, padding=1)
        return body + self.shortcut(F.avg_pool2d(features, 2))


class ResidualGenerator(nn.Module):
    """Latents [B, L] -> dense 4x4 -> raising blocks -> norm, ReLU, conv, tanh (Gulrajani et al. 2017).

    A size that is no power of 2 is cut out of the middle of the next one that the blocks can make.
    """

    def __init__(self, latent_dim: int, size: int, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        factor = 2 ** (len(widths) - 1)
        self.size, self.start, self.first = size, -(-size // factor), widths[0]
        self.margin = (self.start * factor - size) // 2
        self.dense = nn.Linear(latent_dim, self.first * self.start**2)
        self.blocks = nn.Sequential(*(RaisingBlock(before, after) for before, after in pairwise(widths)))
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_image = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        features = self.dense(latents).view(-1, self.first, self.start, self.start)
        if self.to_image.weight.is_contiguous(memory_format=torch.channels_last):
            features = features.contiguous(memory_format=torch.channels_last)
        features = torch.relu(self.norm(self.blocks(features)))
        images = torch.tanh(self.to_image(features).float())
        end = self.margin + self.size
        return images[:, :, self.margin : end, self.margin : end]


class ResidualCritic(nn.Module):
    """Images [B, C, S, S] -> conv -> lowering blocks -> dense -> verdict [B]; no norm (Gulrajani et al. 2017)."""

    def __init__(self, size: int, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.from_image = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.blocks = nn.Sequential(*(LoweringBlock(before, after) for before, after in pairwise(widths)))
        self.dense = nn.Linear(widths[-1] * (size // 2 ** (len(widths) - 1)) ** 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.dense(self.blocks(self.from_image(images)).flatten(1)).squeeze(1)


def residual_widths(size: int, width: float) -> tuple[int, ...]:
    """Channels from 4x4 to full size: 512, 512, 256, 128, 64 for 64 pixels, and a 512 more for each doubling."""
    doublings = (size // START_SIZE).bit_length() - 1
    channels = (min(MOST_CHANNELS, LEAST_CHANNELS * 2 ** (doublings - level)) for level in range(doublings + 1))
    return tuple(scaled(each, width) for each in channels)
