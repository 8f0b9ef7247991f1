"""From a folder to rows of a catalogue: choose the layout, walk through, read the headers, hash the contents."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engines import files, registry
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.layouts.base import Item, LayoutSpec, Note, Rejection
from engines.readers.base import Header
from engines.readers.sandbox import Sandbox
from engines.workspace import Workspace

AUTO = "auto"
SCAN_SHARE, HEADER_SHARE = 0.05, 0.4  # of the progress bar; the analysis fills the rest
_LIST_EVERY = 200  # found files between two signs of life
# What a header's facts are called in the catalogue.
_FACTS = {"PresentationIntentType": "intent", "Modality": "modality", "BurnedInAnnotation": "burned_in"}


@dataclass
class Found:
    """What the walk through the folder gave."""

    items: list[Item] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Kept:
    """Pictures whose header was read: the catalogue's rows, their files, and a hash over all contents."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


def choose_layout(folder: Path, name: str) -> LayoutSpec:
    """The layout of that name, or with `auto` the one that is surest. Raises LabError where none fits."""
    layouts: dict[str, LayoutSpec] = registry.load("layouts")
    if name != AUTO:
        if name not in layouts:
            raise LabError(
                f"There is no layout “{name[:40]}”.", f"There are {', '.join(sorted(layouts))}.", "Choose one, or auto."
            )
        return layouts[name]
    sure = {spec.name: spec.detect(folder) for spec in layouts.values()}
    best = max(sure, key=lambda name: sure[name])
    if sure[best] <= 0:
        raise LabError(
            "There is no picture in this folder.",
            "PNG, JPEG, TIFF, PGM, NPY and DICOM files are read.",
            "Choose the folder that holds the pictures, or one above it.",
        )
    return layouts[best]


def scan(layout: LayoutSpec, folder: Path, context: JobContext) -> Found:
    found = Found()
    for number, thing in enumerate(layout.scan(folder), start=1):
        if number % _LIST_EVERY == 0:
            context.pause_point()
            context.progress(SCAN_SHARE * number / (number + 5000), f"Found {len(found.items)} pictures")
        if isinstance(thing, Note):
            found.notes.append(thing.text)
        elif isinstance(thing, Rejection):
            found.rejected.append(thing)
        elif not _is_text(thing.path):
            found.rejected.append(
                Rejection(thing.path, "This file's name is not valid text.", "Rename it, then add the folder again.")
            )
        else:
            found.items.append(thing)
    return found


def read_headers(found: Found, workspace: Workspace, context: JobContext) -> Kept:
    """Read all headers in the sandbox; refusals go to `found.rejected`."""
    kept, total, started = Kept(), len(found.items), time.monotonic()
    with Sandbox() as sandbox, ThreadPoolExecutor(2) as hashers:
        headers = sandbox.probe_many(item.path for item in found.items)
        for number, (item, header) in enumerate(zip(found.items, headers, strict=True), start=1):
            context.pause_point()
            if isinstance(header, LabError):
                reason = f"{header.what} {header.why}".strip()
                found.rejected.append(Rejection(item.path, reason, header.advice))
            else:
                kept.rows.append(_row(len(kept.rows) + 1, item, header, workspace))
                kept.paths.append(item.path)
            eta_s = (time.monotonic() - started) * (total - number) / number
            context.progress(
                SCAN_SHARE + (HEADER_SHARE / 2 - SCAN_SHARE) * number / total,
                f"Reading header {number} of {total}",
                eta_s,
            )
        for number, digest in enumerate(_hashes(hashers, kept.paths), start=1):
            context.pause_point()
            kept.digests.append(digest)
            context.progress(
                HEADER_SHARE / 2 * (1 + number / len(kept.paths)), f"Checking file {number} of {len(kept.paths)}"
            )
    return kept


def _hashes(hashers: ThreadPoolExecutor, paths: list[Path]) -> Iterator[str]:
    """Hashes of the files in order; a file that vanished meanwhile has none, and the analysis says so."""
    for start in range(0, len(paths), 64):  # in batches, so that Stop waits for few files
        yield from hashers.map(_hash, paths[start : start + 64])


def _hash(path: Path) -> str:
    try:
        return files.sha256_file(path)
    except OSError:
        return ""


def _row(number: int, item: Item, header: Header, workspace: Workspace) -> dict[str, Any]:
    """A row of items.csv. The layout knows more of a published collection than its headers do."""
    facts = header.tags
    side = str(facts.get("ImageLaterality") or facts.get("Laterality", ""))[:1].upper()
    patient = item.patient or header.patient
    known = {column: str(facts[name]) for name, column in _FACTS.items() if name in facts}
    return {
        "item": f"{number:06d}",
        "label": item.label,
        "patient": workspace.pseudonym(patient) if patient else "",
        "side": item.side or (side if side in "LR" else ""),
        "view": item.view or str(facts.get("ViewPosition", "")),
        "split": item.split,
        "width": header.width,
        "height": header.height,
        "bits": header.bits,
        "channels": header.channels,
        **known,
        **item.extra,
    }


def nothing(found: Found) -> LabError:
    if not found.rejected:
        return LabError(
            "There is no picture in this folder.", "PNG, JPEG, TIFF, PGM, NPY and DICOM files are read.",
            "Choose the folder that holds the pictures, or one above it.",
        )  # fmt: skip
    (reason, advice), count = Counter((one.reason, one.advice) for one in found.rejected).most_common(1)[0]
    return LabError(f"None of the {len(found.rejected)} files can be read.", f"{count} times: {reason}", advice)


def _is_text(path: Path) -> bool:
    """Whether a path can be written down; on Linux a name may hold bytes that are no text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
