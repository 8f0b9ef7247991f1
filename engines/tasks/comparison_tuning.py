"""Tuning before a comparison: each classifier's options, on validation images of the real pool only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from engines.classifiers.base import Fitting
from engines.classifiers.tuning import Trial, tune
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.metrics.features import keys_of
from engines.tasks.comparison_cells import Chosen
from engines.tasks.comparison_data import Material, Part, parted
from engines.tasks.comparison_parameters import CompareParameters


def tuned(
    chosen: Sequence[Chosen], material: Material, parameters: CompareParameters, context: JobContext
) -> tuple[list[Chosen], list[dict[str, Any]]]:
    """The classifiers with the best options found, and what was tried.

    Options are searched on the real-only training set and then used for every arm alike, so that no arm is favoured by
    more trials than another. A classifier that cannot be tuned keeps its options, and that is said.
    """
    train, validation = _divided(material, parameters.seed)
    found, told = [], []
    for n, one in enumerate(chosen):
        fitting = Fitting(
            train.data, material.classes, validation.data, parameters.seed, context.workspace.weights,
            context.workspace.path / "cache" / "features",
        )  # fmt: skip

        def progress(part: float, n: int = n, title: str = one.title) -> None:
            context.check()
            context.progress(0.02 + 0.03 * (n + part) / len(chosen), f"Tuning {title}")

        def on_trial(trial: Trial, key: str = one.key) -> None:
            context.emit("trial", classifier=key, **asdict(trial))

        folder = context.workspace.path / "cache" / "tuning" / _name(one, fitting)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            best = tune(
                one.spec, one.options, fitting, parameters.tune_trials, parameters.tune_minutes, folder, progress,
                on_trial,
            )  # fmt: skip
        except LabError as error:
            context.emit("warning", text=f"{one.title} was not tuned. {error}", advice=error.advice)
            found.append(one)
            continue
        options = one.spec.options.model_validate(best.options)
        found.append(replace(one, options=options))
        trials = [asdict(trial) for trial in best.trials[: parameters.tune_trials]]
        told.append({"classifier": one.key, "best": best.options, "value": best.value, "history": trials})
    return found, told


def _name(chosen: Chosen, fitting: Fitting) -> str:
    """One folder for the same search, so that a comparison that was stopped goes on with it."""
    digest = hashlib.sha256(f"{chosen.spec.name} {chosen.options.model_dump_json()}".encode())
    for part in (fitting.train, fitting.validation):
        if part is not None:
            digest.update(b"".join(keys_of(part.images)) + part.labels.tobytes())
    return digest.hexdigest()[:32]


def _divided(material: Material, seed: int) -> tuple[Part, Part]:
    """What is learned from and what is asked while tuning: never the test images."""
    if material.validation is not None:
        return material.pool, material.validation
    return parted(material.pool, material.classes, seed)
