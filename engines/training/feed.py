"""What the loop is fed with: the images of a set with their classes, and for a translation those of the other class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.device import Device
from engines.training import order
from engines.training.pixels import Pixels, mirror_some

Stored = np.ndarray[Any, np.dtype[Any]]
OTHER = 0x0E7  # the order of the other class's images, apart from that of the first


@dataclass(frozen=True)
class Data:
    """An image set as a training takes it: images [N, H, W, C] uint8 or uint16, and the class of each, [N] from 0.

    With `other`, a method translates `images` into the looks of `other`, [M, H, W, C]; `classes` are then the class
    of `other` and that of `images`.
    """

    images: Stored
    labels: np.ndarray[Any, np.dtype[np.int64]]
    classes: tuple[str, ...] = ("",)
    other: Stored | None = None

    @classmethod
    def of(cls, images: Stored, labels: Sequence[str] | None = None) -> Data:
        """Images with their classes by name; classes are numbered in alphabetical order."""
        if labels is None:
            return cls(images, np.zeros(len(images), np.int64))
        classes, numbers = np.unique(np.asarray(labels, dtype=np.str_), return_inverse=True)
        return cls(images, numbers.astype(np.int64), tuple(str(name) for name in classes))

    def only(self, name: str) -> Data:
        """The images of one class."""
        chosen = self.labels == self.classes.index(name)
        return Data(self.images[chosen], np.zeros(int(chosen.sum()), np.int64), (name,))

    def translating(self, source: str, target: str) -> Data:
        """The images of one class, to be translated into another."""
        return Data(
            self.only(source).images, np.zeros(self.counts[source], np.int64), (target, source),
            self.only(target).images,
        )  # fmt: skip

    @property
    def counts(self) -> dict[str, int]:
        """How many images each class has."""
        return {name: int((self.labels == number).sum()) for number, name in enumerate(self.classes)}


@dataclass(frozen=True)
class Batch:
    """The images of one step, on the device."""

    real: Tensor  # [B, C, H, W] float32 in [-1, 1]
    labels: Tensor  # [B] int64
    other: Tensor | None = None

    def parts(self, count: int) -> list[Batch]:
        """The batch in `count` parts, of which the last may be smaller."""
        others = self.other.chunk(count) if self.other is not None else [None] * count
        return [Batch(*part) for part in zip(self.real.chunk(count), self.labels.chunk(count), others, strict=False)]


class Feed:
    """Gives the batch of any step; order and mirroring follow from the seed and the images seen."""

    def __init__(self, data: Data, size: int, flip: bool, device: Device) -> None:
        self.pixels = Pixels(data.images, size, device)
        self.other = Pixels(data.other, size, device) if data.other is not None else None
        self.labels = torch.from_numpy(data.labels).to(device.torch)
        self.classes, self.flip = data.classes, flip

    def batch(self, seed: int, images_seen: int, count: int) -> Batch:
        """The batch of the step that starts at `images_seen`; mirroring draws from torch's default generator."""
        chosen = order.indexes(seed, images_seen, count, self.pixels.count)
        others = None
        if self.other is not None:
            others = self.other.batch(order.indexes(seed ^ OTHER, images_seen, count, self.other.count))
        return self._made(chosen, others)

    def first(self, count: int) -> Batch:
        """The first images of the set, again and again where it is smaller: for trying how fast a step is."""
        others = self.other.batch(np.arange(count) % self.other.count) if self.other is not None else None
        return self._made(np.arange(count) % self.pixels.count, others)

    def _made(self, chosen: np.ndarray[Any, np.dtype[np.int64]], other: Tensor | None) -> Batch:
        real = self.pixels.batch(chosen)
        if self.flip:
            real = mirror_some(real)
            other = mirror_some(other) if other is not None else None
        where = torch.from_numpy(chosen)
        if self.labels.device.type == "cuda":
            where = where.pin_memory().to(self.labels.device, non_blocking=True)
        return Batch(real, self.labels[where], other)
