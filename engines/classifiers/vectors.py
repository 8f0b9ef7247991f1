"""Images as vectors: their pixels, or the features of an extractor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines import registry
from engines.classifiers.base import Array, Fitting, Progress
from engines.classifiers.shared_options import BalancedOptions
from engines.classifiers.shrinking import shrunk
from engines.errors import LabError
from engines.extractors.base import Extractor, ExtractorSpec, loaded
from engines.metrics.features import described_by
from engines.options import option

PIXELS = "pixels"


class VectorOptions(BalancedOptions):
    """What the classic classifiers share: what they learn from."""

    on: str = option(
        PIXELS,
        "Learns from",
        "“pixels”, or the name of an extractor (texture, mobilenet_v2, squeezenet, …), whose features are computed "
        "once for each image and kept.",
        layer="basic",
        max_length=200,
    )
    side: int = option(
        32,
        "Side in pixels",
        "With “pixels”: images are first made this small. A classic classifier knows no neighbourhood: more pixels "
        "add noise sooner than they add shape, and its time grows with them.",
        too_low="Small lesions and their margins vanish.",
        too_high="Slow, and learns its few images by heart.",
        unit="pixels",
        ge=4,
        le=256,
    )
    standardise: bool = option(
        True,
        "Same scale for every feature",
        "Each feature is shifted and scaled to mean 0 and standard deviation 1 over the training images.",
        too_low="Features with large numbers decide alone.",
        too_high="Border pixels that hardly vary count as much as the lesion's.",
    )


@dataclass(frozen=True)
class Vectors:
    """Turns images [N, H, W, C] into vectors [N, D] float32, scaled as the training images were."""

    describe: Callable[[Array, Progress], Array]
    centre: Array
    scale: Array
    shape: tuple[int, ...]  # of one training image

    def of(self, images: Array, progress: Progress) -> Array:
        """Raises LabError for images with another number of channels than the training images had."""
        check_channels(images, self.shape[-1])
        return self.scaled(self.describe(images, progress))

    def scaled(self, raw: Array) -> Array:
        return np.ascontiguousarray((raw - self.centre) * self.scale, np.float32)


def vectors_of(options: VectorOptions, fitting: Fitting, progress: Progress) -> tuple[Vectors, Array]:
    """How images become vectors, and the vectors [N, D] float32 of the training images.

    Raises LabError if there is no such extractor or its weights are missing.
    """
    images = fitting.train.images
    if options.on == PIXELS:

        def describe(images: Array, progress: Progress) -> Array:
            small = shrunk(images, options.side)
            flat = small.reshape(len(small), -1).astype(np.float32) / np.float32(np.iinfo(small.dtype).max)
            progress(1.0)
            return flat

    else:
        extractor = extractor_named(options.on, fitting.weights)

        def describe(images: Array, progress: Progress) -> Array:
            return described_by(extractor, images, fitting.cache, progress).astype(np.float32)

    raw = describe(images, progress)
    dim = raw.shape[1]
    centre, scale = np.zeros(dim, np.float32), np.ones(dim, np.float32)
    if options.standardise:
        spread = raw.std(axis=0, dtype=np.float64)
        flat = spread < 1e-6 * max(float(spread.max()), 1e-12)  # a feature that never varies says nothing
        centre = raw.mean(axis=0, dtype=np.float64).astype(np.float32)
        scale = np.where(flat, 0.0, 1 / np.where(flat, 1.0, spread)).astype(np.float32)
    vectors = Vectors(describe, centre, scale, images.shape[1:])
    return vectors, vectors.scaled(raw)


def extractor_named(name: str, weights: Path | None) -> Extractor:
    """The extractor, ready to work.

    Raises LabError if there is none of that name, if its weights are missing, or if it has seen the lab's own labels.
    """
    known: dict[str, ExtractorSpec] = registry.load("extractors")
    if name not in known:
        raise LabError(
            f"There is no extractor “{name[:40]}”.",
            f"There are: {', '.join([PIXELS, *(spec.name for spec in known.values() if not spec.learned_here)])}.",
            "Choose among these.",
        )
    if known[name].learned_here:
        raise LabError(
            f"A classifier cannot learn from the features “{name}”.",
            "They come from a network that has learned the classes of the lab's own images, which may be the ones to "
            "be tested on: the result would be too good.",
            "Choose other features, or pixels.",
        )
    return loaded(known[name], weights)


def check_channels(images: Array, channels: int) -> None:
    """Raises LabError for grey images where the classifier learned colour ones, and the other way round."""
    if images.shape[-1] != channels:
        raise LabError(
            "These images do not fit what the classifier learned from.",
            f"They have {images.shape[-1]} channels, the training images {channels}.",
            "Make both image sets grey, or both in colour.",
        )
