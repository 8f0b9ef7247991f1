"""Frozen backbones: a pretrained network's features, computed once for each image, under a new last layer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from engines import device
from engines.classifiers.base import Array, ClassifierPreset, Fitted, Fitting, Progress, silent
from engines.classifiers.checks import check, usable
from engines.classifiers.gradcam import heat
from engines.classifiers.learning import Plan, learn, logits_of, probabilities_of, seeded
from engines.classifiers.searching import searched
from engines.classifiers.shared_options import LearningOptions, adam_rate
from engines.classifiers.vectors import extractor_named
from engines.device import Device
from engines.extractors.base import Extractor
from engines.extractors.small_network import dense_head
from engines.metrics.features import described_by
from engines.options import option


def _hidden_units(default: int) -> Any:
    return option(
        default,
        "Hidden units",
        "A layer of so many units between features and answer; 0 for none, which leaves a weighted sum of features.",
        too_low="Only flat borders between classes.",
        too_high="Learns few images by heart.",
        ge=0,
        le=4096,
    )


class FrozenOptions(LearningOptions):
    """Options of a new head on frozen features."""

    epochs: int = option(
        150,
        "Epochs",
        "How often each training image's features are shown to the new layers.",
        too_low="The new layer has not yet found its weights.",
        too_high="It learns its training images by heart, above all when there are few.",
        layer="basic",
        ge=1,
        le=10_000,
    )
    learning_rate: float = adam_rate("Restless, and may break.", high=1e-1)
    hidden: int = _hidden_units(0)
    activation: Literal["relu", "leaky_relu", "elu", "tanh"] = searched(
        option("relu", "Activation", "What follows the hidden units."), choices=("relu", "leaky_relu", "elu", "tanh")
    )
    dropout: float = searched(
        option(
            0.0,
            "Dropout",
            "Share of the values before the last layer that are left out at each step.",
            too_low="Learns few images by heart.",
            too_high="Hardly learns.",
            ge=0,
            le=0.9,
        ),
        low=0.0,
        high=0.7,
    )


class HiddenOptions(FrozenOptions):
    """Options of a new hidden layer and last layer on frozen features."""

    hidden: int = _hidden_units(128)


JAMES_2024 = ClassifierPreset(
    "James 2024",
    "Frozen, one new hidden layer. The paper is silent on its units (128), epochs (10, as for its CNN), optimiser "
    "(Adam), learning rate (0.001) and batch (32): ours.",
    {"hidden": 128, "epochs": 10},
)


@dataclass(frozen=True)
class FittedHead:
    """A frozen extractor with a head that has learned."""

    extractor: Extractor
    head: nn.Sequential
    place: Device
    cache: Path | None

    def probabilities(self, images: Array, progress: Progress = silent) -> Array:
        rows = self._rows(images, progress)
        return probabilities_of(logits_of(self.head, rows.__getitem__, len(rows)))

    def features(self, images: Array, progress: Progress = silent) -> Array:
        """What enters the last layer: the backbone's features, or the hidden units."""
        with torch.inference_mode():
            return np.asarray(self.head[:-1](self._rows(images, progress)).cpu().numpy())

    def saliency(self, images: Array, label: int) -> Array | None:
        if self.extractor.maps is None:
            return None
        parts = []
        for start in range(0, len(images), self.extractor.batch):
            batch = images[start : start + self.extractor.batch]
            maps = torch.from_numpy(self.extractor.maps(batch)).to(self.place.torch).requires_grad_()
            logits = self.head(maps.mean(dim=(2, 3)))
            (slope,) = torch.autograd.grad(logits[:, label].sum(), maps)
            parts.append(heat(maps.detach(), slope, images.shape[1:3]))
        return np.concatenate(parts)

    def _rows(self, images: Array, progress: Progress) -> Tensor:
        return _rows(self.extractor, images, self.cache, progress, self.place)


def fit_head(extractor_name: str, options: FrozenOptions, fitting: Fitting) -> Fitted:
    """A head on the features of the extractor of that name.

    The frozen part runs as in use (batch statistics as trained, no dropout), so an image's features never change and
    are computed once; the head then learns what it would learn at the network's end.
    """
    check(fitting)
    extractor = extractor_named(extractor_name, fitting.weights)
    plan = Plan(options.epochs, options.learning_rate, options.batch, options.balanced, options.patience, threads=1)
    place = device.find()
    rows = _rows(extractor, fitting.train.images, fitting.cache, lambda part: fitting.progress(0.5 * part), place)
    validation, validation_feed = usable(fitting.validation), None
    if validation and (options.patience or fitting.epoch):
        others = _rows(extractor, validation.images, fitting.cache, lambda part: fitting.progress(0.5), place)
        validation_feed = others.__getitem__
    second_half = replace(fitting, progress=lambda part: fitting.progress(0.5 + 0.5 * part))
    with seeded(fitting.seed, plan.threads):
        head = dense_head(rows.shape[1], options.hidden, len(fitting.classes), options.activation, options.dropout)
        head.to(place.torch)
        learn(head, rows.__getitem__, plan, second_half, place, validation_feed)
    return FittedHead(extractor, head, place, fitting.cache)


def _rows(extractor: Extractor, images: Array, cache: Path | None, progress: Progress, place: Device) -> Tensor:
    found = described_by(extractor, images, cache, progress)
    return torch.from_numpy(np.asarray(found, np.float32)).to(place.torch)
