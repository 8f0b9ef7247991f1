"""The image set as the loop sees it: integer pixels where the computing happens, turned to floats batch by batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.device import Device, free_memory_bytes
from engines.resize import resize_batch

RESIDENT_SHARE = 0.4  # of free memory that the pixels may take; the networks need the rest


class Pixels:
    """Gathers batches [B, C, H, W] float32 in [-1, 1] from a set of [N, H, W, C] uint8 or uint16 images."""

    def __init__(self, images: np.ndarray[Any, np.dtype[Any]], size: int, device: Device) -> None:
        images = resize_batch(images, size)  # once, with the lab's one resizer
        self.count, self.channels = len(images), images.shape[3]
        self.dtype = images.dtype
        self.device = device.torch
        self.half_range = float(np.iinfo(images.dtype).max) / 2
        self.resident = images.nbytes <= RESIDENT_SHARE * free_memory_bytes(device)
        if self.resident:
            # The channels lie innermost, so a permuted view is already in the channels-last layout.
            self._tensor = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).to(self.device)
        else:
            self._images = images

    def batch(self, indexes: np.ndarray[Any, np.dtype[np.int64]]) -> Tensor:
        """The images at these places; neither gather nor copy waits for the device."""
        if self.resident:
            where = torch.from_numpy(indexes)
            if self.device.type == "cuda":
                where = where.pin_memory().to(self.device, non_blocking=True)
            stored = self._tensor[where]
        else:
            stored = torch.from_numpy(self._images[indexes]).permute(0, 3, 1, 2)
            if self.device.type == "cuda":
                stored = stored.pin_memory().to(self.device, non_blocking=True)
        return stored.to(torch.float32).div_(self.half_range).sub_(1.0)


def mirror_some(images: Tensor) -> Tensor:
    """Mirror each image left to right with probability one half, from torch's default generator."""
    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(mirrored, images.flip(3), images)


def to_stored(images: Tensor, dtype: np.dtype[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    """Networks' images [N, C, H, W] in [-1, 1] as stored pixels [N, H, W, C] of an integer type, rounded."""
    top = float(np.iinfo(dtype).max)
    values = images.float().clamp(-1, 1).add(1).mul(top / 2).round().permute(0, 2, 3, 1)
    return values.cpu().numpy().astype(dtype)
