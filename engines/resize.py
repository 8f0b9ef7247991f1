"""The one resizer of the lab: every set, sample, metric and export goes through it.

Two resizers applied to the same pictures differ more, in feature distance, than two halves of a real data set do
(nearest or plain bilinear against Lanczos: more than three times as much), so there is exactly one, and its name is
written into every record.

Method: integer area averaging down to at least twice the target size, then Lanczos-3, in 32-bit float, channel by
channel, clipped to the range the input had, because Lanczos overshoots at edges. 16-bit pixels stay 16-bit.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

RESIZER = "area+lanczos3 v1 (Pillow, float32, clipped)"

Pixels = npt.NDArray[Any]  # uint8, uint16 or float32
Anchor = Literal["centre", "left"]

# The area step stops at twice the target: Lanczos then still has the detail it needs to be sharp without aliasing.
_AREA_STOPS_AT = 2


def fit_inside(height: int, width: int, size: int) -> tuple[int, int]:
    """Give the (height, width) of a picture scaled to fit a square of `size`, keeping its proportions, each >= 1."""
    scale = size / max(height, width)
    return max(1, min(size, round(height * scale))), max(1, min(size, round(width * scale)))


def resize(
    pixels: Pixels,
    size: int | tuple[int, int],
    *,
    pad: bool = False,
    anchor: Anchor = "centre",
    fill: float = 0.0,
    mask: npt.NDArray[np.float32] | None = None,
) -> Pixels:
    """Resize (H,W) or (H,W,C) uint8, uint16 or float32 pixels; same type and scale back.

    `size` is the side of a square, or (height, width). With `pad` the proportions are kept and the rest is `fill`:
    on both sides (`anchor="centre"`), or with the picture flush left, so that a chest wall stays on the edge.
    `mask` (any resolution, 0..1, same field of view) fades everything outside it to `fill` between the two steps,
    so that a bright label beside the object leaves no ringing inside it.
    """
    height, width = (size, size) if isinstance(size, int) else size
    source_height, source_width = pixels.shape[:2]
    if min(height, width, source_height, source_width) < 1:
        raise ValueError("a picture needs at least one pixel on each side, before and after resizing")
    if pad:
        scale = min(height / source_height, width / source_width)
        inner = (max(1, min(height, round(source_height * scale))), max(1, min(width, round(source_width * scale))))
    else:
        inner = (height, width)
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    resized = [_resize_plane(planes[..., c], inner, fill, mask) for c in range(planes.shape[2])]
    result = np.stack(resized, axis=2)
    if inner != (height, width):
        canvas = np.full((height, width, result.shape[2]), fill, dtype=np.float32)
        top = (height - inner[0]) // 2
        left = 0 if anchor == "left" else (width - inner[1]) // 2
        canvas[top : top + inner[0], left : left + inner[1]] = result
        result = canvas
    if pixels.dtype != np.float32:
        top_value = float(np.iinfo(pixels.dtype).max)
        result = np.clip(np.rint(result), 0.0, top_value).astype(pixels.dtype)
    return result[..., 0] if pixels.ndim == 2 else result


def resize_batch(images: Pixels, size: int) -> Pixels:
    """Resize (N,H,W,C) pictures to (N,size,size,C) with the same resizer; returns the input when nothing changes."""
    if images.shape[1:3] == (size, size):
        return images
    return np.stack([resize(image, size) for image in images])


def _resize_plane(
    plane: Pixels, size: tuple[int, int], fill: float, mask: npt.NDArray[np.float32] | None
) -> npt.NDArray[np.float32]:
    """Resize one (H,W) plane to (height, width) in float32, by area averaging first and Lanczos-3 after."""
    height, width = plane.shape
    factors = (
        max(1, width // (size[1] * _AREA_STOPS_AT)),
        max(1, height // (size[0] * _AREA_STOPS_AT)),
    )
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    if factors != (1, 1):
        image = image.reduce(factors)
    if mask is not None:
        reduced = np.asarray(image)
        veil = Image.fromarray(np.ascontiguousarray(mask, dtype=np.float32))
        weights = np.clip(np.asarray(veil.resize(image.size, Image.Resampling.BILINEAR)), 0.0, 1.0)
        image = Image.fromarray(fill + (reduced - fill) * weights)
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    # The last block of the area step may cover fewer source pixels: the box keeps the geometry exact.
    box = (0.0, 0.0, min(image.width, width / factors[0]), min(image.height, height / factors[1]))
    if image.size == (size[1], size[0]) and box == (0.0, 0.0, float(size[1]), float(size[0])):
        return np.array(values, dtype=np.float32)
    result = np.asarray(image.resize((size[1], size[0]), Image.Resampling.LANCZOS, box=box))
    return np.clip(result, low, high).astype(np.float32)
