"""What the extractors that are networks share: pixels prepared, one way to run them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engines import device, weights
from engines.extractors.base import Array, Extractor, Pixels
from engines.pretrained import fill, read_state

SIDE = 224  # what the ImageNet networks were trained on
_MEAN, _SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, in [0, 1]


def as_extractor(
    name: str,
    found: weights.Found,
    network: nn.Module,
    prepare: Callable[[torch.Tensor, int], torch.Tensor],
    dim: int,
    head: Array | None = None,
    layers: nn.Module | None = None,
) -> Extractor:
    """An extractor that runs `network` in fp32 on the device at hand.

    `prepare` takes stored pixels [B, C, H, W] and their greatest value, and gives the network's input; the network
    gives [B, dim]. `layers` is its part before an average pooling, where that is its end.
    """
    place = device.find().torch
    # Channels last: the same maths, about 1.6 times as fast on a processor (research note C2).
    network = network.eval().requires_grad_(False).to(place).to(memory_format=torch.channels_last)

    def run(part: nn.Module, images: Pixels) -> Array:
        return run_exactly(part, prepare, place, images)

    label = id = f"{name}-v1-{found.sha256[:8]}-fp32"
    notes: tuple[str, ...] = ()
    if not found.published:
        label = f"{id} ({found.path.name})"
        notes = (
            f"Made with the file {found.path.name} (SHA-256 {found.sha256[:8]}…), not with the published weights: "
            "not comparable with values from elsewhere.",
        )
    about = {"file": found.path.name, "sha256": found.sha256, "published": found.published, "precision": "fp32"}
    maps = partial(run, layers) if layers is not None else None
    return Extractor(id, label, dim, partial(run, network), 16, warnings=notes, head=head, about=about, maps=maps)


def run_exactly(
    part: nn.Module, prepare: Callable[[torch.Tensor, int], torch.Tensor], place: torch.device, images: Pixels
) -> Array:
    """What `part` makes of images [B, H, W, C], prepared as in `as_extractor`, in fp32 on the device `place`."""
    stored = torch.from_numpy(np.ascontiguousarray(images).astype(np.float32)).permute(0, 3, 1, 2)
    # A training that goes on beside this may have allowed TF32, which would change the reported number.
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        features = part(prepare(stored.to(place), int(np.iinfo(images.dtype).max)))
        return np.asarray(features.float().cpu().numpy())


def imagenet_input(
    stored: torch.Tensor,
    top: int,
    side: int = SIDE,
    mean: tuple[float, ...] = _MEAN,
    sd: tuple[float, ...] = _SD,
) -> torch.Tensor:
    """Stored pixels [B, C, H, W] float32 in [0, top] as [B, 3, side, side], normalised by ImageNet's mean and sd.

    Bicubic with antialiasing, clipped, since bicubic overshoots; grey fills three equal channels.
    """
    unit = nn.functional.interpolate(stored / top, size=(side, side), mode="bicubic", antialias=True).clamp(0, 1)
    centre, scale = (torch.tensor(values, device=unit.device)[:, None, None] for values in (mean, sd))
    return ((unit - centre) / scale).contiguous(memory_format=torch.channels_last)


def torchvision_extractor(name: str, folder: Path | None, dim: int, side: int = SIDE) -> Extractor:
    """A torchvision classifier up to its pooled features, with its published weights or a conversion of them.

    `side` is that of its input, the one on which its weights were trained.
    """
    from torchvision import models  # here, since it takes a second to import

    state, found = read_state(name, folder)
    whole = models.get_model(name, weights=None)
    fill(whole, state, found)
    layers = whole.features if hasattr(whole, "features") else nn.Sequential(*list(whole.children())[:-2])
    network = nn.Sequential(layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return as_extractor(name, found, network, partial(imagenet_input, side=side), dim, layers=layers)
