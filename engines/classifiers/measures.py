"""How right a classifier is: every measure from class probabilities, for one test set or a thousand resamples at once.

With a class of interest (`positive`, such as malignant) precision, recall, specificity, F1, AUROC, AUPRC and ECE speak
of that class against all others: recall is then what radiologists call sensitivity. Without one they are macro means:
each class against the others, every class counting alike. The `macro_` names are macro means in either case.

All values equal scikit-learn's on the same predictions. What is predicted is the most probable class, the first of
equals. A class that the test set lacks has no value (NaN) and macro means pass over it; a class that is there but is
never predicted has precision and F1 of 0, as in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

BINS = 10  # of a calibration curve: the usual number, and 20 images in each of a test set of 200


@dataclass(frozen=True)
class Measure:
    """One measure in a researcher's words; `of_positive` ones speak of the class of interest where one is named."""

    name: str
    title: str
    summary: str
    better: Literal["higher", "lower"] = "higher"
    of_positive: bool = False
    upper: float = 1.0  # the largest value that it can take; the least is 0


_ALL = (
    Measure(
        "accuracy",
        "Accuracy",
        "Share of images given their right class. High without any skill where one class is rare: compare it with the "
        "share of the largest class.",
    ),
    Measure(
        "balanced_accuracy",
        "Balanced accuracy",
        "Mean recall of the classes: a coin reaches 1 / number of classes, however rare a class is. Below that, "
        "something is the wrong way round.",
    ),
    Measure(
        "precision",
        "Precision (PPV)",
        "Of the images called positive, the share that is. Low means many false alarms; it falls with the share of "
        "positives in the test set.",
        of_positive=True,
    ),
    Measure(
        "recall",
        "Recall (sensitivity)",
        "Of the positive images, the share that was found. Low means missed findings; 1.0 with low specificity means "
        "that everything is called positive.",
        of_positive=True,
    ),
    Measure(
        "specificity",
        "Specificity",
        "Of the negative images, the share called negative. Low means many false alarms; 1.0 with low recall means "
        "that nothing is called positive.",
        of_positive=True,
    ),
    Measure(
        "f1",
        "F1",
        "Harmonic mean of precision and recall. Low if either is; it ignores true negatives and depends on the share "
        "of positives.",
        of_positive=True,
    ),
    Measure(
        "auroc",
        "AUROC",
        "Chance that a positive image scores above a negative one: 0.5 is a coin, 1.0 perfect order. It needs no "
        "threshold; far below 0.5 labels may be swapped.",
        of_positive=True,
    ),
    Measure(
        "auprc",
        "AUPRC",
        "Average precision over all thresholds. A coin reaches the share of positives, not 0.5: compare it with that.",
        of_positive=True,
    ),
    Measure(
        "brier",
        "Brier score",
        "Mean squared error of the probabilities: 0 is perfect, 0.25 is a coin of two classes. High means wrong or "
        "over-confident. With more than two classes summed over them, up to 2.",
        better="lower",
        upper=2.0,
    ),
    Measure(
        "ece",
        "Calibration error (ECE)",
        "Mean distance between what was predicted and what happened, in ten bins of equally many images. 0.1: "
        "probabilities are off by ten points. Never quite 0 on a small test set.",
        better="lower",
        of_positive=True,
    ),
    Measure("macro_precision", "Macro precision", "Mean precision of the classes, every class counting alike."),
    Measure(
        "macro_recall", "Macro recall", "Mean recall of the classes, as papers name it: the same as balanced accuracy."
    ),
    Measure("macro_f1", "Macro F1", "Mean F1 of the classes. Low if one class, however rare, is done badly."),
    Measure("macro_auprc", "Macro AUPRC", "Mean average precision of the classes, each against the others."),
)
MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}


def measured(labels: Array, probabilities: Array, positive: int | None = None) -> dict[str, float]:
    """Every measure of labels [N] int and probabilities [N, K]; NaN where the test set has no answer."""
    weights = np.ones((1, len(labels)))
    return {name: float(values[0]) for name, values in weighted(labels, probabilities, weights, positive).items()}


def per_class(labels: Array, probabilities: Array) -> list[dict[str, float]]:
    """Of each class against the others: images, precision, recall, specificity, F1, AUROC, AUPRC."""
    weights = np.ones((1, len(labels)))
    rows = []
    for label in range(probabilities.shape[1]):
        names = ("precision", "recall", "specificity", "f1", "auroc", "auprc")
        found = weighted(labels, probabilities, weights, label, names)
        rows.append({"images": int((labels == label).sum()), **{name: float(found[name][0]) for name in names}})
    return rows


def weighted(
    labels: Array, probabilities: Array, weights: Array, positive: int | None = None, names: Sequence[str] = ()
) -> dict[str, Array]:
    """Measures [R] of labels [N] int and probabilities [N, K] under each row of weights [R, N]; all if none is named.

    A weight says how often an image was drawn. NaN where a resample lost a class that the measure needs.
    """
    if len(labels) == 0 or probabilities.shape[0] != len(labels) or weights.shape[1] != len(labels):
        raise ValueError("labels, probabilities and weights must speak of the same images, one at least")
    wanted = list(names) or list(MEASURES)
    present = [label for label in range(probabilities.shape[1]) if (labels == label).any()]
    tables = _Tables(labels, probabilities, weights)
    interest = present if positive is None else [positive]
    return {name: _value(tables, name, present, interest) for name in wanted}


def _value(tables: _Tables, name: str, present: list[int], interest: list[int]) -> Array:
    if name == "accuracy":
        return _ratio(np.trace(tables.confusion, axis1=1, axis2=2), tables.total)
    if name == "brier":
        return _ratio(tables.weights @ tables.squared_errors(), tables.total)
    if name == "balanced_accuracy":
        name = "macro_recall"
    of = _OF_CLASS[name.removeprefix("macro_")]
    classes = present if name.startswith("macro_") else interest
    return np.mean([of(tables, label) for label in classes], axis=0)


class _Tables:
    """What the measures of one classifier share."""

    def __init__(self, labels: Array, probabilities: Array, weights: Array) -> None:
        count = probabilities.shape[1]
        self.labels, self.probabilities, self.weights = labels, probabilities, weights
        cells = np.eye(count * count)[labels * count + probabilities.argmax(1)]
        self.confusion = (weights @ cells).reshape(-1, count, count)  # [R, true, predicted]
        self.total = weights.sum(1)

    def squared_errors(self) -> Array:
        """Of each image [N]: with two classes of one of them, as usual; with more summed over all (Brier 1950)."""
        errors = ((self.probabilities - np.eye(self.probabilities.shape[1])[self.labels]) ** 2).sum(1)
        return np.asarray(errors / 2 if self.probabilities.shape[1] == 2 else errors)

    def by_score(self, label: int) -> tuple[Array, Array]:
        """Weights of positives and negatives at each distinct score of a class, lowest first: both [R, U]."""
        scores = self.probabilities[:, label]
        order = np.argsort(scores, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])
        drawn, true = self.weights[:, order], (self.labels == label)[order]
        return np.add.reduceat(drawn * true, starts, axis=1), np.add.reduceat(drawn * ~true, starts, axis=1)


def _ratio(part: Array, whole: Array, otherwise: float = np.nan) -> Array:
    return np.divide(part, whole, out=np.full(np.shape(part), otherwise), where=whole > 0)


def _recall(tables: _Tables, label: int) -> Array:
    return _ratio(tables.confusion[:, label, label], tables.confusion[:, label].sum(1))


def _specificity(tables: _Tables, label: int) -> Array:
    negatives = tables.total - tables.confusion[:, label].sum(1)
    alarms = tables.confusion[:, :, label].sum(1) - tables.confusion[:, label, label]
    return _ratio(negatives - alarms, negatives)


def _precision(tables: _Tables, label: int) -> Array:
    found = _ratio(tables.confusion[:, label, label], tables.confusion[:, :, label].sum(1), 0.0)
    return np.where(tables.confusion[:, label].sum(1) > 0, found, np.nan)


def _f1(tables: _Tables, label: int) -> Array:
    positives, called = tables.confusion[:, label].sum(1), tables.confusion[:, :, label].sum(1)
    return np.where(positives > 0, _ratio(2 * tables.confusion[:, label, label], positives + called), np.nan)


def _auroc(tables: _Tables, label: int) -> Array:
    """Mann and Whitney's statistic, ties counting half (Hanley and McNeil 1982)."""
    true, false = tables.by_score(label)
    below = np.cumsum(false, 1) - false / 2
    return _ratio((true * below).sum(1), true.sum(1) * false.sum(1))


def _auprc(tables: _Tables, label: int) -> Array:
    """Average precision: precision at each distinct score, weighted by the recall gained there."""
    true, false = (counts[:, ::-1] for counts in tables.by_score(label))
    found = np.cumsum(true, 1)
    precision = _ratio(found, found + np.cumsum(false, 1), 0.0)
    return _ratio((true * precision).sum(1), true.sum(1))


def _ece(tables: _Tables, label: int) -> Array:
    """Calibration error in bins of equally many images (Nixon et al. 2019), the bins being those of the whole set."""
    scores = tables.probabilities[:, label]
    bins = np.eye(BINS)[score_bins(scores)]
    gaps = (scores - (tables.labels == label))[:, None] * bins
    return _ratio(np.abs(tables.weights @ gaps).sum(1), tables.total)


def score_bins(scores: Array, count: int = BINS) -> Array:
    """The bin [N] in [0, count) of each score, in bins of about equally many; equal scores share one."""
    edges = np.quantile(scores, np.linspace(0, 1, count + 1)[1:-1])
    return np.asarray(np.searchsorted(edges, scores))


_OF_CLASS: dict[str, Callable[[_Tables, int], Array]] = {
    "precision": _precision,
    "recall": _recall,
    "specificity": _specificity,
    "f1": _f1,
    "auroc": _auroc,
    "auprc": _auprc,
    "ece": _ece,
}
