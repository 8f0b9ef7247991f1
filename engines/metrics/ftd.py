"""FTD: the Fréchet texture distance, usable without pretrained weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.extractors.textures import NAMES
from engines.metrics.base import TEXTURE, Inputs, MetricSpec, Score, few
from engines.metrics.frechet import frechet_distance
from engines.metrics.sets import compare_sets, scaled_by

Array = np.ndarray[Any, np.dtype[Any]]


def distance(real: Array, other: Array) -> float:
    """Fréchet distance after scaling both by the real set's mean and sd; constant features are left out."""
    scale = scaled_by(real)
    return frechet_distance(scale(real), scale(other))


def _largest_shifts(real: Array, synthetic: Array) -> dict[str, Any]:
    shift = ((synthetic.mean(0) - real.mean(0)) / np.maximum(real.std(0), 1e-9)) ** 2
    return {"largest_shifts": [NAMES[i] for i in np.argsort(shift)[::-1][:10]]}


def compute(inputs: Inputs) -> Score:
    return compare_sets(
        inputs, "ftd", distance, extractor=TEXTURE, squared=True, bounds=(0, np.inf), ratio=True, note=few(inputs),
        scaling=lambda real: lambda features: features,  # the distance scales, by whichever real images it gets
        details=_largest_shifts,
    )  # fmt: skip


METRIC = MetricSpec(
    name="ftd",
    title="Texture distance (FTD)",
    summary="Distance between the textures of the two sets, in 261 features that need no pretrained network. Lower is "
    "better, down to the real baseline; below that it warns of copies.",
    source="After radiomics and FRD (Konz, Osuala et al., Medical Image Analysis 2026); own feature set, so values are "
    "not comparable with FRD or FID",
    unit="",
    better="lower",
    compute=compute,
    light=True,
)
