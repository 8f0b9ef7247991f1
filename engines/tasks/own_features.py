"""Own features: a small classifier trained on labelled real images, for metrics on features that know them."""

from __future__ import annotations

import math
from typing import Any, Literal

from engines import weights
from engines.classifiers.base import Array, Fitting
from engines.classifiers.cnn_small import SmallOptions, architecture_of, fit
from engines.classifiers.intervals import interval
from engines.classifiers.measures import measured
from engines.classifiers.networks import FittedNetwork
from engines.errors import LabError
from engines.extractors import in_house_file
from engines.extractors.in_house_file import Measured, Provenance
from engines.jobs.context import JobContext
from engines.metrics.base import FEWEST
from engines.options import Options, option
from engines.records import library_versions, now
from engines.splits import TRAIN, VALIDATION
from engines.tasks.base import TaskSpec
from engines.tasks.comparison_data import Part, classes_of, part_of, parted
from engines.tasks.reference import real_set
from engines.workspace import ImageSet

MEASURES = ("auroc", "balanced_accuracy")


class OwnFeaturesParameters(Options):
    """What the in-house classifier learns from, and how long."""

    image_set: str = option(
        ..., "Real images", "A real image set whose images are labelled with two or more classes.", layer="dial"
    )
    side: Literal[32, 64, 128, 224] = option(
        64,
        "Side in pixels",
        "Images are first made this small. At 64, an epoch of 1,000 images takes about a second on one processor core; "
        "each doubling costs four times as much.",
        too_low="Sees no fine structure, and so no flaw in it.",
        too_high="Slow without a GPU, and learns few images by heart.",
        unit="pixels",
        layer="basic",
    )
    epochs: int = option(
        15,
        "Epochs",
        "How often each image is shown; all are run.",
        too_low="Has not yet learned.",
        too_high="Knows its images by heart: all others then look strange to it.",
        layer="basic",
        ge=1,
        le=10_000,
    )
    seed: int = option(0, "Seed", "The same seed makes the same network on this computer.", ge=0, lt=2**32)


def run(parameters: OwnFeaturesParameters, context: JobContext) -> dict[str, Any]:
    """Train on the set's training part, ask on patients apart from it, and write the file that the extractor reads.

    Nothing is chosen by the validation images, so what is said of them is not flattered. Images of a test part are
    never looked at.
    """
    given = real_set(context.workspace, parameters.image_set)
    classes = classes_of(given)
    train, validation = _parts(given, classes, parameters.seed)

    def report(start: float, end: float, words: str) -> Any:
        def progress(fraction: float) -> None:
            context.check()
            context.progress(start + (end - start) * fraction, words)

        return progress

    # Leaky, since with plain rectifiers more than half of the units end up saying nothing of any image.
    options = SmallOptions(side=parameters.side, epochs=parameters.epochs, balanced=True, activation="leaky_relu")
    learning = report(0.0, 0.9, f"Learning {len(train.places):,} images")
    fitted = fit(options, Fitting(train.data, classes, seed=parameters.seed, progress=learning))
    assert isinstance(fitted, FittedNetwork)
    positive = 1 if len(classes) == 2 else None
    asked = fitted.probabilities(validation.data.images, report(0.9, 0.95, "Asking of other patients"))
    known = fitted.probabilities(train.data.images, report(0.95, 1.0, "Asking of the images learned"))
    learned = measured(train.data.labels, known, positive)
    provenance = Provenance(
        image_set=given.record.id, name=given.record.name, content_sha256=given.record.content_sha256[:64],
        classes=classes, images_learned=len(train.places), images_validation=len(validation.places),
        validation=_asked(validation, asked, positive, parameters.seed),
        learned={name: learned[name] for name in MEASURES}, epochs=parameters.epochs, seed=parameters.seed,
        created=now(), versions=library_versions(),
    )  # fmt: skip
    architecture = architecture_of(options, train.data.images.shape[-1], len(classes))
    context.check()
    path = context.workspace.weights / weights.KNOWN[weights.IN_HOUSE].file
    in_house_file.write(path, fitted.parts.whole, architecture, provenance)
    context.workspace.audit("owner", "trained own features", image_set=given.record.id)
    return {"file": path.name, "sha256": weights.find(weights.IN_HOUSE, path.parent).sha256, **provenance.model_dump()}


def _parts(given: ImageSet, classes: tuple[str, ...], seed: int) -> tuple[Part, Part]:
    """What is learned from, and what is asked: the set's own parts where it has them, else a fifth of the patients."""
    parts = [row.get("split", "") for row in given.items]
    whole = part_of(given, classes, [part == TRAIN for part in parts] if TRAIN in parts else None)
    if TRAIN in parts and VALIDATION in parts:
        train, validation = whole, part_of(given, classes, [part == VALIDATION for part in parts])
    else:
        train, validation = parted(whole, classes, seed)
    if len(train.places) < FEWEST or not len(validation.places):
        raise LabError(
            "There are too few images to learn features from.",
            f"{len(train.places)} to learn from and {len(validation.places)} of other patients; at least {FEWEST} and "
            "one are needed, and some hundreds of each class for features that are worth something.",
            "Choose a larger set, or measure with texture features, which need no learning.",
        )
    return train, validation


def _asked(part: Part, probabilities: Array, positive: int | None, seed: int) -> dict[str, Measured]:
    """Measures on the validation images with intervals over their patients; those without a value are left out."""
    found = interval(
        part.data.labels, probabilities[None], part.data.patients, positive, MEASURES, train_varies=False, seed=seed
    )
    return {
        name: Measured(value=one.value, low=one.low, high=one.high)
        for name, one in found.items()
        if all(math.isfinite(number) for number in (one.value, one.low, one.high))
    }


TASK = TaskSpec(
    name="own_features",
    title="Train own features",
    summary="Trains a small classifier on the chosen real images; what it looks at then describes images here, as "
    "“In-house classifier”. Good for flaws in what tells your classes apart, where no pretrained weights are at hand. "
    "It hardly notices what the classes share, such as a slight blur. With too few images (under some hundreds of each "
    "class) it learns them by heart: its AUROC on other patients, which every number tells, is then near 0.5, and "
    "numbers jump from one training to the next.",
    parameters=OwnFeaturesParameters,
    run=run,
    gpu=True,
)
