"""VGG-16, trained whole."""

from __future__ import annotations

from typing import Any

from engines.classifiers.base import ClassifierSpec, Fitted, Fitting
from engines.classifiers.deep import DeepOptions, al_bouhairi, fit_torchvision, last_layer
from engines.classifiers.networks import Parts


def parts(network: Any, classes: int) -> Parts:
    network.classifier[-1] = last_layer(network.classifier[-1], classes)
    return Parts(network, network.classifier[-1], network.features)


def fit(options: DeepOptions, fitting: Fitting) -> Fitted:
    return fit_torchvision("vgg16", options, fitting, parts)


CLASSIFIER = ClassifierSpec(
    name="vgg16",
    title="VGG-16",
    summary="Sixteen plain layers with 134 million weights, all of which learn; large and old.",
    source="Simonyan and Zisserman, ICLR 2015; torchvision; used by Al Bouhairi et al.",
    options=DeepOptions,
    fit=fit,
    cost="heavy",
    weights=("vgg16",),
    presets={"al_bouhairi": al_bouhairi(start="random")},
)
