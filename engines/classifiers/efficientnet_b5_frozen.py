"""EfficientNet-B5, frozen, with a new hidden layer and last layer."""

from __future__ import annotations

from engines.classifiers.base import ClassifierSpec, Fitted, Fitting
from engines.classifiers.frozen import JAMES_2024, HiddenOptions, fit_head


def fit(options: HiddenOptions, fitting: Fitting) -> Fitted:
    return fit_head("efficientnet_b5", options, fitting)


CLASSIFIER = ClassifierSpec(
    name="efficientnet_b5_frozen",
    title="EfficientNet-B5, frozen",
    summary="A large network trained on photographs (ImageNet) at 456 pixels, under a new hidden layer.",
    source="Tan and Le, ICML 2019; weights of torchvision; used by James 2024",
    options=HiddenOptions,
    fit=fit,
    weights=("efficientnet_b5",),
    presets={"james_2024": JAMES_2024},
)
