"""The records of a workspace: what each thing is, where it came from, and what made it."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

FORMAT_VERSION = 1

Kind = Literal["catalogues", "image_sets", "runs", "evaluations", "comparisons", "studies", "exports", "jobs"]
KINDS: tuple[Kind, ...] = (
    "catalogues", "image_sets", "runs", "evaluations", "comparisons", "studies", "exports", "jobs",
)  # fmt: skip

JobState = Literal["queued", "running", "pausing", "paused", "stopping", "done", "stopped", "failed", "interrupted"]
LIVE_STATES: frozenset[str] = frozenset({"running", "pausing", "paused", "stopping"})
ENDED_STATES: frozenset[str] = frozenset({"done", "stopped", "failed", "interrupted"})


def now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that decide what a result is; read without importing them."""
    names = ("phantom-lab", "numpy", "pillow", "scikit-image", "torch", "torchvision", "pydicom")
    versions = {}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


_HARMLESS = re.compile(r"no[ _-]|non|not|normal|benign|negative|healthy|control|without|0")


def class_of_interest(classes: Sequence[str]) -> str:
    """The class that a classifier looks for, of two in alphabetical order; "" where there are not two.

    Where one of the names says that nothing is there (benign, normal, no_lesion, 0), it is the other one; else the
    second.
    """
    if len(classes) != 2:
        return ""
    harmless = [bool(_HARMLESS.match(name.lower())) for name in classes]
    return classes[0] if harmless == [False, True] else classes[1]


class Source(NamedTuple):
    """Where the pixels of an item lie; `member` names one picture inside a file that holds several."""

    path: Path
    member: str = ""


class Record(BaseModel):
    """What all records share. `parents` maps a parent's `kind/id` to its content hash at that time."""

    model_config = ConfigDict(extra="allow")

    format_version: int = FORMAT_VERSION
    id: str
    name: str
    created: str = Field(default_factory=now)
    parents: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    versions: dict[str, str] = Field(default_factory=lambda: dict(library_versions()))


class WorkspaceRecord(Record):
    settings: dict[str, Any] = {}


class CatalogueRecord(Record):
    """Source images where they lie. `warnings` are sentences that the page shows."""

    layout: str
    items: int
    origin: Literal["real", "synthetic"] = "real"
    classes: dict[str, int] = {}
    patients: int = 0
    rejected: int = 0
    source: str = ""  # a public name such as "mini-MIAS"; never a path
    content_sha256: str = ""
    warnings: list[str] = []


class ImageSetRecord(Record):
    """Pixels of one size and kind, real or synthetic."""

    origin: Literal["real", "synthetic"]
    phantoms: bool = False  # drawn images in the place of real ones
    items: int
    width: int
    height: int
    channels: int
    dtype: Literal["uint8", "uint16"]
    classes: dict[str, int] = {}
    patients: int = 0
    kept: int = 0
    rejected: int = 0
    resizer: str = ""
    steps: list[dict[str, Any]] = []  # name, title and options of each step, in the order in which they ran
    intensity: str = ""  # how stored values became these pixels, in words
    content_sha256: str = ""  # of images.npy
    split_counts: dict[str, dict[str, int]] = {}  # part -> class -> images; empty where no image has a part
    version: int = 1
    replaces: str = ""  # the image set that this one is a new version of
    changes: list[str] = []  # what differs from that one, in sentences
    warnings: list[str] = []  # sentences that the page shows

    @property
    def drawn_here(self) -> bool:
        """Whether a run of this workspace drew the images: then they surely show no patient's original."""
        return self.origin == "synthetic" and any(parent.startswith("runs/") for parent in self.parents)

    @property
    def kind_of_images(self) -> str:
        """What the images are, in a word for lists."""
        return "phantom" if self.phantoms else self.origin


class RunRecord(Record):
    """One training; the job's own state is in job.json beside it."""

    method: str
    preset: str = ""
    image_set: str
    options: dict[str, Any] = {}
    seed: int = 0
    budget: dict[str, float] = {}  # one of images, epochs, minutes
    width: int = 0
    height: int = 0
    channels: int = 0
    set_items: int = 0  # images of the training set: an epoch
    part: str = ""  # the part of a divided set that was learned from; all of it if empty
    starred: list[int] = []  # images_seen of checkpoints to keep


class EvaluationRecord(Record):
    """Numbers of a synthetic set, or of a run at its checkpoints, against real images.

    `not_measured` has name, title, what, why and advice of each metric that could not be computed.
    """

    real: str
    synthetic: str
    held_out: str = ""
    extractor: str = ""
    resizer: str = ""
    metrics: list[dict[str, Any]] = []
    not_measured: list[dict[str, str]] = []
    warnings: list[str] = []


class ComparisonRecord(Record):
    """Classifiers trained on several training sets (arms), all asked about the same test images.

    `arms` has name, title, protocol, source, tested and counts of each; `rows` one line for each classifier, arm and
    seed, whose probabilities are in cells/<row>.npz; `summary` one line for each classifier and arm, with intervals and
    what it differs by from the real-only arm; `overall` one for each arm, the mean over the classifiers of what they
    differ by. `guards` says what could make the result untrue.
    """

    real: str
    synthetic: list[str] = []
    test: str = ""
    classes: list[str] = []
    positive: str = ""
    seeds: int = 1
    train_varies: bool = True
    classifiers: list[dict[str, Any]] = []
    arms: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    summary: list[dict[str, Any]] = []
    overall: list[dict[str, Any]] = []
    guards: list[dict[str, Any]] = []
    leaks: list[dict[str, str]] = []
    tuned: list[dict[str, Any]] = []
    not_done: list[dict[str, str]] = []
    cells: int = 0  # how many were asked for; fewer rows if the comparison was stopped
    warnings: list[str] = []

    @property
    def is_whole(self) -> bool:
        """Whether every training that was asked for is there, or cannot be done: nothing is left to go on with."""
        refused = {(one["classifier"], one["arm"]) for one in self.not_done}
        trained = sum((row["classifier"], row["arm"]) not in refused for row in self.rows)
        return trained + len(refused) * self.seeds >= self.cells


class ExportRecord(Record):
    image_set: str
    format: str
    files: int
    path: str = ""


class JobRecord(BaseModel):
    """job.json: one long work and where it stands. `error` holds what, why and advice."""

    model_config = ConfigDict(extra="allow")

    format_version: int = FORMAT_VERSION
    id: str
    kind: str
    title: str = ""
    parameters: dict[str, Any] = {}
    state: JobState = "queued"
    progress: float = 0.0
    message: str = ""
    eta_s: float | None = None
    pid: int | None = None
    pid_started: float | None = None
    heartbeat: float | None = None
    created: str = Field(default_factory=now)
    started: str | None = None
    ended: str | None = None
    client_key: str = ""
    result: dict[str, Any] | None = None
    error: dict[str, str] | None = None


RECORDS: dict[str, type[Record]] = {
    "catalogues": CatalogueRecord,
    "image_sets": ImageSetRecord,
    "runs": RunRecord,
    "evaluations": EvaluationRecord,
    "comparisons": ComparisonRecord,
    "studies": Record,
    "exports": ExportRecord,
}
RECORD_FILE: dict[str, str] = {"runs": "run.json", "jobs": "job.json"}  # record.json for the other kinds
