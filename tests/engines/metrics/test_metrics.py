"""Metrics: known answers, the right direction, honest baselines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from scipy.linalg import sqrtm

from engines.errors import LabError
from engines.extractors.textures import NAMES, texture_features
from engines.metrics import ftd, psnr, ssim
from engines.metrics.base import Inputs, Score
from engines.metrics.frechet import frechet_distance
from engines.metrics.pairs import nearest, psnr_of
from engines.metrics.statistics import bootstrap_interval, groups_of, patient_halves

Array = np.ndarray[Any, np.dtype[Any]]


def textures(count: int, seed: int, sigma: float = 1.5, size: int = 32) -> Array:
    """Smooth random images of one kind, [N, size, size, 1] uint8."""
    noise = np.random.default_rng(seed).normal(size=(count, size, size))
    smooth = ndimage.gaussian_filter(noise, (0, sigma, sigma))
    scaled = 128 + 60 * smooth / smooth.std((1, 2), keepdims=True)
    return np.clip(scaled, 0, 255).astype(np.uint8)[..., None]


def pairs_of(count: int) -> list[str]:
    return [f"p{n // 2}" for n in range(count)]


def test_frechet_distance_is_the_matrix_root_formula() -> None:
    generator = np.random.default_rng(0)
    first, second = generator.normal(size=(60, 8)), generator.normal(size=(40, 8)) * 1.4 + 0.2
    one, two = np.cov(first.T), np.cov(second.T)
    expected = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(one + two - 2 * sqrtm(one @ two).real)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_holds_with_fewer_images_than_features() -> None:
    generator = np.random.default_rng(1)
    first, second = generator.normal(size=(12, 40)), generator.normal(size=(9, 40))
    gram = np.linalg.svd((first - first.mean(0)) @ (second - second.mean(0)).T / np.sqrt(11 * 8), compute_uv=False)
    traces = np.trace(np.cov(first.T)) + np.trace(np.cov(second.T))
    expected = ((first.mean(0) - second.mean(0)) ** 2).sum() + traces - 2 * gram.sum()
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_nearest_finds_the_copy_and_respects_exclusions() -> None:
    generator = np.random.default_rng(2)
    references = generator.random((300, 50)).astype(np.float32)
    index, error = nearest(references[[7, 200]], references)
    assert index.tolist() == [7, 200] and error.max() == 0
    assert psnr_of(error) == pytest.approx([100, 100], abs=1e-3)
    excluded = np.eye(300, dtype=bool)
    index, _ = nearest(references, references, excluded)
    assert not np.any(index == np.arange(300))


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_copies_are_called_copies_and_strangers_score_low(metric: Any) -> None:
    real = textures(80, seed=3)
    other = textures(60, seed=4)
    copies = metric.METRIC.compute(Inputs(real, real[:60], pairs_of(80)))
    strangers = metric.METRIC.compute(Inputs(real, 255 - textures(60, seed=5, sigma=0.5), pairs_of(80)))
    alike = metric.METRIC.compute(Inputs(real, other, pairs_of(80)))
    assert copies.value > copies.baseline_high and any("copies" in text for text in copies.warnings)
    assert not alike.warnings and alike.low <= alike.value <= alike.high
    assert strangers.value < alike.value < copies.value
    assert alike.baseline == pytest.approx(alike.value, rel=0.25)


def ftd_of(real: Array, synthetic: Array) -> Score:
    return ftd.METRIC.compute(Inputs(real, synthetic, pairs_of(len(real))))


@pytest.mark.long
def test_ftd_orders_blur_noise_and_copies() -> None:
    real, alike = textures(100, seed=6), textures(50, seed=7)
    blurred = ndimage.gaussian_filter(alike, (0, 1, 1, 0))
    noisy = np.clip(alike + np.random.default_rng(8).normal(0, 8, alike.shape), 0, 255).astype(np.uint8)
    same = ftd_of(real, alike)
    assert 0.6 < same.details["ratio_at_equal_size"] < 1.6
    assert ftd_of(real, blurred).details["ratio_at_equal_size"] > 3
    assert ftd_of(real, noisy).details["ratio_at_equal_size"] > 3
    copied = ftd_of(real, real[:50])
    assert any("copies" in text for text in copied.warnings)
    assert same.low <= same.value <= same.high and any("Biased" in text for text in same.warnings)


def test_texture_features_are_named_finite_and_16_bit_safe() -> None:
    image = textures(1, seed=9)[0]
    described = texture_features(image)
    assert described.shape == (len(NAMES),) == (261,) and np.isfinite(described).all()
    deep = texture_features(image.astype(np.uint16) * 257)
    assert np.allclose(deep, described, atol=1e-4)
    assert np.isfinite(texture_features(np.zeros_like(image))).all()


def test_halves_never_share_a_patient() -> None:
    patients = [f"p{n % 7}" for n in range(40)]
    first, second = patient_halves(patients, seed=1)
    assert not {patients[i] for i in first} & {patients[i] for i in second}
    assert sorted([*first, *second]) == list(range(40)) and min(len(first), len(second)) >= 12
    assert len(set(groups_of(["", "", "a", "a"]).tolist())) == 3


def test_bootstrap_interval_holds_its_level() -> None:
    generator = np.random.default_rng(11)
    hits = 0
    for seed in range(60):
        low, high = bootstrap_interval(generator.normal(size=80), np.mean, seed, resamples=300)
        hits += low <= 0 <= high
    assert 50 <= hits <= 60  # nominally 57


def test_small_and_unequal_sets_are_refused() -> None:
    with pytest.raises(LabError, match="too few synthetic"):
        Inputs(textures(60, 0), textures(20, 1), pairs_of(60))
    with pytest.raises(LabError, match="differ in size"):
        Inputs(textures(60, 0), textures(60, 1, size=16), pairs_of(60))
