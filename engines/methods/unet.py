"""The U-Net of a diffusion model: residual blocks that know the noise level, and attention where maps are small."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.blocks import UpConv

LOWEST_SIDE, ATTENTION_SIDE = 8, 16  # of the feature maps
FASTEST, SLOWEST = 64.0, 0.5  # frequencies of the noise level's embedding


class Residual(nn.Module):
    """[B, I, H, W] and the noise level's embedding [B, E] -> [B, O, H, W]; the embedding scales and shifts features."""

    def __init__(self, before: int, after: int, embedding: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = _norm(before), _norm(after)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.level = nn.Linear(embedding, 2 * after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.dropout = dropout
        self.skip = nn.Conv2d(before, after, 1) if before != after else nn.Identity()
        nn.init.zeros_(self.conv2.weight)  # a block begins as its own skip

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        inner = self.conv1(F.silu(self.norm1(features)))
        scale, shift = self.level(embedding)[:, :, None, None].chunk(2, dim=1)
        inner = F.silu(self.norm2(inner) * (1 + scale) + shift)
        inner = self.conv2(F.dropout(inner, self.dropout, self.training))
        return (self.skip(features) + inner) * 0.5**0.5


class Attention(nn.Module):
    """Every place of [B, C, H, W] looks at every other one, in one head (Vaswani et al. 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.ask = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        nn.init.zeros_(self.out.weight)

    def forward(self, features: Tensor) -> Tensor:
        places = self.norm(features).permute(0, 2, 3, 1).flatten(1, 2)  # [B, H*W, C]
        query, key, value = self.ask(places).chunk(3, dim=2)
        # Written out: PyTorch's fused attention has no deterministic gradient on a GPU.
        alike = (query * query.shape[2] ** -0.5) @ key.transpose(1, 2)
        seen = self.out(alike.float().softmax(dim=2).to(value.dtype) @ value)
        return (features + seen.unflatten(1, features.shape[2:]).permute(0, 3, 1, 2)) * 0.5**0.5


class Level(nn.Module):
    """A residual block, with attention behind it where the feature maps are small."""

    def __init__(self, before: int, after: int, embedding: int, dropout: float, side: int) -> None:
        super().__init__()
        self.block = Residual(before, after, embedding, dropout)
        self.attention = Attention(after) if side == ATTENTION_SIDE else nn.Identity()

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        return self.attention(self.block(features, embedding))


class UNet(nn.Module):
    """Images [B, C, S, S] and their noise levels [B], about -1.6 to 1.1 -> [B, C, S, S].

    Down to feature maps of 8x8 and up again, with skips across (Ronneberger et al. 2015; Ho et al. 2020). The first
    level has `base` channels, the others twice as many. Squares of `patch` pixels count as one place (Hoogeboom et al.
    2023).
    """

    def __init__(self, size: int, channels: int, base: int, blocks: int, patch: int, dropout: float) -> None:
        super().__init__()
        self.patch = patch
        embedding, inside, grid = 4 * base, channels * patch**2, size // patch
        sides = [grid >> level for level in range(max(1, int(math.log2(grid / LOWEST_SIDE)) + 1))]
        waves = torch.logspace(math.log10(SLOWEST), math.log10(FASTEST), base // 2)
        self.register_buffer("waves", waves, persistent=False)
        self.embed = nn.Sequential(nn.Linear(base, embedding), nn.SiLU(), nn.Linear(embedding, embedding), nn.SiLU())
        self.first = nn.Conv2d(inside, base, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        before, skips = base, [base]
        for number, side in enumerate(sides):
            after = base * min(number + 1, 2)
            if number:
                self.down.append(nn.Conv2d(before, before, 3, stride=2, padding=1))
                skips.append(before)
            for _ in range(blocks):
                self.down.append(Level(before, after, embedding, dropout, side))
                before = after
                skips.append(after)
        self.middle = nn.ModuleList(
            [
                Residual(before, before, embedding, dropout),
                Attention(before),
                Residual(before, before, embedding, dropout),
            ]
        )
        for number, side in reversed(list(enumerate(sides))):
            after = base * min(number + 1, 2)
            for _ in range(blocks + 1):
                self.up.append(Level(before + skips.pop(), after, embedding, dropout, side))
                before = after
            if number:
                self.up.append(UpConv(before, before))
        to_image = nn.Conv2d(before, inside, 3, padding=1)
        nn.init.zeros_(to_image.weight)
        self.last = nn.Sequential(_norm(before), nn.SiLU(), to_image)

    def forward(self, images: Tensor, noise: Tensor) -> Tensor:
        angles = noise[:, None] * self.get_buffer("waves")
        embedding = self.embed(torch.cat([angles.cos(), angles.sin()], dim=1))
        features = self.first(F.pixel_unshuffle(images, self.patch))
        skips = [features]
        for layer in self.down:
            features = layer(features, embedding) if isinstance(layer, Level) else layer(features)
            skips.append(features)
        for layer in self.middle:
            features = layer(features, embedding) if isinstance(layer, Residual) else layer(features)
        for layer in self.up:
            if isinstance(layer, Level):
                features = layer(torch.cat([features, skips.pop()], dim=1), embedding)
            else:
                features = layer(features)
        return F.pixel_shuffle(self.last(features), self.patch)


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(32, channels // 4), channels)
