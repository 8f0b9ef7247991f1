"""The workspace: one folder that holds the whole lab as plain files."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from engines import files
from engines.errors import LabError
from engines.records import (
    FORMAT_VERSION,
    KINDS,
    RECORD_FILE,
    RECORDS,
    CatalogueRecord,
    ImageSetRecord,
    JobRecord,
    Kind,
    Record,
    RunRecord,
    Source,
    WorkspaceRecord,
    now,
)

ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


def slug(text: str) -> str:
    """A file-system safe form of a name: lower-case ASCII letters, digits and hyphens, at most 40."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "unnamed"


class Workspace:
    """Names, finds and reads everything in a workspace folder; writing goes through engines.files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(cls, path: Path | str, create: bool = True) -> Workspace:
        """Open a workspace; with `create`, make it in an empty or missing folder. Raises LabError otherwise."""
        folder = Path(path).expanduser().resolve()
        record = folder / "workspace.json"
        if not record.exists():
            if not create:
                raise LabError(
                    "There is no workspace here.", f"“{folder.name}” holds no workspace.json.", "Check --workspace."
                )
            if folder.exists() and any(p for p in folder.iterdir() if not p.name.startswith(".")):
                raise LabError(
                    "This folder cannot become a workspace.",
                    f"“{folder.name}” already holds other files.",
                    "Choose an empty or a new folder for the workspace.",
                )
            folder.mkdir(parents=True, exist_ok=True)
            files.write_json(record, WorkspaceRecord(id=slug(folder.name), name=folder.name).model_dump())
        workspace = cls(folder)
        if (version := workspace.about.format_version) > FORMAT_VERSION:
            raise LabError(
                "This workspace was made by a newer Phantom Lab.",
                f"Its format is {version}; this program reads up to {FORMAT_VERSION}.",
                "Update Phantom Lab, or open another workspace.",
            )
        for kind in KINDS:
            (folder / kind).mkdir(exist_ok=True)
        return workspace

    @property
    def about(self) -> WorkspaceRecord:
        return WorkspaceRecord.model_validate(files.read_json(self.path / "workspace.json"))

    @property
    def weights(self) -> Path:
        """Where pretrained weights may be put (engines/weights.py); the folder may be missing."""
        return self.path / "weights"

    def folder(self, kind: Kind, id: str) -> Path:
        """The folder of a thing, which need not exist. Raises LabError for an id that is not of our form."""
        if not ID_PATTERN.fullmatch(id):
            raise LabError(f"“{id[:80]}” is not a valid id.", "", "Ids hold lower-case letters, digits and hyphens.")
        return self.path / kind / id

    def new_id(self, kind: Kind, name: str) -> str:
        """A free id for a new thing: slug and date, with a number behind it if that is taken."""
        base = f"{slug(name)}-{datetime.now():%Y%m%d}"
        taken = {path.name for path in (self.path / kind).iterdir()}
        candidates = (base if n == 1 else f"{base}-{n}" for n in range(1, len(taken) + 2))
        return next(id for id in candidates if id not in taken)

    def ids(self, kind: Kind) -> list[str]:
        """Ids of a kind, oldest folder first; unfinished folders are left out."""
        found = [path for path in (self.path / kind).iterdir() if ID_PATTERN.fullmatch(path.name) and path.is_dir()]
        return [path.name for path in sorted(found, key=lambda path: (path.stat().st_ctime, path.name))]

    def record(self, kind: Kind, id: str) -> Any:
        """The record of a thing, as the model of its kind. Raises LabError if missing or damaged."""
        path = self.folder(kind, id) / RECORD_FILE.get(kind, "record.json")
        model = JobRecord if kind == "jobs" else RECORDS[kind]
        try:
            return model.model_validate(files.read_json(path))
        except FileNotFoundError as error:
            raise LabError(
                f"There is no “{id}” among the {kind.replace('_', ' ')}.", "", "Check the name with `phantom-lab list`."
            ) from error
        except ValueError as error:
            raise LabError(
                f"The record of “{id}” is damaged.", str(error)[:200], "Restore it from a backup, or remove its folder."
            ) from error

    def records(self, kind: Kind) -> list[Any]:
        """All readable records of a kind, oldest first; a damaged one never hides the others."""
        return list(self._readable(kind))

    def _readable(self, kind: Kind) -> Iterator[Any]:
        for id in self.ids(kind):
            try:
                yield self.record(kind, id)
            except LabError:
                continue

    def save(self, kind: Kind, record: Record, folder: Path | None = None) -> None:
        """Write a record into its folder, or into `folder` while that is still being filled."""
        target = folder or self.folder(kind, record.id)
        target.mkdir(parents=True, exist_ok=True)
        files.write_json(target / RECORD_FILE.get(kind, "record.json"), record.model_dump(mode="json"))

    def job_folder(self, id: str) -> Path:
        """The folder of a job: a training is its run, every other job has a folder of its own."""
        run = self.folder("runs", id)
        return run if run.exists() else self.folder("jobs", id)

    def catalogue(self, id: str) -> CatalogueRecord:
        record: CatalogueRecord = self.record("catalogues", id)
        return record

    def run(self, id: str) -> RunRecord:
        record: RunRecord = self.record("runs", id)
        return record

    def catalogue_items(self, id: str) -> list[dict[str, str]]:
        return files.read_csv(self.folder("catalogues", id) / "items.csv")

    def sources(self, id: str) -> dict[str, Source]:
        """Item to its original. Paths can hold identities: they never leave this table."""
        rows = files.read_csv(self.folder("catalogues", id) / "sources.csv")
        return {row["item"]: Source(Path(row["path"]), row.get("member", "")) for row in rows}

    def image_set(self, id: str) -> ImageSet:
        return ImageSet(self.folder("image_sets", id), self.record("image_sets", id))

    def audit(self, who: str, what: str, **about: Any) -> None:
        """Append to audit.jsonl who did what; ids only, no names of patients or files."""
        files.append_jsonl(self.path / "audit.jsonl", {"t": now(), "who": who, "what": what, **about})

    def pseudonym(self, text: str) -> str:
        """A stable stand-in for a patient's identifier, keyed by a secret that stays in this workspace."""
        return "p" + hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:10]

    @cached_property
    def _secret(self) -> bytes:
        path = self.path / "pseudonym.key"
        if not path.exists():
            files.write_text(path, secrets.token_hex(32))
            os.chmod(path, 0o600)
        return bytes.fromhex(path.read_text())


class ImageSet:
    """Pixels and their table: real or synthetic, the one currency of the lab."""

    def __init__(self, folder: Path, record: ImageSetRecord) -> None:
        self.folder, self.record = folder, record

    @cached_property
    def items(self) -> list[dict[str, str]]:
        return files.read_csv(self.folder / "items.csv")

    @cached_property
    def images(self) -> np.ndarray[Any, np.dtype[Any]]:
        """[N, H, W, C] uint8 or uint16, a read-only memory map."""
        return files.open_npy(self.folder / "images.npy")


def default_workspace() -> Path:
    """`$PHANTOM_LAB_WORKSPACE`, else the folder PhantomLab in the user's home."""
    named = os.environ.get("PHANTOM_LAB_WORKSPACE")
    return Path(named).expanduser() if named else Path.home() / "PhantomLab"
