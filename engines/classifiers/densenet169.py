"""DenseNet-169, trained whole."""

from __future__ import annotations

from typing import Any

from engines.classifiers.base import ClassifierPreset, ClassifierSpec, Fitted, Fitting
from engines.classifiers.deep import DeepOptions, fit_torchvision, last_layer
from engines.classifiers.networks import Parts


def parts(network: Any, classes: int) -> Parts:
    network.classifier = last_layer(network.classifier, classes)
    return Parts(network, network.classifier, network.features)


def fit(options: DeepOptions, fitting: Fitting) -> Fitted:
    return fit_torchvision("densenet169", options, fitting, parts)


CLASSIFIER = ClassifierSpec(
    name="densenet169",
    title="DenseNet-169",
    summary="Each layer sees the output of all before it; 169 layers, all of which learn.",
    source="Huang et al., CVPR 2017; torchvision; used by Al Bouhairi et al.",
    options=DeepOptions,
    fit=fit,
    cost="heavy",
    weights=("densenet169",),
    presets={
        "al_bouhairi": ClassifierPreset(
            "Al Bouhairi et al.",
            "From scratch at 224 pixels in [0, 1]. The paper is silent on optimiser, learning rate, batch and epochs: "
            "ours, with 50 epochs of Adam at 0.001. Wants a GPU.",
            {"start": "random", "side": 224, "learning_rate": 1e-3, "epochs": 50, "patience": 0},
        ),
    },
)
