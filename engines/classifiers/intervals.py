"""How sure a result is: intervals of an arm and of the difference of two arms, over test patients and trainings.

Two things would change if a study were done again, and both count here.

Other test patients: the bootstrap draws patients with all their images, the same ones for every seed and both arms.

Other training patients: where each of S seeds leaves out another S-th of them, the seeds are a delete-a-group jackknife
(Kott, J. Official Statistics 2001), whose variance is (S - 1) / S · Σ (d_s - mean d)². That scatter is partly of the
test images: on fewer of them the same classifiers scatter more. The bootstrap counts this part already, so it is taken
out here, as in the analysis of several readers and cases (Dorfman, Berbaum and Metz 1992): the same sum over the seeds,
of each resample's departure from the whole test set. The two variances then add up. Student's t has Satterthwaite's
(1946) degrees of freedom, with all the seeds' scatter in them since the part was taken out of it, but S - 1 at least.

Why not simpler: the bootstrap of one training's test set calls two random halves of the same data different in 8 % of
cases by AUROC and 24 % by F1, since it never sees that another half would have trained another classifier. The plain
sum of both variances calls 1.5 %, but sees an eightfold training set in 21 % of cases by AUROC and 10 % by accuracy.
This calls 2.5 % and sees 28 % and 22 %; a test that knew the scatter beforehand would see 47 % and 50 %. Of 200 repeats
on breast masses with five seeds by `tests/benchmarks/null_differences.py`; more seeds come nearer to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import t as student

from engines.classifiers.measures import MEASURES, weighted
from engines.classifiers.paired import tested
from engines.metrics.statistics import groups_of, named_patients

Array = np.ndarray[Any, np.dtype[Any]]
About = Literal["other training patients", "these training patients only", "this one training only"]

RESAMPLES = 1000  # the standard error is then known to 2 %
POWER = 0.8
_LEAST = 1e-12


@dataclass(frozen=True)
class Interval:
    """The mean of an arm's seeds with its 95 % interval; `sd_seeds` is None with one seed."""

    value: float
    low: float
    high: float
    sd_seeds: float | None
    about: About


@dataclass(frozen=True)
class Difference:
    """Arm minus reference, mean over the seeds, with 95 % interval and two-sided p.

    `se_test` is the part of the test patients, `se_train` what the trainings add to it (None: unknown, as with one
    seed); their squares add up. `about` says whom the result speaks of; only the first of its values is an answer about
    the training set.
    """

    value: float
    low: float
    high: float
    p: float
    se_test: float
    se_train: float | None
    df: float
    seeds: int
    about: About

    def least_detectable(self, comparisons: int = 1) -> float:
        """The true difference that is seen in 80 % of cases, NaN if nothing scatters.

        Of one among so many comparisons, at Holm's strictest level: the first of them has to be below 0.05 / count.
        """
        se = float(np.hypot(self.se_test, self.se_train or 0.0))
        reach = student.ppf(1 - 0.025 / max(comparisons, 1), self.df) + student.ppf(POWER, self.df)
        return float(reach) * se if se >= _LEAST else float("nan")


def drawn_weights(patients: Sequence[str], count: int, resamples: int = RESAMPLES, seed: int = 0) -> Array:
    """How often each of `count` images was drawn, [R, N] float64, when patients are drawn with all their images.

    An unknown patient ("") is one of its own; fewer than four patients tell nothing, and images are drawn instead.
    """
    groups = groups_of(named_patients(patients, count))
    number = int(groups.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), resamples)
    return np.asarray(drawn[:, groups], np.float64)


@dataclass(frozen=True)
class Resampled:
    """An arm's measures [S, 1 + R] of each seed: on the test set itself, then on every resample of its patients.

    `patients` is their number, `fewest` that of the class with the fewest, `classes` how many there are.
    """

    values: dict[str, Array]
    patients: int
    fewest: int
    classes: int

    @property
    def seeds(self) -> int:
        return len(next(iter(self.values.values())))


def resampled(
    labels: Array,
    probabilities: Array,
    patients: Sequence[str] = (),
    positive: int | None = None,
    names: Sequence[str] = (),
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Resampled:
    """An arm, probabilities [S, N, K], on its test set and on resamples, which are the same for the same seed."""
    groups = groups_of(named_patients(patients, len(labels)))
    every = np.vstack([np.ones(len(labels)), drawn_weights(patients, len(labels), resamples, seed)])
    wanted = list(names) or list(MEASURES)
    seeds = [weighted(labels, one, every, positive, wanted) for one in probabilities]
    values = {name: np.stack([seed[name] for seed in seeds]) for name in wanted}
    fewest = min(len(set(groups[labels == label])) for label in np.unique(labels))
    return Resampled(values, int(groups.max()) + 1, fewest, probabilities.shape[-1])


def intervals_of(arm: Resampled, train_varies: bool = True, planned: int = 0) -> dict[str, Interval]:
    """The mean over seeds of each measure of an arm, with its 95 % interval; the arguments are those of differences_of.

    The interval is made on the logit scale, so it stays between a measure's bounds and widens towards the middle
    (Pepe 2003, section 5.2). At a bound itself, where nothing scatters, it ends at 0.025^(1 / patients) from the other
    bound (Clopper and Pearson 1934), the patients being those of the rarest class.
    """
    found = {}
    for name, values in arm.values.items():
        seeds = values[:, 0]
        spread = _spread(values, arm.patients, train_varies, planned)
        low, high = _bounded(float(seeds.mean()), spread, _upper(name, arm.classes), arm.fewest)
        sd = float(seeds.std(ddof=1)) if len(seeds) > 1 else None
        found[name] = Interval(float(seeds.mean()), low, high, sd, spread.about)
    return found


def differences_of(
    pairs: Sequence[tuple[Resampled, Resampled]], train_varies: bool = True, planned: int = 0
) -> dict[str, Difference]:
    """Whether an arm differs from its reference, measure by measure; of several pairs the mean of their differences.

    The pairs are classifiers that learned from the same two training sets: their mean is surer than each alone, as far
    as they err on different patients, and one question in place of many. All share seeds and resamples. Seed s of an
    arm and its reference must have left out the same training patients, as far as they share any.

    `planned` is the number of shares of the training patients, one of which each seed left out; 0 for as many as there
    are seeds, which a comparison that was stopped has not. `train_varies` is False if all seeds learned from all
    patients: their scatter is then only that of the initialisation, its variance counts 1 / S, and the result holds
    for these training patients alone. Raises ValueError for unequal shapes.
    """
    if len({arm.seeds for pair in pairs for arm in pair}) != 1:
        raise ValueError("all need the same seeds")
    found = {}
    for name in pairs[0][0].values:
        gaps = np.mean([arm.values[name] - reference.values[name] for arm, reference in pairs], axis=0)
        first = pairs[0][0]
        spread = _spread(gaps, first.patients, train_varies, planned)
        found[name] = _judged(gaps, spread, first.patients, _upper(name, first.classes))
    return found


def interval(
    labels: Array,
    probabilities: Array,
    patients: Sequence[str] = (),
    positive: int | None = None,
    names: Sequence[str] = (),
    *,
    train_varies: bool = True,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Interval]:
    """intervals_of an arm, probabilities [S, N, K], from its answers."""
    arm = resampled(labels, probabilities, patients, positive, names, resamples=resamples, seed=seed)
    return intervals_of(arm, train_varies)


def difference(
    labels: Array,
    arm: Array,
    reference: Array,
    patients: Sequence[str] = (),
    positive: int | None = None,
    names: Sequence[str] = (),
    *,
    train_varies: bool = True,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Difference]:
    """differences_of one arm [S, N, K] and its reference [S, N, K], from their answers."""
    if arm.shape != reference.shape:
        raise ValueError("both arms need the same seeds and test images")
    pair = [
        resampled(labels, one, patients, positive, names, resamples=resamples, seed=seed) for one in (arm, reference)
    ]
    return differences_of([(pair[0], pair[1])], train_varies)


def _judged(values: Array, spread: _Spread, patients: int, upper: float) -> Difference:
    """The difference of two measures that lie between 0 and `upper`: it cannot be beyond that either."""
    gap, se, df = float(values[:, 0].mean()), spread.se, spread.df
    reach = float(student.ppf(0.975, df)) * se
    # Where nothing scatters, as between equal predictions, there is no t.
    p = tested(gap, se, patients)[1] if se < _LEAST else float(2 * student.sf(abs(gap) / se, df))
    low, high = max(gap - reach, -upper), min(gap + reach, upper)
    return Difference(gap, low, high, p, spread.test, spread.train, df, len(values), spread.about)


@dataclass(frozen=True)
class _Spread:
    test: float
    train: float | None
    df: float
    about: About

    @property
    def se(self) -> float:
        return float(np.hypot(self.test, self.train or 0.0))


def _spread(values: Array, patients: int, train_varies: bool, planned: int = 0) -> _Spread:
    """Standard errors of a mean over seeds, from values [S, 1 + R] on the test set and its resamples."""
    seeds, draws = values[:, 0], values[:, 1:]
    count = len(seeds)
    # A bootstrap of few patients scatters too little by (n - 1) / n (Efron and Tibshirani 1993, ch. 5.3).
    small = patients / max(patients - 1, 1)
    usable = np.isfinite(draws).all(0)  # a resample may lose a rare class
    shifts = draws[:, usable] - seeds[:, None]
    enough = usable.mean() >= 0.5
    test = float(shifts.mean(0).var(ddof=1)) * small if enough else float("nan")
    df_test = max(patients - 1, 1)
    if count < 2:
        return _Spread(float(np.sqrt(test)), None, df_test, "this one training only")
    about: About = "other training patients" if train_varies else "these training patients only"
    if not enough:
        return _Spread(test, None, df_test, about)
    # Of `shares` in all, as many as there are seeds were left out; (S - 1) / S if that was each of them.
    shares = max(planned, count)
    factor = (shares - 1) ** 2 / shares / (count - 1) if train_varies else 1 / (count * (count - 1))
    scatter = factor * float(((seeds - seeds.mean()) ** 2).sum())
    of_test = factor * float(((shifts - shifts.mean(0)) ** 2).sum(0).mean()) * small
    train = max(scatter - of_test, 0.0)
    noise = scatter**2 / (count - 1) + test**2 / df_test
    df = (train + test) ** 2 / noise if noise > _LEAST**4 else 0.0
    return _Spread(float(np.sqrt(test)), float(np.sqrt(train)), max(df, count - 1.0), about)


def _bounded(value: float, spread: _Spread, upper: float, fewest: int) -> tuple[float, float]:
    """A 95 % interval between 0 and `upper`; NaN where nothing scatters in between, which tells nothing."""
    if not np.isfinite(value) or not np.isfinite(spread.se):
        return float("nan"), float("nan")
    share = value / upper
    margin = 1 - 0.025 ** (1 / fewest)
    if share < _LEAST:
        return 0.0, upper * margin
    if share > 1 - _LEAST:
        return upper * (1 - margin), upper
    if spread.se < _LEAST:
        return float("nan"), float("nan")
    logit = np.log(share / (1 - share))
    reach = student.ppf(0.975, spread.df) * spread.se / upper / (share * (1 - share))
    low, high = 1 / (1 + np.exp(-np.clip([logit - reach, logit + reach], -700, 700)))
    return float(upper * low), float(upper * high)


def _upper(name: str, classes: int) -> float:
    return 1.0 if classes == 2 else MEASURES[name].upper
