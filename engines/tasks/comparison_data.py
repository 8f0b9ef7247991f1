"""What a comparison of classifiers works with: the pool to learn from, the test images, and the synthetic sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engines.classifiers.base import Labelled
from engines.classifiers.protocols import Source
from engines.curation.leakage import divide
from engines.errors import LabError
from engines.records import class_of_interest
from engines.resize import resize_batch
from engines.splits import TEST, TRAIN, VALIDATION, split_by_patient
from engines.tasks.reference import labels_of, patients_of, real_set
from engines.workspace import ImageSet, Workspace

Array = np.ndarray[Any, np.dtype[Any]]

FEWEST_TEST = 20  # below this not even a perfect classifier can be told from a good one
SHARE = 0.2  # of the training patients are looked at while learning, where the set has no validation part of its own
OWN_SPLIT = "80/20"  # of a set without parts: by patient, near copies together


@dataclass(frozen=True)
class Part:
    """Some images of a set: their places in it, and the images with class numbers and patients."""

    set_id: str
    places: Array
    data: Labelled

    def without(self, gone: Sequence[int]) -> Part:
        """The same without the images at some positions of this part."""
        kept = np.setdiff1d(np.arange(len(self.places)), np.asarray(gone, np.int64))
        return take(self, kept)


@dataclass(frozen=True)
class Material:
    """All that is learned from and tested on; `synthetic` has the images [M, H, W, C] of each set, at the real size."""

    classes: tuple[str, ...]
    positive: int | None
    pool: Part
    validation: Part | None
    test: Part
    sources: list[Source]
    synthetic: dict[str, Array]
    warnings: list[str] = field(default_factory=list)


def take(part: Part, rows: Array) -> Part:
    """The images at some positions of a part."""
    data = part.data
    patients = [data.patients[n] for n in rows]
    return Part(part.set_id, part.places[rows], Labelled(data.images[rows], data.labels[rows], patients))


def parted(part: Part, classes: Sequence[str], seed: int) -> tuple[Part, Part]:
    """A part without a fifth of its patients, to learn from, and that fifth, to look at meanwhile."""
    labels = [classes[label] for label in part.data.labels]
    shares = {TRAIN: 1 - SHARE, VALIDATION: SHARE}
    parts = np.array(split_by_patient(list(part.data.patients), labels, seed, shares))
    return take(part, np.flatnonzero(parts == TRAIN)), take(part, np.flatnonzero(parts == VALIDATION))


def gathered(
    workspace: Workspace, real: str, synthetic: Sequence[str], test: str, positive: str, only: Sequence[str], seed: int
) -> Material:
    """The material of a comparison. `test` names a real set of its own, or is empty for a part of `real`.

    Raises LabError, before any work, for what cannot be compared: too few classes, unlabelled images, sizes or channels
    that do not go together, too few test images.
    """
    given = real_set(workspace, real)
    classes = classes_of(given, only)
    interest = _positive(classes, positive)
    warnings: list[str] = []
    if test:
        asked = real_set(workspace, test)
        _same_kind(given, asked)
        own = [row.get("split", "") for row in given.items]
        pool = part_of(given, classes, [part == TRAIN for part in own] if TRAIN in own else None)
        between = [part == VALIDATION for part in own] if {TRAIN, VALIDATION} <= set(own) else None
        validation = part_of(given, classes, between) if between else None
        tested = part_of(asked, classes, None, size=given.record.width)
    else:
        parts, note = _parts(given, seed)
        warnings += note
        tests = TEST if TEST in parts else VALIDATION
        pool = part_of(given, classes, [part == TRAIN for part in parts])
        tested = part_of(given, classes, [part == tests for part in parts])
        between = [part == VALIDATION for part in parts] if tests == TEST and VALIDATION in parts else None
        validation = part_of(given, classes, between) if between else None
    if len(tested.places) < FEWEST_TEST:
        raise LabError(
            "There are too few test images.",
            f"{len(tested.places)} of “{given.record.name if not test else test}” can be tested on; at least "
            f"{FEWEST_TEST} are needed, and some hundreds to see a difference.",
            "Choose another test set, or split the images anew on the Data tab.",
        )
    sources, images = [], {}
    for id in dict.fromkeys(synthetic):
        source, pixels = _synthetic(workspace, id, given, classes)
        sources.append(source)
        images[id] = pixels
    return Material(classes, interest, pool, validation, tested, sources, images, warnings)


def classes_of(given: ImageSet, only: Sequence[str] = ()) -> tuple[str, ...]:
    """The set's classes by name, or those of `only`. Raises LabError unless there are two."""
    known = sorted(set(labels_of(given)) - {""})
    if unknown := [name for name in only if name not in known]:
        raise LabError(
            f"“{given.record.name}” has no class “{unknown[0][:40]}”.", f"Its classes: {', '.join(known) or 'none'}.",
            "Choose among these.",
        )  # fmt: skip
    chosen = sorted(set(only)) or known
    if len(chosen) < 2:
        raise LabError(
            f"“{given.record.name}” has {'no classes' if not chosen else 'one class only'}.",
            "A classifier tells two or more classes apart.",
            "Choose a set whose images are labelled with two or more classes.",
        )
    return tuple(chosen)


def _positive(classes: Sequence[str], wish: str) -> int | None:
    """The class of interest: the one named, else what two classes' names say (engines/records.py), else none."""
    if wish and wish not in classes:
        raise LabError(
            f"The class of interest “{wish[:40]}” is not compared.", f"There are: {', '.join(classes)}.",
            "Choose one of these.",
        )  # fmt: skip
    chosen = wish or class_of_interest(classes)
    return list(classes).index(chosen) if chosen else None


def _same_kind(given: ImageSet, other: ImageSet) -> None:
    """Raise LabError unless two sets have the same channels and pixel type."""
    ours, theirs = given.record, other.record
    if (ours.channels, ours.dtype) != (theirs.channels, theirs.dtype):
        words = [f"{record.channels} channel{'s' * (record.channels > 1)}, {record.dtype}" for record in (ours, theirs)]
        raise LabError(
            f"“{theirs.name}” does not go together with “{ours.name}”.",
            f"{words[1]} against {words[0]}.",
            "Make the set again with the same channels and bit depth.",
        )


def _parts(given: ImageSet, seed: int) -> tuple[list[str], list[str]]:
    """The part of each image: the set's own split, else one by patient made here, which is said."""
    parts = [row.get("split", "") for row in given.items]
    if TRAIN in parts and (TEST in parts or VALIDATION in parts):
        return parts, []
    rows = [{**row, "split": "", "label": row.get("label", "")} for row in given.items]
    made = divide(rows, given.images, OWN_SPLIT, seed=seed)
    return made.parts, [
        f"“{given.record.name}” has no test part of its own: a fifth of its patients was set aside for this "
        "comparison. A generator that learned from the whole set has seen them; split the set on the Data tab before "
        "training to avoid that.",
        *made.warnings,
    ]


def part_of(given: ImageSet, classes: Sequence[str], chosen: Sequence[bool] | None, size: int | None = None) -> Part:
    """The labelled images of a set, or of a part of it, at `size`."""
    labels, patients = labels_of(given), patients_of(given)
    places = np.array(
        [n for n, label in enumerate(labels) if label in classes and (chosen is None or chosen[n])], np.int64
    )
    numbers = np.array([classes.index(labels[n]) for n in places], np.int64)
    images = resize_batch(np.asarray(given.images[places]), size or given.record.width)
    return Part(given.record.id, places, Labelled(images, numbers, [patients[n] for n in places]))


def _synthetic(workspace: Workspace, id: str, given: ImageSet, classes: Sequence[str]) -> tuple[Source, Array]:
    found = workspace.image_set(id)
    if found.record.origin != "synthetic":
        raise LabError(
            f"“{found.record.name}” is not a synthetic set.", "It holds real images.", "Choose a synthetic set instead."
        )
    _same_kind(given, found)
    labels = labels_of(found)
    numbers = np.array([classes.index(label) if label in classes else -1 for label in labels], np.int64)
    if (numbers < 0).all():
        raise LabError(
            f"The images of “{found.record.name}” carry none of the classes {', '.join(classes)}.",
            "A classifier cannot learn from images without a class.",
            "Generate a set with a label: a run that learned one class alone gives it, a conditional method gives all.",
        )
    images = resize_batch(found.images, given.record.width)
    return Source(id, found.record.name, numbers), images
