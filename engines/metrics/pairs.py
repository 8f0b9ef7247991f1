"""PSNR and SSIM of each synthetic image to its nearest real one.

Without a true pair these two say how close a synthetic image comes to *some* real image. That is not quality: a copy
of a training image scores best. So they stand beside what a real image of another patient reaches, and far above
that means copying (see the note on unpaired PSNR and SSIM in docs/metrics.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from skimage.metrics import structural_similarity

from engines.metrics.base import FEWEST, Inputs, Pixels, Score, unit_grey
from engines.metrics.statistics import bootstrap_interval, groups_of, named_patients

Array = np.ndarray[Any, np.dtype[Any]]
CHUNK = 256


def nearest(
    queries: Array,
    references: Array,
    excluded: Array | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> tuple[Array, Array]:
    """Index of the reference nearest in mean squared error, and that error, for each query.

    queries [Q, P] and references [R, P] float32 in [0, 1]; `excluded` [Q, R] marks pairs that do not count. Found by
    the expansion |a-b|² = |a|² + |b|² - 2ab, one matrix product a chunk; the error is then recomputed directly.
    """
    squares = (references**2).sum(1)
    index = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), CHUNK):
        progress(start / len(queries))
        part = queries[start : start + CHUNK]
        distances = squares[None] - 2 * part @ references.T
        if excluded is not None:
            distances[excluded[start : start + CHUNK]] = np.inf
        index[start : start + CHUNK] = distances.argmin(1)
    error = np.array(
        [np.mean((query - references[j]) ** 2, dtype=np.float64) for query, j in zip(queries, index, strict=True)]
    )
    return index, error


def psnr_of(error: Array) -> Array:
    """Peak signal-to-noise ratio in dB for a peak of 1; identical images are capped at 100 dB."""
    return -10 * np.log10(np.maximum(error, 1e-10))


def ssim_of(first: Array, second: Array) -> float:
    """SSIM of two grey images in [0, 1] with the 11×11 Gaussian window of Wang et al. (IEEE TIP 2004)."""
    return float(
        structural_similarity(
            first.astype(np.float64),
            second.astype(np.float64),
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


@dataclass(frozen=True)
class Unseen:
    """Real images [N, H, W, C], each with the nearest real one of another patient and its squared error, [N]."""

    images: Pixels
    index: Array
    error: Array
    called: str
    warnings: list[str]


def _flat(images: Pixels) -> Array:
    return unit_grey(images).reshape(len(images), -1)


def nearest_real(inputs: Inputs, progress: Callable[[float], None]) -> tuple[Array, Array]:
    """Of each synthetic image, the nearest real one's index and its mean squared error."""
    return nearest(_flat(inputs.synthetic), _flat(inputs.real), progress=progress)


def unseen_pairs(inputs: Inputs, progress: Callable[[float], None]) -> Unseen:
    """What new patients' images find among the real ones: the held-out images, else each real image among those of
    other patients."""
    real = _flat(inputs.real)
    if inputs.held_out is not None and len(inputs.held_out) >= FEWEST:
        index, error = nearest(_flat(inputs.held_out), real, progress=progress)
        return Unseen(inputs.held_out, index, error, "held-out real images", [])
    groups = groups_of(named_patients(inputs.patients, len(real)))
    index, error = nearest(real, real, groups[:, None] == groups[None], progress)
    unknown = [] if any(inputs.patients) else ["Patients are unknown: the baseline may compare images of one patient."]
    return Unseen(inputs.real, index, error, "real images of other patients", unknown)


def _ssim_of_pairs(images: Pixels, others: Pixels, index: Array, progress: Callable[[float], None]) -> Array:
    values = np.empty(len(images))
    for n, j in enumerate(index):
        values[n] = ssim_of(*unit_grey(np.stack([images[n], others[j]])))
        if n % 32 == 0:
            progress(n / len(images))
    return values


def score_pairs(inputs: Inputs, name: str, use_ssim: bool) -> Score:
    """Median over synthetic images, its bootstrap interval, and the same for real images of other patients."""
    to_real, error = nearest_real(inputs, inputs.part(0.0, 0.3))
    unseen = unseen_pairs(inputs, inputs.part(0.3, 0.5))
    if use_ssim:
        chosen = np.random.default_rng(inputs.seed).permutation(len(unseen.images))[: max(FEWEST, len(to_real))]
        values = _ssim_of_pairs(inputs.synthetic, inputs.real, to_real, inputs.part(0.5, 0.75))
        baseline = _ssim_of_pairs(unseen.images[chosen], inputs.real, unseen.index[chosen], inputs.part(0.75, 1.0))
    else:
        values, baseline = psnr_of(error), psnr_of(unseen.error)
    low, high = bootstrap_interval(values, np.median, inputs.seed)
    baseline_low, baseline_high = bootstrap_interval(baseline, np.median, inputs.seed + 1)
    closer = float(np.mean(values > np.quantile(baseline, 0.99)))
    warnings = list(unseen.warnings)
    if low > baseline_high and closer > 0.05:
        warnings.insert(
            0,
            f"{closer:.0%} of the synthetic images lie closer to a training image than 99 % of real ones do to "
            "another patient's: look for copies.",
        )
    inputs.progress(1.0)
    return Score(
        name=name, value=float(np.median(values)), low=low, high=high,
        n_real=len(inputs.real), n_synthetic=len(inputs.synthetic), extractor="pixels, nearest real by squared error",
        baseline=float(np.median(baseline)), baseline_low=baseline_low, baseline_high=baseline_high,
        warnings=warnings,
        details={
            "closer_than_99_percent_of_real": closer,
            "distinct_nearest": len(np.unique(to_real)),
            "compared_with": unseen.called,
            "unseen": [round(float(x), 4) for x in np.sort(baseline)],
        },
        per_image={name: values, "nearest": to_real},
    )  # fmt: skip
