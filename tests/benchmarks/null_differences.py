"""How often a difference is called where there is none, and seen where there is one.

`OMP_NUM_THREADS=1 python tests/benchmarks/null_differences.py DATA [--repeats 100] [--redraw] [--seeds 5]`,
DATA being a folder with train/ and val/, each with a folder of PNG images per class, patients as `_P_00001_` in the
file names.

Null: the training patients are split at random into halves A and B; one logistic regression for each seed and both
halves, each of S seeds leaving out another S-th of the half's patients; `difference` on val. Power: an eighth of the
training patients against all of them. With --redraw each repeat takes a seventh of all patients as its own test set:
then the scatter of the differences (`sd_of_differences`) is what `se` should come to, and `best_possible` is the power
of a test that knew it. Printed beside it: one seed with the test set's bootstrap alone, as it is usually done; the
plain sum of the bootstrap's and the seeds' jackknife variance; and DeLong's test of the seeds' mean scores. `mean`
is of the mean over three classifiers: this one, a linear discriminant and naive Bayes.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from engines import registry
from engines.classifiers.intervals import Difference, difference, differences_of, resampled
from engines.classifiers.measures import measured
from engines.classifiers.paired import delong, holm
from engines.extractors.base import loaded
from engines.metrics.features import described_by
from engines.metrics.statistics import patient_halves
from engines.readers.base import read

Array = np.ndarray[Any, np.dtype[Any]]
MEASURES = ("auroc", "accuracy", "f1")


def described(folder: Path, extractor: str, weights: Path | None) -> tuple[Array, Array, list[str]]:
    """Features [N, D], labels [N] and patients [N] of a folder with one folder of images per class."""
    cache = Path(tempfile.gettempdir()) / "phantom-lab-null-differences"
    ready = loaded(registry.load("extractors")[extractor], weights)
    features, labels, patients = [], [], []
    for label, sub in enumerate(sorted(path for path in folder.iterdir() if path.is_dir())):
        paths = sorted(sub.glob("*.png"))
        pixels = [read(path).pixels for path in paths]
        images = np.stack([image if image.ndim == 3 else image[..., None] for image in pixels])
        features.append(described_by(ready, images, cache, lambda fraction: None))
        labels += [label] * len(paths)
        patients += [found.group() if (found := re.search(r"P_\d+", path.name)) else "" for path in paths]
    return np.concatenate(features).astype(float), np.array(labels), patients


def parts(patients: list[str], count: int, seed: int) -> Array:
    """A number below `count` for each image [N], the same for all images of a patient."""
    names = sorted(set(patients))
    order = np.random.default_rng(seed).permutation(len(names))
    number = {name: int(place) % count for name, place in zip(names, order, strict=True)}
    return np.array([number[name] for name in patients])


def arm(
    train: tuple[Array, Array, list[str]], chosen: Array, test: Array, seed: int, seeds: int, classifier: Any
) -> Array:
    """Probabilities [S, N, 2] of classifiers that learned from the chosen images but for a part of the patients."""
    features, labels, patients = train[0][chosen], train[1][chosen], [train[2][n] for n in chosen]
    left_out = parts(patients, seeds, seed)
    rows = []
    for number in range(seeds):
        kept = left_out != number
        model = make_pipeline(StandardScaler(), clone(classifier))
        rows.append(model.fit(features[kept], labels[kept]).predict_proba(test))
    return np.stack(rows)


def share_of(patients: list[str], part: int, seed: int) -> Array:
    """True for the images [N] of a random one in `part` of the patients."""
    names = sorted(set(patients))
    few = set(np.random.default_rng(seed).permutation(names)[: len(names) // part].tolist())
    return np.array([name in few for name in patients])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--extractor", default="texture")
    parser.add_argument("--weights", type=Path, default=None)
    parser.add_argument("--strength", type=float, default=0.003, help="C of the logistic regression")
    parser.add_argument("--redraw", action="store_true", help="another test set in each repeat")
    args = parser.parse_args()
    every = [described(args.data / part, args.extractor, args.weights) for part in ("train", "val")]
    features, labels = np.concatenate([part[0] for part in every]), np.concatenate([part[1] for part in every])
    patients = every[0][2] + every[1][2]
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    classifiers = (
        LogisticRegression(C=args.strength, max_iter=300),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        GaussianNB(),
    )
    for repeat in range(args.repeats):
        tested = share_of(patients, 7, repeat) if args.redraw else np.arange(len(labels)) >= len(every[0][1])
        test, whole = np.flatnonzero(tested), np.flatnonzero(~tested)
        names, people = [patients[n] for n in whole], [patients[n] for n in test]
        one, other = patient_halves(names, repeat)
        few = np.flatnonzero(share_of(names, 8, repeat))
        for kind, sets in {"null": (one, other), "power": (few, np.arange(len(whole)))}.items():
            pairs = [
                [arm((features, labels, patients), whole[chosen], features[test], repeat, args.seeds, one)
                 for chosen in sets] for one in classifiers
            ]  # fmt: skip
            first, second = pairs[0]
            drawn = [
                tuple(resampled(labels[test], one, people, 1, MEASURES, seed=repeat) for one in pair) for pair in pairs
            ]
            mean = differences_of([(pair[0], pair[1]) for pair in drawn])
            ours = difference(labels[test], first, second, people, 1, MEASURES, seed=repeat)
            bare = difference(labels[test], first[:1], second[:1], people, 1, MEASURES, seed=repeat)
            theirs = delong(labels[test] == 1, first.mean(0)[:, 1], second.mean(0)[:, 1], people).p
            plain = {
                name: plain_sum(labels[test], first, second, ours[name], name, len(set(people))) for name in MEASURES
            }
            found[kind].append((ours, bare, plain, theirs, mean))
    for kind, results in found.items():
        line: dict[str, Any] = {"what": kind, "repeats": args.repeats, "redraw": args.redraw, "seeds": args.seeds}
        for name in MEASURES:
            ours = [result[0][name] for result in results]
            line[name] = {
                "called": share([one.p for one in ours]),
                "one_seed_test_bootstrap_only": share([result[1][name].p for result in results]),
                "plain_sum": share([result[2][name] for result in results]),
                "mean_difference": round(float(np.mean([one.value for one in ours])), 4),
                "sd_of_differences": round(float(np.std([one.value for one in ours])), 4),
                "se": round(float(np.mean([np.hypot(one.se_test, one.se_train or 0) for one in ours])), 4),
                "se_test": round(float(np.mean([one.se_test for one in ours])), 4),
                "se_train": round(float(np.mean([one.se_train or 0 for one in ours])), 4),
                "best_possible": best_possible([one.value for one in ours]),
                "median_df": round(float(np.median([one.df for one in ours])), 1),
                "least_detectable": round(float(np.median([one.least_detectable() for one in ours])), 4),
            }
            means = [result[4][name] for result in results]
            line[name]["mean"] = {
                "called": share([one.p for one in means]),
                "least_detectable": round(float(np.median([one.least_detectable() for one in means])), 4),
            }
        line["any_after_holm"] = share([min(holm([result[0][name].p for name in MEASURES])) for result in results])
        line["delong_of_mean_scores"] = share([result[3] for result in results])
        print(json.dumps(line, indent=1), flush=True)


def best_possible(values: list[float]) -> float:
    """Power of a two-sided test at 5 % that knows how differences scatter."""
    reach = abs(np.mean(values)) / np.std(values)
    return round(float(norm.sf(1.96 - reach) + norm.sf(1.96 + reach)), 3)


def plain_sum(labels: Array, first: Array, second: Array, ours: Difference, name: str, patients: int) -> float:
    """p if the jackknife variance of the seeds [S, N, 2] were added to the bootstrap's as it is."""
    gaps = [measured(labels, a, 1)[name] - measured(labels, b, 1)[name] for a, b in zip(first, second, strict=True)]
    parts = np.array([ours.se_test**2, (len(gaps) - 1) * np.var(gaps)])
    df = parts.sum() ** 2 / (parts**2 / [patients - 1, len(gaps) - 1]).sum()
    return float(2 * student.sf(abs(ours.value) / np.sqrt(parts.sum()), df))


def share(p: list[float]) -> float:
    return float(np.mean(np.array(p) < 0.05))


if __name__ == "__main__":
    main()
