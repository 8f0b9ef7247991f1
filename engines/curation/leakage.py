"""What may pass from one part of a split to another, or tell classes apart without looking at disease.

A patient, a picture or a near copy in two parts makes every test result too good. A class that comes from one scanner
or collection only is learnt from the scanner: both are said, the first also refused unless a reason is written down.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.curation.duplicates import joined, perceptual_hash
from engines.curation.likeness import like_pairs
from engines.errors import LabError
from engines.splits import NONE, counted, shares_of, split_by_patient, tied

Row = Mapping[str, Any]

LEAST_REASON = 10
LEAK_COLUMNS = ("kind", "item", "part", "other_item", "other_part")
PATIENT, EQUAL, NEAR = "same patient", "equal pixels", "near-duplicate"
# What is known of where pictures come from, best first; the rest speaks only where the source is unknown.
_ORIGINS = {"source": "source", "intent": "kind of processing", "bits": "bit depth", "size": "size"}


@dataclass(frozen=True)
class Twins:
    """Pictures of one set that show the same: positions, each group with two or more."""

    equal: list[list[int]] = field(default_factory=list)
    near: list[tuple[int, int]] = field(default_factory=list)  # pairs whose pixels are not equal

    def groups(self, count: int) -> list[list[int]]:
        """Equal and near ones together, as connected groups among `count` positions."""
        links = [*self.near, *((group[0], other) for group in self.equal for other in group[1:])]
        return joined(np.array(links, dtype=np.intp).reshape(-1, 2), count)


@dataclass(frozen=True)
class Division:
    """The part of each image ("" for none), counts by part and class, sentences to show, and rows of leaks.csv."""

    parts: list[str]
    counts: dict[str, dict[str, int]]
    warnings: list[str]
    leaks: list[dict[str, str]]


def divide(
    rows: Sequence[Row],
    images: npt.NDArray[Any],
    split: str,
    *,
    folds: int = 5,
    seed: int = 0,
    leak_reason: str = "",
    check: Callable[[], None] = lambda: None,
) -> Division:
    """Split a set by patient, or keep the parts that its rows bring (`split` "none"), and check it for leaks.

    `rows` are the catalogue's (item, label, patient, split, and what is known of their source), `images` [N,H,W,C] the
    set's pictures in the same order. Near copies are kept in one part. Raises LabError where the split leaks and
    `leak_reason` is no reason, or where there are fewer patients than folds; `check` may raise to stop.
    """
    twins = find_twins(images, check)
    labels, patients = [row["label"] for row in rows], [row.get("patient", "") for row in rows]
    parts = [row.get("split", "") for row in rows]
    groups = twins.groups(len(rows))
    warnings = []
    if split != NONE:
        shares = shares_of(split, folds)
        people = tied(patients, groups)
        if (count := len(set(people) - {""}) + people.count("")) < len(shares):
            raise LabError(
                f"{count} {'patients' if any(patients) else 'different images'} cannot be divided into "
                f"{len(shares)} parts.",
                "All images of a patient, and near copies of one another, stay in one part.",
                "Choose a split with fewer parts or none, or keep more images.",
            )
        parts = split_by_patient(people, labels, seed, shares)
    leaks = find_leaks(rows, parts, twins)
    if leaks and not is_reason(leak_reason):
        raise _refusal(leaks)
    if leaks:
        warnings.append(f"The split leaks: {_in_words(leaks)}. Kept as it is, for this reason: “{leak_reason.strip()}”")
    warnings += [*_about_patients(patients, any(parts)), *_about_twins(groups, patients), *one_source(rows)]
    return Division(parts, counted(parts, labels), warnings, leaks)


def is_reason(text: str) -> bool:
    """Whether a text is long enough to be a reason in writing: at least ten letters."""
    return sum(letter.isalpha() for letter in text) >= LEAST_REASON


def find_twins(images: npt.NDArray[Any], check: Callable[[], None] = lambda: None) -> Twins:
    """Equal and near-equal pictures among [N,H,W,C]; reads each picture once, about a millisecond for one."""
    digests, hashes = [], []
    for image in images:
        check()
        digests.append(hashlib.blake2b(np.ascontiguousarray(image).tobytes(), digest_size=16).digest())
        hashes.append(perceptual_hash(image))
    same: dict[bytes, list[int]] = defaultdict(list)
    for n, digest in enumerate(digests):
        same[digest].append(n)
    close = like_pairs(hashes, lambda n: images[n], check)
    near = [(a, b) for a, b in close.tolist() if digests[a] != digests[b]]
    return Twins([group for group in same.values() if len(group) > 1], near)


def find_leaks(rows: Sequence[Row], parts: Sequence[str], twins: Twins) -> list[dict[str, str]]:
    """Pairs of images in different parts that share a patient or their content, as rows of leaks.csv.

    One pair for each patient, or group of copies, and part beyond the first is enough to name it; images without a
    part are in none.
    """
    found: list[dict[str, str]] = []

    def across(kind: str, members: Iterable[int]) -> None:
        homes: dict[str, int] = {}
        for n in members:
            if parts[n]:
                homes.setdefault(parts[n], n)
        (first, *others) = homes.values() or [0]
        for other in others:
            if kind != NEAR or first not in same or same[first] != same.get(other):
                cells = (kind, str(rows[first]["item"]), parts[first], str(rows[other]["item"]), parts[other])
                found.append(dict(zip(LEAK_COLUMNS, cells, strict=True)))

    same = {n: number for number, group in enumerate(twins.equal) for n in group}
    patients: dict[str, list[int]] = defaultdict(list)
    for n, row in enumerate(rows):
        if row.get("patient"):
            patients[row["patient"]].append(n)
    for kind, groups in ((PATIENT, patients.values()), (EQUAL, twins.equal), (NEAR, twins.groups(len(rows)))):
        for group in groups:
            across(kind, group)
    return found


def one_source(rows: Sequence[Row]) -> list[str]:
    """Warn of classes whose images share one source (else kind, depth or size) that no image of another class has."""
    labels = sorted({row["label"] for row in rows})
    if len(labels) < 2:
        return []
    facts = [{**row, "size": f"{row['width']}×{row['height']}" if row.get("width") else ""} for row in rows]
    known = any(row.get("source") for row in rows)
    for column in ("source",) if known else tuple(_ORIGINS)[1:]:
        seen = {name: {row.get(column) or "" for row in facts if row["label"] == name} for name in labels}
        alone = [
            name
            for name in labels
            if len(seen[name]) == 1
            and "" not in seen[name]
            and not any(seen[name] & seen[other] for other in labels if other != name)
        ]
        if alone:
            what = "; ".join(f"“{name}” has only {_ORIGINS[column]} {min(seen[name])}" for name in alone)
            return [
                f"A class comes from one source only: {what}, and no other class has it. A classifier can tell the "
                "classes by their source, and a GAN learns the source with the class."
            ]
    return []


def _about_patients(patients: Sequence[str], divided: bool) -> list[str]:
    unknown = sum(not patient for patient in patients)
    if not unknown or not divided:
        return []
    return [
        f"The patient of {unknown} of {len(patients)} images is not known: each counted as a patient of its own, so "
        "that one patient's images may be in two parts. Only equal and nearly equal pictures were looked for."
    ]


def _about_twins(groups: Sequence[Sequence[int]], patients: Sequence[str]) -> list[str]:
    if not groups:
        return []
    across = sum(len({patients[n] for n in group} - {""}) > 1 for group in groups)
    note = f" In {across} of them the patients differ: look whether they do." if across else ""
    count = sum(len(group) for group in groups)
    groups_in_words = "a group" if len(groups) == 1 else f"{len(groups)} groups"
    return [f"{count} images are equal or nearly equal to another one ({groups_in_words}).{note}"]


def _in_words(leaks: Sequence[Mapping[str, str]]) -> str:
    """How many patients, equal pictures and near copies are in more than one part."""
    counts = {kind: sum(leak["kind"] == kind for leak in leaks) for kind in (PATIENT, EQUAL, NEAR)}
    words = {
        PATIENT: ("patient is in more than one part", "patients are in more than one part"),
        EQUAL: ("picture lies in two parts with equal pixels", "pictures lie in two parts with equal pixels"),
        NEAR: ("pair of near-duplicates lies across parts", "pairs of near-duplicates lie across parts"),
    }
    return ", ".join(f"{count} {words[kind][count > 1]}" for kind, count in counts.items() if count)


def _refusal(leaks: Sequence[Mapping[str, str]]) -> LabError:
    named = [f"{leak['item']} ({leak['part']}) and {leak['other_item']} ({leak['other_part']})" for leak in leaks[:3]]
    return LabError(
        "The parts of this split are not apart.",
        f"{_in_words(leaks)}; for instance {', '.join(named)}.",
        "Choose a split by patient, which keeps them together, or reject the copies by hand. To keep the split as it "
        f"is, give the reason in writing (at least {LEAST_REASON} letters): it is stored with the set.",
    )
