"""Draws images from a checkpoint: what a run has learned, one seed per image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from engines import registry
from engines.device import Device, find
from engines.errors import LabError
from engines.methods.base import MethodSpec, NetSpec
from engines.training import order, samples
from engines.training.checkpoints import Checkpoint
from engines.training.pixels import Pixels

SEED_BITS = 53  # an item's seed stays exact in JSON and in spreadsheets


def item_seed(seed: int, index: int) -> int:
    """The seed of one image; it alone makes the image again from the same checkpoint."""
    return order.own_seed(seed, f"item {index}") >> (63 - SEED_BITS)


class Sampler:
    """The averaged generator of a checkpoint. Raises LabError if the checkpoint's method is not there."""

    def __init__(self, checkpoint: Checkpoint, device: Device | None = None) -> None:
        about = checkpoint.about
        methods = registry.load("methods")
        if about["method"] not in methods:
            raise LabError(
                f"The method “{about['method']}” is not installed.",
                "The run was trained with it.",
                "Put its file back into engines/methods.",
            )
        self.method: MethodSpec = methods[about["method"]]
        self.dtype = np.dtype(about["dtype"])
        self.classes: list[str] = about.get("classes", [""])
        self.size = int(about["options"]["size"])
        networks = self.method.build(
            self.method.options.model_validate(about["options"]),
            NetSpec(3 if about["channels"] == 3 else 1, len(self.classes)),
        )
        self.latent_dim = networks.latent_dim
        name = networks.averaged[0]
        weights = {
            key.removeprefix(f"{name}."): value
            for key, value in checkpoint.average().items()
            if key.startswith(f"{name}.")
        }
        self.generator = networks.nets[name].eval()
        self.generator.load_state_dict(weights)
        self.device = device or find()
        self.generator.to(self.device.torch)

    def images(self, seeds: Sequence[int], labels: Sequence[int]) -> Iterator[samples.Stored]:
        """Images [n, H, W, C] for item seeds and class numbers, in small batches and in the set's pixel type."""
        for start in range(0, len(seeds), samples.BATCH):
            rows = [samples.fixed_latents(1, self.latent_dim, seed) for seed in seeds[start : start + samples.BATCH]]
            wanted = torch.tensor(labels[start : start + samples.BATCH])
            yield samples.draw(self.method.sample, self.generator, torch.cat(rows), wanted, self.dtype)

    @property
    def truncation(self) -> float | None:
        """How far styles go from their mean, as a share; None where the generator has no such setting."""
        found = getattr(self.generator, "truncation", None)
        return found if isinstance(found, float) else None

    def truncate(self, share: float) -> None:
        """Set it for what is drawn from now on; nothing happens where there is no such setting."""
        if self.truncation is not None:
            setattr(self.generator, "truncation", share)  # noqa: B010 - torch declares no such attribute

    def between(self, latents: torch.Tensor, labels: Sequence[int], draft: bool = False) -> samples.Stored:
        """Images [N, H, W, C] for latents [N, L] and class numbers; a draft is in bfloat16 where that is faster."""
        wanted = torch.tensor(labels)
        with torch.autocast(self.device.kind, torch.bfloat16, enabled=draft and self.device.bf16):
            return samples.draw(self.method.sample, self.generator, latents, wanted, self.dtype)

    def translated(self, images: samples.Stored) -> Iterator[samples.Stored]:
        """Images [N, H, W, C] of the source class in the looks of the target class."""
        pixels = Pixels(images, self.size, find("cpu"))
        for start in range(0, len(images), samples.BATCH):
            given = pixels.batch(np.arange(start, min(start + samples.BATCH, len(images))))
            labels = torch.zeros(len(given), dtype=torch.int64)
            yield samples.draw(self.method.sample, self.generator, given, labels, self.dtype)
