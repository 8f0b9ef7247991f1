"""What of an image set a method learns, and the refusals: said before any work, with advice."""

from __future__ import annotations

from engines.errors import LabError
from engines.methods.base import MethodOptions, MethodSpec
from engines.splits import TRAIN
from engines.training.feed import Data
from engines.workspace import ImageSet


def part_learned(image_set: ImageSet, everything: bool) -> str:
    """The part of a divided set that a generator learns: its training part, "" for all of it.

    Validation and test images must stay unknown to the generator, or no classifier can be tested on them fairly.
    """
    divided = any(row.get("split", "") == TRAIN for row in image_set.items)
    return TRAIN if divided and not everything else ""


def places_learned(image_set: ImageSet, part: str, only_class: str = "") -> list[int]:
    """Which of a set's images a training takes: those of a part and of a class, "" for all."""
    return [
        n
        for n, row in enumerate(image_set.items)
        if part in ("", row.get("split", "")) and only_class in ("", row.get("label", ""))
    ]


def data_for(method: MethodSpec, options: MethodOptions, image_set: ImageSet, only_class: str, part: str = "") -> Data:
    """The images and classes to train on. Raises LabError, with advice, for a set that the method cannot learn."""
    _check_channels(method, image_set)
    labels = [row.get("label", "") for row in image_set.items]
    chosen = places_learned(image_set, part)
    if len(chosen) == len(labels):
        data = Data.of(image_set.images, labels)
    else:
        data = Data.of(image_set.images[chosen], [labels[n] for n in chosen])
    if method.translates:
        data = _translating(method, options, data, image_set)
    elif only_class:
        data = data.only(_known(only_class, data, image_set))
    if method.conditional and len(data.classes) < method.limits.fewest_classes:
        raise LabError(
            f"{method.title} learns classes, and this set has one.",
            f"All images of “{image_set.record.name}” that were chosen are “{data.classes[0] or 'without a class'}”.",
            "Choose a set of several classes, or a method that learns images without classes.",
        )
    _check_number(method, data, image_set)
    return data


def _check_channels(method: MethodSpec, image_set: ImageSet) -> None:
    channels = image_set.record.channels
    if channels not in method.limits.channels:
        kind = "colour" if channels == 3 else "grey"
        raise LabError(
            f"{method.title} cannot learn {kind} images.", f"“{image_set.record.name}” has {channels} channels.",
            "Choose another method; or make the set again with the step “RGB conversion” added or left out.",
        )  # fmt: skip


def _check_number(method: MethodSpec, data: Data, image_set: ImageSet) -> None:
    fewest = method.limits.fewest_images
    counts = [len(data.images), len(data.other)] if data.other is not None else [len(data.images)]
    if min(counts) < fewest:
        raise LabError(
            f"“{image_set.record.name}” holds too few images.",
            f"{min(counts)} are there; {method.title} needs at least {fewest}, and some hundreds to learn anything.",
            "Accept more images, or lower the threshold in the Data tab.",
        )


def _translating(method: MethodSpec, options: MethodOptions, data: Data, image_set: ImageSet) -> Data:
    """The images of the class to translate, and of the one to translate into."""
    if len(data.classes) < 2:
        raise LabError(
            f"{method.title} needs two classes, and this set has one.",
            f"It turns images of one class into another; all of “{image_set.record.name}” are of one.",
            "Choose a set of two classes, such as benign and malignant, or another method.",
        )
    by_name = options.model_dump()
    source = _known(by_name["source_class"] or data.classes[0], data, image_set)
    target = by_name["target_class"] or next(name for name in data.classes if name != source)
    if source == _known(target, data, image_set):
        raise LabError(
            "Source and target are the same class.", f"Both are “{source}”.", "Choose two classes that differ."
        )
    return data.translating(source, target)


def _known(name: str, data: Data, image_set: ImageSet) -> str:
    if name not in data.classes:
        known = ", ".join(f"“{name}” ({count:,})" for name, count in data.counts.items())
        raise LabError(
            f"There is no class “{name[:40]}” in “{image_set.record.name}”.", f"There are: {known}.",
            "Choose one of these.",
        )  # fmt: skip
    return name
