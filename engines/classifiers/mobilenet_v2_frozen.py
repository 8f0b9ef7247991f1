"""MobileNetV2, frozen, with a new last layer."""

from __future__ import annotations

from engines.classifiers.base import ClassifierSpec, Fitted, Fitting
from engines.classifiers.frozen import FrozenOptions, fit_head


def fit(options: FrozenOptions, fitting: Fitting) -> Fitted:
    return fit_head("mobilenet_v2", options, fitting)


CLASSIFIER = ClassifierSpec(
    name="mobilenet_v2_frozen",
    title="MobileNetV2, frozen",
    summary="A small network trained on photographs (ImageNet), of which only a new last layer learns; seconds once "
    "its features are kept.",
    source="Sandler et al., CVPR 2018; weights of torchvision",
    options=FrozenOptions,
    fit=fit,
    weights=("mobilenet_v2",),
)
