"""Draw a synthetic image set from a checkpoint of a run."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from engines import files
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.options import Options, option
from engines.records import ImageSetRecord
from engines.tasks.base import TaskSpec
from engines.tasks.drawing import Drawing, drawing_of
from engines.training import checkpoints, samples
from engines.training.generation import Sampler
from engines.training.latents import Place

COLUMNS = ("item", "label", "seed", "source", "checkpoint_sha256")


class GenerateParameters(Options):
    """How many images to draw, from which checkpoint, and how they are labelled."""

    run: str = option(..., "Run", "The training to draw from.", layer="basic")
    checkpoint: str = option(
        "latest", "Checkpoint", "“latest”, or the count of images seen of a checkpoint of the run.", layer="basic"
    )
    count: int = option(500, "Images", "How many images to draw.", unit="images", layer="basic", ge=1, le=1_000_000)
    seed: int = option(0, "Seed", "The same seed draws the same images.", ge=0, lt=2**32)
    label: str | None = option(
        None,
        "Label",
        "The class of the images. If empty, a run that learned several classes draws them in turn, and "
        "one that learned a single class gives that.",
    )
    source: str = option(
        "", "Images to translate", "For a run that translates: the image set whose images it changes; the one that it "
        "learned from if empty.",
    )  # fmt: skip
    places: list[Place] = option(
        [], "Places", "Seeds to draw one image of each, or places between seeds: {first, second, at}. If given, the "
        "number of images and the seed above say nothing.", max_length=10_000,
    )  # fmt: skip
    truncation: float | None = option(
        None,
        "Truncation",
        "How far images may go from the average one, where the method has such a setting; as the run has it if empty.",
        too_low="Images are clean but alike; at 0 they are all the same.",
        too_high="Nothing to fear: 1 shows all that was learned, odd images too.",
        ge=0,
        le=1,
    )
    name: str | None = option(None, "Name", "Name of the image set; made from the run if empty.")


def run(parameters: GenerateParameters, context: JobContext) -> dict[str, Any]:
    """Draw the set; its folder appears whole at the end. Raises LabError, and JobStopped if the job is stopped."""
    workspace = context.workspace
    trained = workspace.run(parameters.run)
    checkpoint = checkpoints.choose(workspace.folder("runs", parameters.run), parameters.checkpoint)
    sampler = Sampler(checkpoint)
    if parameters.truncation is not None:
        _truncate(sampler, parameters.truncation)
    name = parameters.name or f"{trained.name} {checkpoint.images_seen // 1000}k synthetic"
    drawing = drawing_of(
        sampler, trained, workspace, parameters.count, parameters.seed, parameters.label, parameters.source,
        parameters.places,
    )  # fmt: skip
    id = workspace.new_id("image_sets", name)
    with files.new_folder(workspace.folder("image_sets", id)) as folder:
        _fill(folder, drawing, context)
        rows = [
            {"item": f"{n:06d}", **row, "checkpoint_sha256": checkpoint.sha256}
            for n, row in enumerate(drawing.rows, start=1)
        ]
        columns = (*COLUMNS, "place") if any("place" in row for row in rows) else COLUMNS
        files.write_csv(folder / "items.csv", rows, columns)
        images = files.open_npy(folder / "images.npy")
        record = ImageSetRecord(
            id=id,
            name=name,
            parents={f"runs/{trained.id}/{checkpoint.folder.name}": checkpoint.sha256},
            parameters=parameters.model_dump(mode="json"),
            origin="synthetic",
            items=len(images),
            height=images.shape[1],
            width=images.shape[2],
            channels=images.shape[3],
            dtype="uint16" if images.dtype == np.uint16 else "uint8",
            classes=dict(sorted(Counter(row["label"] for row in drawing.rows if row["label"]).items())),
            kept=len(images),
            intensity=f"drawn by {trained.method}; -1 to 1 became 0 to {np.iinfo(images.dtype).max}",
            content_sha256=files.sha256_file(folder / "images.npy"),
        )
        del images
        workspace.save("image_sets", record, folder)
    return {
        "id": id,
        "items": record.items,
        "size": record.width,
        "channels": record.channels,
        "run": trained.id,
        "checkpoint": checkpoint.images_seen,
        "checkpoint_sha256": checkpoint.sha256,
    }


def _truncate(sampler: Sampler, share: float) -> None:
    if sampler.truncation is None:
        raise LabError(
            "This run has no truncation.", f"{sampler.method.title} has no such setting.", "Leave truncation empty."
        )
    sampler.truncate(share)


def _fill(folder: Path, drawing: Drawing, context: JobContext) -> None:
    """Write images.npy and the thumbnails batch by batch, so that no count is too large for the memory."""
    (folder / "thumbnails").mkdir()
    images: np.memmap[Any, Any] | None = None
    done, began = 0, time.monotonic()
    total = len(drawing.rows)
    for batch in drawing.batches:
        if images is None:
            images = files.create_npy(folder / "images.npy", (total, *batch.shape[1:]), batch.dtype)
        images[done : done + len(batch)] = batch
        for n, image in enumerate(batch, start=done + 1):
            data = samples.encode(image[None], columns=1)
            files.write_bytes(folder / "thumbnails" / f"{n:06d}.webp", data)
        done += len(batch)
        context.check()
        eta_s = (time.monotonic() - began) * (total - done) / done
        context.progress(done / total, f"Image {done:,} of {total:,}", eta_s)
    assert images is not None  # at least one image is asked for
    images.flush()


TASK = TaskSpec(
    name="generate",
    title="Generate",
    summary="Draw a synthetic image set from a checkpoint; every image has a seed of its own.",
    parameters=GenerateParameters,
    run=run,
    gpu=True,
)
