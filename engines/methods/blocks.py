"""Building blocks that several methods share."""

from __future__ import annotations

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


class UpConv(nn.Conv2d):
    """Upsample x2 (nearest), then a 3x3 convolution; [B, I, H, W] -> [B, O, 2H, 2W].

    With `fold` both are computed as one transposed convolution: the same result up to rounding, and the same weights
    in a checkpoint. Which way is faster depends on the machine (see training/perf.py).
    """

    fold: bool = False

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel_size=3, padding=1)

    def forward(self, input: Tensor) -> Tensor:
        if self.fold:
            return F.conv_transpose2d(input, fold_kernel(self.weight), self.bias, stride=2, padding=1)
        return super().forward(F.interpolate(input, scale_factor=2.0, mode="nearest"))


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


def logistic_d_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean of the binary cross-entropies of reals ("real") and fakes ("fake"), on logits in float32.

    The same as a sigmoid followed by BCE, without its loss of precision near 0 and 1.
    """
    return 0.5 * (F.softplus(-real_logits.float()).mean() + F.softplus(fake_logits.float()).mean())
