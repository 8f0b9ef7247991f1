"""Distances between sets: torch-fidelity's numbers on the same features, and what they say of sets of known kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from engines.errors import LabError
from engines.metrics import coverage, density, ftd, kid, neighbours, precision, recall
from engines.metrics.base import Inputs
from engines.metrics.frechet import frechet_distance
from engines.metrics.isc import inception_score
from engines.metrics.sets import compare_sets, place_of, score_sets

Array = np.ndarray[Any, np.dtype[Any]]
PATIENTS = [f"p{n // 2}" for n in range(100)]


def relu_features(count: int, dim: int, seed: int, shift: float = 0.0) -> Array:
    """Correlated, positive and heavy-tailed, as a network's pooled features are."""
    mixing = np.random.default_rng(99).normal(size=(dim, dim)) / np.sqrt(dim)
    latent = np.random.default_rng(seed).normal(shift, 1, size=(count, dim)) @ mixing
    return np.asarray(np.maximum(latent, 0.1 * latent) ** 2, dtype=np.float64)


def textures(count: int, seed: int, sigma: float = 1.5) -> Array:
    """Smooth random images of one kind, [N, 24, 24, 1] uint8."""
    noise = np.random.default_rng(seed).normal(size=(count, 24, 24))
    smooth = ndimage.gaussian_filter(noise, (0, sigma, sigma))
    return np.clip(128 + 60 * smooth / smooth.std((1, 2), keepdims=True), 0, 255).astype(np.uint8)[..., None]


@pytest.mark.parametrize(("count", "dim"), [(300, 64), (120, 100), (40, 96)])
def test_fid_is_torch_fidelity_s(count: int, dim: int) -> None:
    synthetic, real = relu_features(count, dim, 1, 0.3), relu_features(count + 20, dim, 2)
    statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in (synthetic, real)]
    theirs = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(real, synthetic) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("count", [30, 50, 90])
def test_frechet_distance_of_scaled_sets_is_exact(count: int) -> None:
    """C2 = 4 C1 and m2 = 2 m1, so the distance is |m1|² + tr C1 exactly, in either form and where C is singular."""
    first = relu_features(count, 50, 3)
    first[:, 7] = 1.5  # a constant feature: Cholesky must not be needed
    expected = (first.mean(0) ** 2).sum() + np.trace(np.cov(first.T))
    assert frechet_distance(first, 2 * first) == pytest.approx(expected, rel=1e-6)


def test_kid_is_torch_fidelity_s_when_its_subset_is_the_whole() -> None:
    synthetic, real = relu_features(80, 40, 4, 0.2), relu_features(80, 40, 5)
    theirs = kid_features_to_metric(
        torch.from_numpy(synthetic), torch.from_numpy(real), kid_subsets=2, kid_subset_size=80, verbose=False
    )["kernel_inception_distance_mean"]
    assert kid.kernel_distance(real, synthetic) == pytest.approx(theirs, rel=1e-6)


def test_kid_is_the_same_in_parts_and_for_sets_of_unequal_size(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = relu_features(70, 10, 6), relu_features(45, 10, 7)
    kernel = lambda x, y: (x @ y.T / 10 + 1) ** 3  # noqa: E731
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernel(first, first), kernel(second, second))]
    expected = sum(within) - 2 * kernel(first, second).mean()
    monkeypatch.setattr(kid, "CHUNK", 16)
    assert kid.kernel_distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_inception_score_is_torch_fidelity_s() -> None:
    logits = 3 * np.random.default_rng(8).normal(size=(205, 30))
    theirs = isc_features_to_metric(torch.from_numpy(logits))["inception_score_mean"]
    assert inception_score(logits) == pytest.approx(theirs, rel=1e-6)


def test_precision_and_recall_are_torch_fidelity_s(monkeypatch: pytest.MonkeyPatch) -> None:
    synthetic, real = 0.6 * relu_features(90, 6, 9), relu_features(130, 6, 10)
    theirs = prc_features_to_metric(
        torch.from_numpy(synthetic), torch.from_numpy(real), prc_neighborhood=3, verbose=False
    )
    monkeypatch.setattr(neighbours, "CHUNK", 16)
    found = precision.precision(real, synthetic), recall.recall(real, synthetic)
    assert found == pytest.approx((theirs["precision"], theirs["recall"]), rel=1e-6)
    assert 0.05 < found[1] < 0.95 and found[0] != found[1]


def test_density_and_coverage_of_points_on_a_line() -> None:
    """Real points 0..9: the 5th neighbour of 0..9 lies at 5, 4, 3, 3, 3, 3, 3, 3, 4, 5; balls are open.

    2.4 lies in the balls of 0 (5), 1 (4), 2, 3, 4, 5 (3 each): 6. 9 lies in those of 7, 8, 9 and of no point farther:
    |9 - 6| = 3 is not less than 3, so 3. 30 in none. Density (6 + 3 + 0) / (5 · 3); coverage 9 points of 10.
    """
    real, synthetic = np.arange(10.0)[:, None], np.array([[2.4], [9.0], [30.0]])
    assert np.sqrt(neighbours.radii(real, 5)).tolist() == [5, 4, 3, 3, 3, 3, 3, 3, 4, 5]
    assert density.density(real, synthetic) == pytest.approx(9 / 15)
    assert coverage.coverage(real, synthetic) == pytest.approx(0.9)


def test_the_interval_holds_its_level() -> None:
    """Of KID, whose true value here is 0: an interval of 95 % holds it in about 57 of 60 draws."""
    inputs, hits = Inputs(textures(60, 0), textures(60, 1), PATIENTS[:60]), 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        by_patient = generator.normal(size=(30, 6)).repeat(2, 0)  # a patient's two images are alike
        real = by_patient + generator.normal(size=(60, 6))
        synthetic, noise = generator.normal(size=(2, 60, 6)) * 2**0.5
        score = score_sets(inputs, "kid", kid.kernel_distance, [real, synthetic, noise], "given", details={})
        hits += score.low <= 0 <= score.high
    assert 53 <= hits <= 60


def test_no_image_at_all_is_no_certain_zero() -> None:
    """Of 100 images none lies among the real ones: up to 3.6 % of their kind may (Clopper and Pearson)."""
    real, far = relu_features(150, 6, 3), relu_features(100, 6, 4) + 500.0
    images = [np.zeros((len(some), 8, 8, 1), np.uint8) for some in (real, far)]
    inputs = Inputs(images[0], images[1], [f"p{n}" for n in range(150)])
    score = score_sets(inputs, "precision", precision.precision, [real, far, far], "", bounds=(0, 1), details={})
    assert score.value == score.low == 0 and score.high == pytest.approx(1 - 0.025 ** (1 / 100))


def test_a_small_synthetic_set_is_judged_at_its_own_size() -> None:
    """60 images reach fewer of 200 than 200 do: that is no fault of theirs, and the baseline must know it."""
    draws = np.random.default_rng(5).normal(size=(900, 4))
    real, few, noise = draws[:400], draws[400:460], draws[460:] + 500.0
    inputs = Inputs(*(np.zeros((len(some), 8, 8, 1), np.uint8) for some in (real, few)), [f"p{n}" for n in range(400)])
    score = score_sets(
        inputs, "coverage", coverage.coverage, [real, few, noise], "", better="higher", bounds=(0, 1), details={}
    )
    assert score.details["baseline_images"] == 60
    assert score.baseline_low <= score.details["at_equal_size"] <= score.baseline_high < 0.9


def test_place_between_noise_and_real() -> None:
    assert place_of(4.0, 4.0, 100.0, squared=True) == 1 and place_of(100.0, 4.0, 100.0, squared=True) == 0
    assert place_of(36.0, 4.0, 100.0, squared=True) == pytest.approx(0.5)  # of distances 2, 6, 10
    assert place_of(0.4, 0.8, 0.0, squared=False) == pytest.approx(0.5)
    assert place_of(2.0, 0.8, 0.0, squared=False) == 1 and place_of(1.0, 1.0, 1.0, squared=False) is None


@pytest.fixture(scope="module")
def real() -> Array:
    return textures(100, 11)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("features")


def test_two_halves_of_one_kind(real: Array, cache: Any) -> None:
    inputs = Inputs(real, textures(50, 12), PATIENTS, cache=cache)
    scores = {metric.METRIC.name: metric.METRIC.compute(inputs) for metric in (ftd, kid, precision, density, coverage)}
    kid_score = scores["kid"]
    assert kid_score.low < 0 < kid_score.high and abs(kid_score.value) < 1e-4 * kid_score.details["noise"]
    for score in scores.values():
        assert score.scale is not None and score.scale > 0.9, score.name
        assert score.low <= score.value <= score.high and score.baseline_low <= score.baseline <= score.baseline_high
        assert not any("copies" in text for text in score.warnings), score.name
        assert "texture-v1" in score.extractor and (score.n_real, score.n_synthetic) == (100, 50)


def test_copies_are_an_alarm_and_noise_is_the_end_of_the_scale(real: Array, cache: Any) -> None:
    noise = np.random.default_rng(13).integers(0, 256, (50, 24, 24, 1), np.uint8)
    for metric in (ftd, kid):
        copied = metric.METRIC.compute(Inputs(real, real[:50], PATIENTS, cache=cache))
        assert any("copies" in text for text in copied.warnings)
        far = metric.METRIC.compute(Inputs(real, noise, PATIENTS, cache=cache))
        assert far.scale is not None and far.scale < 0.1 and far.low > far.baseline_high
    for metric in (precision, recall, density, coverage):
        assert metric.METRIC.compute(Inputs(real, noise, PATIENTS, cache=cache)).scale == 0


def test_a_collapsed_set_loses_variety_not_likeness(real: Array, cache: Any) -> None:
    inputs = Inputs(real, textures(10, 14).repeat(5, 0), PATIENTS, cache=cache)
    scores = {m.METRIC.name: m.METRIC.compute(inputs) for m in (precision, recall, coverage, kid)}
    places = {name: score.scale for name, score in scores.items()}
    assert places["precision"] is not None and places["precision"] > 0.8 and scores["recall"].value < 0.1
    assert scores["coverage"].high < scores["coverage"].baseline_low
    assert scores["kid"].low > 0


def test_unknown_and_too_few_patients_are_said(real: Array, cache: Any) -> None:
    synthetic = textures(50, 12)
    unknown = kid.METRIC.compute(Inputs(real, synthetic, [""] * 100, cache=cache))
    assert any("unknown" in text for text in unknown.warnings)
    one = kid.METRIC.compute(Inputs(real, synthetic, ["p"] * 100, cache=cache))
    assert any("Too few patients" in text for text in one.warnings)


def test_an_unknown_extractor_is_explained(real: Array) -> None:
    with pytest.raises(LabError, match="no extractor “crystal ball”"):
        kid.METRIC.compute(Inputs(real, real, PATIENTS, extractor="crystal ball"))


def test_progress_rises_from_start_to_end_and_may_stop(real: Array, cache: Any) -> None:
    seen: list[float] = []
    inputs = Inputs(real, textures(50, 12), PATIENTS, progress=seen.append, cache=cache)
    compare_sets(inputs, "test", lambda first, second: 1.0)
    assert seen == sorted(seen) and seen[-1] == 1

    def stop(fraction: float) -> None:
        if fraction > 0.93:  # within the jackknife
            raise InterruptedError

    with pytest.raises(InterruptedError):
        compare_sets(Inputs(real, real, PATIENTS, progress=stop, cache=cache), "test", lambda first, second: 1.0)
