"""Sample sheets: the same latents drawn again and again, so that one sees the training, not the dice."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from engines import files
from engines.training.pixels import Pixels, to_stored

QUALITY = 92
WEBP_LIMIT = 16_383  # pixels on a side
BATCH = 16

Stored = np.ndarray[Any, np.dtype[Any]]


def fixed_latents(count: int, latent_dim: int, seed: int) -> Tensor:
    """Latents [count, latent_dim] from a generator of their own: the same on every device."""
    return torch.randn(count, latent_dim, generator=torch.Generator().manual_seed(seed))


def draw(
    sample: Callable[[nn.Module, Tensor, Tensor], Tensor],
    generator: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    dtype: np.dtype[Any],
) -> Stored:
    """Images [N, H, W, C] as stored pixels for latents [N, L] (or images to translate) and labels [N].

    Draws no random numbers.
    """
    device = next(generator.parameters()).device
    with torch.inference_mode():
        parts = [
            to_stored(sample(generator, part.to(device), wanted.to(device)), dtype)
            for part, wanted in zip(inputs.split(BATCH), labels.split(BATCH), strict=True)
        ]
    return np.concatenate(parts)


def shown_reals(pixels: Pixels, count: int, seed: int) -> Tensor:
    """As many real images [N, C, H, W] in [-1, 1], chosen once; fewer where the set is smaller."""
    return pixels.batch(np.random.default_rng(seed).permutation(pixels.count)[:count])


def encode(images: Stored, columns: int, quick: bool = False) -> bytes:
    """Images [N, H, W, C] as one WebP sheet, row by row; empty places are black. 16 bits are shown as 8.

    `quick` makes a larger file in less time, for pictures that are looked at once.
    """
    if images.dtype == np.uint16:
        images = (images // 257).astype(np.uint8)
    count, height, width, channels = images.shape
    rows = -(-count // columns)
    tiles = np.zeros((rows * columns, height, width, channels), dtype=np.uint8)
    tiles[:count] = images
    sheet = tiles.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    buffer = io.BytesIO()
    picture = Image.fromarray(sheet[..., 0] if channels == 1 else sheet)
    picture.save(buffer, "WEBP", quality=QUALITY, method=0 if quick else 4)
    return buffer.getvalue()


def fitting(columns: int, rows: int, tile: int) -> tuple[int, int]:
    """Columns and rows that a WebP file can hold."""
    return min(columns, WEBP_LIMIT // tile), min(rows, WEBP_LIMIT // tile)


class Writer:
    """Encodes and writes sheets in one thread of its own, so that the loop never waits for a picture."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sheets")
        self._pending: list[Future[None]] = []

    def put(self, path: Path, images: Stored, columns: int, done: Callable[[], None]) -> None:
        """Queue a sheet; `done` is called once it is on the disk."""

        def work() -> None:
            path.parent.mkdir(exist_ok=True)
            files.write_bytes(path, encode(images, columns))
            done()

        self._pending.append(self._pool.submit(work))

    def faults(self) -> list[BaseException]:
        """What went wrong since the last call."""
        ended = [future for future in self._pending if future.done()]
        self._pending = [future for future in self._pending if not future.done()]
        return [error for future in ended if (error := future.exception()) is not None]

    def close(self) -> None:
        """Wait for the sheets that are under way."""
        self._pool.shutdown(wait=True)
