"""Inception-v3, frozen, with a new hidden layer and last layer."""

from __future__ import annotations

from engines.classifiers.base import ClassifierSpec, Fitted, Fitting
from engines.classifiers.frozen import JAMES_2024, HiddenOptions, fit_head


def fit(options: HiddenOptions, fitting: Fitting) -> Fitted:
    return fit_head("inception_v3", options, fitting)


CLASSIFIER = ClassifierSpec(
    name="inception_v3_frozen",
    title="Inception-v3, frozen",
    summary="A large network trained on photographs (ImageNet) at 299 pixels, under a new hidden layer.",
    source="Szegedy et al., CVPR 2016; weights of torchvision; used by James 2024",
    options=HiddenOptions,
    fit=fit,
    weights=("inception_v3",),
    presets={"james_2024": JAMES_2024},
)
