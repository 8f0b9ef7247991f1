"""What the steps do to the images that are hardest for them, before and after, without making a set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engines import decisions, files
from engines.curation import chain as chains
from engines.curation.analysis import UNREADABLE, read_analysis
from engines.curation.chain import Chain
from engines.curation.choosing import choose
from engines.curation.inspection import LEAST_SIDE, encode_webp, thumbnail
from engines.curation.parameters import CurateParameters
from engines.curation.pool import Pool, Read
from engines.curation.steps.base import Row, StepSpec, Work, doubtful_first
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.records import Source
from engines.resize import fit_inside, resize
from engines.workspace import Workspace

WHOLE = "chain"  # stands for all steps at once in names of files
SHOWN_SIDE = 320
_TRIES = 3  # images tried for each one shown, where only the step itself tells what is hard
_WORTH_PROCESSES = 16


@dataclass(frozen=True)
class Look:
    """One image to be taken through a chain; `step` is the one to be shown, empty for all at once, * for each."""

    source: Source
    chain: Chain
    facts: Row
    step: str


@dataclass
class Seen:
    """Pictures before and after as WebP by step, and what the steps said."""

    pictures: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    doubt: dict[str, float] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)


def preview(
    ws: Workspace, parameters: CurateParameters, step: str, item: str, count: int, context: JobContext
) -> dict[str, Any]:
    """Write pictures into the job's folder and name them: `count` hardest images, or each step of one `item`.

    Raises LabError where the images have not been looked at yet, or step or item are not there.
    """
    context.progress(0.0, "Choosing images")
    about = {one["item"]: one for one in ws.catalogue_items(parameters.catalogue)}
    rows = [row for row in read_analysis(ws, parameters.catalogue) if not row["reason"].startswith(UNREADABLE)]
    if not rows:
        raise LabError("The images have not been looked at yet.", "", "Wait until the first ones are analysed.")
    spec = _spec(step) if step else None
    if item:
        chosen, spec = [row for row in rows if row["item"] == item], None
        if not chosen:
            raise LabError(f"There is no image “{item[:40]}” to show.", "", "Reload the page.")
    else:
        chosen = _hardest(ws, rows, parameters, spec, count, about)
    chain = _chain(parameters, chosen, spec, about)
    sources = ws.sources(parameters.catalogue)
    looks = [Look(sources[row["item"]], chain, row, "*" if item else step) for row in chosen]
    seen: list[tuple[Row, Seen]] = []
    with Pool(None if len(looks) >= _WORTH_PROCESSES else 1) as pool:
        for index, outcome in pool.map(look, looks, context.pause_point):
            if isinstance(outcome, Seen):
                seen.append((chosen[index], outcome))
            context.progress((index + 1) / len(looks), f"Trying image {index + 1} of {len(looks)}")
    if not seen:
        raise LabError("None of these images could be read.", "", "Are the originals still where they were?")
    if spec is not None and spec.measured:
        seen.sort(key=lambda one: -one[1].doubt.get(step, 0.0))
    return {"step": step, "item": item, "rows": _write(seen[: 1 if item else count], context)}


def look(task: Look, read: Read) -> Seen:
    """Take one image through the chain and keep pictures of it; run in a worker process."""
    picture = read(task.source, max(LEAST_SIDE, 2 * _size(task.chain)))
    work = Work(picture.pixels, picture.bits, task.facts)
    scale = _percentiles(picture.pixels)
    seen = Seen(doubt=work.doubt, said=work.said)
    if not task.step:
        before = thumbnail(picture.pixels, SHOWN_SIDE)
        seen.pictures[WHOLE] = before, encode_webp(shown(chains.run(work, task.chain), None))
        return seen
    for name, options in task.chain:
        spec, wanted = chains.specs()[name], task.step in (name, "*")
        before = encode_webp(shown(work, None if spec.greys else scale)) if wanted else b""
        chains.run(work, [(name, options)])
        if wanted:
            seen.pictures[name] = before, encode_webp(shown(work, None if spec.greys else scale))
        if name == task.step:
            break
    return seen


def shown(work: Work, scale: tuple[float, float] | None) -> npt.NDArray[np.uint8]:
    """The picture as it is now, longest side at most 320, on a grey scale or (None) on that of the set."""
    pixels = work.pixels
    low, high = scale or (0.0, float(np.iinfo(pixels.dtype).max) if "intensity" in work.done else work.white)
    size = fit_inside(pixels.shape[0], pixels.shape[1], min(SHOWN_SIDE, max(pixels.shape[:2])))
    mask = None if work.mask is None else np.ascontiguousarray(work.mask)
    small = resize(np.asarray(pixels, dtype=np.float32), size, mask=mask, fill=work.fill)
    return np.clip((small - low) * (255.0 / (high - low)), 0.0, 255.0).astype(np.uint8)


def _percentiles(pixels: npt.NDArray[Any]) -> tuple[float, float]:
    """The grey scale on which an original is looked at: from its 0.5 % to its 99.5 %."""
    step = max(1, max(pixels.shape[:2]) // 512)
    low, high = (float(value) for value in np.percentile(pixels[::step, ::step], [0.5, 99.5]))
    return (low, high) if high > low else (low, low + 1.0)


def _spec(step: str) -> StepSpec:
    known = chains.specs()
    if step not in known:
        raise LabError(f"There is no step “{step[:40]}”.", f"There are: {', '.join(sorted(known))}.", "Check the name.")
    return known[step]


def _hardest(
    ws: Workspace,
    rows: list[dict[str, str]],
    parameters: CurateParameters,
    spec: StepSpec | None,
    count: int,
    about: Mapping[str, dict[str, str]],
) -> list[dict[str, str]]:
    """The images to try, hardest first, among those that would be kept (all, if none would be)."""
    verdicts = decisions.current(ws.folder("catalogues", parameters.catalogue))
    kept = {row["item"] for row in choose(rows, parameters, verdicts, about) if row["kept"]}
    able = [row for row in rows if row["item"] in kept] or rows
    if spec is not None and spec.measured and spec.greys:
        # Outlines tell nothing about greys: a sample spread over all.
        tries = min(_TRIES * count, len(able))
        return [able[number * len(able) // tries] for number in range(tries)]
    able.sort(key=doubtful_first if spec is None else spec.hardness, reverse=True)
    return able[: count * (_TRIES if spec is not None and spec.measured else 1)]


def _chain(
    parameters: CurateParameters, rows: list[dict[str, str]], spec: StepSpec | None, about: Mapping[str, dict[str, str]]
) -> Chain:
    """The chain of the set, with the step to be shown switched on if it is not."""
    changes: dict[str, Any] = {}
    if spec is not None and spec.name in ("crop", "background"):
        changes = {"crop": True, "mask_background": parameters.mask_background or spec.name == "background"}
    elif spec is not None and spec.name == "flip":
        changes = {"flip": True}
    elif spec is not None and not spec.built_in and spec.name not in parameters.steps:
        changes = {"steps": {**parameters.steps, spec.name: {}}}
    if changes:
        parameters = CurateParameters.model_validate({**parameters.model_dump(), **changes})
    colour = any(row.get("colour") == "1" for row in rows)
    channels = {"auto": 3 if colour else 1, "grey": 1, "rgb": 3}[parameters.channels]
    deep = any(int(about.get(row["item"], {}).get("bits") or 8) > 8 for row in rows)
    return chains.plan(parameters, channels, deep)


def _size(chain: Chain) -> int:
    return int(dict(chain)["resize"].model_dump()["size"])


def _write(seen: list[tuple[Row, Seen]], context: JobContext) -> list[dict[str, str]]:
    """Write the pictures into `preview/` of the job's folder and describe them, file names relative to the job's."""
    (context.folder / "preview").mkdir(exist_ok=True)
    rows = []
    for facts, one in seen:
        for name, pictures in one.pictures.items():
            names = [f"preview/{facts['item']}-{name}-{when}.webp" for when in ("before", "after")]
            for path, picture in zip(names, pictures, strict=True):
                files.write_bytes(context.folder / path, picture)
            words = [f"shape confidence {float(facts['shape_confidence']):.2f}", facts["reason"]]
            words += [one.said[name]] if name in one.said else list(one.said.values()) if name == WHOLE else []
            title = "All steps" if name == WHOLE else chains.specs()[name].title
            note = "; ".join(word for word in words if word)
            row = {"item": facts["item"], "step": name, "title": title, "note": note}
            rows.append({**row, "before": names[0], "after": names[1]})
    return rows
