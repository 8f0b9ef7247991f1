"""What is drawn from a run: images from seeds, of classes where it knows them, or translations of other images."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.errors import LabError
from engines.records import RunRecord
from engines.training import latents
from engines.training.generation import Sampler, item_seed
from engines.training.latents import Place
from engines.training.samples import BATCH, Stored
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
    places: Sequence[Place] = (),
) -> Drawing:
    """The drawing of so many images, or of one image at each of the places of the latent space.

    Without a label, a run that learned classes draws them in turn. `source` names the image set to translate; the one
    that the run learned from if empty. Raises LabError for a class that the run has not learned, and where there are
    not enough images to translate.
    """
    if sampler.method.translates:
        if places:
            raise LabError("This run has no latent space.", "It changes images; it draws none from seeds.")
        return _translation(sampler, trained, workspace, count, seed, label, source or trained.image_set)
    places = places or [item_seed(seed, index) for index in range(count)]
    count = len(places)
    numbers = _numbers(sampler, count, label)
    names = [sampler.classes[number] for number in numbers]
    if not sampler.method.conditional:
        own = sampler.classes[0] if len(sampler.classes) == 1 else ""
        names = [own if label is None else label] * count
    rows = [{"label": name, **_named(place)} for name, place in zip(names, places, strict=True)]
    return Drawing(_drawn(sampler, places, numbers), rows)


def _named(place: Place) -> dict[str, Any]:
    """A place in items.csv: its seed, or how it lies between several."""
    if isinstance(place, int):
        return {"seed": place}
    return {"seed": "", "place": json.dumps(place.model_dump(), separators=(",", ":"))}


def _drawn(sampler: Sampler, places: Sequence[Place], numbers: Sequence[int]) -> Iterator[Stored]:
    for start in range(0, len(places), BATCH):
        rows, _ = latents.latents(places[start : start + BATCH], sampler.latent_dim)
        yield sampler.between(rows, numbers[start : start + BATCH])


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
