"""The lab's own classifier: features that know the lab's own images, usable without pretrained weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from engines import device, weights
from engines.errors import LabError
from engines.extractors.base import Array, Extractor, ExtractorSpec, Pixels
from engines.extractors.in_house_file import Provenance, read
from engines.extractors.networks import run_exactly
from engines.extractors.small_network import up_to_last
from engines.resize import resize_batch


def _unit(stored: torch.Tensor, top: int) -> torch.Tensor:
    """Stored pixels in [0, top] as the network learned them, in [0, 1]."""
    return (stored / top).contiguous(memory_format=torch.channels_last)


def load(folder: Path | None) -> Extractor:
    found = weights.find(weights.IN_HOUSE, folder)
    network, architecture, provenance = read(found.path)
    place = device.find().torch
    part = up_to_last(network).eval().requires_grad_(False).to(place).to(memory_format=torch.channels_last)

    def describe(images: Pixels) -> Array:
        if images.shape[-1] != architecture.channels:
            raise LabError(
                "The in-house classifier does not fit these images.",
                f"It learned images of {architecture.channels} channel(s), these have {images.shape[-1]}.",
                "Train it anew on a real set of the same kind, or choose other features.",
            )
        return run_exactly(part, _unit, place, resize_batch(np.asarray(images), architecture.side))

    return Extractor(
        f"in_house-v1-{found.sha256[:16]}-fp32",
        f"in-house, trained on {provenance.name} ({found.sha256[:8]})",
        architecture.hidden,
        describe,
        warnings=tuple(_warnings(provenance)),
        about={"sha256": found.sha256, "precision": "fp32", **provenance.model_dump(mode="json")},
    )


def _warnings(provenance: Provenance) -> list[str]:
    """What every number on these features has to say."""
    known = " and ".join([", ".join(provenance.classes[:-1]), provenance.classes[-1]])
    text = (
        f"In-house features, of a small network trained on “{provenance.name}”: not comparable with values from "
        f"elsewhere, nor after another training. They see only what tells {known} apart"
    )
    auroc, learned = provenance.validation.get("auroc"), provenance.learned.get("auroc")
    if auroc is None or learned is None:
        return [f"{text}; how well they do is not known."]
    sure = f"AUROC {auroc.value:.2f}, {auroc.low:.2f} to {auroc.high:.2f}, on {provenance.images_validation:,} others"
    found = [f"{text}, and may not even see that ({sure})." if auroc.low <= 0.5 else f"{text} ({sure})."]
    if learned > auroc.high:
        found.append(
            f"The network knows the images it learned from by heart (AUROC {learned:.2f} against {auroc.value:.2f} on "
            "others): measured against these, any new image looks further off than it is. Train it with fewer epochs."
        )
    return found


EXTRACTOR = ExtractorSpec(
    name=weights.IN_HOUSE,
    title="In-house classifier",
    summary="A small network trained in this workspace to tell the classes of your own real images apart. It notices "
    "what photographs never taught the others, and nothing that the classes share.",
    source="LeCun et al., Proc. IEEE 1998; the small CNN of the Classify tab, its last hidden layer",
    dim=64,
    load=load,
    weights=(weights.IN_HOUSE,),
    mixed_units=True,  # every training ends with scales of its own
    learned_here=True,
)
