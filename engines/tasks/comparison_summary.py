"""What the cells of a comparison say together: every measure with its interval, and whether an arm helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from engines.classifiers.base import Labelled
from engines.classifiers.curves import calibration, confusion, mean_roc, precision_recall
from engines.classifiers.intervals import Difference, Resampled, differences_of, intervals_of, resampled
from engines.classifiers.measures import MEASURES, per_class
from engines.classifiers.paired import delong, holm, mcnemar, verdict
from engines.classifiers.protocols import REFERENCE, Arm

Array = np.ndarray[Any, np.dtype[Any]]
Line = dict[str, Any]

CURVE_DIGITS = 5
BANDS = ("auroc", "balanced_accuracy")  # what is compared first: with a class of interest, and without one


def primary(positive: int | None) -> str:
    """The measure that the words go by."""
    return BANDS[0] if positive is not None else BANDS[1]


def summed_up(
    answers: dict[tuple[str, str], Array],
    arms: Sequence[Arm],
    tests: dict[str, Labelled],
    positive: int | None,
    planned: int,
    varies: bool,
    seed: int = 0,
) -> tuple[list[Line], list[Line]]:
    """One line for each classifier and arm, and one for each arm over all classifiers.

    `answers` has probabilities [S, N, K] by classifier and arm, S being below `planned` in a comparison that was
    stopped. Arms tested on the same real images are compared with the real-only arm, measure by measure; p values are
    Holm's, over all classifiers and arms of this comparison, and over the arms where it is of all classifiers. Nothing
    is compared where the seeds differ in number.
    """
    by_name = {arm.name: arm for arm in arms}
    found = {
        key: resampled(tests[key[1]].labels, one, tests[key[1]].patients, positive, seed=seed)
        for key, one in answers.items()
    }
    lines: list[Line] = []
    pairs: dict[tuple[str, str], tuple[Resampled, Resampled]] = {}
    gaps: dict[int, dict[str, Difference]] = {}
    for (classifier, name), ours in found.items():
        test, probabilities = tests[name], answers[classifier, name]
        varied = varies and ours.seeds > 1
        line: Line = {
            "classifier": classifier, "arm": name, "protocol": by_name[name].protocol,
            "tested": by_name[name].tested, "seeds": ours.seeds, "n_test": len(test.labels),
            "n_patients": len({patient for patient in test.patients if patient}),
            "measures": {measure: _plain(one) for measure, one in intervals_of(ours, varied, planned).items()},
            "confusion": _mean_confusion(test.labels, probabilities),
            "classes": _mean_classes(test.labels, probabilities),
        }  # fmt: skip
        reference = found.get((classifier, REFERENCE))
        if name != REFERENCE and by_name[name].tested == "real" and reference and reference.seeds == ours.seeds:
            pairs[classifier, name] = ours, reference
            gaps[len(lines)] = differences_of([(ours, reference)], varied, planned)
            means = probabilities.mean(0), answers[classifier, REFERENCE].mean(0)
            line["published_tests"] = _published(test, *means, positive)
        lines.append(line)
    _judge(lines, gaps)
    return lines, _over_all(pairs, varies, planned)


def _over_all(pairs: dict[tuple[str, str], tuple[Resampled, Resampled]], varies: bool, planned: int) -> list[Line]:
    """One line for each arm with two classifiers or more: the mean of their differences.

    Those of a stopped comparison that have fewer seeds than others stay out of it.
    """
    lines: list[Line] = []
    gaps: dict[int, dict[str, Difference]] = {}
    for name in dict.fromkeys(arm for _, arm in pairs):
        here = {classifier: pair for (classifier, arm), pair in pairs.items() if arm == name}
        most = max(pair[0].seeds for pair in here.values())
        here = {classifier: pair for classifier, pair in here.items() if pair[0].seeds == most}
        if len(here) > 1:
            gaps[len(lines)] = differences_of(list(here.values()), varies and most > 1, planned)
            lines.append({"arm": name, "classifiers": list(here), "seeds": most})
    _judge(lines, gaps)
    return lines


def _judge(lines: list[Line], gaps: dict[int, dict[str, Difference]]) -> None:
    """Add each line's differences, with p adjusted over all `compared` ones of a measure, and the verdict in words."""
    for line in gaps:
        lines[line]["differences"] = {}
    for name, measure in MEASURES.items():
        values = [found[name].p for found in gaps.values()]
        adjusted, compared = holm(values), int(np.isfinite(values).sum())
        for (line, found), p in zip(gaps.items(), adjusted, strict=True):
            one = found[name]
            said = verdict(one.value, p, measure.better) if one.seeds > 1 else "cannot be told"
            lines[line]["differences"][name] = {
                **_plain(one), "p_holm": _number(p), "compared": compared,
                "least_detectable": _number(one.least_detectable(compared)), "verdict": said,
            }  # fmt: skip


def _published(test: Labelled, arm: Array, reference: Array, positive: int | None) -> Line:
    """DeLong's and McNemar's tests of the mean probabilities of the seeds: of these classifiers, not of trainings."""
    right = [probabilities.argmax(1) == test.labels for probabilities in (arm, reference)]
    found: Line = {"mcnemar": _plain(mcnemar(*right))}
    if positive is not None:
        true, scores = test.labels == positive, (arm[:, positive], reference[:, positive])
        found["delong"] = _plain(delong(true, scores[0], scores[1], test.patients))
    return found


def drawn(answers: dict[tuple[str, str], Array], tests: dict[str, Labelled], positive: int | None) -> list[Line]:
    """What charts are drawn from: ROC, precision-recall and calibration of each classifier and arm.

    A line for each class against the others, `class` being its place; of two classes only the class of interest, since
    the other's curves are its mirror images.
    """
    lines = []
    for (classifier, name), probabilities in answers.items():
        test, count = tests[name], probabilities.shape[-1]
        for label in [positive] if count == 2 and positive is not None else range(count):
            true, scores = test.labels == label, probabilities[:, :, label]
            mean = scores.mean(0)
            lines.append(
                {
                    "classifier": classifier,
                    "arm": name,
                    "class": label,
                    "roc": _rounded(asdict(mean_roc(true, scores))),
                    "precision_recall": _rounded(asdict(precision_recall(true, mean))),
                    "calibration": _rounded(asdict(calibration(true, mean))),
                }
            )
    return lines


def _rounded(curve: Line) -> Line:
    """A curve in as many digits as a chart can show: ten classes of ten arms stay a few megabytes."""
    return {name: [round(value, CURVE_DIGITS) for value in values] for name, values in curve.items()}


def _mean_confusion(labels: Array, probabilities: Array) -> list[list[float]]:
    """Images by true class (row) and predicted class, mean over the seeds."""
    tables = np.array([confusion(labels, one) for one in probabilities], float)
    return [[round(float(value), 2) for value in row] for row in tables.mean(0)]


def _mean_classes(labels: Array, probabilities: Array) -> list[Line]:
    """Measures of each class against the others, mean over the seeds."""
    seeds = [per_class(labels, one) for one in probabilities]
    return [
        {name: _number(float(np.mean([seed[k][name] for seed in seeds]))) for name in seeds[0][k]}
        for k in range(len(seeds[0]))
    ]


def _plain(found: Any) -> Line:
    """A result as JSON: no NaN, no infinity."""
    return {name: _number(value) for name, value in asdict(found).items()}


def _number(value: Any) -> Any:
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return value
