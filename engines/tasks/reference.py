"""Real images that synthetic ones are compared with: those learned from, and those held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.errors import LabError
from engines.metrics.base import FEWEST
from engines.metrics.features import keys_of
from engines.workspace import ImageSet, Workspace

Array = np.ndarray[Any, np.dtype[Any]]


def real_set(workspace: Workspace, id: str) -> ImageSet:
    found = workspace.image_set(id)
    if found.record.origin != "real":
        raise LabError(f"“{found.record.name}” is not a real set.", "It is synthetic.", "Choose real images instead.")
    return found


def patients_of(images: ImageSet) -> list[str]:
    """The patient of each image; empty where unknown."""
    return [row.get("patient", "") for row in images.items]


def labels_of(images: ImageSet) -> list[str]:
    """The class of each image; empty where unknown."""
    return [row.get("label", "") for row in images.items]


@dataclass(frozen=True)
class HeldOut:
    """Real images that no model has learned from: [N, H, W, C], the patient, class and place in its set of each."""

    images: Array
    patients: list[str]
    labels: list[str]
    rows: list[int]


def held_out_of(workspace: Workspace, id: str, real: ImageSet) -> tuple[HeldOut | None, list[str]]:
    """The held-out images without those of patients, or of the very pixels, that the real set has too; and warnings.

    Raises LabError if too few are left to stand for new patients.
    """
    if not id:
        return None, []
    given = real_set(workspace, id)
    patients = patients_of(given)
    known_patients, known_images = set(patients_of(real)) - {""}, set(keys_of(real.images))
    kept = [
        n
        for n, (patient, key) in enumerate(zip(patients, keys_of(given.images), strict=True))
        if patient not in known_patients and key not in known_images
    ]
    if len(kept) < FEWEST:
        raise LabError(
            f"“{given.record.name}” cannot serve as held-out images.",
            f"{len(kept)} of its {len(patients)} images are of other patients than those of “{real.record.name}”; at "
            f"least {FEWEST} are needed.",
            "Choose a real set of other patients, or measure without one.",
        )
    left = len(patients) - len(kept)
    warnings = [f"{left} held-out images were left out: their patients are in the real set too."] if left else []
    labels = labels_of(given)
    return HeldOut(given.images[kept], [patients[n] for n in kept], [labels[n] for n in kept], kept), warnings
