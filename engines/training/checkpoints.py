"""Checkpoints of a run: each a folder that appears whole, is verified when read, and can run no code.

`checkpoints/<images seen, 8 digits>/` holds ema.safetensors (to sample from), state.safetensors (to go on from),
state.json (counters, options, choices, versions) and sha256, which is written last.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from engines import files
from engines.errors import LabError
from engines.records import library_versions, now
from engines.training.state import TrainState

FOLDER = "checkpoints"
FILES = ("ema.safetensors", "state.safetensors", "state.json")
DIGITS = 8


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was found; `about` is its state.json."""

    folder: Path
    images_seen: int

    @property
    def about(self) -> dict[str, Any]:
        about: dict[str, Any] = files.read_json(self.folder / "state.json")
        return about

    @property
    def sha256(self) -> str:
        """A hash of the whole checkpoint, for the records of what is made from it."""
        return files.sha256_file(self.folder / "sha256")

    def average(self) -> dict[str, Tensor]:
        return _read_tensors(self.folder / "ema.safetensors")

    def weights(self) -> dict[str, Tensor]:
        """Weights and optimisers by name, as they were trained."""
        return _read_tensors(self.folder / "state.safetensors")


def found(run_folder: Path) -> list[Checkpoint]:
    """All checkpoints, oldest first, without looking inside."""
    folder = run_folder / FOLDER
    if not folder.is_dir():
        return []
    names = sorted(path.name for path in folder.iterdir() if path.name.isdecimal() and path.is_dir())
    return [Checkpoint(folder / name, int(name)) for name in names]


def is_valid(checkpoint: Checkpoint) -> bool:
    """Whether every file is there and has the hash that was noted when it was written."""
    try:
        noted = (checkpoint.folder / "sha256").read_text()
        return noted == _hashes(checkpoint.folder)
    except (OSError, ValueError):
        return False


def newest_valid(run_folder: Path) -> tuple[Checkpoint | None, list[Checkpoint]]:
    """The newest checkpoint that is whole, and the damaged ones that were passed over on the way."""
    damaged: list[Checkpoint] = []
    for checkpoint in reversed(found(run_folder)):
        if is_valid(checkpoint):
            return checkpoint, damaged
        damaged.append(checkpoint)
    return None, damaged


def choose(run_folder: Path, wish: str) -> Checkpoint:
    """The checkpoint of that name: `latest`, or a count of images seen. Raises LabError."""
    if wish == "latest":
        checkpoint, _ = newest_valid(run_folder)
        if checkpoint is None:
            raise LabError(
                "This run has no checkpoint to generate from.",
                "It was stopped before the first one, or all are damaged.",
                "Resume the run, and press Checkpoint now.",
            )
        return checkpoint
    known = {checkpoint.images_seen: checkpoint for checkpoint in found(run_folder)}
    chosen = known.get(int(wish)) if wish.isdecimal() else None
    if chosen is None:
        raise LabError(
            f"There is no checkpoint “{wish[:20]}”.",
            f"This run has: {', '.join(str(images) for images in known) or 'none'}.",
            "Choose one of these, or “latest”.",
        )
    if not is_valid(chosen):
        raise LabError(f"Checkpoint {wish} is damaged.", "A file does not match its hash.", "Choose another one.")
    return chosen


def save(run_folder: Path, state: TrainState, tensors: dict[str, Tensor], about: dict[str, Any]) -> Checkpoint:
    """Write the state; one that is there already is kept, since the same images seen give the same state."""
    checkpoint = Checkpoint(run_folder / FOLDER / f"{state.images_seen:0{DIGITS}d}", state.images_seen)
    if checkpoint.folder.exists():
        if is_valid(checkpoint):
            return checkpoint
        files.remove_folder(checkpoint.folder)
    average = state.average_tensors()
    files.require_space(run_folder, size_bytes(tensors) + size_bytes(average))
    with files.new_folder(checkpoint.folder) as folder:
        files.write_bytes(folder / "ema.safetensors", safetensors.torch.save(average))
        files.write_bytes(folder / "state.safetensors", safetensors.torch.save(tensors))
        versions = dict(library_versions())
        files.write_json(folder / "state.json", {**about, **state.counters(), "versions": versions, "created": now()})
        files.write_text(folder / "sha256", _hashes(folder))
    return checkpoint


def load(checkpoint: Checkpoint, state: TrainState) -> dict[str, Any]:
    """Restore a state in place; returns state.json."""
    about = checkpoint.about
    state.restore(checkpoint.weights(), checkpoint.average(), about)
    return about


def _hashes(folder: Path) -> str:
    return "".join(f"{files.sha256_file(folder / name)}  {name}\n" for name in FILES)


def _starred(run_folder: Path) -> set[int]:
    try:
        return set(files.read_json(run_folder / "run.json").get("starred", []))
    except (OSError, LabError):
        return set()


def prune(run_folder: Path, keep: int) -> None:
    """Remove old checkpoints, but for the newest `keep` whole ones, the starred ones and the milestones."""
    kept, stars = 0, _starred(run_folder)
    for checkpoint in reversed(found(run_folder)):
        # Damaged ones are left where they are: somebody may want to know what happened.
        if kept < keep:
            kept += is_valid(checkpoint) if kept else 1  # the newest has just been written
            continue
        if checkpoint.images_seen in stars or _is_milestone(checkpoint):
            continue
        files.remove_folder(checkpoint.folder)


def size_bytes(tensors: dict[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())


def _is_milestone(checkpoint: Checkpoint) -> bool:
    try:
        return bool(checkpoint.about.get("milestone"))
    except (OSError, LabError):
        return False


def _read_tensors(path: Path) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = safetensors.torch.load(path.read_bytes())
    return tensors
