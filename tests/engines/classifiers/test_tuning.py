"""Tuning: within its bounds, the same whether or not it was interrupted, and on validation images only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engines import registry
from engines.classifiers import tuning
from engines.classifiers.base import Array, ClassifierSpec, Fitting, Labelled, Progress, silent
from engines.classifiers.searching import searched
from engines.classifiers.tuning import Trial, search_space, tune
from engines.errors import LabError
from engines.options import Options, option

SPECS: dict[str, ClassifierSpec] = registry.load("classifiers")


def toys(count: int, seed: int) -> Labelled:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = (120 + 40 * labels[:, None, None, None] + 30 * rng.standard_normal((count, 8, 8, 1))).clip(0, 255)
    return Labelled(images.astype(np.uint8), labels.astype(np.int64))


FITTING = Fitting(toys(40, 1), ("dark", "bright"), toys(40, 2))


class ToyOptions(Options):
    """A classifier whose best setting is known: x = 0.3, "b", n = 4."""

    x: float = searched(option(0.9, "x", "x"), low=0.0, high=1.0)
    kind: str = searched(option("a", "kind", "kind"), choices=("a", "b"))
    n: int = searched(option(1, "n", "n"), low=1, high=8, log=True)
    epochs: int = option(6, "epochs", "epochs")


class Sure:
    """Gives the right class of the toys a probability."""

    def __init__(self, right: float) -> None:
        self.right = right

    def probabilities(self, images: Array, progress: Progress = silent) -> Array:
        labels = np.arange(len(images)) % 2
        return np.where(labels[:, None] == np.arange(2), self.right, 1 - self.right)


def fit(options: ToyOptions, fitting: Fitting) -> Any:
    loss = 0.05 + (options.x - 0.3) ** 2 + 0.3 * (options.kind == "a") + 0.1 * abs(np.log2(options.n) - 2)
    if options.x > 0.95:
        raise LabError("The classifier's training broke: its loss is no longer a number.")
    for epoch in range(options.epochs):
        fitting.progress((epoch + 1) / options.epochs)
        if fitting.epoch:
            fitting.epoch(epoch + 1, loss + 1 / (epoch + 1))
    return Sure(float(np.exp(-loss)))


TOY = ClassifierSpec("toy", "Toy", "A toy.", "None", ToyOptions, fit)


def test_finds_better_options_and_gives_up_bad_ones(tmp_path: Path) -> None:
    heard: list[Trial] = []
    told: list[float] = []
    tuned = tune(TOY, ToyOptions(), FITTING, 40, 1, tmp_path, told.append, heard.append)
    assert len(tuned.trials) == 40 and list(tuned.trials) == heard
    assert heard[0].options == {"x": 0.9, "kind": "a", "n": 1} and heard[0].state == "done"
    assert tuned.value == min(trial.value for trial in heard if trial.value is not None)
    assert tuned.value < heard[0].value / 2  # type: ignore[operator]
    assert tuned.options["kind"] == "b" and abs(tuned.options["x"] - 0.3) < 0.25 and tuned.options["epochs"] == 6
    assert TOY.options(**tuned.options)
    pruned = [trial for trial in heard if trial.state == "pruned"]
    assert pruned and all(trial.value is None and 2 <= len(trial.epochs) < 6 for trial in pruned)
    assert all(trial.state == "failed" for trial in heard if trial.options["x"] > 0.95)
    assert told == sorted(told) and told[-1] == 1


def test_interrupted_it_ends_as_if_it_had_never_been(tmp_path: Path) -> None:
    def same(trials: tuple[Trial, ...]) -> list[Trial]:
        return [replace(trial, seconds=0) for trial in trials]

    whole = tune(TOY, ToyOptions(), FITTING, 12, 1, tmp_path / "whole")

    class Stop(Exception):
        pass

    def stop(fraction: float) -> None:
        if fraction > 0.45:
            raise Stop

    with pytest.raises(Stop):
        tune(TOY, ToyOptions(), FITTING, 12, 1, tmp_path / "parts", stop)
    kept = tuning._read(tmp_path / "parts", _asked(tmp_path / "parts"))
    assert 4 <= len(kept) <= 6
    new: list[Trial] = []
    resumed = tune(TOY, ToyOptions(), FITTING, 12, 1, tmp_path / "parts", on_trial=new.append)
    assert same(resumed.trials) == same(whole.trials) and len(new) == 12 - len(kept)
    assert tune(TOY, ToyOptions(), FITTING, 12, 1, tmp_path / "parts", on_trial=new.append) == resumed
    assert len(new) == 12 - len(kept)  # nothing was left to do

    with pytest.raises(LabError, match="another search"):
        tune(TOY, ToyOptions(), replace(FITTING, seed=1), 12, 1, tmp_path / "parts")


def _asked(folder: Path) -> dict[str, Any]:
    asked: dict[str, Any] = tuning.files.read_json(folder / tuning.FILE)["asked"]
    return asked


def test_time_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    # Each look at the clock takes a second.
    monkeypatch.setattr(tuning, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    tuned = tune(TOY, ToyOptions(), FITTING, 1000, 1, tmp_path / "a")
    assert 2 <= len(tuned.trials) <= 60 / 7 + 1
    assert sum(trial.seconds for trial in tuned.trials) <= 60
    with pytest.raises(LabError, match=r"No trial ended within 0\.05 minutes"):
        tune(TOY, ToyOptions(), FITTING, 1000, 0.05, tmp_path / "b")


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no validation images"):
        tune(TOY, ToyOptions(), replace(FITTING, validation=None), 2, 1, tmp_path)
    with pytest.raises(LabError, match="no options to tune"):
        tune(replace(TOY, options=Options), Options(), FITTING, 2, 1, tmp_path)
    with pytest.raises(LabError, match="broke"):  # the given options themselves
        tune(TOY, ToyOptions(x=0.99), FITTING, 2, 1, tmp_path)


@pytest.mark.parametrize("name", ["logistic_regression", "random_forest", "cnn_small"])
def test_real_classifiers_can_be_tuned(name: str, tmp_path: Path) -> None:
    spec = SPECS[name]
    small = {"cnn_small": {"epochs": 3, "width": 4}, "random_forest": {"side": 8}}.get(name, {"side": 8})
    tuned = tune(spec, spec.options(**small), FITTING, 3, 5, tmp_path)
    assert len(tuned.trials) == 3 and tuned.value <= tuned.trials[0].value  # type: ignore[operator]
    assert spec.options(**tuned.options)
    if name == "cnn_small":
        assert set(search_space(spec.options)) == {"learning_rate", "activation", "dropout", "depth"}
        assert all(len(trial.epochs) == 3 for trial in tuned.trials)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_what_is_searched_lies_within_the_bounds(name: str) -> None:
    options = SPECS[name].options
    space = search_space(options)
    assert space
    for field, search in space.items():
        for value in search.get("choices") or (search["low"], search["high"]):
            assert getattr(options(**{field: value}), field) == value
