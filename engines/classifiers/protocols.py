"""Training sets by protocol: which real and which synthetic images an arm of a comparison learns from.

An arm is one training set. All arms of a protocol share the same pool of real training images, and the real-only arm
is always among them, since it is what the others are compared with. Names in brackets are those of Esteban et al.,
arXiv 1706.02633.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from engines.errors import LabError

Array = np.ndarray[Any, np.dtype[Any]]
Tested = Literal["real", "synthetic"]

TITLES: dict[str, str] = {
    "real": "Real (TRTR)",
    "synthetic": "Synthetic, tested on synthetic (TSTS)",
    "real_to_synthetic": "Real, tested on synthetic (TRTS)",
    "synthetic_to_real": "Synthetic, tested on real (TSTR)",
    "mixed": "Real + synthetic",
    "replace": "Real, a share replaced by synthetic",
    "phases": "Real + synthetic in phases",
    "augmented": "Real + classic augmentation",
}
REFERENCE = "real"
NEED_SYNTHETIC = frozenset(TITLES) - {"real", "augmented"}
TEST_SHARE = 0.3  # of a synthetic set, where synthetic images are tested on: study 2's 70-30


@dataclass(frozen=True)
class Arm:
    """One training set: positions in the pool of real images, and in the synthetic set called `source`.

    `copies` is how many augmented versions of each image are added. `test_rows` are positions in the synthetic set
    where that is tested on, else empty.
    """

    name: str
    title: str
    protocol: str
    real: Array
    synthetic: Array
    source: str = ""
    tested: Tested = "real"
    test_rows: Sequence[int] = ()
    copies: int = 0


@dataclass(frozen=True)
class Settings:
    """How much synthetic data the protocols take; classes are numbers, none means all of them."""

    ratio: float = 1.0  # of synthetic to real images, class by class
    share: float = 0.25  # of the real images that are replaced
    step: int = 520  # synthetic images added in each phase
    phases: int = 5
    copies: int = 4
    classes: tuple[int, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Source:
    """A synthetic set: the class number of each image [M], -1 for a class that the real set lacks."""

    id: str
    title: str
    labels: Array


def arms_of(
    protocols: Sequence[str], labels: Array, sources: Sequence[Source], names: Sequence[str], settings: Settings
) -> list[Arm]:
    """The arms of some protocols, the real-only one first; `labels` [N] are those of the real pool.

    Raises LabError for an unknown protocol, one that needs a synthetic set where there is none, and where a synthetic
    set has too few images of a class (`names` are the classes in words).
    """
    if unknown := [name for name in protocols if name not in TITLES]:
        raise LabError(
            f"There is no protocol “{unknown[0][:40]}”.", f"There are: {', '.join(TITLES)}.", "Choose among these."
        )
    if not sources and (needy := [name for name in protocols if name in NEED_SYNTHETIC]):
        raise LabError(
            f"The protocol “{TITLES[needy[0]]}” needs synthetic images.", "No synthetic set is chosen.",
            "Choose one, or generate one from a run on the Export tab.",
        )  # fmt: skip
    every, none = np.arange(len(labels)), np.zeros(0, np.int64)
    found = [Arm(REFERENCE, TITLES[REFERENCE], REFERENCE, every, none)]
    for protocol in dict.fromkeys(protocols):
        if protocol == "augmented":
            title = f"Real + {settings.copies} augmented {'copy' if settings.copies == 1 else 'copies'} of each"
            found.append(Arm(protocol, title, protocol, every, none, copies=settings.copies))
        elif protocol != REFERENCE:
            for source in sources:
                found += _with_synthetic(protocol, labels, source, names, settings, several=len(sources) > 1)
    return found


def _with_synthetic(
    protocol: str, labels: Array, source: Source, names: Sequence[str], settings: Settings, several: bool
) -> list[Arm]:
    pile = _Pile(source, names, settings)
    end, of = (f":{source.id}", f" “{source.title}”") if several else ("", "")
    classes = settings.classes or tuple(range(len(names)))
    every, none = np.arange(len(labels)), np.zeros(0, np.int64)
    counts = np.bincount(labels, minlength=len(names))
    if protocol == "mixed":
        taken = pile.take({k: round(settings.ratio * counts[k]) for k in classes})
        name, title = f"mixed-{settings.ratio:g}", f"Real + {settings.ratio:g} × synthetic{of}"
        return [Arm(name + end, title, protocol, every, taken, source.id)]
    if protocol == "replace":
        gone = {k: round(settings.share * counts[k]) for k in classes}
        kept = _without(labels, gone, settings.seed)
        title = f"{settings.share:.0%} of the real images replaced by synthetic{of}".replace("%", " %")
        return [Arm(f"replace-{settings.share:g}{end}", title, protocol, kept, pile.take(gone), source.id)]
    if protocol == "phases":
        made = []
        for phase in range(1, settings.phases + 1):
            total = phase * settings.step
            each = {k: total // len(classes) + (n < total % len(classes)) for n, k in enumerate(classes)}
            title = f"Phase {phase}: real + {total:,} synthetic{of}"
            made.append(Arm(f"phase-{phase}{end}", title, protocol, every, pile.take(each), source.id))
        return made
    usable = pile.shuffled(range(len(names)))
    cut = round((1 - TEST_SHARE) * len(usable))
    title = TITLES[protocol] + of
    if protocol == "synthetic_to_real":
        return [Arm(protocol + end, title, protocol, none, usable, source.id)]
    if protocol == "real_to_synthetic":
        return [Arm(protocol + end, title, protocol, every, none, source.id, "synthetic", tuple(usable))]
    return [Arm(protocol + end, title, protocol, none, usable[:cut], source.id, "synthetic", tuple(usable[cut:]))]


class _Pile:
    """A synthetic set's images in one order for each class: a larger arm takes all that a smaller one does."""

    def __init__(self, source: Source, names: Sequence[str], settings: Settings) -> None:
        self.source, self.names, self.seed = source, names, settings.seed

    def shuffled(self, classes: Sequence[int]) -> Array:
        """Positions of all images of some classes, in an order that only the seed decides."""
        order = np.random.default_rng(self.seed).permutation(len(self.source.labels))
        return np.asarray(order[np.isin(self.source.labels[order], list(classes))])

    def take(self, wanted: Mapping[int, int]) -> Array:
        """So many images of each class. Raises LabError if there are not enough."""
        taken = []
        for label, count in wanted.items():
            there = self.shuffled([label])
            if len(there) < count:
                raise LabError(
                    f"“{self.source.title}” has too few images of the class “{self.names[label]}”.",
                    f"{count:,} are needed, and {len(there):,} are there.",
                    "Generate a larger set, ask for fewer synthetic images, or choose the classes that get some.",
                )
            taken.append(there[:count])
        return np.concatenate(taken) if taken else np.zeros(0, np.int64)


def _without(labels: Array, gone: Mapping[int, int], seed: int) -> Array:
    """Positions of the real images without so many of each class, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(len(labels))
    out = [order[labels[order] == label][:count] for label, count in gone.items()]
    return np.setdiff1d(np.arange(len(labels)), np.concatenate(out)) if out else np.arange(len(labels))


def left_out(groups: Array, seed: int, seeds: int) -> Array:
    """Which images [N] bool are left out in the training of one of several seeds: those of every S-th group.

    `groups` [N] numbers the patients. Over all seeds each group is left out once, so that the seeds are a
    delete-a-group jackknife (engines/classifiers/intervals.py).
    """
    turn = np.random.default_rng(0).permutation(int(groups.max()) + 1) % seeds if len(groups) else groups
    return np.asarray(turn[groups] == seed) if len(groups) else np.zeros(0, bool)
