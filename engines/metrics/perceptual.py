"""The perceptual distance LPIPS on SqueezeNet: a torchvision network and the published linear heads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engines import device
from engines.metrics.base import Pixels
from engines.pretrained import fill, read_state, unfit

Array = np.ndarray[Any, np.dtype[Any]]

BACKBONE, HEADS = "squeezenet1_1", "lpips_squeeze"
ENDS = (2, 5, 8, 10, 11, 12, 13)  # of SqueezeNet 1.1's layers: after these the features are compared
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of inputs in [-1, 1], as published
BATCH = 16


class Lpips:
    """LPIPS, version 0.1, in fp32 (Zhang et al., CVPR 2018, eq. 1).

    Raises LabError if weights are missing or damaged. `label` and `warnings` say what made the numbers.
    """

    def __init__(self, folder: Path | None) -> None:
        from torchvision import models  # here, since it takes a second to import

        state, found = read_state(BACKBONE, folder)
        heads, heads_found = read_state(HEADS, folder)
        network = models.get_model(BACKBONE, weights=None)
        fill(network, state, found)
        self.where = device.find().torch
        layers = list(network.features.eval().requires_grad_(False).to(self.where))
        self.slices = [nn.Sequential(*layers[a:b]) for a, b in zip((0, *ENDS), ENDS, strict=False)]
        try:
            self.heads = [heads[f"lin{n}.model.1.weight"].float().to(self.where) for n in range(len(ENDS))]
        except KeyError as error:
            raise unfit(heads_found.path, f"It has no {error}.") from error
        self.label = f"LPIPS 0.1, {found.path.name} {found.sha256[:8]}, fp32"
        self.warnings = [] if found.published else [
            f"Made with the file {found.path.name} (SHA-256 {found.sha256[:8]}…), not with the published weights: "
            "not comparable with values from elsewhere."
        ]  # fmt: skip

    def __call__(self, first: Pixels, second: Pixels) -> Array:
        """Distance [B] between images [B, H, W, C] pair by pair, 0 for equal ones."""
        total = torch.zeros(len(first), device=self.where)
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            one, two = self._prepared(first), self._prepared(second)
            for layers, head in zip(self.slices, self.heads, strict=True):
                one, two = layers(one), layers(two)
                gap = (_unit(one) - _unit(two)) ** 2
                total += nn.functional.conv2d(gap, head).mean((1, 2, 3))
        return np.asarray(total.cpu().numpy())

    def _prepared(self, images: Pixels) -> torch.Tensor:
        unit = images.astype(np.float32) / np.iinfo(images.dtype).max
        stored = torch.from_numpy(unit).permute(0, 3, 1, 2).to(self.where).expand(-1, 3, -1, -1)
        shift, scale = (torch.tensor(values, device=self.where)[:, None, None] for values in (_SHIFT, _SCALE))
        return (2 * stored - 1 - shift) / scale


def _unit(features: torch.Tensor) -> torch.Tensor:
    """Features [B, C, H, W] of length 1 at each place."""
    return features / (features.pow(2).sum(1, keepdim=True).sqrt() + 1e-10)
