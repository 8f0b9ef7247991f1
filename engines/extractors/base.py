"""What an extractor is: it turns images into feature vectors, and its id says which numbers these are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engines import weights

Pixels = np.ndarray[Any, np.dtype[Any]]
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Extractor:
    """An extractor ready to work.

    `describe` turns [B, H, W, C] uint8 or uint16 into [B, dim] floating point; `batch` is a good B. `id` names all
    that the numbers depend on (method, version, weights, precision), so features are kept under it. `label` is what a
    result says of it. `head` [dim, K] turns features into class logits, where the network has such. `maps` turns images
    into the [B, dim, h, w] float32 whose average over h and w are the features, where they are such an average.
    """

    id: str
    label: str
    dim: int
    describe: Callable[[Pixels], Array]
    batch: int = 32
    warnings: tuple[str, ...] = ()
    head: Array | None = None
    about: dict[str, Any] = field(default_factory=dict)
    maps: Callable[[Pixels], Array] | None = None


@dataclass(frozen=True)
class ExtractorSpec:
    """One extractor; an extractor file ends with `EXTRACTOR = ExtractorSpec(...)`.

    `weights` names the pretrained files it needs (engines/weights.py); `load` takes the workspace's folder of weights.
    `mixed_units`: its features have units of their own, so distances need them scaled by the real set first.
    `learned_here`: it has learned from the lab's own labelled images, so no classifier may be tested on its features.
    """

    name: str
    title: str
    summary: str
    source: str
    dim: int
    load: Callable[[Path | None], Extractor]
    weights: tuple[str, ...] = ()
    mixed_units: bool = False
    learned_here: bool = False


def loaded(spec: ExtractorSpec, folder: Path | None) -> Extractor:
    """The extractor, loaded once for the same files; raises LabError where weights are missing or damaged."""
    return _loaded(spec, folder, tuple(weights.find(name, folder).sha256 for name in spec.weights))


@lru_cache(maxsize=2)  # a network takes 100 MB; an evaluation uses one or two
def _loaded(spec: ExtractorSpec, folder: Path | None, hashes: tuple[str, ...]) -> Extractor:
    return spec.load(folder)


def unit_grey(images: Pixels) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Stored pixels [N, H, W, C] as grey values [N, H, W] float32 in [0, 1]; colour by Rec. 601 luminance."""
    scaled = images.astype(np.float32) / np.float32(np.iinfo(images.dtype).max)
    if scaled.shape[-1] == 1:
        return np.asarray(scaled[..., 0])
    return np.asarray(scaled @ np.array([0.299, 0.587, 0.114], np.float32))
