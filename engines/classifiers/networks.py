"""Classifiers that are whole networks: how they see images, and what they can tell once they have learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engines import device
from engines.classifiers.base import Array, Fitted, Fitting, Progress, silent
from engines.classifiers.checks import check, usable
from engines.classifiers.gradcam import heat
from engines.classifiers.learning import Plan, learn, logits_of, probabilities_of, seeded
from engines.classifiers.shrinking import shrunk
from engines.classifiers.vectors import check_channels

_MEAN, _SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, in [0, 1]


@dataclass(frozen=True)
class View:
    """How a network sees an image: its side, its channels (grey fills three), and whether scaled as ImageNet was.

    `learned_channels` is what the training images had.
    """

    side: int
    channels: int
    learned_channels: int
    imagenet: bool = False


@dataclass(frozen=True)
class Parts:
    """A network that gives logits [B, K], its last dense layer, and the module that gives its last maps [B, D, h, w].

    Features are what enters `last`; Grad-CAM looks at `maps`.
    """

    whole: nn.Module
    last: nn.Module
    maps: nn.Module


class Images:
    """Batches of images as a network takes them, [B, C, side, side] float32 on the device."""

    def __init__(self, images: Array, view: View, place: device.Device) -> None:
        check_channels(images, view.learned_channels)
        self._images = shrunk(images, view.side)
        self._view, self._place = view, place

    def __len__(self) -> int:
        return len(self._images)

    def __call__(self, chosen: Array) -> Tensor:
        # As they are stored: a quarter or half of what floating point would take on the way to a GPU.
        stored = torch.from_numpy(self._images[chosen]).to(self._place.torch).permute(0, 3, 1, 2)
        unit = (stored.float() / np.iinfo(self._images.dtype).max).expand(-1, self._view.channels, -1, -1)
        if self._view.imagenet:
            mean, sd = (torch.tensor(values, device=unit.device)[:, None, None] for values in (_MEAN, _SD))
            unit = (unit - mean) / sd
        return unit.contiguous(memory_format=torch.channels_last)  # the layout in which convolutions are quickest


@dataclass(frozen=True)
class FittedNetwork:
    """A network that has learned."""

    parts: Parts
    view: View
    place: device.Device

    def probabilities(self, images: Array, progress: Progress = silent) -> Array:
        feed = Images(images, self.view, self.place)
        return probabilities_of(logits_of(self.parts.whole, feed, len(feed), progress))

    def features(self, images: Array, progress: Progress = silent) -> Array:
        found: list[Array] = []
        keep = lambda _, inputs: found.append(inputs[0].flatten(1).float().cpu().numpy())  # noqa: E731
        hook = self.parts.last.register_forward_pre_hook(keep)
        try:
            self.probabilities(images, progress)
        finally:
            hook.remove()
        return np.concatenate(found)

    def saliency(self, images: Array, label: int) -> Array | None:
        seen: list[Tensor] = []
        hook = self.parts.maps.register_forward_hook(lambda _, __, output: seen.append(output))
        feed, parts = Images(images, self.view, self.place), []
        self.parts.whole.eval()
        try:
            for start in range(0, len(feed), 16):
                seen.clear()
                logits = self.parts.whole(feed(np.arange(start, min(start + 16, len(feed)))))
                (slope,) = torch.autograd.grad(logits[:, label].sum(), seen[0])
                parts.append(heat(seen[0].detach(), slope, images.shape[1:3]))
        finally:
            hook.remove()
        return np.concatenate(parts)


def fit_network(build: Callable[[int, int], Parts], view: View, plan: Plan, fitting: Fitting) -> Fitted:
    """Train what `build(channels, outputs)` makes on the training images; random weights follow the seed."""
    check(fitting)
    place = device.find()
    feed = Images(fitting.train.images, view, place)
    validation, validation_feed = usable(fitting.validation), None
    if validation and (plan.patience or fitting.epoch):
        validation_feed = Images(validation.images, view, place)
    with seeded(fitting.seed, plan.threads):
        parts = build(view.channels, len(fitting.classes))
        parts.whole.to(place.torch).to(memory_format=torch.channels_last)
        learn(parts.whole, feed, plan, fitting, place, validation_feed)
    return FittedNetwork(parts, view, place)
