"""FTD: the Fréchet texture distance, usable without pretrained weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.metrics.base import FEW, Inputs, MetricSpec, Score
from engines.metrics.features import features_of
from engines.metrics.frechet import frechet_distance
from engines.metrics.statistics import groups_of, patient_halves
from engines.metrics.texture import NAMES, texture_features

Array = np.ndarray[Any, np.dtype[Any]]

EXTRACTOR = "texture-v1"
CLIP = 10.0  # standard deviations: cluster prominence has heavy tails
SPLITS = 10
BLOCKS = 20


def distance(real: Array, other: Array) -> float:
    """Fréchet distance after scaling both by the real set's mean and sd; constant features are left out."""
    mean, sd = real.mean(0), real.std(0)
    used = sd > 1e-9
    scaled = [np.clip((x[:, used] - mean[used]) / sd[used], -CLIP, CLIP) for x in (real, other)]
    return frechet_distance(scaled[0], scaled[1])


def _jackknife_error(real: Array, other: Array, groups: Array, seed: int) -> float:
    """Standard error from leaving out one block of patients and of synthetic images at a time (Shao and Tu 1995)."""
    generator = np.random.default_rng(seed)
    block_of_group = generator.permutation(groups.max() + 1) % BLOCKS
    real_block, other_block = block_of_group[groups], generator.permutation(len(other)) % BLOCKS
    values = np.array(
        [distance(real[real_block != b], other[other_block != b]) for b in range(min(BLOCKS, groups.max() + 1))]
    )
    return float(np.sqrt((len(values) - 1) / len(values) * ((values - values.mean()) ** 2).sum()))


def _baseline(real: Array, other: Array, patients: Any, seed: int) -> tuple[Array, Array]:
    """FTD between patient-wise halves of the real set, and of equally many synthetic images to the same halves."""
    halves, matched = [], []
    for split in range(SPLITS):
        first, second = patient_halves(patients, seed + split)
        halves.append(distance(real[first], real[second]))
        drawn = np.random.default_rng(seed + split).permutation(len(other))[: len(second)]
        matched.append(distance(real[first], other[drawn]))
    return np.array(halves), np.array(matched)


def compute(inputs: Inputs) -> Score:
    def describe(images: Array, start: float) -> Array:
        progress = lambda fraction: inputs.progress(start + 0.45 * fraction)  # noqa: E731
        return features_of(images, EXTRACTOR, texture_features, inputs.cache, progress)

    real, synthetic = describe(inputs.real, 0.0), describe(inputs.synthetic, 0.45)
    groups = groups_of(inputs.patients)
    value = distance(real, synthetic)
    error = _jackknife_error(real, synthetic, groups, inputs.seed)
    halves, matched = _baseline(real, synthetic, inputs.patients, inputs.seed)
    inputs.progress(1.0)
    warnings = []
    if min(len(real), len(synthetic)) < FEW:
        warnings.append(f"Biased upwards below {FEW:,} images: compare only values with the same set sizes.")
    if matched.mean() < 0.7 * halves.mean():
        warnings.append("Closer to the training images than real patients are to one another: look for copies.")
    if not any(inputs.patients):
        warnings.append("Patients are unknown: the baseline may compare images of one patient.")
    low, high = np.quantile(halves, [0.025, 0.975])
    shift = ((synthetic.mean(0) - real.mean(0)) / np.maximum(real.std(0), 1e-9)) ** 2
    return Score(
        name="ftd", value=value, low=max(0.0, value - 1.96 * error), high=value + 1.96 * error,
        n_real=len(real), n_synthetic=len(synthetic), extractor=f"{EXTRACTOR}, {inputs.real.shape[2]} px",
        baseline=float(halves.mean()), baseline_low=float(low), baseline_high=float(high), warnings=warnings,
        details={
            "ratio_at_equal_size": float(matched.mean() / halves.mean()),
            "baseline_images": len(real) // 2,
            "largest_shifts": [NAMES[i] for i in np.argsort(shift)[::-1][:10]],
        },
    )  # fmt: skip


METRIC = MetricSpec(
    name="ftd",
    title="Texture distance (FTD)",
    summary="Distance between the textures of the two sets, in 261 features that need no pretrained network. Lower is "
    "better, down to the real baseline; below that it warns of copies.",
    source="After radiomics and FRD (Konz, Osuala et al., Medical Image Analysis 2026); own feature set, so values are "
    "not comparable with FRD or FID",
    unit="",
    better="lower",
    compute=compute,
)
