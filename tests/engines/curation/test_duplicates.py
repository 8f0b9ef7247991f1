"""Fingerprints: copies of a picture group, other pictures do not; the fast search finds what comparing all finds."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from engines.curation.duplicates import DISTANCE, groups, joined, pairs, perceptual_hash


def pictures(count: int) -> list[np.ndarray]:
    """Half-ellipses on black, as canonical crops are, each with tissue of its own."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:128, 0:128] / 128
    made = []
    for _ in range(count):
        tissue = sum(ndimage.gaussian_filter(rng.normal(size=(128, 128)), s) * s for s in (3, 6, 12))
        breast = (x / rng.uniform(0.6, 0.9)) ** 2 + ((y - 0.5) / rng.uniform(0.4, 0.5)) ** 2 < 1
        made.append(np.where(breast, np.clip(120 + 60 * tissue, 30, 255), 0).astype(np.uint8))
    return made


def jpeg(picture: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=40)
    return np.asarray(Image.open(buffer))


COPIES = {
    "half size": lambda p: np.asarray(Image.fromarray(p).resize((64, 64), Image.Resampling.LANCZOS)),
    "blurred": lambda p: ndimage.gaussian_filter(p, 1),
    "brighter": lambda p: np.clip(p * 1.15, 0, 255).astype(np.uint8),
    "gamma": lambda p: (255 * (p / 255) ** 0.8).astype(np.uint8),
    "jpeg": jpeg,
    "16 bits": lambda p: p.astype(np.uint16) * 257,
    "float and rgb": lambda p: np.repeat(p[..., None] / np.float32(255), 3, axis=2),
    "black around it": lambda p: np.pad(p, ((20, 20), (0, 40))),
}


@pytest.mark.parametrize("change", COPIES)
def test_a_copy_groups_with_its_original_and_with_nothing_else(change: str) -> None:
    originals = pictures(25)
    hashes = [perceptual_hash(p) for p in originals] + [perceptual_hash(COPIES[change](p)) for p in originals]
    assert all(len(text) == 16 and int(text, 16) >= 0 for text in hashes)
    assert groups(hashes) == [[n, n + 25] for n in range(25)]


def test_flat_and_blank_pictures_have_one_fingerprint() -> None:
    flat = [np.zeros((50, 50), np.uint8), np.full((40, 60, 3), 99, np.uint16), np.full((1, 1), np.nan, np.float32)]
    assert {perceptual_hash(picture) for picture in flat} == {"0" * 16}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(0, 24))
def test_pairs_and_groups_equal_brute_force(seed: int, count: int, distance: int) -> None:
    rng = random.Random(seed)
    seeds = [rng.getrandbits(64) for _ in range(4)]
    values = [
        rng.choice(seeds) ^ (rng.getrandbits(64) & rng.getrandbits(64) & rng.getrandbits(64)) for _ in range(count)
    ]
    hashes = ["" if rng.random() < 0.1 else f"{value:016x}" for value in values]
    close = [
        (i, j)
        for i in range(count)
        for j in range(i + 1, count)
        if hashes[i] and hashes[j] and (values[i] ^ values[j]).bit_count() <= distance
    ]
    assert groups(hashes, distance) == joined(np.array(close, dtype=np.intp).reshape(-1, 2), count)
    if len(set(values)) == count:
        assert [tuple(pair) for pair in pairs(hashes, distance).tolist()] == close


def test_many_equal_fingerprints_are_one_group() -> None:
    hashes = ["00000000000000ff"] * 5000 + ["ffffffffffffffff", ""]
    assert groups(hashes) == [list(range(5000))]
    assert len(pairs(hashes)) == 4999


def test_women_of_mini_mias_do_not_group(shared_data) -> None:
    """Both breasts of twenty women as canonical crops: only a picture and its brighter copy group."""
    from engines.curation.canonical import canonical, find_crop
    from engines.curation.proxy import make_proxy
    from engines.curation.segment import segment

    hashes = []
    for path in sorted((shared_data / "mini-mias").rglob("*.pgm"))[:40]:
        pixels = np.asarray(Image.open(path))
        proxy = make_proxy(pixels)
        found = segment(proxy.values)
        assert found
        crop = canonical(pixels, 128, find_crop(found, proxy), flip=found.chest == "right", blank=True)
        hashes += [perceptual_hash(crop), perceptual_hash(crop * 1.1)]
    assert groups(hashes, DISTANCE) == [[n, n + 1] for n in range(0, len(hashes), 2)]
