"""MS-SSIM diversity: how alike the images of a set are among themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage

from engines.metrics.base import Inputs, MetricSpec, Pixels, Score, unit_grey
from engines.metrics.statistics import groups_of, named_patients

Array = np.ndarray[Any, np.dtype[Any]]

WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])  # of the scales, finest first (the paper's)
WINDOW = 11  # pixels; a scale smaller than this is left out, and the weights of the others sum to 1
PAIRS = 1000
BLOCKS = 20
_C1, _C2 = 0.01**2, 0.03**2


def scales_of(height: int, width: int) -> int:
    """How many of the five scales an image has room for: 5 from 176 pixels on, 4 at 128, 3 at 64, 2 at 32."""
    return next((n for n in range(len(WEIGHTS), 1, -1) if min(height, width) >> (n - 1) >= WINDOW), 1)


def ms_ssim(first: Array, second: Array) -> float:
    """Multi-scale SSIM of two grey images [H, W] in [0, 1] (Wang, Simoncelli and Bovik, Asilomar 2003, eq. 7).

    Means over the image of contrast and structure at each scale, and of the whole SSIM at the coarsest, to the powers
    of the weights; below 0 they count as 0.
    """
    count = scales_of(*first.shape)
    weights = WEIGHTS[:count] / WEIGHTS[:count].sum()
    pair, product = np.stack([first, second]).astype(np.float64), 1.0
    for scale in range(count):
        whole, structure = _similarity(pair)
        product *= max(whole if scale == count - 1 else structure, 0.0) ** weights[scale]
        pair = pair[:, : pair.shape[1] // 2 * 2, : pair.shape[2] // 2 * 2]
        pair = (pair[:, ::2, ::2] + pair[:, 1::2, ::2] + pair[:, ::2, 1::2] + pair[:, 1::2, 1::2]) / 4
    return float(product)


def _similarity(pair: Array) -> tuple[float, float]:
    """Mean SSIM of a pair [2, H, W], and of its contrast and structure alone, where the 11×11 window fits."""
    x, y = pair
    maps = np.stack([x, y, x * x, y * y, x * y])
    edge = WINDOW // 2
    maps = ndimage.gaussian_filter(maps, (0, 1.5, 1.5), radius=(0, edge, edge))[:, edge:-edge, edge:-edge]
    mean_x, mean_y = maps[:2]
    variances = maps[2] - mean_x**2 + maps[3] - mean_y**2
    structure = (2 * (maps[4] - mean_x * mean_y) + _C2) / (variances + _C2)
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    return float((luminance * structure).mean()), float(structure.mean())


def pairs_of(groups: Array, seed: int) -> Array:
    """Up to 1,000 random pairs [P, 2] of images of different groups [N]; each image comes about as often."""
    generator = np.random.default_rng(seed)
    found: list[Array] = []
    for _ in range(max(1, -(-PAIRS // len(groups)))):
        order = generator.permutation(len(groups))
        round_ = np.stack([order, np.roll(order, 1)], 1)
        found.append(round_[groups[round_[:, 0]] != groups[round_[:, 1]]])
    return np.concatenate(found)[:PAIRS]


def likeness(images: Pixels, groups: Array, seed: int, progress: Callable[[float], None]) -> tuple[float, float]:
    """Mean MS-SSIM over random pairs of images [N, H, W, C] of different groups [N], and its standard error.

    The error is from leaving out one block of groups at a time (delete-block jackknife): pairs share images.
    """
    pairs = pairs_of(groups, seed)
    values = np.empty(len(pairs))
    for n, (first, second) in enumerate(pairs):
        values[n] = ms_ssim(*unit_grey(images[[first, second]]))
        if n % 16 == 0:
            progress(n / len(pairs))
    block = (np.random.default_rng(seed).permutation(groups.max() + 1) % BLOCKS)[groups][pairs]
    left = np.array([values[(block != b).all(1)].mean() for b in np.unique(block)])
    return float(values.mean()), float(np.sqrt((len(left) - 1) * np.var(left)))


def compute(inputs: Inputs) -> Score:
    patients, warnings = named_patients(inputs.patients, len(inputs.real)), []
    groups = groups_of(patients)
    if not any(patients) and any(inputs.patients):
        warnings.append("Too few patients: the baseline compares images of one patient, which are more alike.")
    elif not any(patients):
        warnings.append("Patients are unknown: the baseline may compare images of one patient.")
    among = np.arange(len(inputs.synthetic))
    value, error = likeness(inputs.synthetic, among, inputs.seed, inputs.part(0.0, 0.5))
    baseline, baseline_error = likeness(inputs.real, groups, inputs.seed, inputs.part(0.5, 1.0))
    inputs.progress(1.0)
    reach, baseline_reach = 1.96 * error, 1.96 * baseline_error
    gap, chance = value - baseline, float(np.hypot(reach, baseline_reach))
    if gap > chance and gap > 0.02:
        warnings.insert(0, "The synthetic images are more alike than real patients' are: variety was lost.")
    if gap < -chance and gap < -0.02:
        warnings.insert(0, "The synthetic images are less alike than real patients' are: look for noise or artefacts.")
    return Score(
        name="ms_ssim", value=value, low=value - reach, high=value + reach,
        n_real=len(inputs.real), n_synthetic=len(inputs.synthetic), extractor=f"pixels, {inputs.real.shape[2]} px",
        baseline=baseline, baseline_low=baseline - baseline_reach, baseline_high=baseline + baseline_reach,
        warnings=warnings, details={"pairs": PAIRS, "scales": scales_of(*inputs.real.shape[1:3])},
    )  # fmt: skip


METRIC = MetricSpec(
    name="ms_ssim",
    title="Diversity (MS-SSIM)",
    summary="How alike two synthetic images are on average, beside two images of different real patients. Above the "
    "baseline, variety was lost (mode collapse); far below it, images hold noise that real ones do not.",
    source="Wang, Simoncelli and Bovik, Asilomar 2003; as a measure of diversity, Odena et al., ICML 2017",
    unit="",
    better="near_baseline",
    compute=compute,
    light=True,
)
