"""The pixels of an image set: originals are read again, cut, turned, scaled and written one after the other."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines import files, growing
from engines.curation.analysis import UNREADABLE
from engines.curation.canonical import Stored
from engines.curation.chain import Chain, run
from engines.curation.inspection import encode_webp, window
from engines.curation.parameters import CurateParameters
from engines.curation.pool import Pool, Read
from engines.curation.steps.base import Work
from engines.errors import explain
from engines.jobs.context import JobContext
from engines.records import Source


@dataclass(frozen=True)
class Order:
    """What is to be done with one original; sent to a worker process. `facts` is its row of the analysis."""

    source: Source
    chain: Chain
    facts: dict[str, str]


@dataclass(frozen=True)
class Made:
    """One canonical picture (size,size,C), its thumbnail as WebP, the bit depth it came from, and what steps noted."""

    pixels: Stored
    thumbnail: bytes
    bits: int
    flags: tuple[str, ...] = ()


def make_picture(order: Order, read: Read) -> Made:
    """Read one original and take it through the steps. Raises LabError for a file that cannot be read."""
    picture = read(order.source)
    work = run(Work(picture.pixels, picture.bits, order.facts), order.chain)
    thumbnail = encode_webp(window(work.pixels.astype(np.float32)))
    return Made(work.pixels, thumbnail, picture.bits, tuple(work.flags))


def intensity_in_words(depths: Counter[int], deep: bool, parameters: CurateParameters) -> str:
    """Say how stored values became the values of the set, for the record."""
    top = 65535 if deep else 255
    if parameters.contrast == "percentile per image":
        return f"percentile per image: each picture's 0.5 % to 99.5 % stretched to 0..{top}"
    maps = [
        f"{bits}-bit values unchanged" if 2**bits - 1 == top else f"{bits}-bit values × {top}/{2**bits - 1}"
        for bits in sorted(depths)
    ]
    return "as stored: " + ", ".join(maps)


def fill(
    folder: Path,
    kept: list[dict[str, Any]],
    orders: list[Order],
    shape: tuple[int, int, int],
    dtype: str,
    context: JobContext,
    begun: float,
) -> tuple[list[dict[str, Any]], Counter[int]]:
    """Write images.npy and thumbnails; rows that cannot be read are marked as not kept and left out."""
    images = files.create_npy(folder / "images.npy", (len(orders), *shape), dtype)
    written: list[dict[str, Any]] = []
    depths: Counter[int] = Counter()
    started = time.monotonic()
    with Pool() as pool:
        for index, made in pool.map(make_picture, orders, context.pause_point):
            row = kept[index]
            if isinstance(made, Made):
                images[len(written)] = made.pixels
                growing.write_unsynced(folder / "thumbnails" / f"{row['item']}.webp", made.thumbnail)
                row["flags"] = "; ".join(flag for flag in (row.get("flags", ""), *made.flags) if flag)
                written.append(row)
                depths[made.bits] += 1
            else:
                row["kept"], row["reason"] = 0, f"{UNREADABLE}: {explain(made).what}"
            done = (index + 1) / len(orders)
            eta_s = (time.monotonic() - started) * (1 - done) / done
            context.progress(begun + (1 - begun) * done, f"Making picture {index + 1} of {len(orders)}", eta_s)
    images.flush()
    del images
    if 0 < len(written) < len(orders):
        _shorten(folder, len(written))
    return written, depths


def _shorten(folder: Path, count: int) -> None:
    """Replace images.npy by one that holds its first `count` pictures only, inside a folder that is not yet public."""
    images = files.open_npy(folder / "images.npy")
    shorter = files.create_npy(folder / "shorter.npy", (count, *images.shape[1:]), images.dtype)
    for start in range(0, count, 256):
        shorter[start : min(start + 256, count)] = images[start : min(start + 256, count)]
    shorter.flush()
    del shorter, images
    (folder / "shorter.npy").replace(folder / "images.npy")
