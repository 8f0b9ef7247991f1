"""Swin, tiny, trained whole."""

from __future__ import annotations

from typing import Any

from engines.classifiers.base import ClassifierPreset, ClassifierSpec, Fitted, Fitting
from engines.classifiers.deep import DeepOptions, fit_torchvision, last_layer
from engines.classifiers.networks import Parts


def parts(network: Any, classes: int) -> Parts:
    network.head = last_layer(network.head, classes)
    return Parts(network, network.head, network.permute)


def fit(options: DeepOptions, fitting: Fitting) -> Fitted:
    return fit_torchvision("swin_t", options, fitting, parts)


CLASSIFIER = ClassifierSpec(
    name="swin_tiny",
    title="Swin, tiny",
    summary="A small transformer with shifted windows; from ImageNet's weights, since it learns little from scratch.",
    source="Liu et al., ICCV 2021; torchvision; used by Osuala et al. 2024",
    options=DeepOptions,
    fit=fit,
    cost="heavy",
    weights=("swin_t",),
    presets={
        "osuala_2024": ClassifierPreset(
            "Osuala et al. 2024",
            "From ImageNet's weights, 100 epochs. Which Swin, its learning rate, optimiser and batch are ours. Wants a "
            "GPU.",
            {"start": "imagenet", "epochs": 100, "patience": 0},
        ),
    },
)
