"""SqueezeNet, frozen, with a new last layer."""

from __future__ import annotations

from engines.classifiers.base import ClassifierSpec, Fitted, Fitting
from engines.classifiers.frozen import FrozenOptions, fit_head


def fit(options: FrozenOptions, fitting: Fitting) -> Fitted:
    return fit_head("squeezenet", options, fitting)


CLASSIFIER = ClassifierSpec(
    name="squeezenet_frozen",
    title="SqueezeNet, frozen",
    summary="The smallest network trained on photographs (ImageNet), of which only a new last layer on its pooled "
    "features learns.",
    source="Iandola et al., arXiv 1602.07360; weights of torchvision",
    options=FrozenOptions,
    fit=fit,
    weights=("squeezenet1_0",),
)
