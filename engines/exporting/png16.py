"""A folder of 16-bit PNG images by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engines.exporting.base import FormatSpec, write_images
from engines.workspace import ImageSet


def write(image_set: ImageSet, chosen: Sequence[int], folder: Path, progress: Callable[[float], None]) -> Path:
    return write_images(image_set, chosen, folder, 16, progress)


FORMAT = FormatSpec(
    name="png16",
    title="Folder of 16-bit PNG",
    summary="The lossless master of grey images. Readers that convert to RGB without scaling show it white.",
    write=write,
)
