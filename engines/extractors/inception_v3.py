"""Inception-v3's pooled features: torchvision's network, not the FID's."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from torch import nn

from engines.extractors.base import Extractor, ExtractorSpec
from engines.extractors.networks import as_extractor, imagenet_input
from engines.pretrained import fill, read_state

_SIDE, _HALF = 299, (0.5, 0.5, 0.5)  # its weights came from TensorFlow, which scales pixels to [-1, 1]
_BESIDE = {"AuxLogits", "avgpool", "dropout", "fc"}  # what stands beside or behind its maps


def load(folder: Path | None) -> Extractor:
    from torchvision import models  # here, since it takes a second to import

    state, found = read_state("inception_v3", folder)
    whole = models.get_model("inception_v3", weights=None, init_weights=False)
    fill(whole, state, found)
    layers = nn.Sequential(*(part for name, part in whole.named_children() if name not in _BESIDE))
    network = nn.Sequential(layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    prepare = partial(imagenet_input, side=_SIDE, mean=_HALF, sd=_HALF)
    return as_extractor("inception_v3", found, network, prepare, 2048, layers=layers)


EXTRACTOR = ExtractorSpec(
    name="inception_v3",
    title="Inception-v3",
    summary="A large network trained on photographs (ImageNet) at 299 pixels; a newer relative of the FID's.",
    source="Szegedy et al., CVPR 2016; weights of torchvision",
    dim=2048,
    load=load,
    weights=("inception_v3",),
)
