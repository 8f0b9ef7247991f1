"""One cell of a comparison: a classifier trained on one arm with one seed, asked about the test images, and kept.

A finished cell is kept in the workspace's cache under a hash of all that it depends on: the images, the classifier with
its options and weights, the seed and the program. So a comparison that was stopped goes on where it was, and one with
one seed more computes that seed only.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines import files, registry, weights
from engines.classifiers.base import ClassifierSpec, Fitted, Fitting, Labelled
from engines.classifiers.protocols import Arm, left_out
from engines.errors import LabError
from engines.metrics.features import keys_of
from engines.metrics.statistics import groups_of
from engines.options import Options
from engines.tasks.comparison_data import Material

Array = np.ndarray[Any, np.dtype[Any]]

NEIGHBOURS = 5  # as in study 4's figure 8
MOST_NEIGHBOURS = 20_000  # training images among which neighbours are looked for: beyond, it takes minutes
MOST_MAPS = 32  # images of a cell whose saliency is drawn: the surest mistakes first
BLOCK = 256


@dataclass(frozen=True)
class Chosen:
    """A classifier with its options; `key` names it in this comparison, such as svm_linear@mobilenet_v2."""

    key: str
    title: str
    spec: ClassifierSpec
    options: Options


@dataclass(frozen=True)
class Answer:
    """What a cell said: probabilities [N, K], the nearest training images of each test image, and where it reacted.

    `nearest` [N, 5] numbers the training images, real ones first; `maps` [M, H, W] uint8 are those of the test images
    `mapped` [M], for the class that was predicted. Both are empty but for the first seed.
    """

    probabilities: Array
    nearest: Array
    mapped: Array
    maps: Array
    real: Array  # places in the pool of the real images it learned from
    synthetic: Array  # places in the synthetic set
    fit_s: float
    reused: bool = False


def chosen_classifiers(wishes: Sequence[str], options: dict[str, dict[str, Any]]) -> list[Chosen]:
    """Classifiers by name, each `name[:preset][@features]`; `options` holds what differs, by that text.

    Raises LabError for a classifier, preset, extractor or option that is not there.
    """
    known: dict[str, ClassifierSpec] = registry.load("classifiers")
    found = []
    for wish in dict.fromkeys(wishes):
        name, _, on = wish.partition("@")
        name, _, preset = name.partition(":")
        if name not in known:
            raise LabError(
                f"There is no classifier “{name[:40]}”.", f"There are: {', '.join(known)}.", "Choose among these."
            )
        spec = known[name]
        if preset and preset not in spec.presets:
            there = ", ".join(spec.presets) or "none"
            raise LabError(
                f"{spec.title} has no preset “{preset[:40]}”.", f"There are: {there}.", "Choose one of these."
            )
        as_given: dict[str, Any] = dict(spec.presets[preset].changes) if preset else {}
        changes = as_given | options.get(wish, {})
        # A study's name stays with the study's settings.
        changed = ", changed" if changes != as_given else ""
        title = spec.title + (f" ({spec.presets[preset].title}{changed})" if preset else "")
        if on:
            if "on" not in spec.options.model_fields:
                raise LabError(
                    f"{spec.title} has features of its own.", "Only the classic classifiers learn from any features.",
                    f"Write {name} without @{on[:40]}.",
                )  # fmt: skip
            changes["on"], title = on, f"{title} on {_features(on)}"
        try:
            found.append(Chosen(wish, title, spec, spec.options.model_validate(changes)))
        except ValueError as error:
            raise LabError(
                f"An option of {spec.title} cannot be used.", str(error).splitlines()[0], "Check its value."
            ) from error
    return found


def _features(name: str) -> str:
    known = registry.load("extractors")
    if name != "pixels" and name not in known:
        raise LabError(
            f"There are no features “{name[:40]}”.", f"There are: pixels, {', '.join(known)}.", "Choose among these."
        )
    return name if name == "pixels" else str(known[name].title)


class Trainer:
    """Trains and asks the cells of one comparison; images are hashed once, classic augmentation is drawn once."""

    def __init__(
        self, material: Material, folder: Path, weights_folder: Path, seeds: int, varies: bool, augment_seed: int
    ) -> None:
        self.material, self.cache, self.weights = material, folder, weights_folder
        self.seeds, self.varies, self.augment_seed = seeds, varies, augment_seed
        self.groups = groups_of(list(material.pool.data.patients))
        self._hashes: dict[str, list[bytes]] = {}
        self._copies: dict[int, Array] = {}
        self._code = registry.code_version()

    def rows_of(self, arm: Arm, seed: int) -> tuple[Array, Array]:
        """Places of the real and of the synthetic images that an arm learns from with one seed."""
        if not self.varies or self.seeds < 2:
            return arm.real, arm.synthetic
        real = arm.real[~left_out(self.groups, seed, self.seeds)[arm.real]] if len(arm.real) else arm.real
        if not len(arm.synthetic):
            return real, arm.synthetic
        count = len(self.material.synthetic[arm.source])
        return real, arm.synthetic[~left_out(np.arange(count), seed, self.seeds)[arm.synthetic]]

    def test_of(self, arm: Arm) -> Labelled:
        """The images that an arm is asked about."""
        if arm.tested == "real":
            return self.material.test.data
        rows = np.asarray(arm.test_rows)
        source = next(source for source in self.material.sources if source.id == arm.source)
        return Labelled(self.material.synthetic[arm.source][rows], source.labels[rows], [""] * len(rows))

    def answer(self, chosen: Chosen, arm: Arm, seed: int, progress: Callable[[float], None]) -> Answer:
        """The cell, from the cache where it is; raises LabError for what cannot be trained."""
        path = self.cache / "cells" / f"{self._key(chosen, arm, seed)}.npz"
        real, synthetic = self.rows_of(arm, seed)
        if (kept := _read(path)) is not None:
            progress(1.0)
            return Answer(**kept, real=real, synthetic=synthetic, reused=True)
        train = self._train(arm, real, synthetic)
        test = self.test_of(arm)
        begun = time.monotonic()
        fitting = Fitting(
            train, self.material.classes, self.material.validation.data if self.material.validation else None,
            seed, self.weights, self.cache / "features", lambda part: progress(0.8 * part),
        )  # fmt: skip
        fitted = chosen.spec.fit(chosen.options, fitting)
        fit_s = time.monotonic() - begun
        probabilities = fitted.probabilities(test.images, lambda part: progress(0.8 + 0.1 * part))
        empty = np.zeros((len(test.labels), 0), np.int32)
        nearest, mapped, maps = empty, np.zeros(0, np.int32), np.zeros((0, 1, 1), np.uint8)
        if seed == 0:
            nearest = _nearest(fitted, train.images, test.images, lambda part: progress(0.9 + 0.05 * part))
            mapped, maps = _saliency(fitted, test, probabilities)
        found: dict[str, Any] = {
            "probabilities": probabilities,
            "nearest": nearest,
            "mapped": mapped,
            "maps": maps,
            "fit_s": fit_s,
        }
        _write(path, found)
        progress(1.0)
        return Answer(**found, real=real, synthetic=synthetic)

    def _train(self, arm: Arm, real: Array, synthetic: Array) -> Labelled:
        pool = self.material.pool.data
        images, labels = [pool.images[real]], [pool.labels[real]]
        if len(synthetic):
            source = next(source for source in self.material.sources if source.id == arm.source)
            images.append(self.material.synthetic[arm.source][synthetic])
            labels.append(source.labels[synthetic])
        if arm.copies:
            images += [self._augmented(arm.copies)[real].reshape(-1, *pool.images.shape[1:])]
            labels += [np.repeat(pool.labels[real], arm.copies)]
        patients = [pool.patients[n] for n in real] + [""] * (sum(map(len, labels)) - len(real))
        return Labelled(np.concatenate(images), np.concatenate(labels), patients)

    def _augmented(self, copies: int) -> Array:
        """Augmented versions [N, copies, H, W, C] of the pool: the same for all seeds, so features are found again."""
        from engines.classifiers.augmentation import augmented  # torchvision, which few comparisons need

        if copies not in self._copies:
            images = self.material.pool.data.images
            made = augmented(images, copies, self.augment_seed)
            self._copies[copies] = made.reshape(len(images), copies, *images.shape[1:])
        return self._copies[copies]

    def _key(self, chosen: Chosen, arm: Arm, seed: int) -> str:
        real, synthetic = self.rows_of(arm, seed)
        pool, test = self.material.pool.data, self.test_of(arm)
        digest = hashlib.sha256()
        about = {
            "classifier": chosen.spec.name, "options": chosen.options.model_dump(mode="json"), "seed": seed,
            "classes": self.material.classes, "copies": arm.copies, "augment_seed": self.augment_seed,
            "weights": self._weights(chosen), "code": self._code,
        }  # fmt: skip
        digest.update(json.dumps(about, sort_keys=True).encode())
        parts = [(self._keys("pool", pool.images), pool.labels, real)]
        if len(synthetic):
            source = next(source for source in self.material.sources if source.id == arm.source)
            parts.append((self._keys(arm.source, self.material.synthetic[arm.source]), source.labels, synthetic))
        tested = "test" if arm.tested == "real" else f"test {arm.name}"
        parts.append((self._keys(tested, test.images), test.labels, np.arange(len(test.labels))))
        if validation := self.material.validation:
            data = validation.data
            parts.append((self._keys("validation", data.images), data.labels, np.arange(len(data.labels))))
        for hashes, labels, rows in parts:
            digest.update(b"".join(hashes[n] for n in rows) + labels[rows].tobytes())
        return digest.hexdigest()[:32]

    def _keys(self, name: str, images: Array) -> list[bytes]:
        if name not in self._hashes:
            self._hashes[name] = keys_of(images)
        return self._hashes[name]

    def _weights(self, chosen: Chosen) -> list[str]:
        """Hashes of the weights that a classifier uses; a missing one is the classifier's to complain of."""
        extractors = registry.load("extractors")
        names = {*chosen.spec.weights}
        if (on := getattr(chosen.options, "on", "")) in extractors:
            names |= {*extractors[on].weights}
        if weights.missing(names, self.weights):
            return []
        return [weights.find(name, self.weights).sha256 for name in sorted(names)]


def _nearest(fitted: Fitted, train: Array, test: Array, progress: Callable[[float], None]) -> Array:
    """The nearest training images [N, 5] int32 of each test image, by the features that the classifier decides by."""
    if len(train) > MOST_NEIGHBOURS:
        return np.zeros((len(test), 0), np.int32)
    known, asked = fitted.features(train), fitted.features(test, progress)
    known, asked = (np.asarray(rows, np.float32) for rows in (known, asked))
    squares, found = (known**2).sum(1), []
    for start in range(0, len(asked), BLOCK):
        distances = squares - 2 * asked[start : start + BLOCK] @ known.T
        found.append(np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBOURS])
    return np.concatenate(found).astype(np.int32)


def _saliency(fitted: Fitted, test: Labelled, probabilities: Array) -> tuple[Array, Array]:
    """Where it reacted to what it predicted, for the surest mistakes and then the surest others."""
    said, sure = probabilities.argmax(1), probabilities.max(1)
    order = np.lexsort((-sure, said == test.labels))[:MOST_MAPS].astype(np.int32)
    maps: list[Array] = []
    for n in order:
        heat = fitted.saliency(test.images[n : n + 1], int(said[n]))
        if heat is None:
            return np.zeros(0, np.int32), np.zeros((0, 1, 1), np.uint8)
        maps.append(np.round(heat * 255).astype(np.uint8))
    return order, np.concatenate(maps) if maps else np.zeros((0, 1, 1), np.uint8)


def _read(path: Path) -> dict[str, Any] | None:
    """A kept cell; None if there is none, or it is damaged: it is then computed anew."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            found = {name: kept[name] for name in ("probabilities", "nearest", "mapped", "maps")}
            return {**found, "fit_s": float(kept["fit_s"])}
    except Exception:  # a damaged file makes its reader fail in any way; the cache is only a help
        return None


def _write(path: Path, found: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **found)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(path, buffer.getvalue())
