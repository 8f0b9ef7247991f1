"""What is found out about one picture, in a process of its own: shape, side, box, outline and thumbnail."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage.measure import find_contours

from engines.curation.canonical import Crop, Stored, find_crop
from engines.curation.pool import Read
from engines.curation.proxy import Proxy, make_proxy
from engines.curation.segment import Mask, segment
from engines.curation.shape import Shape, judge
from engines.resize import fit_inside, resize

THUMBNAIL_SIDE = 256
OUTLINE_POINTS = 64
# Greys stored as RGB differ by rounding only; anything beyond this mean spread between channels is colour.
_COLOUR_SPREAD = 0.01


@dataclass(frozen=True)
class Inspection:
    """One picture's findings; `outline` has x, y in 0..1 of the picture, `thumbnail` is WebP."""

    shape: Shape
    side: str
    crop: Crop | None
    width: int
    height: int
    colour: bool
    outline: list[list[float]] = field(default_factory=list)
    thumbnail: bytes = b""


def inspect_pixels(pixels: Stored) -> Inspection:
    """Find the breast in pixels (H,W) or (H,W,3) and judge its outline; side is left or right, empty if none."""
    proxy = make_proxy(pixels)
    found = segment(proxy.values)
    shape = judge(found)
    crop = find_crop(found, proxy) if found else None
    height, width = pixels.shape[:2]
    colour = is_colour(pixels)
    if colour:
        note = "colour picture: shape confidence is made for mammograms"
        shape = Shape(shape.confidence, shape.parts, (note, *shape.reasons), shape.measures)
    side = found.chest if found else ""
    points = outline(found.mask, proxy) if found else []
    return Inspection(shape, side, crop, width, height, colour, points, thumbnail(pixels))


def inspect_file(path: Path, read: Read) -> Inspection:
    """Read a file and inspect it. Raises LabError for a file that cannot be read."""
    return inspect_pixels(read(path).pixels)


def is_colour(pixels: Stored) -> bool:
    """Whether a picture with three channels holds more than repeated greys."""
    if pixels.ndim == 2 or pixels.shape[2] < 3:
        return False
    step = max(1, max(pixels.shape[:2]) // 128)
    seen = pixels[::step, ::step, :3].astype(np.float32) / float(np.iinfo(pixels.dtype).max)
    return float((seen.max(axis=2) - seen.min(axis=2)).mean()) > _COLOUR_SPREAD


def outline(mask: Mask, proxy: Proxy) -> list[list[float]]:
    """The longest contour of a mask as at most 64 evenly spaced [x, y], each in 0..1 of the picture."""
    contours = find_contours(np.pad(mask, 1).astype(np.float32), 0.5)
    if not contours:
        return []
    line: npt.NDArray[Any] = max(contours, key=len)
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    wanted = np.linspace(0.0, lengths[-1], OUTLINE_POINTS, endpoint=False)
    # Contours count from pixel centres, and the padding shifted them by one pixel.
    y = (np.interp(wanted, lengths, line[:, 0]) - 0.5) * proxy.step / proxy.height
    x = (np.interp(wanted, lengths, line[:, 1]) - 0.5) * proxy.step / proxy.width
    points = np.clip(np.stack([x, y], axis=1), 0.0, 1.0).round(4)
    return [[float(a), float(b)] for a, b in points]


def thumbnail(pixels: Stored) -> bytes:
    """A WebP of the whole picture, longest side at most 256, its 0.5 % to 99.5 % range stretched to be seen."""
    # Four source pixels for each of the thumbnail's are plenty for looking, and spare most of the work.
    step = max(1, max(pixels.shape[:2]) // (4 * THUMBNAIL_SIDE))
    seen = pixels[::step, ::step].astype(np.float32)
    size = fit_inside(seen.shape[0], seen.shape[1], min(THUMBNAIL_SIDE, max(seen.shape[:2])))
    return encode_webp(window(np.asarray(resize(seen, size), dtype=np.float32)))


def window(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Stretch a picture's 0.5 % to 99.5 % range to 0..255, for looking at only."""
    low, high = np.percentile(picture, [0.5, 99.5])
    if not high > low:
        low, high = float(picture.min()), max(float(picture.max()), float(picture.min()) + 1.0)
    return np.clip((picture - low) * (255.0 / float(high - low)), 0.0, 255.0).astype(np.uint8)


def encode_webp(picture: npt.NDArray[np.uint8]) -> bytes:
    """Encode (h,w), (h,w,1) or (h,w,3) 8-bit pixels as WebP."""
    flat = picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    buffer = io.BytesIO()
    Image.fromarray(flat).convert("RGB").save(buffer, "WEBP", quality=80, method=1)
    return buffer.getvalue()
