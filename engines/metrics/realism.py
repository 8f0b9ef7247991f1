"""Realism of single images: how far each lies from the real ones, among what new patients' images do."""

from __future__ import annotations

from typing import Any

import numpy as np

from engines.metrics.base import FEWEST, Inputs, MetricSpec, Score
from engines.metrics.distances import nearest_distances
from engines.metrics.features import described, extractor_of, spec_of
from engines.metrics.sets import scaled_by
from engines.metrics.statistics import bootstrap_interval, groups_of, named_patients, patient_halves

Array = np.ndarray[Any, np.dtype[Any]]


def percentiles(values: Array, among: Array) -> Array:
    """The percentile [N], 0 to 100, of each value within the distribution of `among` [M]; ties count half."""
    ordered = np.sort(among)
    below, upto = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray(50 * (below + upto) / len(ordered))


def _baseline(unseen: Array, patients: list[str], seed: int) -> Array:
    """Percentiles of unseen real images, those of each half of the patients among the other half."""
    first, second = patient_halves(patients, seed)
    return np.concatenate([percentiles(unseen[first], unseen[second]), percentiles(unseen[second], unseen[first])])


def compute(inputs: Inputs) -> Score:
    held_out = inputs.held_out if inputs.held_out is not None and len(inputs.held_out) >= FEWEST else None
    has_held_out = held_out is not None
    images = [inputs.real, inputs.synthetic, *([] if held_out is None else [held_out])]
    sizes = [len(some) for some in images]
    ends = np.cumsum([0, *sizes]) / sum(sizes)
    features = [
        described(inputs, some, inputs.part(0.95 * ends[n], 0.95 * ends[n + 1])) for n, some in enumerate(images)
    ]
    if spec_of(inputs).mixed_units:
        change = scaled_by(features[0])
        features = [change(some) for some in features]
    real = features[0]
    distances, nearest = nearest_distances(features[1], real)
    warnings = list(extractor_of(inputs).warnings)
    if has_held_out:
        unseen = nearest_distances(features[2], real)[0]
        patients = named_patients(inputs.held_out_patients, len(unseen))
    else:
        warnings.append("No held-out real images were given (at least 50): training images of other patients stand in.")
        patients = named_patients(inputs.patients, len(real))
        unseen = nearest_distances(real, real, groups_of(patients))[0]
        if not any(patients):
            warnings.append("Patients are unknown: the distances may be those between images of one patient.")
    values, baseline = percentiles(distances, unseen), _baseline(unseen, patients, inputs.seed)
    low, high = bootstrap_interval(values, np.median, inputs.seed)
    baseline_low, baseline_high = bootstrap_interval(baseline, np.median, inputs.seed + 1)
    far, near = float(np.mean(values > 99)), float(np.mean(values < 1))
    if near > 0.05:
        warnings.insert(0, f"{near:.0%} lie closer to a training image than 99 % of new patients do: look for copies.")
    inputs.progress(1.0)
    return Score(
        name="realism", value=float(np.median(values)), low=low, high=high,
        n_real=len(inputs.real), n_synthetic=len(inputs.synthetic),
        extractor=f"{extractor_of(inputs).label}, {inputs.real.shape[2]} px",
        baseline=float(np.median(baseline)), baseline_low=baseline_low, baseline_high=baseline_high,
        warnings=warnings,
        details={"farther_than_99_percent_of_real": far, "closer_than_99_percent_of_real": near,
                 "compared_with": "held-out real images" if has_held_out else "real images of other patients"},
        per_image={"percentile": values, "distance": distances, "nearest": nearest},
    )  # fmt: skip


METRIC = MetricSpec(
    name="realism",
    title="Realism of each image",
    summary="For each synthetic image, the percentile of its distance to the nearest real one among the distances of "
    "new patients' images; the value is the median. About 50 is as real as a new patient, near 100 unlike any real "
    "image, near 0 a copy. What to quote instead of a “FID of one image”, which does not exist.",
    source="After the realism score of Kynkäänniemi et al., NeurIPS 2019, calibrated on real images of other patients",
    unit="percentile",
    better="near_baseline",
    compute=compute,
    chooses=True,
)
