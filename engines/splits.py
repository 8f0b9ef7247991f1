"""Splits by patient: no woman is in two parts, and every class is spread over them as evenly as whole women allow."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from engines.errors import LabError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
NONE, FOLDS = "none", "folds"
SHARES_70_20_10: dict[str, float] = {TRAIN: 0.7, VALIDATION: 0.2, TEST: 0.1}
# Chi 2018 calls its 33 % validation; a part that is used once, at the end, is a test.
SPLITS: dict[str, dict[str, float]] = {
    "70/20/10": SHARES_70_20_10,
    "80/20": {TRAIN: 0.8, TEST: 0.2},
    "67/33": {TRAIN: 0.67, VALIDATION: 0.33},
}


def shares_of(split: str, folds: int = 5) -> dict[str, float]:
    """Part to its share of the images, for a name among SPLITS or "folds". Raises LabError for anything else."""
    if split == FOLDS:
        if folds < 2:
            raise LabError("A set is divided into at least two folds.", f"{folds} was asked for.", "Choose 2 or more.")
        return {f"fold{number}": 1 / folds for number in range(1, folds + 1)}
    if split not in SPLITS:
        raise LabError(f"There is no split “{split[:40]}”.", f"There are {', '.join(SPLITS)} and folds.", "Choose one.")
    return dict(SPLITS[split])


def split_by_patient(
    patients: Sequence[str], labels: Sequence[str], seed: int, shares: dict[str, float] | None = None
) -> list[str]:
    """Give each image a part; images of one patient stay together, and an empty patient is a patient of its own.

    Patients are shuffled by the seed, those with most images first, and each goes to the part that lacks most images
    of her classes; no part stays empty while there are patients enough. Depends on nothing but the arguments. Raises
    ValueError for shares that do not sum to 1.
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
    empty = {part for part, share in shares.items() if share > 0}
    parts = [""] * len(patients)
    for number, name in enumerate(names):
        counts = Counter(labels[index] for index in groups[name])

        def lack(part: str, counts: Counter[str] = counts) -> float:
            wanted = sum(count * (shares[part] * totals[label] - held[part][label]) for label, count in counts.items())
            overall = shares[part] * len(patients) - held[part].total()
            return (wanted + 1e-3 * overall) / shares[part] if shares[part] else float("-inf")

        last_chance = len(names) - number <= len(empty)
        chosen = max((part for part in shares if part in empty or not last_chance), key=lack)
        empty.discard(chosen)
        held[chosen].update(counts)
        for index in groups[name]:
            parts[index] = chosen
    return parts


def tied(patients: Sequence[str], ties: Iterable[Sequence[int]]) -> list[str]:
    """Patients renamed so that images tied together (near-duplicates) count as one patient's, through all her images.

    Untied images keep their patient, also an empty one. Ties chain: if one image of A is tied to one of B and another
    of B to one of C, all three become one.
    """
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while (above := leader.get(name, name)) != name:
            leader[name] = leader.get(above, above)
            name = above
        return name

    names = [patient or f"\0{index}" for index, patient in enumerate(patients)]
    changed = set()
    for tie in ties:
        for index in tie:
            leader[find(names[index])] = find(names[tie[0]])
            changed.add(names[index])
    roots = {find(name) for name in changed}
    return [found if (found := find(name)) in roots else patient for name, patient in zip(names, patients, strict=True)]


def counted(parts: Sequence[str], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """Part to class to images, in the order train, validation, test or of the folds; images without a part are out."""
    known = [TRAIN, VALIDATION, TEST]
    found = sorted(set(parts) - {""}, key=lambda part: (known.index(part) if part in known else 3, len(part), part))
    counts = {part: Counter[str]() for part in found}
    for part, label in zip(parts, labels, strict=True):
        if part:
            counts[part][label] += 1
    return {part: dict(sorted(count.items())) for part, count in counts.items()}
