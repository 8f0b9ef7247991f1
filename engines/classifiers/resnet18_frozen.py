"""ResNet-18, frozen, with a new last layer."""

from __future__ import annotations

from engines.classifiers.base import ClassifierPreset, ClassifierSpec, Fitted, Fitting
from engines.classifiers.frozen import FrozenOptions, fit_head


def fit(options: FrozenOptions, fitting: Fitting) -> Fitted:
    return fit_head("resnet18", options, fitting)


CLASSIFIER = ClassifierSpec(
    name="resnet18_frozen",
    title="ResNet-18, frozen",
    summary="A network trained on photographs (ImageNet), of which only a new last layer learns.",
    source="He et al., CVPR 2016; weights of torchvision; used by Aytar and Gündüç 2024 and Chi et al. 2018",
    options=FrozenOptions,
    fit=fit,
    weights=("resnet18",),
    presets={
        "aytar_2024": ClassifierPreset(
            "Aytar and Gündüç 2024",
            "All frozen but a new last layer, input 224 pixels, cross-entropy, Adam, 150 epochs. The paper is silent "
            "on learning rate (0.001, Adam's default) and batch (32): ours.",
            {"epochs": 150},
        ),
        "chi_2018": ClassifierPreset(
            "Chi et al. 2018",
            "All frozen but a new last layer. The paper is silent on optimiser, epochs, learning rate and batch: ours, "
            "with 25 epochs of Adam. Its rotations, flips and noise belong to the training set.",
            {"epochs": 25},
        ),
    },
)
