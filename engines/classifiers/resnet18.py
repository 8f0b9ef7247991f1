"""ResNet-18, trained whole."""

from __future__ import annotations

from typing import Any

from engines.classifiers.base import ClassifierPreset, ClassifierSpec, Fitted, Fitting
from engines.classifiers.deep import DeepOptions, fit_torchvision, last_layer
from engines.classifiers.networks import Parts


def parts(network: Any, classes: int) -> Parts:
    network.fc = last_layer(network.fc, classes)
    return Parts(network, network.fc, network.layer4)


def fit(options: DeepOptions, fitting: Fitting) -> Fitted:
    return fit_torchvision("resnet18", options, fitting, parts)


CLASSIFIER = ClassifierSpec(
    name="resnet18",
    title="ResNet-18",
    summary="A residual network of 18 layers, all of which learn; the smallest of the deep ones.",
    source="He et al., CVPR 2016; torchvision",
    options=DeepOptions,
    fit=fit,
    cost="heavy",
    weights=("resnet18",),
    presets={
        "scratch": ClassifierPreset(
            "From scratch",
            "Random weights; wants thousands of images, and a GPU.",
            {"start": "random", "learning_rate": 1e-3},
        ),
    },
)
