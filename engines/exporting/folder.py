"""A folder of 8-bit PNG images by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engines.exporting.base import FormatSpec, write_images
from engines.workspace import ImageSet


def write(image_set: ImageSet, chosen: Sequence[int], folder: Path, progress: Callable[[float], None]) -> Path:
    return write_images(image_set, chosen, folder, 8, progress)


FORMAT = FormatSpec(
    name="folder",
    title="Folder of 8-bit PNG",
    summary="One folder for each class, as torchvision and Hugging Face read it, with a manifest and checksums.",
    write=write,
)
