"""Deep networks trained whole: from ImageNet's weights, or from scratch."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

from torch import nn

from engines.classifiers.base import ClassifierPreset, Fitted, Fitting
from engines.classifiers.checks import check
from engines.classifiers.learning import Plan
from engines.classifiers.networks import Parts, View, fit_network
from engines.classifiers.searching import searched
from engines.classifiers.shared_options import LearningOptions, patience_of
from engines.options import option
from engines.pretrained import fill, read_state


class ScratchOptions(LearningOptions):
    """Options of a deep network."""

    side: int = option(
        224,
        "Side in pixels",
        "Images are made this large first; 224 is what most of these networks were designed for.",
        too_low="Small lesions and their margins vanish; below 75 some networks cannot work.",
        too_high="Each doubling costs four times the time and memory.",
        unit="pixels",
        layer="basic",
        ge=32,
        le=1024,
    )
    epochs: int = option(
        50,
        "Epochs",
        "How often each training image is shown, at most.",
        too_low="Has not yet learned.",
        too_high="Learns its training images by heart, unless patience ends it.",
        layer="basic",
        ge=1,
        le=10_000,
    )
    learning_rate: float = searched(
        option(
            1e-4,
            "Learning rate",
            "Of Adam (Kingma and Ba, ICLR 2015). Pretrained weights want less than its default of 0.001.",
            too_low="Hardly learns.",
            too_high="Forgets what it brought along; answers the same for every image.",
            layer="basic",
            gt=0,
            le=1,
        ),
        low=1e-6,
        high=1e-2,
        log=True,
    )
    weight_decay: float = option(
        0.0,
        "Weight decay",
        "Penalty on large weights.",
        too_low="Learns few images by heart.",
        too_high="Hardly learns.",
        ge=0,
        le=1,
    )
    batch: int = option(
        32,
        "Batch",
        "Images per training step.",
        too_low="Restless, and batch normalisation becomes unreliable.",
        too_high="Memory runs out.",
        unit="images",
        ge=2,
        le=4096,
    )
    patience: int = patience_of(10)


class DeepOptions(ScratchOptions):
    """Options of a deep network that may begin with ImageNet's weights."""

    start: Literal["imagenet", "random"] = option(
        "imagenet",
        "Start",
        "“imagenet”: weights learned on photographs, all of which go on learning, with pixels scaled as there. "
        "“random”: from scratch, with pixels in [0, 1].",
        layer="basic",
    )


def al_bouhairi(**more: str) -> ClassifierPreset:
    """A deep network as Al Bouhairi et al. trained theirs."""
    return ClassifierPreset(
        "Al Bouhairi et al.",
        "From scratch at 224 pixels in [0, 1]. The paper is silent on optimiser, learning rate, batch and epochs: "
        "ours, with 50 epochs of Adam at 0.001. Wants a GPU.",
        {**more, "side": 224, "learning_rate": 1e-3, "epochs": 50, "patience": 0},
    )


def fit_torchvision(name: str, options: DeepOptions, fitting: Fitting, parts: Callable[[Any, int], Parts]) -> Fitted:
    """Train torchvision's network of that name; `parts` gives it a last layer for so many classes.

    Raises LabError if it is to begin with weights that are missing or do not fit.
    """
    from torchvision import models  # here, since it takes a second to import

    check(fitting)

    def build(channels: int, classes: int) -> Parts:
        network = models.get_model(name, weights=None)
        if options.start == "imagenet":
            state, found = read_state(name, fitting.weights)
            fill(network, _present_names(state), found)
        return parts(network, classes)

    return fit_whole(build, options, fitting, imagenet=options.start == "imagenet")


def fit_whole(
    build: Callable[[int, int], Parts], options: ScratchOptions, fitting: Fitting, imagenet: bool = False
) -> Fitted:
    """Train what `build` makes; grey images fill its three channels."""
    plan = Plan(
        options.epochs, options.learning_rate, options.batch, options.balanced, options.patience,
        options.weight_decay, autocast=True,
    )  # fmt: skip
    view = View(options.side, 3, fitting.train.images.shape[-1], imagenet)
    return fit_network(build, view, plan, fitting)


def last_layer(before: nn.Linear, classes: int) -> nn.Linear:
    """A fresh last layer in place of the one for ImageNet's thousand classes."""
    return nn.Linear(before.in_features, classes)


def _present_names(state: dict[str, Any]) -> dict[str, Any]:
    """Published DenseNet weights still write `norm.1` where torchvision's layers are called `norm1` by now."""
    return {re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.", r"\1\2.", key): state[key] for key in state}
