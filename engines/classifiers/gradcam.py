"""Grad-CAM: where in an image a convolutional network found what speaks for a class."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from engines.classifiers.base import Array


def heat(maps: Tensor, slopes: Tensor, size: tuple[int, ...]) -> Array:
    """Heat [B, H, W] float32 in [0, 1], of the given size, from feature maps [B, D, h, w] and a logit's gradient there.

    Each map is weighted by its gradient's mean; what speaks against the class is cut (Selvaraju et al., ICCV 2017,
    equations 1 and 2). Each image is scaled to its own maximum; it is all 0 where nothing speaks for the class.
    """
    weighted = (slopes.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True).clamp(min=0).float()
    smooth = nn.functional.interpolate(weighted, size=tuple(size), mode="bilinear", align_corners=False)
    top = smooth.amax(dim=(2, 3), keepdim=True)
    scaled = torch.where(top > 0, smooth / top.clamp(min=1e-30), torch.zeros_like(smooth))
    return np.asarray(scaled[:, 0].cpu().numpy())
