"""Penalties on gradients: they keep a discriminator smooth, or a generator even. All are computed in float32, eagerly.

Compiling them is left alone: in torch 2.15 a compiled network refuses a second backward, or loses it silently.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Judge = Callable[[Tensor], Tensor]  # images [B, C, H, W] -> a verdict for each image, [B] or [B, ...]


def squared_gradient(judge: Judge, images: Tensor) -> Tensor:
    """Squared norm of the gradient of each image's verdict at the image, [B], in float32; can be differentiated.

    Raises RuntimeError where the verdict does not depend on the images.
    """
    with torch.autocast(images.device.type, enabled=False):
        inputs = images.float().detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(judge(inputs).float().sum(), inputs, create_graph=True)
    return gradient.square().flatten(1).sum(dim=1)


def r1_penalty(judge: Judge, real: Tensor) -> Tensor:
    """Mean squared norm of the discriminator's gradient at real images (Mescheder et al. 2018, eq. 9)."""
    return squared_gradient(judge, real).mean()


def r2_penalty(judge: Judge, fake: Tensor) -> Tensor:
    """The same at generated images (Mescheder et al. 2018, eq. 10)."""
    return squared_gradient(judge, fake).mean()


def gradient_penalty(judge: Judge, real: Tensor, fake: Tensor) -> Tensor:
    """Mean squared distance from 1 of the gradient's norm between reals and fakes (Gulrajani et al. 2017, eq. 3)."""
    share = torch.rand(len(real), *(1,) * (real.dim() - 1), device=real.device)
    between = torch.lerp(real.float(), fake.detach().float(), share)
    # The square root has no gradient at 0: a critic that is flat at the start would give NaN.
    return ((squared_gradient(judge, between) + 1e-12).sqrt() - 1).square().mean()


def path_length_penalty(images: Tensor, styles: Tensor, mean_length: Tensor) -> tuple[Tensor, Tensor]:
    """How unevenly a generator answers to steps in its styles (Karras et al. 2020b, eq. 4).

    `images` [B, C, H, W] were made from `styles` [B, ...] that require gradients. Returns the penalty, and the moving
    mean of the path lengths to keep for the next time.
    """
    height, width = images.shape[2:]
    noise = torch.randn_like(images) / (height * width) ** 0.5
    (gradient,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
    lengths = gradient.float().square().flatten(1).sum(dim=1).div(max(1, gradient[0].numel() // gradient.shape[-1]))
    lengths = (lengths + 1e-12).sqrt()
    moved = torch.lerp(mean_length, lengths.detach().mean(), 0.01)
    return (lengths - moved).square().mean(), moved
