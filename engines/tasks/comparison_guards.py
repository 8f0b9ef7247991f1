"""What could make a comparison untrue: leaks into the test images, classes told apart by their source, too few images.

Each guard has a name, a state ("closed": looked at and in order; "open": a fault, named; "unknown": cannot be looked
at), and a text that says what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.classifiers.confounds import background_of, frame_of, has_background, reachable, told_apart
from engines.classifiers.power import foresight
from engines.classifiers.protocols import Arm, Source
from engines.curation.leakage import EQUAL, NEAR, PATIENT, find_twins
from engines.errors import LabError
from engines.records import RunRecord
from engines.resize import resize_batch
from engines.tasks.comparison_data import Material, Part
from engines.tasks.reference import patients_of
from engines.tasks.training_data import places_learned
from engines.workspace import ImageSet, Workspace

Array = np.ndarray[Any, np.dtype[Any]]
Guard = dict[str, Any]

CLOSED, OPEN, UNKNOWN = "closed", "open", "unknown"
NOTE = "note"  # neither in order nor wrong: to be known when reading the result
TELLING = 0.6  # an AUROC surely above this from the frame or the background alone is worth a warning
UNEVEN = 0.3  # of a class's training images, by which the share of synthetic ones may differ between classes


@dataclass(frozen=True)
class Learned:
    """The real images that a classifier or a generator learned from."""

    title: str
    images: Array
    patients: Sequence[str]
    items: Sequence[str]


def learned_by_generator(workspace: Workspace, source: Source) -> list[Learned] | None:
    """What the run behind a synthetic set learned from, and the runs that it began from; None if nobody knows."""
    record = workspace.image_set(source.id).record
    runs = [name.split("/")[1] for name in record.parents if name.startswith("runs/")]
    if not runs:
        return None
    found: dict[str, Learned] = {}
    while runs:
        id = runs.pop()
        if id in found:
            continue
        try:
            run: RunRecord = workspace.run(id)
            images = workspace.image_set(run.image_set)
        except LabError:
            return None  # its set was removed, and with it what it was
        found[id] = _learned(f"the generator “{run.name}”", images, run)
        runs += [name.split("/")[1] for name in run.parents if name.startswith("runs/")]
    return list(found.values())


def _learned(title: str, images: ImageSet, run: RunRecord) -> Learned:
    only = str(run.parameters.get("only_class", ""))
    places = places_learned(images, run.part, only)
    patients, items = patients_of(images), [row["item"] for row in images.items]
    return Learned(title, images.images[places], [patients[n] for n in places], [items[n] for n in places])


def leaks_into(
    test: Part, names: Sequence[str], learned: Sequence[Learned], check: Callable[[], None]
) -> dict[int, dict[str, str]]:
    """Test images (by position) that share a patient, their pixels or their content with what was learned from.

    `names` are the test images' items. The value names one partner, as a row of leaks.csv.
    """
    found: dict[int, dict[str, str]] = {}
    side = test.data.images.shape[1]
    for other in learned:
        known = {patient: n for n, patient in enumerate(other.patients) if patient}
        for n, patient in enumerate(test.data.patients):
            if patient in known and n not in found:
                found[n] = _leak(PATIENT, names[n], other, known[patient])
        together = np.concatenate([test.data.images, resize_batch(np.asarray(other.images), side)])
        count = len(names)
        for kind, a, b in _across(together, count, check):
            if a not in found:
                found[a] = _leak(kind, names[a], other, b)
    return found


def _across(images: Array, count: int, check: Callable[[], None]) -> Iterator[tuple[str, int, int]]:
    """Pairs of alike images, the first among the first `count`, the second (counted anew) among the others."""
    twins = find_twins(images, check)
    groups = [(EQUAL, group) for group in twins.equal] + [(NEAR, list(pair)) for pair in twins.near]
    for kind, group in groups:
        others = [n - count for n in group if n >= count]
        for n in group:
            if n < count and others:
                yield kind, n, others[0]


def _leak(kind: str, item: str, other: Learned, place: int) -> dict[str, str]:
    cells = {"kind": kind, "item": item, "part": "test", "other_item": other.items[place]}
    return {**cells, "other_part": f"training images of {other.title}"}


def about_leaks(leaks: dict[int, dict[str, str]], kept: bool, unknown: Sequence[str], nameless: int) -> list[Guard]:
    """The locks: whether the test images were apart from everything that trained, and what was done if not."""
    kinds = {kind: sum(leak["kind"] == kind for leak in leaks.values()) for kind in (PATIENT, EQUAL, NEAR)}
    guards = []
    if leaks:
        counted = ", ".join(f"{count} by {kind}" for kind, count in kinds.items() if count)
        first = next(iter(leaks.values()))
        named = f"{first['item']} is in the {first['other_part']} too ({first['kind']}: {first['other_item']})"
        done = "They stay in, for the reason given" if kept else "They were left out of the test"
        text = f"{len(leaks)} test images are not apart from what was learned: {counted}; for instance {named}. {done}."
        guards.append(guard("apart", "Test images apart from all training", OPEN if kept else CLOSED, text))
    else:
        text = "No test image shares its patient or its content with what the classifiers or the generators learned."
        guards.append(guard("apart", "Test images apart from all training", CLOSED, text))
    if nameless:
        text = (
            f"The patient of {nameless} test images is not known: other images of the same patient may have been "
            "learned from. Equal and nearly equal pictures were looked for."
        )
        guards.append(guard("patients", "Patients known", UNKNOWN, text))
    for title in unknown:
        text = (
            f"“{title}” was made elsewhere, or its run is gone: nobody here knows which images its generator learned "
            "from. If test patients are among them, results with it are too good."
        )
        guards.append(guard("generator", "Training images of the generator", UNKNOWN, text))
    return guards


def guard(name: str, title: str, state: str, text: str, **more: Any) -> Guard:
    return {"name": name, "title": title, "state": state, "text": text, **more}


def about_sources(workspace: Workspace, material: Material, seed: int, check: Callable[[], None]) -> list[Guard]:
    """Whether classes can be told by their source, frame or background, and synthetic images from real ones."""
    guards = []
    for id in dict.fromkeys((material.pool.set_id, material.test.set_id)):
        for text in workspace.image_set(id).record.warnings:
            if text.startswith("A class comes from one source only"):
                guards.append(guard("source", "Classes from the same sources", OPEN, text))
    looks = [("frame", "the outermost tenth of the image", frame_of)]
    if has_background(material.pool.data.images):
        looks.append(("background", "the dark background alone", background_of))
    for name, words, look in looks:
        check()
        found = reachable(look, material.pool.data, material.test.data, material.positive, seed)
        title = f"Classes not told apart by {'the frame' if name == 'frame' else 'the background'}"
        if found is None:
            guards.append(guard(name, title, CLOSED, f"Nothing varies in {words}."))
            continue
        value = {"value": found.value, "low": found.low, "high": found.high}
        reach = f"AUROC {found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
        text = f"From {words} a linear classifier reaches {reach}; 0.50 is chance."
        if found.low > TELLING:
            text += " What is compared below may rest on it as much as on disease: crop the images, or find the cause."
        guards.append(guard(name, title, OPEN if found.low > TELLING else CLOSED, text, **value))
    for source in material.sources:
        check()
        usable = material.synthetic[source.id][source.labels >= 0]
        apart = told_apart(material.pool.data.images, usable, material.pool.data.patients, seed)
        text = (
            f"A linear look at 32 px tells “{source.title}” from real images with AUROC {apart:.2f}; 0.50 is chance. "
            "Nearly all generators leave such traces; they mislead where one class has more of them than others."
        )
        guards.append(guard("traces", "Traces of the generator", NOTE, text, value=apart, source=source.id))
    return guards


def about_arms(arms: Sequence[Arm], pool: Array, sources: Sequence[Source], names: Sequence[str]) -> list[Guard]:
    """Arms in which class and source coincide: one class has synthetic images and another has hardly any."""
    by_id, guards = {source.id: source.labels for source in sources}, []
    for arm in arms:
        if not len(arm.synthetic) or not len(arm.real):
            continue
        real = np.bincount(pool[arm.real], minlength=len(names))
        made = np.bincount(by_id[arm.source][arm.synthetic], minlength=len(names))
        shares = made / np.maximum(real + made, 1)
        most, least = int(shares.argmax()), int(shares.argmin())
        if shares[most] - shares[least] >= UNEVEN:
            text = (
                f"In “{arm.title}” {100 * shares[most]:.0f} % of “{names[most]}” are synthetic, and "
                f"{100 * shares[least]:.0f} % of “{names[least]}”: a classifier can learn the generator's traces for "
                "the class. Real test images show whether it helped all the same."
            )
            guards.append(guard("coincide", "Class and source apart", OPEN, text, arm=arm.name))
    return guards


def about_size(test: Part, positive: int | None, names: Sequence[str]) -> Guard:
    """What the test set can show at all."""
    seen = foresight(test.data.labels, test.data.patients, positive, len(names))
    counts = np.bincount(test.data.labels, minlength=len(names))
    people = len(set(test.data.patients) - {""}) or None
    words = ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True))
    text = f"{len(test.places)} test images ({words}){f' of {people} patients' if people else ''}"
    if seen.auroc is None and seen.accuracy is None:
        return guard("size", "Enough test images", OPEN, f"{text} are too few to show any difference.")
    see = [f"{name} {value:.2f}" for name, value in (("AUROC", seen.auroc), ("accuracy", seen.accuracy)) if value]
    text += f" show a difference of {' or '.join(see)} in four of five cases; smaller ones will mostly be missed."
    wide = seen.auroc is None or seen.auroc > 0.1
    return guard("size", "Enough test images", OPEN if wide else CLOSED, text, auroc=seen.auroc, accuracy=seen.accuracy)
