"""One way to compare two sets of feature vectors: a value, its interval, and what real images score among themselves.

The interval leaves out one block of patients and of synthetic images at a time (delete-block jackknife, Shao and Tu
1995, ch. 2): resampling with replacement would repeat images, which inflates a Fréchet distance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from engines.metrics.base import Inputs, Pixels, Score
from engines.metrics.calibration import share_interval
from engines.metrics.features import described_by, extractor_of, spec_of
from engines.metrics.statistics import groups_of, patient_halves

Array = np.ndarray[Any, np.dtype[Any]]
Measure = Callable[[Array, Array], float]

SPLITS = 10
BLOCKS = 20
NOISE = 64  # images of noise: so far away that more would not move the value
FEWEST_PATIENTS = 4  # two for each half
_CLIP = 10.0  # standard deviations: some texture features have heavy tails


def compare_sets(
    inputs: Inputs,
    name: str,
    measure: Measure,
    *,
    extractor: str | None = None,
    better: Literal["lower", "higher"] = "lower",
    squared: bool = False,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    scaling: Callable[[Array], Callable[[Array], Array]] | None = None,
    note: str = "",
    ratio: bool = False,
    copies: bool = True,
    details: Callable[[Array, Array], dict[str, Any]] = lambda real, synthetic: {},
) -> Score:
    """The Score of `measure(real [N, D], synthetic [M, D])` on the features of `extractor` (`inputs.extractor`).

    `squared` says that the measure is the square of a distance: its place between noise and real is then taken on the
    distance. `bounds` are those of the measure; the interval keeps to them. `scaling` makes, from the real features,
    what is applied to all features first; by default features of unlike units are scaled by the real set. `note` is a
    warning that always holds. `ratio` adds the ratio to the baseline at equal sizes, for measures that are above 0.
    `copies` warns of values better than real.
    """
    spec, ready = spec_of(inputs, extractor), extractor_of(inputs, extractor)
    noise_images = noise_like(inputs.real)
    sets = []
    ends = np.cumsum([0, len(inputs.real), len(inputs.synthetic), len(noise_images)])
    ends = 0.9 * ends / ends[-1]
    for n, images in enumerate((inputs.real, inputs.synthetic, noise_images)):
        sets.append(described_by(ready, images, inputs.cache, inputs.part(ends[n], ends[n + 1])))
    scaling = scaling or (scaled_by if spec.mixed_units else None)
    change = scaling(sets[0]) if scaling else lambda features: features
    return score_sets(
        inputs, name, measure, [change(features) for features in sets], f"{ready.label}, {inputs.real.shape[2]} px",
        better=better, squared=squared, bounds=bounds, warnings=[*([note] if note else []), *ready.warnings],
        ratio=ratio, copies=copies, details=details(sets[0], sets[1]),
    )  # fmt: skip


def score_sets(
    inputs: Inputs,
    name: str,
    measure: Measure,
    sets: Sequence[Array],
    label: str,
    *,
    better: Literal["lower", "higher"] = "lower",
    squared: bool = False,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    warnings: Sequence[str] = (),
    ratio: bool = False,
    copies: bool = True,
    details: dict[str, Any],
) -> Score:
    """The same from what describes the images already: `sets` are those of real, synthetic and noise images, [N, …].

    `label` says what they were described by; `warnings` come first. Progress goes from 0.9 to 1.
    """
    real, synthetic, noise = sets
    groups, patients, unknown = _patients_of(inputs)
    value = measure(real, synthetic)
    error = _jackknife_error(measure, real, synthetic, groups, inputs)
    halves, matched = _baseline(measure, real, synthetic, patients, inputs)
    far = measure(real, noise)
    inputs.progress(1.0)
    low, high = np.quantile(halves, [0.025, 0.975])
    least, most = value - 1.96 * error, value + 1.96 * error
    if bounds == (0, 1) and value in bounds:
        # Nothing, or everything, of a sample says little of the rest, and leaving images out cannot show it.
        fewest = min(len(synthetic), int(groups.max()) + 1)
        least, most = share_interval(round(value * fewest), fewest)
    return Score(
        name=name, value=value, low=max(bounds[0], least), high=min(bounds[1], most),
        n_real=len(real), n_synthetic=len(synthetic), extractor=label,
        baseline=float(halves.mean()), baseline_low=float(low), baseline_high=float(high),
        warnings=[*warnings, *(_copies(halves, matched, better) if copies else []), *unknown],
        scale=place_of(float(matched.mean()), float(halves.mean()), far, squared),
        details={
            "at_equal_size": float(matched.mean()),
            **({"ratio_at_equal_size": float(matched.mean() / halves.mean())} if ratio else {}),
            "baseline_images": min(len(real) // 2, len(synthetic)),
            "noise": far,
            **details,
        },
    )  # fmt: skip


def scaled_by(real: Array) -> Callable[[Array], Array]:
    """Scales features by the real set's mean and sd; constant ones are left out."""
    mean, sd = real.mean(0), real.std(0)
    used = sd > 1e-9
    return lambda features: np.clip((features[:, used] - mean[used]) / sd[used], -_CLIP, _CLIP)


def place_of(value: float, real: float, noise: float, squared: bool) -> float | None:
    """Where a value stands between noise (0) and real images among themselves (1), at equal set sizes."""
    if squared:
        value, real, noise = (float(np.sqrt(max(x, 0.0))) for x in (value, real, noise))
    if abs(noise - real) < 1e-12:
        return None
    return max(0.0, min(1.0, (noise - value) / (noise - real)))


def noise_like(real: Pixels) -> Pixels:
    """Images of uniform random pixels, always the same ones: the cache then knows them."""
    top = np.iinfo(real.dtype).max
    return np.random.default_rng(0).integers(0, top, (NOISE, *real.shape[1:]), dtype=real.dtype, endpoint=True)


def _patients_of(inputs: Inputs) -> tuple[Array, Sequence[str], list[str]]:
    groups, patients = groups_of(inputs.patients), inputs.patients
    if groups.max() + 1 < FEWEST_PATIENTS:
        unknown = [""] * len(patients)
        return groups_of(unknown), unknown, ["Too few patients: the baseline compares images of one patient."]
    if not any(patients):
        return groups, patients, ["Patients are unknown: the baseline may compare images of one patient."]
    return groups, patients, []


def _jackknife_error(measure: Measure, real: Array, other: Array, groups: Array, inputs: Inputs) -> float:
    """Standard error from leaving out one block of patients and of synthetic images at a time."""
    generator = np.random.default_rng(inputs.seed)
    block_of_group = generator.permutation(groups.max() + 1) % BLOCKS
    real_block, other_block = block_of_group[groups], generator.permutation(len(other)) % BLOCKS
    values = []
    for block in range(min(BLOCKS, groups.max() + 1)):
        inputs.progress(0.9 + 0.05 * block / BLOCKS)
        values.append(measure(real[real_block != block], other[other_block != block]))
    return float(np.sqrt((len(values) - 1) * np.var(values)))


def _baseline(
    measure: Measure, real: Array, other: Array, patients: Sequence[str], inputs: Inputs
) -> tuple[Array, Array]:
    """The measure from half the real patients to the others, and to as many synthetic images; both at one size."""
    halves, matched = [], []
    for split in range(SPLITS):
        inputs.progress(0.95 + 0.05 * split / SPLITS)
        first, second = patient_halves(patients, inputs.seed + split)
        generator = np.random.default_rng(inputs.seed + split)
        drawn = generator.permutation(len(other))[: len(second)]
        same = generator.permutation(second)[: len(drawn)]  # a smaller synthetic set decides the size
        halves.append(measure(real[first], real[same]))
        matched.append(measure(real[first], other[drawn]))
    return np.array(halves), np.array(matched)


def _copies(halves: Array, matched: Array, better: Literal["lower", "higher"]) -> list[str]:
    """Closer to the real images than these are to one another, by far more than the splits differ."""
    sign = 1 if better == "lower" else -1
    gap = sign * (halves.mean() - matched.mean())
    if gap <= max(0.3 * abs(halves.mean()), 3 * halves.std()):
        return []
    return ["Closer to the training images than real patients are to one another: look for copies."]
