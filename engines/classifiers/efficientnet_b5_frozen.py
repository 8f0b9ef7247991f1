"""EfficientNet-B5, frozen, with a new hidden layer and last layer."""

from __future__ import annotations

from engines.classifiers.base import ClassifierPreset, ClassifierSpec, Fitted, Fitting
from engines.classifiers.frozen import HiddenOptions, fit_head


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
    presets={
        "james_2024": ClassifierPreset(
            "James 2024",
            "Frozen, one new hidden layer. The paper is silent on its units (128), epochs (10, as for its CNN), "
            "optimiser (Adam), learning rate (0.001) and batch (32): ours.",
            {"hidden": 128, "epochs": 10},
        ),
    },
)
