"""Building blocks that several methods share."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fold_kernel(weight: Tensor) -> Tensor:
    """Kernel [I, O, 4, 4] of the transposed convolution that equals nearest x2 and then a 3x3 kernel [O, I, 3, 3].

    Nearest upsampling repeats every pixel, so neighbouring taps of the 3x3 kernel meet the same value and can be added
    up beforehand: the flipped kernel convolved with a 2x2 box. 16 instead of 36 products per low-resolution pixel.
    """
    padded = F.pad(weight.flip(2, 3), (1, 1, 1, 1))
    rows = padded[:, :, 1:] + padded[:, :, :-1]
    return (rows[:, :, :, 1:] + rows[:, :, :, :-1]).transpose(0, 1)


def pool_kernel(weight: Tensor) -> Tensor:
    """Kernel [O, I, 4, 4] of the convolution of stride 2 that equals a 3x3 kernel and then the mean of 2x2 pixels.

    Convolutions at neighbouring places meet the same pixels, so their taps can be averaged beforehand: 16 instead of 36
    products per pixel of the result.
    """
    padded = F.pad(weight, (1, 1, 1, 1))
    rows = padded[:, :, 1:] + padded[:, :, :-1]
    return (rows[:, :, :, 1:] + rows[:, :, :, :-1]) / 4


class UpConv(nn.Conv2d):
    """Upsample x2 (nearest), then a 3x3 convolution; [B, I, H, W] -> [B, O, 2H, 2W].

    With `fold` both are computed as one transposed convolution: the same result up to rounding, and the same weights
    in a checkpoint. Which way is faster depends on the machine (see training/perf.py).
    """

    fold: bool = False

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, kernel_size=3, padding=1, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        return self.raised(input, self.weight)

    def raised(self, input: Tensor, weight: Tensor) -> Tensor:
        """The same with a weight made from this layer's."""
        if self.fold:
            return F.conv_transpose2d(input, fold_kernel(weight), self.bias, stride=2, padding=1)
        return F.conv2d(F.interpolate(input, scale_factor=2.0, mode="nearest"), weight, self.bias, padding=1)


def set_folding(net: nn.Module, fold: bool) -> None:
    """Choose how every UpConv of a network computes."""
    for module in net.modules():
        if isinstance(module, UpConv):
            module.fold = fold


def freeze(net: nn.Module, frozen: bool) -> None:
    """Switch off (or on) the gradients of a network's weights; gradients still flow through it."""
    for parameter in net.parameters():
        parameter.requires_grad_(not frozen)


def non_saturating_g_loss(fake_logits: Tensor) -> Tensor:
    """Binary cross-entropy of fakes against the label "real", on logits in float32 (Goodfellow et al. 2014)."""
    return F.softplus(-fake_logits.float()).mean()


def logistic_d_loss(real_logits: Tensor, fake_logits: Tensor, real_label: float = 1.0) -> Tensor:
    """Mean of the binary cross-entropies of reals ("real") and fakes ("fake"), on logits in float32.

    The same as a sigmoid followed by BCE, without its loss of precision near 0 and 1. A `real_label` below 1 smooths
    the label of reals alone (Salimans et al. 2016, section 3.4).
    """
    real_logits = real_logits.float()
    smoothed = F.softplus(-real_logits) + (1 - real_label) * real_logits
    return 0.5 * (smoothed.mean() + F.softplus(fake_logits.float()).mean())


class PixelNorm(nn.Module):
    """Each feature vector [B, C, ...] divided by its root mean square over C (Karras et al. 2018, section 4.2)."""

    def forward(self, features: Tensor) -> Tensor:
        return features * (features.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class MinibatchStd(nn.Module):
    """Adds one channel: how much features differ within groups of images (Karras et al. 2018, section 3).

    It lets a discriminator see that all images look alike. [B, C, H, W] -> [B, C + 1, H, W]; groups of `group` images,
    or of the largest divisor of B below it.
    """

    def __init__(self, group: int = 4) -> None:
        super().__init__()
        self.group = group

    def forward(self, features: Tensor) -> Tensor:
        count, _, height, width = features.shape
        group = next(size for size in range(min(self.group, count), 0, -1) if count % size == 0)
        grouped = features.float().unflatten(0, (group, -1))  # images of a group lie count / group apart
        # By hand: on a processor torch's own var over the first dimension takes four times as long.
        variance = (grouped - grouped.mean(dim=0)).square().mean(dim=0)
        spread = (variance + 1e-8).sqrt().mean(dim=(1, 2, 3))
        channel = spread.repeat(group)[:, None, None, None].expand(-1, 1, height, width)
        return torch.cat([features, channel.to(features.dtype)], dim=1)


class EqualConv2d(nn.Conv2d):
    """A convolution whose weights are drawn from N(0, 1) and scaled at run time (Karras et al. 2018, section 4.1).

    All layers then learn at one speed, whatever their size.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int | None = None) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2 if padding is None else padding)
        nn.init.normal_(self.weight)
        nn.init.zeros_(self.get_parameter("bias"))
        self.scale = (inputs * kernel**2) ** -0.5

    def forward(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.weight * self.scale, self.bias, self.stride, self.padding)


class EqualLinear(nn.Linear):
    """The same for a dense layer; `rate` slows its learning, `start` is its bias at the beginning."""

    def __init__(self, inputs: int, outputs: int, rate: float = 1.0, start: float = 0.0) -> None:
        super().__init__(inputs, outputs)
        nn.init.normal_(self.weight, std=1 / rate)
        nn.init.constant_(self.bias, start / rate)
        self.scale, self.rate = rate * inputs**-0.5, rate

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight * self.scale, self.bias * self.rate)


def blur(features: Tensor, taps: tuple[int, ...] = (1, 3, 3, 1), up: int = 1, down: int = 1, grow: int = 0) -> Tensor:
    """Resample [B, C, H, W] by whole numbers behind a separable low-pass filter (Karras et al. 2020, section 4).

    (1, 3, 3, 1) and (1, 2, 1) are binomial: no checkerboard upwards, no aliasing downwards. With `up` or `down` of 2
    sides double or halve; edges continue with zeros. `grow` adds pixels to the sides of what is only smoothed: 1 before
    a 3x3 convolution of stride 2, -1 behind a transposed one.
    """
    given = features.dtype
    if features.device.type == "cpu" and up * down > 1:
        features = features.float()  # in bfloat16 the gradient of a strided filter takes ten times as long there
    channels, count = features.shape[1], len(taps)
    square = _low_pass(taps, features.dtype, features.device).expand(channels, 1, count, count)
    with torch.autocast(features.device.type, enabled=False):
        if up > 1:
            # Taps spread over the zeros between the pixels; what lies beyond the edges is cut off evenly.
            raised = F.conv_transpose2d(features, square * up**2, stride=up, groups=channels)
            start = (count - up) // 2
            height, width = features.shape[2] * up, features.shape[3] * up
            return raised[:, :, start : start + height, start : start + width].to(given)
        before, after = (count - down + grow + 1) // 2, (count - down + grow) // 2
        padded = F.pad(features, (before, after, before, after))
        return F.conv2d(padded, square, stride=down, groups=channels).to(given)


@lru_cache(maxsize=64)
def _low_pass(taps: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """The taps as a square kernel, [T, T]; kept, because each copy to a GPU would wait for it."""
    with torch.inference_mode(False):  # a kernel first needed for a sample sheet serves the training too
        row = torch.tensor(taps, dtype=dtype, device=device) / sum(taps)
        return torch.outer(row, row)


class SpectralNorm(nn.Module):
    """Divides a weight [O, ...], seen as a matrix of O rows, by its largest singular value (Miyato et al. 2018, eq. 8).

    The value is followed by one step of power iteration in each training pass (algorithm 1). Written here because
    PyTorch's own multiplies in bfloat16 under autocast on a GPU; here the value stays float32.
    """

    left: Tensor  # [O] the left singular vector, as far as it is known

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("left", F.normalize(torch.randn(weight.shape[0]), dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.flatten(1)
            with torch.no_grad():
                right = F.normalize(matrix.T @ self.left, dim=0)
                # A new tensor: an earlier pass in the same step keeps its own for its gradients.
                left = F.normalize(matrix @ right, dim=0)
                if self.training:
                    self.left.copy_(left)
            return weight / (left @ (matrix @ right)).clamp(min=1e-12)


class SpectralConv2d(nn.Conv2d):
    """A convolution whose weight is divided by its largest singular value."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int | None = None, bias: bool = True
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2 if padding is None else padding, bias=bias)
        self.norm = SpectralNorm(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.norm(self.weight), self.bias, self.stride, self.padding)


class SpectralLinear(nn.Linear):
    """A dense layer whose weight is divided by its largest singular value."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, bias=bias)
        self.norm = SpectralNorm(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.norm(self.weight), self.bias)


class SpectralUpConv(UpConv):
    """An UpConv whose weight is divided by its largest singular value."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__(inputs, outputs, bias)
        self.norm = SpectralNorm(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return self.raised(input, self.norm(self.weight))
