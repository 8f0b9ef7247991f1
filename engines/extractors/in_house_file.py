"""The file that holds the lab's own classifier: its tensors, how it is built, and what it has learned from."""

from __future__ import annotations

import json
from pathlib import Path

import pydantic
import safetensors
import safetensors.torch
import torch
from pydantic import ConfigDict, Field
from torch import nn

from engines import files
from engines.errors import LabError
from engines.extractors.small_network import Architecture, small_network

VERSION = 1
_KEY = "phantom_lab"  # of the safetensors' metadata


class Measured(pydantic.BaseModel):
    """A measure with its 95 % interval."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)


class Provenance(pydantic.BaseModel):
    """Where an in-house classifier comes from.

    `validation` has its measures on images of patients it has not learned from, nor been chosen by; a measure that has
    no value there is missing. `learned` has the same on the images that it learned from: much more says that it knows
    them by heart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image_set: str = Field(max_length=200)
    name: str = Field(max_length=200)
    content_sha256: str = Field(max_length=64)
    classes: tuple[str, ...] = Field(min_length=2)
    images_learned: int
    images_validation: int
    validation: dict[str, Measured]
    learned: dict[str, float]
    epochs: int
    seed: int
    created: str
    versions: dict[str, str]


def write(path: Path, network: nn.Module, architecture: Architecture, provenance: Provenance) -> None:
    """Write the file, whole or not at all, in place of one that is there."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    about = {
        "format": VERSION,
        "architecture": architecture.model_dump(mode="json"),
        "provenance": provenance.model_dump(mode="json"),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(path, safetensors.torch.save(tensors, {_KEY: json.dumps(about, ensure_ascii=False)}))


def read(path: Path) -> tuple[nn.Sequential, Architecture, Provenance]:
    """The network with its weights, how it is built, and where it comes from; nothing in the file is run.

    Raises LabError if the file is damaged, or is of another kind.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()[_KEY])
            state = {name: file.get_tensor(name).float() for name in file.keys()}
        if about["format"] != VERSION:
            raise ValueError("another format")
        architecture = Architecture.model_validate(about["architecture"])
        provenance = Provenance.model_validate(about["provenance"])
        with torch.device("meta"):  # takes no memory until the tensors are there, whatever sizes the file claims
            network = small_network(architecture)
        network.load_state_dict(state, strict=True, assign=True)
        if architecture.classes != len(provenance.classes) or not all(t.isfinite().all() for t in state.values()):
            raise ValueError("not what a training makes")
    except Exception as error:  # whatever a damaged or hostile file makes the reader raise
        raise LabError(
            f"The in-house classifier's file {path.name} cannot be used.",
            "It is damaged, or was not made by this version of Phantom Lab.",
            "Train it anew: press “Train own features” on the Explore tab, under All settings.",
        ) from error
    return network, architecture, provenance
