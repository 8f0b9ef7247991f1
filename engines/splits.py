"""Splits by patient: no woman is in two parts, and every class is spread over them as evenly as whole women allow."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SHARES_70_20_10: dict[str, float] = {TRAIN: 0.7, VALIDATION: 0.2, TEST: 0.1}


def split_by_patient(
    patients: Sequence[str], labels: Sequence[str], seed: int, shares: dict[str, float] | None = None
) -> list[str]:
    """Give each image a part; images of one patient stay together, and an empty patient is a patient of its own.

    Patients are shuffled by the seed, those with most images first, and each goes to the part that lacks most images
    of her classes. Depends on nothing but the arguments. Raises ValueError for shares that do not sum to 1.
    """
    shares = shares or SHARES_70_20_10
    if abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) < 0:
        raise ValueError("shares must be positive and sum to 1")
    groups: dict[str, list[int]] = defaultdict(list)
    for index, patient in enumerate(patients):
        groups[patient or f"\0{index}"].append(index)
    names = sorted(groups)
    random.Random(seed).shuffle(names)
    names.sort(key=lambda name: -len(groups[name]))
    totals = Counter(labels)
    held = {part: Counter[str]() for part in shares}
    parts = [""] * len(patients)
    for name in names:
        counts = Counter(labels[index] for index in groups[name])

        def lack(part: str, counts: Counter[str] = counts) -> float:
            wanted = sum(count * (shares[part] * totals[label] - held[part][label]) for label, count in counts.items())
            overall = shares[part] * len(patients) - held[part].total()
            return (wanted + 1e-3 * overall) / shares[part] if shares[part] else float("-inf")

        chosen = max(shares, key=lack)
        held[chosen].update(counts)
        for index in groups[name]:
            parts[index] = chosen
    return parts
