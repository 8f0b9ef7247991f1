"""Texture: 261 features from pixels alone, usable without pretrained weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engines.extractors.base import Array, Extractor, ExtractorSpec, Pixels
from engines.extractors.textures import NAMES, texture_features


def _describe(images: Pixels) -> Array:
    return np.stack([texture_features(image) for image in images])


def load(folder: Path | None) -> Extractor:
    # Small batches: an image takes tens of milliseconds, and Stop should be quick.
    return Extractor("texture-v1", "texture-v1", len(NAMES), _describe, batch=16)


EXTRACTOR = ExtractorSpec(
    name="texture",
    title="Texture features",
    summary="First-order, co-occurrence and local-pattern features inside the breast; no pretrained network.",
    source="After radiomics (Zwanenburg et al., Radiology 2020) and FRD (Konz, Osuala et al., Medical Image Analysis "
    "2026); own feature set",
    dim=len(NAMES),
    load=load,
    mixed_units=True,
)
