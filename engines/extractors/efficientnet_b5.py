"""EfficientNet-B5's pooled features."""

from __future__ import annotations

from pathlib import Path

from engines.extractors.base import Extractor, ExtractorSpec
from engines.extractors.networks import torchvision_extractor


def load(folder: Path | None) -> Extractor:
    return torchvision_extractor("efficientnet_b5", folder, 2048, side=456)


EXTRACTOR = ExtractorSpec(
    name="efficientnet_b5",
    title="EfficientNet-B5",
    summary="A large network trained on photographs (ImageNet) at 456 pixels; slow without a GPU.",
    source="Tan and Le, ICML 2019; weights of torchvision",
    dim=2048,
    load=load,
    weights=("efficientnet_b5",),
)
