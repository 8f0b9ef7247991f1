"""From a folder to the tables of a catalogue: choose the layout, walk through, read the headers, hash the contents.

Everything streams: a row is written as soon as its header is read, so that a catalogue may be larger than memory.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from engines import files, registry
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.layouts.base import OTHER_PICTURES, PICTURES, Item, LayoutSpec, Looked, Note, Rejection
from engines.readers.base import Header
from engines.readers.sandbox import Sandbox
from engines.records import Source
from engines.workspace import Workspace

AUTO = "auto"
SCAN_SHARE, HEADER_SHARE = 0.05, 0.4  # of the progress bar; the analysis fills the rest
COLUMNS = (
    "item", "label", "patient", "side", "view", "split", "width", "height", "bits", "channels", "content",
)  # fmt: skip
SOURCE_COLUMNS = ("item", "path", "member")
REJECTED_COLUMNS = ("file", "reason", "advice")
REJECTED_SOURCE_COLUMNS = ("file", "path")  # of rejected_sources.csv, which like sources.csv never leaves
MOST_TOLD = 500  # refusals in a job's result; rejected.csv holds all
CONTENT_DIGITS = 16  # of a file's SHA-256: enough to tell millions of files apart
_LOOK_EVERY = 16  # headers read between two looks at what was asked
_LIST_EVERY = 200  # found files between two signs of life
# What a header's facts are called in the catalogue.
_FACTS = {
    "PresentationIntentType": "intent", "Modality": "modality", "BurnedInAnnotation": "burned_in",
    "PatientOrientation": "orientation", "BreastImplantPresent": "implant",
}  # fmt: skip


@dataclass
class Refusals:
    """What was left out: the first ones in words, and how often each reason came."""

    count: int = 0
    told: list[dict[str, str]] = field(default_factory=list)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, rejection: Rejection) -> dict[str, str]:
        """Count a refusal; gives its row of rejected.csv, which calls the file by a number: names can be patients'."""
        self.count += 1
        suffix = rejection.path.suffix.lower()
        row = {
            "file": f"r{self.count:06d}{suffix if suffix in PICTURES | OTHER_PICTURES else ''}",
            "reason": rejection.reason,
            "advice": rejection.advice,
        }
        if len(self.reasons) < MOST_TOLD or (row["reason"], row["advice"]) in self.reasons:
            self.reasons[row["reason"], row["advice"]] += 1
        if len(self.told) < MOST_TOLD:
            self.told.append(row)
        return row


@dataclass
class Tally:
    """What a catalogue's record says of its rows, counted as they come."""

    items: int = 0
    copies: int = 0  # files with the same bytes as an earlier one
    burned_in: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    patients: set[str] = field(default_factory=set)
    intents: set[str] = field(default_factory=set)
    _contents: set[int] = field(default_factory=set)
    _digest: Any = field(default_factory=hashlib.sha256)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row of items.csv."""
        self.items += 1
        self._digest.update(f"{row['item']} {row['content']}\n".encode())
        self.classes[row["label"]] += 1
        self.burned_in += row.get("burned_in") == "YES"
        self.patients |= {row["patient"]} - {""}
        self.intents |= {row.get("intent", "")} - {""}
        if row["content"]:
            content = int(row["content"], 16)
            self.copies += content in self._contents
            self._contents.add(content)

    @property
    def content_sha256(self) -> str:
        """A hash of which files the catalogue holds, in their order."""
        return str(self._digest.hexdigest())

    @classmethod
    def of(cls, table: Path) -> Tally:
        """The same of a table that is there."""
        tally = cls()
        for row in files.iter_csv(table):
            tally.add(row)
        return tally


@dataclass
class Gathered:
    """What the tables of a new catalogue hold besides their rows."""

    tally: Tally = field(default_factory=Tally)
    refusals: Refusals = field(default_factory=Refusals)
    notes: list[str] = field(default_factory=list)


def choose_layout(folder: Path, name: str) -> LayoutSpec:
    """The layout of that name, or with `auto` the one that is surest. Raises LabError where none fits."""
    layouts: dict[str, LayoutSpec] = registry.load("layouts")
    if name != AUTO:
        if name not in layouts:
            raise LabError(
                f"There is no layout “{name[:40]}”.", f"There are {', '.join(sorted(layouts))}.", "Choose one, or auto."
            )
        return layouts[name]
    sure = {spec.name: _sureness(spec, folder) for spec in layouts.values()}
    best = max(sure, key=lambda name: sure[name])
    if sure[best] <= 0:
        raise nothing(Refusals())
    return layouts[best]


def _sureness(layout: LayoutSpec, folder: Path) -> float:
    try:
        return layout.detect(folder)
    except Exception:  # files come and go while it looks, and a lab's own layout may fail in any way
        return 0.0


def gather(
    layout: LayoutSpec, folder: Path, total: int, home: Path, workspace: Workspace, context: JobContext
) -> Gathered:
    """Write items.csv, sources.csv and rejected.csv into `home`. Raises LabError where no picture is left.

    `total` is what count_pictures found.
    """
    gathered, started = Gathered(), time.monotonic()
    with ExitStack() as stack:
        items, sources, refused, refused_sources = (
            stack.enter_context(files.new_table(home / f"{name}.csv", columns))
            for name, columns in (
                ("items", COLUMNS), ("sources", SOURCE_COLUMNS),
                ("rejected", REJECTED_COLUMNS), ("rejected_sources", REJECTED_SOURCE_COLUMNS),
            )
        )  # fmt: skip

        def reject(rejection: Rejection) -> None:
            row = gathered.refusals.add(rejection)
            refused(row)
            refused_sources({"file": row["file"], "path": written(rejection.path)})

        sandbox = stack.enter_context(Sandbox())
        hashers = ThreadPoolExecutor(2)
        stack.callback(hashers.shutdown, cancel_futures=True)
        pending: deque[tuple[Item, Future[str]]] = deque()
        found = _found(layout, folder, gathered, reject, hashers, pending, context)
        for number, header in enumerate(sandbox.probe_many(found), start=1):
            if number % _LOOK_EVERY == 1:
                context.pause_point()
            item, content = pending.popleft()
            if isinstance(header, LabError):
                reason = f"{header.what} {header.why}".strip()
                reject(Rejection(_named(item), reason, header.advice))
            else:
                row = _row(gathered.tally.items + 1, item, header, content.result(), workspace)
                gathered.tally.add(row)
                items(row)
                sources({"item": row["item"], "path": str(item.path), "member": item.member})
            eta_s = (time.monotonic() - started) * max(0, total - number) / number
            share = min(1.0, number / max(1, total))
            message = f"Reading header {number:,} of {max(total, number):,}"
            context.progress(SCAN_SHARE + (HEADER_SHARE - SCAN_SHARE) * share, message, eta_s)
        if not gathered.tally.items:
            raise nothing(gathered.refusals)
    return gathered


def count_pictures(layout: LayoutSpec, folder: Path, context: JobContext) -> int:
    """How many pictures there are. Walking twice is cheap, and needs no room for what the first walk found."""
    count = 0
    for number, thing in enumerate(layout.scan(folder), start=1):
        count += isinstance(thing, Item)
        if number % _LIST_EVERY == 0 or isinstance(thing, Looked):
            context.pause_point()
            seen = max(number, thing.count) if isinstance(thing, Looked) else number
            message = f"Found {count:,} pictures" if count else f"Looked at {seen:,} files"
            context.progress(SCAN_SHARE * number / (number + 5000), message)
    return count


def _found(
    layout: LayoutSpec,
    folder: Path,
    gathered: Gathered,
    reject: Callable[[Rejection], None],
    hashers: ThreadPoolExecutor,
    pending: deque[tuple[Item, Future[str]]],
    context: JobContext,
) -> Iterator[Source]:
    """The pictures for the sandbox, which reads a few ahead; what waits for its header stands in `pending`."""
    for thing in layout.scan(folder):
        if isinstance(thing, Looked):
            context.pause_point()
        elif isinstance(thing, Note):
            gathered.notes.append(thing.text)
        elif isinstance(thing, Rejection):
            reject(thing)
        elif not _is_text(thing.path):
            reason = "This file's name is not valid text."
            reject(Rejection(thing.path, reason, "Rename it, then add the folder again."))
        else:
            pending.append((thing, hashers.submit(_content, thing)))
            yield Source(thing.path, thing.member)


def written(path: Path) -> str:
    """A path as text; on Linux a name may hold bytes that are none."""
    return str(path).encode(errors="replace").decode()


def _named(item: Item) -> Path:
    """The path that a refusal names: for a picture inside a file with its name there."""
    return item.path.with_name(f"{item.path.name} [{item.member}]") if item.member else item.path


def _content(item: Item) -> str:
    """A short hash of a picture's file; a file that vanished meanwhile has none, and the analysis says so."""
    try:
        if not item.member:
            return files.sha256_file(item.path)[:CONTENT_DIGITS]
        whole = _of_many(item.path, item.path.stat().st_mtime_ns)
        return hashlib.sha256(f"{whole} {item.member}".encode()).hexdigest()[:CONTENT_DIGITS]
    except OSError:
        return ""


@lru_cache(maxsize=4)
def _of_many(path: Path, _changed_ns: int) -> str:
    return files.sha256_file(path)


def _row(number: int, item: Item, header: Header, content: str, workspace: Workspace) -> dict[str, Any]:
    """A row of items.csv. The layout knows more of a published collection than its headers do."""
    facts = header.tags
    side = str(facts.get("ImageLaterality") or facts.get("Laterality", ""))[:1].upper()
    extra = dict(item.extra)
    if item.side and side in ("L", "R") and side != item.side:
        extra["mark"] = "; ".join([*filter(None, [extra.get("mark")]), f"the header says side {side}"])
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
        "content": content,
        **known,
        **extra,
    }


def nothing(refusals: Refusals) -> LabError:
    if not refusals.count:
        return LabError(
            "There is no picture in this folder.", "PNG, JPEG, TIFF, PGM, NPY, HDF5 and DICOM files are read.",
            "Choose the folder that holds the pictures, or one above it.",
        )  # fmt: skip
    (reason, advice), count = refusals.reasons.most_common(1)[0]
    return LabError(f"None of the {refusals.count} files can be read.", f"{count} times: {reason}", advice)


def _is_text(path: Path) -> bool:
    """Whether a path can be written down; on Linux a name may hold bytes that are no text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
