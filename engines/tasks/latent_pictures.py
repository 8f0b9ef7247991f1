"""What a page may ask of a run's latent space, and the sheet of images that answers it."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engines import files
from engines.device import Device, cores, find, free_memory_bytes
from engines.errors import LabError, explain
from engines.training import checkpoints, latents, samples
from engines.training.generation import Sampler
from engines.training.latents import Place
from engines.workspace import Workspace

FOLDER = "latents"
KEPT_NETWORKS = 3  # checkpoints between which one goes back and forth
KEPT_PICTURES = 4  # of each view: the newest may still be on its way to the page
LEAST_GPU_BYTES = 3 * 2**30  # a training that has the GPU must not run out of memory because somebody looks
MOST_IMAGES = 64


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Window(_Asked):
    """A window of the map: its first image at (x, y), the others `step` seeds apart."""

    kind: Literal["window"]
    seed: int = Field(ge=0, lt=2**32)
    x: float = Field(ge=-1e6, le=1e6)
    y: float = Field(ge=-1e6, le=1e6)
    step: float = Field(ge=0.001, le=16)
    columns: int = Field(ge=1, le=16)
    rows: int = Field(ge=1, le=16)


class Strip(_Asked):
    """So many images from one place to another."""

    kind: Literal["strip"]
    first: Place
    second: Place
    count: int = Field(ge=2, le=32)


class Request(_Asked):
    """One line of requests.jsonl. Of one client's view only the newest counts; `number` rises with each.

    `truncation` None leaves it as the run has it, `side` is how many pixels of an image the page has room for,
    `draft` says that the picture will be replaced at once, as in a drag: it may be a little less exact.
    """

    client: str = Field(pattern=r"^[a-z0-9]{1,16}$")
    view: Literal["map", "strip"]
    number: int = Field(ge=0, lt=2**53)
    run: str
    checkpoint: int = Field(ge=0)
    label: str = ""
    truncation: float | None = Field(None, ge=0, le=1)
    side: int = Field(128, ge=16, le=1024)
    draft: bool = False
    wanted: Annotated[Window | Strip, Field(discriminator="kind")]


@dataclass(frozen=True)
class Loaded:
    """A network that is ready, and what the page says of it."""

    sampler: Sampler
    own_truncation: float | None
    about: dict[str, Any]


def shrunk(images: samples.Stored, side: int) -> samples.Stored:
    """Images [N, H, W, C], their sides divided by a whole number while they stay at least `side`; means of blocks."""
    count, height, width, channels = images.shape
    by = max(1, min(height, width) // side)
    while height % by or width % by:
        by -= 1
    if by == 1:
        return images
    blocks = images.reshape(count, height // by, by, width // by, by, channels)
    means: samples.Stored = np.rint(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(images.dtype)
    return means


class Painter:
    """Answers requests into a folder; what goes wrong is an answer too, so that the next one can be right."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.workspace, self.folder = workspace, folder
        self._networks: OrderedDict[tuple[str, int], Loaded] = OrderedDict()
        self._device: Device | None = None

    def answer(self, request: Request) -> None:
        """Write the picture, then the answer that names it."""
        name = f"{request.client}-{request.view}"
        began = time.monotonic()
        try:
            said: dict[str, Any] = {**self._drawn(request, name), "error": None}
        except Exception as error:
            said = {"picture": "", "error": explain(error).as_dict()}
        said |= {"number": request.number, "seconds": round(time.monotonic() - began, 4)}
        files.write_json(self.folder / f"{name}.json", said)
        for old in sorted(self.folder.glob(f"{name}-*.webp"))[:-KEPT_PICTURES]:
            old.unlink(missing_ok=True)

    def _drawn(self, request: Request, name: str) -> dict[str, Any]:
        loaded = self._loaded(request.run, request.checkpoint)
        sampler, wanted = loaded.sampler, request.wanted
        if isinstance(wanted, Window):
            places = latents.grid(wanted.seed, wanted.x, wanted.y, wanted.step, wanted.columns, wanted.rows)
            columns = wanted.columns
        else:
            places = latents.strip(wanted.first, wanted.second, wanted.count)
            columns = wanted.count
        if len(places) > MOST_IMAGES:
            raise LabError("These are too many images at once.", f"At most {MOST_IMAGES} are drawn.", "Ask for fewer.")
        label = sampler.classes.index(request.label) if request.label in sampler.classes else 0
        if loaded.own_truncation is not None:
            sampler.truncate(loaded.own_truncation if request.truncation is None else request.truncation)
        rows, weights = latents.latents(places, sampler.latent_dim)
        images = shrunk(sampler.between(rows, [label] * len(rows), request.draft), request.side)
        picture = f"{name}-{request.number:09d}.webp"
        files.write_bytes(self.folder / picture, samples.encode(images, columns, quick=True))
        cells = [
            {
                "place": place if isinstance(place, int) else place.model_dump(),
                "weights": [[seed, round(weight, 4)] for seed, weight in of_place.items()],
            }
            for place, of_place in zip(places, weights, strict=True)
        ]
        return {"picture": picture, "columns": columns, "tile": images.shape[1], "cells": cells, "about": loaded.about}

    def _loaded(self, run: str, images_seen: int) -> Loaded:
        key = (run, images_seen)
        if key not in self._networks:
            self._networks[key] = self._load(run, images_seen)
            while len(self._networks) > KEPT_NETWORKS:
                self._networks.popitem(last=False)
        self._networks.move_to_end(key)
        return self._networks[key]

    def _load(self, run: str, images_seen: int) -> Loaded:
        """Read a checkpoint. Raises LabError where it is gone, and for a method without a latent space."""
        record = self.workspace.run(run)
        checkpoint = checkpoints.choose(self.workspace.folder("runs", run), str(images_seen))
        sampler = Sampler(checkpoint, self._where())
        sampler.generator.to(memory_format=torch.channels_last)  # faster
        method = sampler.method
        if method.translates:
            raise LabError(
                "This run has no latent space.",
                f"{method.title} changes images of one class into the other; it draws none from seeds.",
                "Look at its pairs under “Images”, or choose a run that draws from seeds.",
            )
        about = {
            "run": run, "name": record.name, "method": method.name, "title": method.title,
            "images_seen": checkpoint.images_seen, "checkpoint_sha256": checkpoint.sha256,
            "classes": sampler.classes if method.conditional else [], "truncation": sampler.truncation,
            "latent_dim": sampler.latent_dim, "size": sampler.size,
        }  # fmt: skip
        return Loaded(sampler, sampler.truncation, about)

    def _where(self) -> Device:
        if self._device is None:
            device = find()
            scarce = device.kind == "cuda" and free_memory_bytes(device) < LEAST_GPU_BYTES
            self._device = find("cpu") if scarce else device
            # Two jobs with a thread for every core slow one another to less than half: a training may be at work.
            torch.set_num_threads(max(1, cores() // 2))
        return self._device


def understood(line: Any) -> Request | None:
    """A line as a request, None for one that is none: the page of another version may have written it."""
    try:
        return Request.model_validate(line)
    except ValidationError:
        return None
