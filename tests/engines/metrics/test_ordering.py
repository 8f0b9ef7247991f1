"""Real films: both distances order what was done to the images as it should be, and find halves of reals alike."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from engines.extractors.textures import texture_features
from engines.metrics.ftd import distance as texture_distance
from engines.metrics.sliced import patches_of, sliced_distance
from engines.metrics.statistics import patient_halves
from engines.resize import resize

Array = np.ndarray[Any, np.dtype[Any]]
Describe = Callable[[Array], Array]
Distance = Callable[[Array, Array], float]

COUNT = 30  # images in each altered set


@pytest.fixture(scope="module")
def films(shared_data: Path) -> Array:
    """Mini-MIAS at 128 pixels, [120, 128, 128, 1] uint8; two films a woman, all chest walls on one side."""
    paths = sorted((shared_data / "mini-mias").glob("mdb*.pgm"))
    if not paths:
        pytest.skip("no mini-MIAS among the research images")
    found = [resize(np.asarray(Image.open(path)), 128) for path in paths]
    return np.stack([film[:, ::-1] if n % 2 == 0 else film for n, film in enumerate(found)])[..., None]


def jpeg(images: Array, quality: int) -> Array:
    found = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image[..., 0]).save(file, "JPEG", quality=quality)
        found.append(np.asarray(Image.open(file))[..., None])
    return np.stack(found)


def noisy(images: Array, sigma: float) -> Array:
    noise = np.random.default_rng(0).normal(0, sigma * 127.5, images.shape)
    return np.asarray(np.clip(np.rint(images + noise), 0, 255).astype(np.uint8))


def blurred(images: Array, sigma: float) -> Array:
    return np.asarray(ndimage.gaussian_filter(images, (0, sigma, sigma, 0)))


def textures_of(images: Array) -> Array:
    return np.stack([texture_features(image) for image in images])


def pieces_of(images: Array) -> Array:
    return patches_of(images, len(images), lambda fraction: None)


def sliced(real: Array, other: Array) -> float:
    return float(sliced_distance(real, other).mean())


KINDS: dict[str, tuple[Describe, Distance]] = {"ftd": (textures_of, texture_distance), "swd": (pieces_of, sliced)}
PATIENTS = [f"p{n // 2}" for n in range(120)]


@pytest.fixture(scope="module")
def described(films: Array) -> dict[str, Array]:
    return {kind: describe(films) for kind, (describe, _) in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_distances_order_what_was_done_to_the_images(films: Array, described: dict[str, Array], kind: str) -> None:
    describe, distance = KINDS[kind]
    real = described[kind]
    first, second = patient_halves(PATIENTS, 0)
    others = films[second[:COUNT]]

    def far(described: Array) -> float:
        return distance(real[first], described)

    new = far(real[second[:COUNT]])
    assert far(real[first][:COUNT]) < 0.8 * new  # copies
    few, fewer = (far(real[second[np.arange(COUNT) % kept]]) for kept in (12, 4))
    assert new < few < fewer
    jpeg_50, jpeg_20 = (far(describe(jpeg(others, quality))) for quality in (50, 20))
    noise_02, noise_05 = (far(describe(noisy(others, sigma))) for sigma in (0.02, 0.05))
    blur_1, blur_2 = (far(describe(blurred(others, sigma))) for sigma in (1, 2))
    assert 0.9 * new < jpeg_50 < jpeg_20 and new < noise_02 < noise_05 and new < blur_1 < blur_2
    if kind == "ftd":  # the far finer one: the whole order of the research note's table
        assert 2 * new < jpeg_50 < noise_02 < noise_05 and jpeg_20 < blur_1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.long
def test_new_patients_are_as_far_as_real_ones_among_themselves(described: dict[str, Array], kind: str) -> None:
    """Ten splits by patient: from a half of either part to the other part, over the distance to its own other half."""
    _, distance = KINDS[kind]
    real = described[kind]
    logs = []
    for split in range(10):
        halves = patient_halves(PATIENTS, split)
        for own, other in (halves, halves[::-1]):
            names = [PATIENTS[n] for n in own]
            for inner in range(8 if kind == "ftd" else 2):
                one, two = (own[half] for half in patient_halves(names, 100 + inner))
                drawn = np.random.default_rng(inner).permutation(other)[: len(two)]
                logs.append(np.log(distance(real[one], real[drawn]) / distance(real[one], real[two])))
    assert 0.9 < np.exp(np.mean(logs)) < 1.1
