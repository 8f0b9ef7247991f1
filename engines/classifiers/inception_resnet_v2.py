"""Inception-ResNet-v2, from scratch."""

from __future__ import annotations

from typing import Any

from engines.classifiers.base import ClassifierSpec, Fitted, Fitting
from engines.classifiers.checks import check
from engines.classifiers.deep import ScratchOptions, al_bouhairi, fit_whole
from engines.classifiers.networks import Parts
from engines.errors import LabError

_SMALLEST = 75  # below, its unpadded convolutions leave nothing


def fit(options: ScratchOptions, fitting: Fitting) -> Fitted:
    check(fitting)
    if options.side < _SMALLEST:
        raise LabError(
            f"Inception-ResNet-v2 cannot see images of {options.side} pixels.",
            "Its first layers take the borders away until nothing is left.",
            f"Choose a side of {_SMALLEST} pixels or more.",
        )

    def build(channels: int, classes: int) -> Parts:
        import timm  # here, since it takes seconds to import

        network: Any = timm.create_model("inception_resnet_v2", pretrained=False, num_classes=classes)
        return Parts(network, network.get_classifier(), network.conv2d_7b)

    return fit_whole(build, options, fitting)


CLASSIFIER = ClassifierSpec(
    name="inception_resnet_v2",
    title="Inception-ResNet-v2",
    summary="A very deep network of 55 million weights, from scratch; the best of Al Bouhairi's classifiers.",
    source="Szegedy et al., AAAI 2017; timm; used by Al Bouhairi et al.",
    options=ScratchOptions,
    fit=fit,
    cost="heavy",
    presets={"al_bouhairi": al_bouhairi()},
)
