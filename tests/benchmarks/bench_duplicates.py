"""How well near-duplicates are told: `python tests/benchmarks/bench_duplicates.py DATA_FOLDER`.

Every film of mini-MIAS and 500 CBIS-DDSM patches are changed in several ways, and films are cropped anew after it.
Printed: bits between the nearest two different pictures, and for each change the share of copies found, by fingerprint
alone (within DISTANCE bits) and with the second look.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from engines.curation.canonical import canonical, find_crop
from engines.curation.duplicates import DISTANCE, groups, perceptual_hash
from engines.curation.likeness import like_pairs
from engines.curation.proxy import make_proxy
from engines.curation.segment import segment

Array = np.ndarray[Any, Any]


def resized(picture: Array, factor: float) -> Array:
    size = tuple(round(side * factor) for side in picture.shape[::-1])
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def jpeg(picture: Array, quality: int) -> Array:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def clipped(values: Array) -> Array:
    return np.clip(values, 0, 255).astype(np.uint8)


CHANGES: dict[str, Callable[[Array], Array]] = {
    "half size": lambda p: resized(p, 0.5),
    "three quarters": lambda p: resized(p, 0.75),
    "1.5 times": lambda p: resized(p, 1.5),
    "blurred by 1/512": lambda p: ndimage.gaussian_filter(p, max(p.shape) / 512),
    "20 % brighter": lambda p: clipped(p * 1.2),
    "20 levels brighter": lambda p: clipped(p + 20.0),
    "gamma 0.8": lambda p: clipped(255 * (p / 255) ** 0.8),
    "gamma 1.25": lambda p: clipped(255 * (p / 255) ** 1.25),
    "JPEG 50": lambda p: jpeg(p, 50),
    "JPEG 25": lambda p: jpeg(p, 25),
    "noise of 5 levels": lambda p: clipped(p + np.random.default_rng(0).normal(0, 5, p.shape)),
}


def film_crop(picture: Array) -> Array:
    proxy = make_proxy(picture)
    found = segment(proxy.values)
    if found is None:
        return picture
    return canonical(picture, 128, find_crop(found, proxy), flip=found.chest == "right", blank=True)


def measure(name: str, paths: list[Path], crop: Callable[[Array], Array]) -> None:
    pictures = [np.asarray(Image.open(path).convert("L")) for path in paths]
    crops = [crop(picture) for picture in pictures]
    hashes = [perceptual_hash(one) for one in crops]
    numbers = np.array([int(text, 16) for text in hashes], dtype=np.uint64)
    apart = np.bitwise_count(numbers[:, None] ^ numbers[None])[np.triu_indices(len(numbers), 1)]
    alike = like_pairs(hashes, crops.__getitem__)
    print(f"{name}: {len(apart)} pairs, nearest {apart.min()} bits, {len(alike)} alike at a second look")
    shares = []
    for change, apply in CHANGES.items():
        copies = [crop(apply(picture)) for picture in pictures]
        both, texts = [*crops, *copies], [*hashes, *map(perceptual_hash, copies)]
        bits = np.bitwise_count(numbers ^ np.array([int(text, 16) for text in texts[len(crops) :]], dtype=np.uint64))
        found = {tuple(pair) for pair in like_pairs(texts, both.__getitem__).tolist()}
        right = {(n, n + len(crops)) for n in range(len(crops))}
        shares.append((float(np.mean(bits <= DISTANCE)), len(found & right) / len(crops)))
        first, second = shares[-1]
        print(f"  {change:20s} {first:.3f}  second look {second:.3f}, wrong pairs {len(found - right)}", flush=True)
    print("  all copies           {:.3f}  second look {:.3f}".format(*np.mean(shares, axis=0)))


if __name__ == "__main__":
    data = Path(sys.argv[1])
    measure("films", sorted((data / "mini-mias").rglob("*.pgm")), film_crop)
    measure("patches", sorted((data / "cbis-mass-roi" / "train").rglob("*.png"))[:500], lambda picture: picture)
    hashes = [
        f"{value:016x}" for value in np.random.default_rng(0).integers(0, 2**64, 100_000, dtype=np.uint64).tolist()
    ]
    start = time.perf_counter()
    groups(hashes)
    print(f"100,000 fingerprints grouped in {time.perf_counter() - start:.1f} s")
