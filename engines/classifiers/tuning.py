"""Searches a classifier's options on the validation images: bounded, pruned, and resumed where it stopped."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engines import files
from engines.classifiers.base import Array, ClassifierSpec, Fitting, Progress, silent
from engines.classifiers.checks import usable
from engines.errors import LabError
from engines.metrics.features import keys_of
from engines.options import Options

FILE = "tuning.json"
_SURE = 1e-3  # no image costs more than one that got this probability: forests may answer 0


@dataclass(frozen=True)
class Trial:
    """One choice of options. `value` is the log loss on the validation images, None unless it is `done`; `epochs` the
    same after each epoch, of classifiers that learn in epochs."""

    number: int
    options: dict[str, Any]
    state: Literal["done", "pruned", "failed"]
    value: float | None
    epochs: list[float]
    seconds: float


@dataclass(frozen=True)
class Tuned:
    """The best options, ready for `spec.options(**options)`, their log loss, and all trials in order."""

    options: dict[str, Any]
    value: float
    trials: tuple[Trial, ...]


class _Pruned(Exception):
    """This trial is worse than most were at the same epoch."""


class _TimeUp(Exception):
    """The minutes are over."""


def search_space(options: type[Options]) -> dict[str, dict[str, Any]]:
    """What may be searched: option name -> {low, high, log} or {choices} (engines/classifiers/searching.py)."""
    found = {}
    for name, field in options.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, Mapping) and "search" in extra:
            found[name] = dict(extra["search"])  # type: ignore[arg-type]
    return found


def tune(
    spec: ClassifierSpec,
    options: Options,
    fitting: Fitting,
    trials: int,
    minutes: float,
    folder: Path,
    progress: Progress = silent,
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> Tuned:
    """The best of at most `trials` choices of options, within `minutes`, by log loss on `fitting.validation`.

    Options that are not searched stay as in `options`, which are the first trial themselves: tuning never ends below
    where it began, on these images. Further ones are proposed by a tree-structured Parzen estimator (Bergstra et al.,
    NeurIPS 2011) and given up when worse than the median at the same epoch, both by Optuna (Akiba et al., KDD 2019).
    Each trial is kept in `folder`; asked again, the search goes on, and ends as if it had never stopped. `on_trial`
    hears of each new one.

    Raises LabError without validation images, without anything to search, if the folder holds another search, or if
    not even one trial ended in time.
    """
    space = search_space(spec.options)
    validation = usable(fitting.validation)
    if validation is None:
        raise LabError(
            "There are no validation images to tune on.",
            "Options chosen by their result on the test images would make the test too easy.",
            "Choose an image set with a validation part.",
        )
    if not space:
        raise LabError(f"{spec.title} has no options to tune.", "", "Choose another classifier.")
    asked = {"classifier": spec.name, "options": options.model_dump(mode="json"), "images": _fingerprint(fitting)}
    folder.mkdir(parents=True, exist_ok=True)
    done = _read(folder, asked)

    while len(done) < trials:
        began, spent = time.monotonic(), sum(trial.seconds for trial in done)
        if spent >= 60 * minutes:
            break
        try:
            trial = _run(spec, options, space, fitting, done, began + 60 * minutes - spent, progress, trials)
        except _TimeUp:
            break
        done.append(replace(trial, seconds=time.monotonic() - began))
        files.write_json(folder / FILE, {"asked": asked, "trials": [asdict(trial) for trial in done]})
        on_trial(done[-1])
    ended = [trial for trial in done if trial.value is not None]
    if not ended:
        raise LabError(
            f"No trial ended within {minutes:g} minutes.", "A single one takes longer.", "Allow more time, or a GPU."
        )
    progress(1.0)
    best = min(ended, key=lambda trial: (trial.value, trial.number))
    assert best.value is not None
    return Tuned(options.model_dump() | best.options, best.value, tuple(done))


def _run(
    spec: ClassifierSpec,
    options: Options,
    space: dict[str, dict[str, Any]],
    fitting: Fitting,
    done: list[Trial],
    ends: float,
    progress: Progress,
    trials: int,
) -> Trial:
    """The next trial; its seconds are left to the caller."""

    number, base = len(done), options.model_dump()
    study = _study(space, done, fitting.seed)
    proposed = study.ask(_distributions(space, base)) if number else None
    chosen = dict(proposed.params) if proposed else {name: base[name] for name in space}
    epochs: list[float] = []

    def tell(fraction: float) -> None:
        progress((number + fraction) / trials)
        if time.monotonic() > ends:
            raise _TimeUp

    def epoch(n: int, loss: float) -> None:
        if not np.isfinite(loss):
            raise LabError("The loss on the validation images is no longer a number.", "", "Learn more slowly.")
        epochs.append(loss)
        if proposed:
            proposed.report(loss, n)
            if proposed.should_prune():
                raise _Pruned

    try:
        trained = spec.fit(spec.options(**(base | chosen)), replace(fitting, progress=tell, epoch=epoch))
    except _Pruned:
        return Trial(number, chosen, "pruned", None, epochs, 0.0)
    except LabError:
        if proposed is None:
            raise  # what the given options cannot do, such as without weights, no others will
        return Trial(number, chosen, "failed", None, epochs, 0.0)
    assert fitting.validation is not None
    value = log_loss(trained.probabilities(fitting.validation.images), fitting.validation.labels)
    return Trial(number, chosen, "done", value, epochs, 0.0)


def log_loss(probabilities: Array, labels: Array) -> float:
    """Mean of -log of the right class's probability, none below 0.001; [N, K] and [N]."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], _SURE)).mean())


def _study(space: dict[str, dict[str, Any]], done: list[Trial], seed: int) -> Any:
    """Optuna's view of the trials so far. Made anew each time: what comes next depends on them and the seed alone."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(n_startup_trials=5, seed=1000 * seed + len(done)),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
    )
    states = {
        "done": optuna.trial.TrialState.COMPLETE,
        "pruned": optuna.trial.TrialState.PRUNED,
        "failed": optuna.trial.TrialState.FAIL,
    }
    for trial in done:
        distributions = _distributions(space, trial.options)
        # The options given at the start may lie outside of what is searched: Optuna cannot learn from these.
        inside = all(
            distribution._contains(distribution.to_internal_repr(trial.options[name]))
            for name, distribution in distributions.items()
        )
        if inside:
            study.add_trial(
                optuna.trial.create_trial(
                    state=states[trial.state], value=trial.value, params=trial.options, distributions=distributions,
                    intermediate_values=dict(enumerate(trial.epochs, 1)),
                )
            )  # fmt: skip
    return study


def _distributions(space: dict[str, dict[str, Any]], values: dict[str, Any]) -> dict[str, Any]:
    """The space in Optuna's words; `values` tell whole numbers from others."""
    from optuna import distributions

    found: dict[str, Any] = {}
    for name, search in space.items():
        if "choices" in search:
            found[name] = distributions.CategoricalDistribution(search["choices"])
        elif isinstance(values[name], int):
            found[name] = distributions.IntDistribution(search["low"], search["high"], log=search["log"])
        else:
            found[name] = distributions.FloatDistribution(search["low"], search["high"], log=search["log"])
    return found


def _read(folder: Path, asked: dict[str, Any]) -> list[Trial]:
    path = folder / FILE
    if not path.is_file():
        return []
    kept = files.read_json(path)
    if kept["asked"] != asked:
        raise LabError(
            "This folder holds the trials of another search.",
            "The classifier, its options, the seed or the images are not the same.",
            "Begin a new search.",
        )
    return [Trial(**row) for row in kept["trials"]]


def _fingerprint(fitting: Fitting) -> str:
    """A hash of the training and validation images, their labels, and the seed."""
    digest = hashlib.blake2b(str(fitting.seed).encode(), digest_size=16)
    for part in (fitting.train, fitting.validation):
        if part is not None:
            digest.update(b"".join(keys_of(part.images)) + np.asarray(part.labels, np.int64).tobytes())
    return digest.hexdigest()
