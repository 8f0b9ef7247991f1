"""What every classifier asks of its training images before it learns."""

from __future__ import annotations

import numpy as np

from engines.classifiers.base import Array, Fitting, Labelled
from engines.errors import LabError


def check(fitting: Fitting) -> None:
    """Raises LabError unless there are images, labels for each, at least two classes, and some of every class."""
    train, classes = fitting.train, fitting.classes
    if len(train.images) == 0:
        raise LabError("There are no images to learn from.", "The training set is empty.", "Choose a set with images.")
    if len(train.images) != len(train.labels):
        raise LabError(
            "Images and labels do not belong together.",
            f"{len(train.images):,} images, {len(train.labels):,} labels.",
            "Make the image set anew.",
        )
    if len(classes) < 2:
        raise LabError(
            "There is only one class.",
            f"All images are “{classes[0]}”." if classes else "The set names no class.",
            "A classifier tells classes apart: choose a set with two or more.",
        )
    numbers = np.bincount(train.labels, minlength=len(classes))
    if len(numbers) > len(classes):
        raise LabError(
            "An image has a class that is not in the list.",
            f"{len(classes)} classes, but a class number of {len(numbers) - 1}.",
            "Make the image set anew.",
        )
    if absent := [name for name, number in zip(classes, numbers, strict=True) if number == 0]:
        raise LabError(
            f"There is no image of the class “{absent[0]}” to learn from.",
            "A classifier never answers with a class that it has not seen.",
            "Choose a training set that has images of every class, or leave the class out.",
        )


def class_weights(labels: Array, classes: int) -> Array:
    """Weights [K] float64 that make every class count the same: N / (K × images of the class)."""
    return np.asarray(len(labels) / (classes * np.bincount(labels, minlength=classes)))


def usable(validation: Labelled | None) -> Labelled | None:
    """The validation images if there are any."""
    return validation if validation is not None and len(validation.images) else None
