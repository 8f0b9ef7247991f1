"""PSNR and SSIM of each synthetic image to its nearest real one.

Without a true pair these two say how close a synthetic image comes to *some* real image. That is not quality: a copy
of a training image scores best. So they stand beside what a real image of another patient reaches, and far above
that means copying (see the note on unpaired PSNR and SSIM in docs/metrics.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from skimage.metrics import structural_similarity

from engines.metrics.base import Inputs, Score, unit_grey
from engines.metrics.statistics import bootstrap_interval, groups_of

Array = np.ndarray[Any, np.dtype[Any]]
CHUNK = 256
FEWEST_BASELINE = 20


def nearest(queries: Array, references: Array, excluded: Array | None = None) -> tuple[Array, Array]:
    """Index of the reference nearest in mean squared error, and that error, for each query.

    queries [Q, P] and references [R, P] float32 in [0, 1]; `excluded` [Q, R] marks pairs that do not count. Found by
    the expansion |a-b|² = |a|² + |b|² - 2ab, one matrix product a chunk; the error is then recomputed directly.
    """
    squares = (references**2).sum(1)
    index = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), CHUNK):
        part = queries[start : start + CHUNK]
        distances = squares[None] - 2 * part @ references.T
        if excluded is not None:
            distances[excluded[start : start + CHUNK]] = np.inf
        index[start : start + CHUNK] = distances.argmin(1)
    error = np.array([np.mean((query - references[j]) ** 2) for query, j in zip(queries, index, strict=True)])
    return index, error


def psnr_of(error: Array) -> Array:
    """Peak signal-to-noise ratio in dB for a peak of 1; identical images are capped at 100 dB."""
    return -10 * np.log10(np.maximum(error, 1e-10))


def ssim_of(first: Array, second: Array) -> float:
    """SSIM of two grey images in [0, 1] with the 11×11 Gaussian window of Wang et al. (IEEE TIP 2004)."""
    return float(
        structural_similarity(
            first, second, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )


def _pair_values(inputs: Inputs, use_ssim: bool) -> tuple[Array, Array, Array]:
    real, synthetic = unit_grey(inputs.real), unit_grey(inputs.synthetic)
    flat_real, flat_synthetic = real.reshape(len(real), -1), synthetic.reshape(len(synthetic), -1)
    groups = groups_of(inputs.patients)
    if groups.max() < 1:  # one patient throughout: only the image itself can be left out
        groups = np.arange(len(real))
    to_real, error = nearest(flat_synthetic, flat_real)
    inputs.progress(0.3)
    among_real, real_error = nearest(flat_real, flat_real, excluded=groups[:, None] == groups[None])
    inputs.progress(0.5)
    if not use_ssim:
        return psnr_of(error), psnr_of(real_error), to_real
    chosen = np.random.default_rng(inputs.seed).permutation(len(real))[: max(FEWEST_BASELINE, len(synthetic))]
    values = []
    for n, (image, j) in enumerate(zip(synthetic, to_real, strict=True)):
        values.append(ssim_of(image, real[j]))
        if n % 32 == 0:
            inputs.progress(0.5 + 0.25 * n / len(synthetic))
    baseline = []
    for n, i in enumerate(chosen):
        baseline.append(ssim_of(real[i], real[among_real[i]]))
        if n % 32 == 0:
            inputs.progress(0.75 + 0.25 * n / len(chosen))
    return np.array(values), np.array(baseline), to_real


def score_pairs(inputs: Inputs, name: str, use_ssim: bool) -> Score:
    """Median over synthetic images, its bootstrap interval, and the same for real images of other patients."""
    values, baseline, to_real = _pair_values(inputs, use_ssim)
    low, high = bootstrap_interval(values, np.median, inputs.seed)
    baseline_low, baseline_high = bootstrap_interval(baseline, np.median, inputs.seed + 1)
    closer = float(np.mean(values > np.quantile(baseline, 0.99)))
    warnings = []
    if low > baseline_high and closer > 0.05:
        warnings.append(
            f"{closer:.0%} of the synthetic images lie closer to a training image than 99 % of real ones do to "
            "another patient's: look for copies."
        )
    if not any(inputs.patients):
        warnings.append("Patients are unknown: the baseline may compare images of one patient.")
    return Score(
        name=name, value=float(np.median(values)), low=low, high=high,
        n_real=len(inputs.real), n_synthetic=len(inputs.synthetic), extractor="pixels, nearest real by squared error",
        baseline=float(np.median(baseline)), baseline_low=baseline_low, baseline_high=baseline_high,
        warnings=warnings,
        details={"closer_than_99_percent_of_real": closer, "distinct_nearest": len(np.unique(to_real))},
    )  # fmt: skip
