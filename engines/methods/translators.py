"""What a translation between two classes of images is made of: networks, and a history of fakes.

After Zhu et al. (2017), and James (2024) whose generator is smaller.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engines.methods.adversarial import scaled

POOL_IMAGES = 50  # translations that a discriminator is shown again (Zhu et al., section 4)


class ImagePool(nn.Module):
    """A history of 50 translations, of which a discriminator is shown one instead of a new one half of the time.

    It keeps the discriminators from chasing the generators' latest trick (Shrivastava et al. 2017). A network without
    weights, so that it travels in checkpoints; it lives on the device and never waits for it.
    """

    images: Tensor  # [50, C, S, S] float32 in [-1, 1]
    held: Tensor  # [] int64: how many it has been given, up to 50 or some more

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(POOL_IMAGES, channels, size, size))
        self.register_buffer("held", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, fakes: Tensor) -> Tensor:
        """Translations [B, C, S, S] as the discriminator is to see them; until the pool is full they are the new ones.

        All of a batch at once: the places that it looks at differ, so that the order does not matter.
        """
        return torch.cat([self._exchange(part) for part in fakes.split(POOL_IMAGES)])

    def _exchange(self, fakes: Tensor) -> Tensor:
        count, device = len(fakes), fakes.device
        filling = self.held < POOL_IMAGES
        next_ones = (self.held + torch.arange(count, device=device)) % POOL_IMAGES
        any_ones = torch.rand(POOL_IMAGES, device=device).argsort()[:count]
        swapped = ~filling & (torch.rand(count, device=device) < 0.5)
        places = torch.where(filling, next_ones, any_ones)
        older = self.images[places]
        kept = (filling | swapped)[:, None, None, None]
        self.images.index_copy_(0, places, torch.where(kept, fakes.float(), older))
        self.held += filling * count
        return torch.where(swapped[:, None, None, None], older, fakes)


class Reflect(nn.Module):
    """Mirrors [B, C, H, W] at its edges. PyTorch's own has no deterministic gradient on a GPU."""

    def __init__(self, margin: int) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, images: Tensor) -> Tensor:
        for axis in (2, 3):
            size = images.shape[axis]
            before = images.narrow(axis, 1, self.margin).flip(axis)
            after = images.narrow(axis, size - 1 - self.margin, self.margin).flip(axis)
            images = torch.cat([before, images, after], dim=axis)
        return images


class Residual(nn.Module):
    """Two 3x3 convolutions, added to what they were given: [B, C, H, W] -> [B, C, H, W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        halves = [[Reflect(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels)] for _ in range(2)]
        self.body = nn.Sequential(*halves[0], nn.ReLU(inplace=True), *halves[1])

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


class Generator(nn.Module):
    """Images [B, C, S, S] in [-1, 1] -> images alike, float32.

    Conv 7x7 to 64, two of stride 2 to 128 and 256, `blocks` residual ones, two transposed back to 128 and 64, and
    conv 7x7 to the image (Zhu et al., appendix 7.2). James's is the same without residual blocks; kernels and strides,
    which the paper does not give, are Zhu's.
    """

    def __init__(self, channels: int, width: float, published: bool, blocks: int) -> None:
        super().__init__()
        first, second, third = (scaled(count, width) for count in (64, 128, 256))

        def normed(layer: nn.Module, after: int) -> list[nn.Module]:
            return [layer, _norm(published, after), nn.ReLU(inplace=True)]

        def seven(before: int, after: int) -> list[nn.Module]:
            if published:
                return [nn.Conv2d(before, after, 7, padding=3)]
            return [Reflect(3), nn.Conv2d(before, after, 7)]

        opening, closing = seven(channels, first), seven(first, channels)
        self.body = nn.Sequential(
            *opening[:-1],
            *normed(opening[-1], first),
            *normed(nn.Conv2d(first, second, 3, stride=2, padding=1), second),
            *normed(nn.Conv2d(second, third, 3, stride=2, padding=1), third),
            *(Residual(third) for _ in range(blocks)),
            *normed(nn.ConvTranspose2d(third, second, 3, stride=2, padding=1, output_padding=1), second),
            *normed(nn.ConvTranspose2d(second, first, 3, stride=2, padding=1, output_padding=1), first),
            *closing,
        )

    def forward(self, images: Tensor) -> Tensor:
        return torch.tanh(self.body(images).float())


class Discriminator(nn.Module):
    """Images [B, C, S, S] -> verdicts [B, 1, H, W], each on a patch of 70x70 pixels (Isola et al. 2017).

    Conv 4x4 with 64, 128, 256 (stride 2) and 512 filters, LeakyReLU, normalised but for the first, then conv to 1.
    """

    def __init__(self, channels: int, width: float, published: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for number, filters in enumerate((64, 128, 256, 512)):
            after = scaled(filters, width)
            layers.append(nn.Conv2d(before, after, 4, stride=2 if number < 3 else 1, padding=1))
            if number:
                layers.append(_norm(published, after))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            before = after
        self.body = nn.Sequential(*layers, nn.Conv2d(before, 1, 4, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images)


def _norm(published: bool, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if published else nn.InstanceNorm2d(channels)
