"""What is drawn from a run: images from seeds, of classes where it knows them, or translations of other images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.errors import LabError
from engines.records import RunRecord
from engines.training.generation import Sampler, item_seed
from engines.training.samples import Stored
from engines.workspace import Workspace


@dataclass(frozen=True)
class Drawing:
    """Images batch by batch, and what items.csv says of each: its class, and its seed or its source."""

    batches: Iterator[Stored]
    rows: list[dict[str, Any]]


def drawing_of(
    sampler: Sampler,
    trained: RunRecord,
    workspace: Workspace,
    count: int,
    seed: int,
    label: str | None = None,
    source: str = "",
) -> Drawing:
    """The drawing of so many images.

    Without a label, a run that learned classes draws them in turn. `source` names the image set to translate; the one
    that the run learned from if empty. Raises LabError for a class that the run has not learned, and where there are
    not enough images to translate.
    """
    if sampler.method.translates:
        return _translation(sampler, trained, workspace, count, seed, label, source or trained.image_set)
    seeds = [item_seed(seed, index) for index in range(count)]
    numbers = _numbers(sampler, count, label)
    names = [sampler.classes[number] for number in numbers]
    if not sampler.method.conditional:
        own = sampler.classes[0] if len(sampler.classes) == 1 else ""
        names = [own if label is None else label] * count
    rows = [{"label": name, "seed": one} for name, one in zip(names, seeds, strict=True)]
    return Drawing(sampler.images(seeds, numbers), rows)


def _numbers(sampler: Sampler, count: int, label: str | None) -> list[int]:
    """The class of each image by number; 0 where the run knows no classes."""
    if not sampler.method.conditional:
        return [0] * count
    if label is None:
        return [index % len(sampler.classes) for index in range(count)]
    if label not in sampler.classes:
        known = ", ".join(f"“{name}”" for name in sampler.classes)
        raise LabError(
            f"This run has not learned a class “{label[:40]}”.", f"It knows {known}.", "Choose one of these."
        )
    return [sampler.classes.index(label)] * count


def _translation(
    sampler: Sampler, trained: RunRecord, workspace: Workspace, count: int, seed: int, label: str | None, set_id: str
) -> Drawing:
    """Images of the source class in a shuffled order, each once."""
    image_set = workspace.image_set(set_id)
    if image_set.record.channels != trained.channels:
        raise LabError(
            f"“{image_set.record.name}” cannot be translated by this run.",
            f"Its images have {image_set.record.channels} channels, those that the run learned {trained.channels}.",
            "Name an image set of the same kind, grey or colour.",
        )
    target, source = sampler.classes
    places = [n for n, row in enumerate(image_set.items) if row.get("label") == source]
    if len(places) < count:
        raise LabError(
            f"There are only {len(places)} images to translate.",
            f"“{image_set.record.name}” holds so many of the class “{source}”, and each is used once.",
            f"Ask for at most {len(places)}, or name another image set to translate.",
        )
    order = np.random.default_rng(seed).permutation(places)[:count]
    name = target if label is None else label
    rows = [{"label": name, "seed": seed, "source": image_set.items[place]["item"]} for place in order]
    return Drawing(sampler.translated(image_set.images[order]), rows)
