"""The copy detector: planted copies are found with their source, new patients are not called copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage, stats
from skimage.registration import phase_cross_correlation

from engines.metrics import memorisation
from engines.metrics.authenticity import authentic_share, copying_test
from engines.metrics.base import Inputs
from engines.metrics.calibration import share_interval, tail_quantile, threshold_of
from engines.metrics.copies import Detector, structure
from engines.metrics.distances import nearest_distances

Array = np.ndarray[Any, np.dtype[Any]]


def pictures(count: int, seed: int, size: int = 64) -> Array:
    """Random images with structure at several scales, [N, size, size, 1] uint8."""
    noise = np.random.default_rng(seed).normal(size=(3, count, size, size))
    layers = [ndimage.gaussian_filter(noise[n], (0, s, s)) for n, s in enumerate((1.5, 3.0, 8.0))]
    grey = sum(layer / layer.std() for layer in layers)
    return np.asarray(np.clip(128 + 30 * grey, 0, 255).astype(np.uint8)[..., None])


def altered(image: Array, seed: int) -> Array:
    """A copy that is mirrored or not, scaled by up to 5 %, shifted by up to 1/16, blurred, brightened and noisy."""
    generator = np.random.default_rng(seed)
    grey = image[..., 0].astype(np.float64) / 255
    grey = grey[:, ::-1] if generator.random() < 0.5 else grey
    size, scale = len(grey), generator.uniform(0.95, 1.05)
    centre, reach = (size - 1) / 2, size // 16
    offset = centre - centre / scale - generator.integers(-reach, reach + 1, 2)
    moved = ndimage.affine_transform(grey, [1 / scale, 1 / scale], offset, order=1, mode="nearest")
    blurred = ndimage.gaussian_filter(moved, generator.uniform(0, size / 128))
    changed = blurred + generator.uniform(-0.03, 0.03) + generator.normal(0, 0.03, grey.shape)
    return np.asarray((np.clip(changed, 0, 1) * 255).astype(np.uint8)[..., None])


def planted(sources: Array, seed: int = 0) -> Array:
    return np.stack([altered(image, seed + n) for n, image in enumerate(sources)])


@pytest.mark.long
def test_altered_copies_are_found_with_their_source_and_strangers_are_not() -> None:
    real, unseen = pictures(80, 1), pictures(60, 2)
    detector = Detector(real)
    copies, strangers = detector.search(planted(real[:40])), detector.search(unseen)
    assert copies.index.tolist() == list(range(40))
    assert copies.ncc.min() > strangers.ncc.max() + 0.1
    itself = detector.search(real[:3])
    assert itself.ncc == pytest.approx(np.ones(3), abs=1e-4) and not itself.flipped.any()


def test_shift_mirror_and_scale_are_told() -> None:
    real = pictures(60, 3, size=128)
    image = real[7, ..., 0]
    moved = np.roll(image, (6, -4), (0, 1))[..., None]
    expected = phase_cross_correlation(image, moved[..., 0], normalization=None)[0] / 128
    detector = Detector(real)
    found = detector.search(np.stack([moved, moved[:, ::-1], real[7, 3:-3, 3:-3].repeat(1, 0)[:122, :122]][:2]))
    assert found.index.tolist() == [7, 7] and found.flipped.tolist() == [False, True]
    assert found.shift[0] == pytest.approx(expected) and expected == pytest.approx([-6 / 128, 4 / 128])
    enlarged = np.asarray(Image.fromarray(image[3:-3, 3:-3]).resize((128, 128), Image.Resampling.BILINEAR))
    assert detector.search(enlarged[None, ..., None]).scale[0] == pytest.approx(61 / 64)


def test_correlation_is_the_plain_one_at_the_told_shift() -> None:
    real = pictures(2, 4)
    found = Detector(real[:1]).search(real[1:])
    first, second = (structure(x[..., 0].astype(np.float32) / 255) for x in (real[1], real[0]))
    if found.flipped[0]:
        first = first[:, ::-1]
    if found.scale[0] == 1:
        down, right = (round(x * 64) for x in found.shift[0])
        own = first[max(0, -down) : 64 - max(0, down), max(0, -right) : 64 - max(0, right)]
        other = second[max(0, down) : 64 + min(0, down), max(0, right) : 64 + min(0, right)]
        assert found.ncc[0] == pytest.approx((own * other).sum() / np.sqrt((own**2).sum() * (other**2).sum()), abs=1e-4)


def test_sixteen_bits_contrast_and_flat_images() -> None:
    real = pictures(60, 5)
    deep = real.astype(np.uint16) * 257
    plain, same = Detector(real).search(real[:5]), Detector(deep).search(deep[:5])
    assert same.ncc == pytest.approx(plain.ncc, abs=1e-4)
    faint = (20000 + real.astype(np.uint16) * 8)[:5]  # a span of 3 % of the range, lost in 8 bits
    assert Detector(deep).search(faint).index.tolist() == [0, 1, 2, 3, 4]
    flat = Detector(real).search(np.full((1, 64, 64, 1), 90, np.uint8))
    assert flat.ncc[0] == pytest.approx(0, abs=1e-6)


def test_excluded_references_do_not_count() -> None:
    real = pictures(60, 6)
    found = Detector(real).search(real[:4], lambda n: np.arange(60) == n)
    assert not np.any(found.index == np.arange(4)) and found.ncc.max() < 0.8


def test_the_tail_fit_is_exact_for_its_own_distribution_and_unbiased_for_few() -> None:
    generator = np.random.default_rng(7)
    assert tail_quantile(generator.normal(size=1900), 0.01) == pytest.approx(stats.norm.isf(0.01), abs=0.15)
    fitted = [tail_quantile(generator.normal(size=100), 0.01) for _ in range(300)]
    assert np.mean(fitted) == pytest.approx(stats.norm.isf(0.01), abs=0.1)
    assert tail_quantile(np.ones(80), 0.01) == 1.0
    bounds = [threshold_of(values := generator.normal(size=200), np.arange(200), 0.01, n) for n in range(20)]
    assert len(values) and np.mean(np.array(bounds) > stats.norm.isf(0.01)) >= 0.7
    assert share_interval(0, 300) == pytest.approx((0.0, 1 - 0.025 ** (1 / 300)))


def inputs_with(synthetic: Array, **more: Any) -> Inputs:
    real = pictures(80, 8)
    return Inputs(real, synthetic, [f"p{n // 2}" for n in range(80)], **more)


def test_a_set_with_copies_is_caught_and_one_of_strangers_is_not() -> None:
    real = pictures(80, 8)
    held_out = pictures(80, 9)
    synthetic = np.concatenate([planted(real[:20]), pictures(40, 10)])
    names = [f"q{n // 2}" for n in range(80)]
    score = memorisation.METRIC.compute(inputs_with(synthetic, held_out=held_out, held_out_patients=names))
    assert score.per_image["flagged"].tolist() == [True] * 20 + [False] * 40
    assert score.per_image["nearest"][:20].tolist() == list(range(20))
    assert score.value == pytest.approx(1 / 3) and score.low > 0.2 > score.baseline_low
    assert "copies" in score.warnings[0] and score.baseline <= 0.05
    index, nearest, ncc, shift, flipped, scale, flagged = score.details["pairs"][0]
    assert index == nearest < 20 and ncc > score.details["threshold"] and flagged
    assert len(shift) == 2 and isinstance(flipped, bool) and 0.9 < scale < 1.1
    assert score.details["calibrated_images"] == 80 and "blind" in score.details["by_features"]["caveat"]


@pytest.mark.long
def test_without_held_out_images_the_set_itself_calibrates_and_that_is_said() -> None:
    score = memorisation.METRIC.compute(inputs_with(pictures(60, 11)))
    assert score.value <= 0.05 and any("held-out" in text for text in score.warnings)
    assert not any("copies of training" in text for text in score.warnings)
    assert "c_t" not in score.details["by_features"]


def test_it_stops_when_progress_raises() -> None:
    seen: list[float] = []

    def progress(fraction: float) -> None:
        seen.append(fraction)
        if fraction > 0.2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        memorisation.METRIC.compute(inputs_with(pictures(60, 12), progress=progress))
    assert seen == sorted(seen) and seen[-1] < 0.25


def test_the_published_measures_on_plain_copies() -> None:
    generator = np.random.default_rng(13)
    real, held_out, fresh = (generator.normal(size=(200, 6)) for _ in range(3))
    copied = real + generator.normal(0, 0.01, real.shape)
    assert authentic_share(real, copied) == 0.0
    # A fresh point is as likely to be the nearest of its nearest as another real one, up to the edges.
    assert 0.4 < authentic_share(real, fresh) < 0.8
    near, alike = copying_test(real, held_out, copied, 0), copying_test(real, held_out, fresh, 0)
    assert near is not None and near < -5 and alike is not None and abs(alike) < 2.5
    whole = copying_test(real, held_out[:40], fresh, 0)  # one cell: the plain test
    distances, other = nearest_distances(fresh, real)[0], nearest_distances(held_out[:40], real)[0]
    u = stats.mannwhitneyu(distances, other).statistic
    assert whole == pytest.approx((u - 4000) / np.sqrt(8000 * 241 / 12))


@pytest.mark.long
def test_new_patients_of_a_real_collection_are_not_called_copies(shared_data: Path) -> None:
    """CBIS-DDSM masses: 60 planted copies, and 60 crops of patients that the training set does not show."""
    paths = [sorted((shared_data / "cbis-mass-roi" / part / "benign").glob("*.png")) for part in ("train", "val")]
    if not all(paths):
        pytest.skip("no CBIS-DDSM crops among the research images")
    real, unseen = (
        np.stack([np.asarray(Image.open(path).convert("L"))[..., None] for path in some])
        for some in (paths[0][:300], paths[1][:60])
    )
    detector = Detector(real)
    sources = np.arange(0, 300, 5)
    copies, strangers = detector.search(planted(real[sources])), detector.search(unseen)
    assert (copies.index == sources).all() and copies.ncc.min() > strangers.ncc.max()
