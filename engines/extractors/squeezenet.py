"""SqueezeNet's pooled features."""

from __future__ import annotations

from pathlib import Path

from engines.extractors.base import Extractor, ExtractorSpec
from engines.extractors.networks import torchvision_extractor


def load(folder: Path | None) -> Extractor:
    return torchvision_extractor("squeezenet1_0", folder, 512)


EXTRACTOR = ExtractorSpec(
    name="squeezenet",
    title="SqueezeNet",
    summary="The smallest network trained on photographs (ImageNet); the quickest of the networks.",
    source="Iandola et al., arXiv 1602.07360; weights of torchvision",
    dim=512,
    load=load,
    weights=("squeezenet1_0",),
)
