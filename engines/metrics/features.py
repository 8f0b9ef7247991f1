"""Features of image sets, kept by content: the same pixels are never described twice by the same extractor."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engines import files

Array = np.ndarray[Any, np.dtype[Any]]


def content_of(images: Array) -> str:
    """A hash of shape, type and pixels."""
    digest = hashlib.sha256(f"{images.shape}{images.dtype}".encode())
    for start in range(0, len(images), 256):
        digest.update(np.ascontiguousarray(images[start : start + 256]).data)
    return digest.hexdigest()


def features_of(
    images: Array,
    extractor: str,
    extract: Callable[[Array], Array],
    folder: Path | None,
    progress: Callable[[float], None],
) -> Array:
    """Features [N, D] float64 of images [N, H, W, C], one `extract(image)` [D] at a time, from the cache if known."""
    path = folder / f"{content_of(images)[:32]}-{extractor}.npy" if folder else None
    if path and path.exists():
        return np.asarray(files.open_npy(path))
    rows = []
    for n, image in enumerate(images):
        rows.append(extract(image))
        if n % 16 == 0:
            progress(n / len(images))
    features = np.stack(rows)
    if path:
        files.write_npy(path, features)
    return features
