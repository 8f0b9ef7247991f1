"""ResNet-50's pooled features."""

from __future__ import annotations

from pathlib import Path

from engines.extractors.base import Extractor, ExtractorSpec
from engines.extractors.networks import torchvision_extractor


def load(folder: Path | None) -> Extractor:
    return torchvision_extractor("resnet50", folder, 2048)


EXTRACTOR = ExtractorSpec(
    name="resnet50",
    title="ResNet-50",
    summary="A large network trained on photographs (ImageNet), the backbone of many medical classifiers.",
    source="He et al., CVPR 2016; weights of torchvision",
    dim=2048,
    load=load,
    weights=("resnet50",),
)
