"""Memorisation: the share of synthetic images that are copies of a training image, at a stated false-positive rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.metrics.authenticity import CAVEAT, authentic_share, copying_test
from engines.metrics.base import FEWEST, TEXTURE, Inputs, MetricSpec, Score
from engines.metrics.calibration import share_interval, threshold_of
from engines.metrics.copies import Detector, Matches
from engines.metrics.features import described
from engines.metrics.sets import scaled_by
from engines.metrics.statistics import groups_of, named_patients, patient_halves

Array = np.ndarray[Any, np.dtype[Any]]

RATE = 0.01  # nominal share of unseen real images that are called copies
MOST_CALIBRATED = 1000  # images: more hardly steady the threshold
STEADY = 200  # held-out images below which the threshold is said to be rough
GALLERY = 60
ALIKE = 0.8  # where the threshold lies above, the real set itself holds near-copies


@dataclass(frozen=True)
class _Unseen:
    """What real images of patients that the others do not show reach: their best matches, and their patients."""

    ncc: Array
    patients: list[str]
    held_out: bool


def _unseen(inputs: Inputs, detector: Detector) -> _Unseen:
    """Matches of the held-out reals; without enough of them, of real images with those of all other patients.

    The latter against the whole set but one patient: halves would give each image half as many chances to match, and
    so too low a threshold.
    """
    progress = inputs.part(0.55, 0.85)
    generator = np.random.default_rng(inputs.seed)
    if inputs.held_out is not None and len(inputs.held_out) >= FEWEST:
        patients = named_patients(inputs.held_out_patients, len(inputs.held_out))
        drawn = np.sort(generator.permutation(len(inputs.held_out))[:MOST_CALIBRATED])
        ncc = detector.search(inputs.held_out[drawn], progress=progress).ncc
        return _Unseen(ncc, [patients[n] for n in drawn], True)
    patients = named_patients(inputs.patients, len(inputs.real))
    groups = groups_of(patients)
    drawn = np.sort(generator.permutation(len(inputs.real))[:MOST_CALIBRATED])
    matches = detector.search(inputs.real[drawn], lambda n: groups == groups[drawn[n]], progress)
    return _Unseen(matches.ncc, [patients[n] for n in drawn], False)


def _false_positives(unseen: _Unseen, seed: int) -> int:
    """How many unseen images exceed the threshold that the patients of the other half give."""
    halves = patient_halves(unseen.patients, seed)
    groups = groups_of(unseen.patients)
    count = 0
    for own, other in (halves, halves[::-1]):
        count += int((unseen.ncc[other] > threshold_of(unseen.ncc[own], groups[own], RATE, seed)).sum())
    return count


def _warnings(inputs: Inputs, unseen: _Unseen, threshold: float) -> list[str]:
    warnings = []
    if not unseen.held_out:
        warnings.append(
            "No held-out real images were given (at least 50): the threshold comes from training images against those "
            "of other patients, and is only as good as the patients' names."
        )
        if not any(unseen.patients):
            warnings.append("Patients are unknown: images of one patient may raise the threshold and hide copies.")
    if len(unseen.ncc) < STEADY:
        warnings.append(f"Calibrated on {len(unseen.ncc)} images; from {STEADY} on the false-positive rate is steady.")
    if threshold > ALIKE:
        warnings.append(
            "Real images that should be of different patients match almost as copies do: look for duplicates among "
            "them. Copies may be missed."
        )
    return warnings


def _pair(matches: Matches, n: int, threshold: float) -> list[Any]:
    return [
        int(n), int(matches.index[n]), round(float(matches.ncc[n]), 4), [float(x) for x in matches.shift[n]],
        bool(matches.flipped[n]), float(matches.scale[n]), bool(matches.ncc[n] > threshold),
    ]  # fmt: skip


def _by_features(inputs: Inputs) -> dict[str, Any]:
    """AuthPct and C_T on the texture features, with what held-out reals score."""
    sets = [inputs.real, inputs.synthetic, *([] if inputs.held_out is None else [inputs.held_out])]
    parts = np.linspace(0.85, 1.0, len(sets) + 1)
    features = [
        described(inputs, images, inputs.part(parts[n], parts[n + 1]), TEXTURE) for n, images in enumerate(sets)
    ]
    change = scaled_by(features[0])
    real, synthetic, *held_out = (change(x) for x in features)
    found: dict[str, Any] = {"authentic_share": authentic_share(real, synthetic), "caveat": CAVEAT}
    if held_out:
        found["authentic_share_held_out"] = authentic_share(real, held_out[0])
        found["c_t"] = copying_test(real, held_out[0], synthetic, inputs.seed)
    return found


def compute(inputs: Inputs) -> Score:
    detector = Detector(inputs.real, inputs.part(0.0, 0.05))
    matches = detector.search(inputs.synthetic, progress=inputs.part(0.05, 0.55))
    unseen = _unseen(inputs, detector)
    threshold = threshold_of(unseen.ncc, groups_of(unseen.patients), RATE, inputs.seed)
    flagged = matches.ncc > threshold
    low, high = share_interval(int(flagged.sum()), len(flagged))
    wrong = _false_positives(unseen, inputs.seed)
    baseline_low, baseline_high = share_interval(wrong, len(unseen.ncc))
    warnings = _warnings(inputs, unseen, threshold)
    if low > RATE:
        warnings.insert(0, f"{flagged.sum()} synthetic images look like copies of training images: see the gallery.")
    details = {
        "threshold": threshold,
        "nominal_rate": RATE,
        "calibrated_on": "held-out real images" if unseen.held_out else "real images against other patients",
        "calibrated_images": len(unseen.ncc),
        "unseen_ncc": [round(float(x), 4) for x in np.sort(unseen.ncc)],
        "pairs": [_pair(matches, n, threshold) for n in np.argsort(-matches.ncc)[:GALLERY]],
        "by_features": _by_features(inputs),
    }
    inputs.progress(1.0)
    return Score(
        name="memorisation", value=float(flagged.mean()), low=low, high=high,
        n_real=len(inputs.real), n_synthetic=len(inputs.synthetic),
        extractor="registered cross-correlation of fine structure, 64 px",
        baseline=wrong / len(unseen.ncc), baseline_low=baseline_low, baseline_high=baseline_high,
        warnings=warnings, details=details,
        per_image={"ncc": matches.ncc, "nearest": matches.index, "flagged": flagged},
    )  # fmt: skip


METRIC = MetricSpec(
    name="memorisation",
    title="Copies of training images",
    summary="Share of synthetic images that match a training image better than all but 1 % of new patients' images do, "
    "after shift, mirroring and scaling. At the baseline, no copying is seen.",
    source="Own detector: registered normalised cross-correlation (after Lewis 1995), calibrated on real images of "
    "other patients; AuthPct (Alaa et al., ICML 2022) and C_T (Meehan et al., AISTATS 2020) beside it",
    unit="",
    better="lower",
    compute=compute,
)
