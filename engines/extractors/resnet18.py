"""ResNet-18's pooled features."""

from __future__ import annotations

from pathlib import Path

from engines.extractors.base import Extractor, ExtractorSpec
from engines.extractors.networks import torchvision_extractor


def load(folder: Path | None) -> Extractor:
    return torchvision_extractor("resnet18", folder, 512)


EXTRACTOR = ExtractorSpec(
    name="resnet18",
    title="ResNet-18",
    summary="A middling network trained on photographs (ImageNet), quicker than ResNet-50.",
    source="He et al., CVPR 2016; weights of torchvision",
    dim=512,
    load=load,
    weights=("resnet18",),
)
