"""Combine synthetic sets into one: what one generator for each class has drawn becomes a set of several classes."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import Any

from engines import files
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.options import Options, option
from engines.records import ImageSetRecord
from engines.tasks.base import TaskSpec
from engines.workspace import ImageSet

AT_ONCE = 256


class CombineParameters(Options):
    """Which sets become one."""

    image_sets: list[str] = option(
        ..., "Image sets", "Synthetic sets of one size and kind; their images stay in this order.", min_length=2
    )
    name: str = option("", "Name", "Name of the new set; made from theirs if empty.", max_length=80, layer="basic")


def run(parameters: CombineParameters, context: JobContext) -> dict[str, Any]:
    """Write the new set; its folder appears whole at the end. Raises LabError for sets that do not go together."""
    workspace = context.workspace
    sets = [workspace.image_set(id) for id in dict.fromkeys(parameters.image_sets)]
    _check(sets)
    first = sets[0].record
    name = parameters.name or " + ".join(one.record.name for one in sets)[:80]
    id = workspace.new_id("image_sets", name)
    total = sum(one.record.items for one in sets)
    rows: list[dict[str, Any]] = []
    with files.new_folder(workspace.folder("image_sets", id)) as folder:
        (folder / "thumbnails").mkdir()
        shape = (total, first.height, first.width, first.channels)
        images = files.create_npy(folder / "images.npy", shape, first.dtype)
        for one in sets:
            for n, row in enumerate(one.items):
                if n % AT_ONCE == 0:
                    context.check()
                    context.progress(len(rows) / total, f"Image {len(rows) + 1:,} of {total:,}")
                    block = one.images[n : n + AT_ONCE]
                    images[len(rows) : len(rows) + len(block)] = block
                item = f"{len(rows) + 1:06d}"
                thumbnail = one.folder / "thumbnails" / f"{row['item']}.webp"
                if thumbnail.is_file():
                    shutil.copyfile(thumbnail, folder / "thumbnails" / f"{item}.webp")
                rows.append({**row, "item": item, "from_set": one.record.id, "from_item": row["item"]})
        images.flush()
        del images
        columns = dict.fromkeys(key for row in rows for key in row)
        files.write_csv(folder / "items.csv", rows, list(columns))
        record = ImageSetRecord(
            id=id, name=name, parents=_parents(sets), parameters=parameters.model_dump(mode="json"),
            origin="synthetic", items=total, width=first.width, height=first.height, channels=first.channels,
            dtype=first.dtype, classes=dict(sorted(Counter(row["label"] for row in rows if row.get("label")).items())),
            kept=total, resizer=first.resizer, intensity="; ".join(dict.fromkeys(one.record.intensity for one in sets)),
            content_sha256=files.sha256_file(folder / "images.npy"),
        )  # fmt: skip
        workspace.save("image_sets", record, folder)
    return {"id": id, "items": total, "classes": record.classes}


def _check(sets: list[ImageSet]) -> None:
    first = sets[0].record
    if len(sets) < 2:
        raise LabError("One set cannot be combined.", "All named sets are the same.", "Name two different ones.")
    for record in (one.record for one in sets):
        if record.origin != "synthetic":
            raise LabError(
                f"“{record.name}” is not a synthetic set.", "Real images are combined when they are added and curated.",
                "Choose synthetic sets.",
            )  # fmt: skip
        ours, theirs = ((one.width, one.height, one.channels, one.dtype) for one in (first, record))
        if ours != theirs:
            raise LabError(
                f"“{record.name}” does not go together with “{first.name}”.",
                f"{record.width}×{record.height}, {record.channels} channels, {record.dtype} against "
                f"{first.width}×{first.height}, {first.channels} channels, {first.dtype}.",
                "Choose sets of one size, colour and bit depth.",
            )


def _parents(sets: list[ImageSet]) -> dict[str, str]:
    """The sets, and the runs behind them where all were drawn here: one import makes the whole an import."""
    found = {f"image_sets/{one.record.id}": one.record.content_sha256 for one in sets}
    if all(one.record.drawn_here for one in sets):
        for one in sets:
            found |= {name: digest for name, digest in one.record.parents.items() if name.startswith("runs/")}
    return found


TASK = TaskSpec(
    name="combine",
    title="Combine sets",
    summary="Synthetic sets become one: what a generator for each class has drawn is then a set of several classes.",
    parameters=CombineParameters,
    run=run,
)
