"""Measures of each image: realism, PSNR, SSIM and LPIPS to the nearest real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import nn
from torchvision.models import squeezenet1_1

from engines.errors import LabError
from engines.metrics import lpips, psnr, realism, ssim
from engines.metrics.base import Inputs
from engines.metrics.distances import nearest_distances
from engines.metrics.perceptual import Lpips

Array = np.ndarray[Any, np.dtype[Any]]


def textures(count: int, seed: int, sigma: float = 1.5, size: int = 32) -> Array:
    """Smooth random images of one kind, [N, size, size, 1] uint8."""
    noise = np.random.default_rng(seed).normal(size=(count, size, size))
    smooth = ndimage.gaussian_filter(noise, (0, sigma, sigma))
    scaled = 128 + 40 * smooth / smooth.std((1, 2), keepdims=True)
    return np.clip(scaled, 0, 255).astype(np.uint8)[..., None]


def inputs_with(synthetic: Array, **more: Any) -> Inputs:
    return Inputs(textures(60, 0), synthetic, [f"p{n // 2}" for n in range(60)], **more)


@pytest.mark.parametrize("deep", [False, True])
def test_psnr_and_ssim_are_scikit_images(deep: bool) -> None:
    factor, kind = (257, np.uint16) if deep else (1, np.uint8)
    real, synthetic = (images.astype(kind) * factor for images in (textures(60, 0), textures(50, 1)))
    inputs = Inputs(real, synthetic, [""] * 60)
    scores = {metric.METRIC.name: metric.METRIC.compute(inputs) for metric in (psnr, ssim)}
    index = scores["psnr"].per_image["nearest"]
    flat = [images.reshape(len(images), -1).astype(np.float64) for images in (synthetic, real)]
    assert np.array_equal(index, ((flat[0][:, None] - flat[1][None]) ** 2).sum(2).argmin(1))
    assert np.array_equal(index, scores["ssim"].per_image["nearest"])
    top = np.iinfo(kind).max
    window: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    for n in range(0, 50, 7):
        pair = real[index[n], ..., 0], synthetic[n, ..., 0]
        expected = peak_signal_noise_ratio(*pair, data_range=top)
        assert scores["psnr"].per_image["psnr"][n] == pytest.approx(expected, rel=1e-6)
        expected = structural_similarity(*(x / top for x in pair), data_range=1.0, **window)
        assert scores["ssim"].per_image["ssim"][n] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("metric", [psnr, ssim, realism])
def test_held_out_images_are_the_baseline_where_there_are_any(metric: Any) -> None:
    held_out, synthetic = textures(60, 2), textures(60, 3)
    with_them = metric.METRIC.compute(inputs_with(synthetic, held_out=held_out, held_out_patients=["q"] * 60))
    without = metric.METRIC.compute(inputs_with(synthetic))
    assert with_them.details["compared_with"] == "held-out real images"
    assert without.details["compared_with"] == "real images of other patients"
    assert with_them.value == pytest.approx(with_them.baseline, rel=0.3)
    assert with_them.baseline == pytest.approx(without.baseline, rel=0.2)
    few = metric.METRIC.compute(inputs_with(synthetic, held_out=held_out[:20], held_out_patients=["q"] * 20))
    assert few.details["compared_with"] == without.details["compared_with"]


def test_realism_is_a_percentile_among_new_patients() -> None:
    assert realism.percentiles(np.array([0.0, 2.0, 9.0]), np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(
        [0, 37.5, 100]
    )
    held_out = textures(80, 4)
    names = [f"q{n}" for n in range(80)]

    def score(synthetic: Array) -> Any:
        return realism.METRIC.compute(inputs_with(synthetic, held_out=held_out, held_out_patients=names))

    new, strange, copied = score(textures(60, 5)), score(textures(60, 6, sigma=0.5)), score(textures(60, 0))
    assert new.low < 50 < new.high and 30 < new.baseline < 70 and not new.warnings
    assert strange.value == 100 and strange.details["farther_than_99_percent_of_real"] == 1
    assert copied.value == 0 and "copies" in copied.warnings[0]
    assert copied.per_image["nearest"].tolist() == list(range(60))
    assert new.per_image["percentile"].shape == (60,)


def test_nearest_distances_leave_out_the_own_group() -> None:
    points = np.random.default_rng(7).normal(size=(90, 5))
    groups = np.arange(90) // 3
    distances, index = nearest_distances(points, points, groups)
    whole = np.linalg.norm(points[:, None] - points, axis=2)
    whole[groups[:, None] == groups] = np.inf
    assert np.array_equal(index, whole.argmin(1)) and distances == pytest.approx(whole.min(1))


@pytest.fixture
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights of the right shapes, drawn at random: the formula is tested, not the fit to people's judgement."""
    monkeypatch.delenv("PHANTOM_LAB_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "none"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(squeezenet1_1(weights=None).state_dict(), tmp_path / "squeezenet1_1-random.pth")
        channels = (64, 128, 256, 384, 384, 512, 512)
        heads = {f"lin{n}.model.1.weight": torch.rand(1, c, 1, 1) for n, c in enumerate(channels)}
        torch.save(heads, tmp_path / "lpips_squeeze-random.pth")
    return tmp_path


def test_lpips_is_the_papers_formula(weights_folder: Path) -> None:
    found = Lpips(weights_folder)(textures(2, 8), textures(2, 9))
    network = squeezenet1_1(weights=None).eval()
    network.load_state_dict(torch.load(weights_folder / "squeezenet1_1-random.pth", weights_only=True))
    heads = torch.load(weights_folder / "lpips_squeeze-random.pth", weights_only=True)
    for n in range(2):
        maps = [_features(network, images[n]) for images in (textures(2, 8), textures(2, 9))]
        expected = 0.0
        for level, (one, two) in enumerate(zip(*maps, strict=True)):
            weight = heads[f"lin{level}.model.1.weight"][0, :, 0, 0].numpy()
            one, two = (x / np.linalg.norm(x, axis=0, keepdims=True).clip(1e-10) for x in (one, two))
            expected += float((weight[:, None, None] * (one - two) ** 2).sum(0).mean())
        assert found[n] == pytest.approx(expected, rel=1e-4)


def _features(network: nn.Module, image: Array) -> list[Array]:
    """What SqueezeNet makes of an image before each of its poolings and at the end of its last four stages."""
    grey = torch.from_numpy(image[..., 0].astype(np.float32) / 127.5 - 1)
    at = torch.stack([(grey + s) / d for s, d in ((0.030, 0.458), (0.088, 0.448), (0.188, 0.450))])[None]
    found = []
    with torch.no_grad():
        for n, layer in enumerate(network.features):  # type: ignore[arg-type]
            at = layer(at)
            if n in (1, 4, 7, 9, 10, 11, 12):
                found.append(at[0].double().numpy())
    return found


def test_lpips_of_copies_is_zero_and_the_weights_are_named(weights_folder: Path) -> None:
    new = lpips.METRIC.compute(inputs_with(textures(50, 10), weights=weights_folder))
    copied = lpips.METRIC.compute(inputs_with(textures(60, 0), weights=weights_folder))
    assert copied.value == pytest.approx(0, abs=1e-6) and "copies" in copied.warnings[0]
    assert new.value == pytest.approx(new.baseline, rel=0.3) and "squeezenet1_1-random.pth" in new.extractor
    assert any("not with the published weights" in text for text in new.warnings)
    assert copied.per_image["nearest"].tolist() == list(range(60))


def test_without_its_weights_lpips_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHANTOM_LAB_WEIGHTS", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(LabError, match=r"SqueezeNet 1\.1"):
        lpips.METRIC.compute(inputs_with(textures(50, 11), weights=tmp_path))


@pytest.mark.parametrize("metric", [psnr, ssim, realism, lpips])
def test_it_stops_when_progress_raises(metric: Any, weights_folder: Path) -> None:
    def progress(fraction: float) -> None:
        if fraction > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        metric.METRIC.compute(inputs_with(textures(50, 12), progress=progress, weights=weights_folder))
