"""MobileNetV2's pooled features."""

from __future__ import annotations

from pathlib import Path

from engines.extractors.base import Extractor, ExtractorSpec
from engines.extractors.networks import torchvision_extractor


def load(folder: Path | None) -> Extractor:
    return torchvision_extractor("mobilenet_v2", folder, 1280)


EXTRACTOR = ExtractorSpec(
    name="mobilenet_v2",
    title="MobileNetV2",
    summary="A small network trained on photographs (ImageNet); quick, and its weights are a small file.",
    source="Sandler et al., CVPR 2018; weights of torchvision",
    dim=1280,
    load=load,
    weights=("mobilenet_v2",),
)
