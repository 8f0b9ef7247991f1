"""DenseNet-169, trained whole."""

from __future__ import annotations

from typing import Any

from engines.classifiers.base import ClassifierSpec, Fitted, Fitting
from engines.classifiers.deep import DeepOptions, al_bouhairi, fit_torchvision, last_layer
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
    presets={"al_bouhairi": al_bouhairi(start="random")},
)
