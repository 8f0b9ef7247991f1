"""Features of image sets, kept by content: the same image is never described twice by the same extractor."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engines import files, registry
from engines.errors import LabError
from engines.extractors.base import Extractor, ExtractorSpec, loaded
from engines.metrics.base import Inputs, Pixels

Array = np.ndarray[Any, np.dtype[Any]]

BLOCK = 256  # images in one file of the cache: few files, and little is lost when the machine stops
_KEY_BYTES = 16


def described(inputs: Inputs, images: Pixels, progress: Callable[[float], None], extractor: str | None = None) -> Array:
    """Features [N, D] of images [N, H, W, C]: float32 from networks, float64 from texture.

    `extractor` names one of engines/extractors, `inputs.extractor` by default. What `inputs.cache` holds is read, the
    rest is described and added to it. `progress` takes a fraction and may raise to stop: what was described is kept.
    Raises LabError if there is no such extractor or if its weights are missing or damaged.
    """
    return described_by(extractor_of(inputs, extractor), images, inputs.cache, progress)


def spec_of(inputs: Inputs, name: str | None = None) -> ExtractorSpec:
    """The extractor called `name`, `inputs.extractor` by default; raises LabError if there is none."""
    known: dict[str, ExtractorSpec] = registry.load("extractors")
    wanted = name or inputs.extractor
    if wanted not in known:
        raise LabError(
            f"There is no extractor “{wanted[:40]}”.", f"There are: {', '.join(known)}.", "Choose among these."
        )
    return known[wanted]


def extractor_of(inputs: Inputs, name: str | None = None) -> Extractor:
    """The same, ready to work."""
    return loaded(spec_of(inputs, name), inputs.weights)


def described_by(extractor: Extractor, images: Pixels, folder: Path | None, progress: Callable[[float], None]) -> Array:
    """Features [N, D] of images [N, H, W, C] by a loaded extractor; `folder` is the cache, None for none."""
    keys = keys_of(images)
    cache = folder / extractor.id if folder else None
    known = _read(cache, set(keys)) if cache else {}
    first_of = {key: n for n, key in reversed(list(enumerate(keys)))}  # equal images are described once
    todo = [n for n, key in enumerate(keys) if first_of[key] == n and key not in known]
    unsaved: list[bytes] = []
    try:
        for start in range(0, len(todo), extractor.batch):
            progress(1 - (len(todo) - start) / max(len(keys), 1))
            batch = todo[start : start + extractor.batch]
            for n, row in zip(batch, extractor.describe(images[batch]), strict=True):
                known[keys[n]] = row
                unsaved.append(keys[n])
            if cache and len(unsaved) >= BLOCK:
                _write(cache, unsaved, known)
                unsaved = []
    finally:
        if cache and unsaved:
            _write(cache, unsaved, known)
    progress(1.0)
    return np.stack([known[key] for key in keys])


def keys_of(images: Pixels) -> list[bytes]:
    """A hash of each image's shape, type and pixels."""
    keys = []
    for image in images:
        digest = hashlib.blake2b(f"{image.shape}{image.dtype.str}".encode(), digest_size=_KEY_BYTES)
        digest.update(np.ascontiguousarray(image).data)
        keys.append(digest.digest())
    return keys


def _read(folder: Path, wanted: set[bytes]) -> dict[bytes, Array]:
    """What the cache holds of the wanted images; a damaged file is passed over, so its images are described anew."""
    found: dict[bytes, Array] = {}
    for path in sorted(folder.glob("*.npz")):
        try:
            # Opened here, since numpy leaves a damaged file open; the zip's checksums tell damage.
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as block:
                keys = [key.tobytes() for key in block["keys"]]
                if wanted.isdisjoint(keys):
                    continue
                rows = list(block["features"])
            if len(rows) == len(keys):
                found.update((key, row) for key, row in zip(keys, rows, strict=True) if key in wanted)
        except Exception:  # a damaged file makes its reader fail in any way; the cache is only a help
            continue
    return found


def _write(folder: Path, keys: Sequence[bytes], rows: dict[bytes, Array]) -> None:
    buffer = io.BytesIO()
    names = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, _KEY_BYTES)
    np.savez(buffer, keys=names, features=np.stack([rows[key] for key in keys]))
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.blake2b(b"".join(keys), digest_size=_KEY_BYTES).hexdigest()
    files.write_bytes(folder / f"{name}.npz", buffer.getvalue())
