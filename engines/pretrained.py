"""Reads pretrained weights into networks: tensors only, and each must fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from engines import weights
from engines.errors import LabError


def read_state(name: str, folder: Path | None) -> tuple[dict[str, Any], weights.Found]:
    """The tensors of the weights called `name`, read without running anything in the file, and which file it was.

    Raises LabError if there is none (see weights.find), or if it is not a table of tensors.
    """
    found = weights.find(name, folder)
    try:
        state = torch.load(found.path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict):
            raise ValueError("not a table of tensors")
    except Exception as error:  # whatever a damaged or hostile file makes the reader raise
        raise unfit(found.path, "It does not hold a plain table of tensors.") from error
    return state, found


def fill(network: nn.Module, state: dict[str, Any], found: weights.Found) -> None:
    """Put the tensors into the network. Raises LabError unless each is there and fits."""
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise unfit(found.path, "Its tensors are not those of this network.") from error


def unfit(path: Path, why: str) -> LabError:
    """What to say of a weights file that is not what its name promises."""
    return LabError(f"The weights file {path.name} cannot be used.", why, "Replace it by the published file.")
