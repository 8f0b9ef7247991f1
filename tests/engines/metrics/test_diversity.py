"""Sliced Wasserstein, diversity, grey levels: known answers, the right direction, honest baselines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage, stats
from skimage.metrics import structural_similarity

from engines.metrics import grey_emd, ms_ssim, swd
from engines.metrics.base import Inputs, Score
from engines.metrics.sliced import patches_of, pyramid, sliced_distance

Array = np.ndarray[Any, np.dtype[Any]]


def textures(count: int, seed: int, sigma: float = 1.5, size: int = 32) -> Array:
    """Smooth random images of one kind, [N, size, size, 1] uint8."""
    noise = np.random.default_rng(seed).normal(size=(count, size, size))
    smooth = ndimage.gaussian_filter(noise, (0, sigma, sigma))
    scaled = 128 + 40 * smooth / smooth.std((1, 2), keepdims=True)
    return np.clip(scaled, 0, 255).astype(np.uint8)[..., None]


def quiet(fraction: float) -> None:
    pass


def score_of(metric: Any, synthetic: Array, real: Array | None = None) -> Score:
    real = textures(100, 0) if real is None else real
    score: Score = metric.METRIC.compute(Inputs(real, synthetic, [f"p{n // 2}" for n in range(len(real))]))
    return score


@pytest.fixture(scope="module")
def alike() -> dict[str, Score]:
    return {metric.METRIC.name: score_of(metric, textures(100, 1)) for metric in (swd, grey_emd, ms_ssim)}


def test_the_pyramid_holds_the_whole_image_and_no_detail_of_a_plain_one() -> None:
    levels = pyramid(np.full((64, 64), 0.3, np.float32))
    assert [level.shape for level in levels] == [(64, 64), (32, 32), (16, 16)]
    assert all(np.abs(level).max() < 1e-6 for level in levels[:-1]) and levels[-1] == pytest.approx(0.3)
    assert [level.shape for level in pyramid(np.zeros((16, 16), np.float32))] == [(16, 16)]


def test_sliced_distance_is_the_mean_of_distances_in_one_dimension() -> None:
    """Between a set and itself moved by t along each axis, the distance on a direction d is |t · d|."""
    generator = np.random.default_rng(0)
    patches = generator.normal(size=(100, 1, 20, 49)).astype(np.float32)
    shift = np.full(49, 0.5, np.float32)
    found = sliced_distance(patches, patches + shift)
    # |t·d| over random unit directions: |t| times the mean of |cos| in 49 dimensions.
    cosines = np.abs(generator.normal(size=(20000, 49)) @ np.ones(49)) / 7
    lengths = np.linalg.norm(generator.normal(size=(20000, 49)), axis=1)
    expected = 0.5 * 7 * cosines.mean() / lengths.mean() / patches.std()
    assert found == pytest.approx([expected], rel=0.1)
    assert sliced_distance(patches, patches) == pytest.approx([0.0], abs=1e-6)


def test_a_projection_in_one_dimension_is_scipys_distance() -> None:
    generator = np.random.default_rng(1)
    first, second = (generator.normal(m, 1, size=(60, 1, 8, 1)).astype(np.float32) for m in (0, 0.7))
    expected = stats.wasserstein_distance(first.ravel(), second.ravel()) / first.std()
    assert sliced_distance(first, second) == pytest.approx([expected], rel=1e-5)


def test_patches_are_the_same_in_16_bits() -> None:
    images = textures(60, 2)
    deep = images.astype(np.uint16) * 257
    assert patches_of(deep, 0, quiet) == pytest.approx(patches_of(images, 0, quiet), abs=1e-6)


def test_swd_of_new_patients_is_near_the_baseline(alike: dict[str, Score]) -> None:
    same = alike["swd"]
    assert 0.7 < same.details["ratio_at_equal_size"] < 1.4 and same.low <= same.value <= same.high
    assert list(same.details["levels"]) == ["32 px", "16 px"] and same.scale is not None and same.scale > 0.9


def test_swd_orders_what_was_done_to_the_images() -> None:
    real, other = patches_of(textures(100, 0), 0, quiet), textures(100, 3)

    def distance(images: Array) -> float:
        return float(sliced_distance(real, patches_of(images, 1, quiet)).mean())

    same = distance(other)
    blurred = [distance(ndimage.gaussian_filter(other, (0, s, s, 0))) for s in (0.7, 1.5)]
    assert same < blurred[0] < blurred[1]
    assert distance(np.clip(other.astype(int) + 30, 0, 255).astype(np.uint8)) > 2 * same
    assert distance(np.repeat(other[:5], 20, 0)) > 1.5 * same


def test_grey_distance_is_scipys_in_percent() -> None:
    images, others = textures(60, 4), np.clip(textures(60, 5).astype(int) + 12, 0, 255).astype(np.uint8)
    expected = 100 * stats.wasserstein_distance(images.ravel() / 255, others.ravel() / 255)
    found = grey_emd.distance(grey_emd.histograms(images), grey_emd.histograms(others))
    assert found == pytest.approx(expected, abs=0.1)  # one bin
    levels = np.arange(60, dtype=np.uint8)[:, None, None, None].repeat(8, 1).repeat(8, 2)
    steps = grey_emd.distance(grey_emd.histograms(levels), grey_emd.histograms(levels + 51))
    assert steps == pytest.approx(20, abs=0.1)


def test_grey_distance_tells_brightness_from_structure(alike: dict[str, Score]) -> None:
    bright = score_of(grey_emd, textures(100, 6) // 2 + 100)
    rough = score_of(grey_emd, textures(100, 7, sigma=0.7))
    assert bright.value > 5 and bright.scale is not None and bright.scale < rough.scale  # type: ignore[operator]
    assert alike["grey_emd"].value < 1 and rough.value < 2


def _two_alike() -> Array:
    """Two images [64, 64] in [0, 1] that share half of their structure."""
    one, two = textures(2, 8, size=64)[..., 0] / 255
    return np.stack([one, (one + two) / 2])


def test_ms_ssim_is_made_of_scikit_images_ssim() -> None:
    first, second = _two_alike()

    def ssim(x: Array, y: Array, **more: float) -> float:
        kind: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        return float(structural_similarity(x, y, data_range=1.0, **kind, **more))

    def halved(x: Array) -> Array:
        return np.asarray(x.reshape(len(x) // 2, 2, -1, 2).mean((1, 3)))

    expected, weights = 1.0, np.array([0.0448, 0.2856, 0.3001])
    for scale, weight in enumerate(weights / weights.sum()):
        # With K1 beyond all means, the luminance term is 1, and contrast and structure are left.
        expected *= ssim(first, second, **({} if scale == 2 else {"K1": 1e6})) ** weight
        first, second = halved(first), halved(second)
    first, second = _two_alike()
    assert ms_ssim.scales_of(64, 64) == 3
    assert ms_ssim.ms_ssim(first, second) == pytest.approx(expected, abs=1e-6)
    assert ms_ssim.ms_ssim(first, first) == pytest.approx(1.0)
    assert [ms_ssim.scales_of(n, n) for n in (512, 176, 128, 32, 16)] == [5, 5, 4, 2, 1]


def test_diversity_is_lost_in_a_collapse_and_not_among_new_patients(alike: dict[str, Score]) -> None:
    assert not alike["ms_ssim"].warnings
    assert alike["ms_ssim"].value == pytest.approx(alike["ms_ssim"].baseline, abs=0.03)
    collapsed = score_of(ms_ssim, np.repeat(textures(5, 9), 20, 0))
    assert collapsed.low > collapsed.baseline_high and "variety was lost" in collapsed.warnings[0]
    rough = score_of(ms_ssim, textures(100, 10), real=textures(100, 11, sigma=4.0))
    assert rough.value < rough.baseline


def test_pairs_are_of_different_patients() -> None:
    groups = np.arange(60) // 3
    pairs = ms_ssim.pairs_of(groups, seed=0)
    assert len(pairs) > 800 and not np.any(groups[pairs[:, 0]] == groups[pairs[:, 1]])
    counts = np.bincount(pairs.ravel())
    assert len(counts) == 60 and counts.min() > 0.5 * counts.mean()


@pytest.mark.parametrize("metric", [swd, grey_emd, ms_ssim])
def test_it_stops_when_progress_raises(metric: Any) -> None:
    def progress(fraction: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        metric.METRIC.compute(Inputs(textures(60, 12), textures(60, 13), [""] * 60, progress=progress))
