"""What is found out about one picture, in a process of its own: shape, side, box, outline and thumbnail."""

import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage
from skimage.measure import find_contours

from engines.curation.canonical import Crop, Stored, find_crop
from engines.curation.duplicates import perceptual_hash
from engines.curation.pool import Read
from engines.curation.proxy import Proxy, make_proxy
from engines.curation.segment import Mask, Segment, segment
from engines.curation.shape import LABEL_TOUCHES, Shape, judge
from engines.errors import LabError
from engines.records import Source
from engines.resize import fit_inside, resize

THUMBNAIL_SIDE = 256
OUTLINE_POINTS = 64
# Greys stored as RGB differ by rounding only; anything beyond this mean spread between channels is colour.
_COLOUR_SPREAD = 0.01
# Twice the proxy's side: a reduced decode then still gives each of its pixels several to average.
LEAST_SIDE = 512
_SATURATED, _SATURATED_SHARE = 0.985, 0.10


@dataclass(frozen=True)
class Inspection:
    """One picture's findings; `outline` has x, y in 0..1 of the picture, `thumbnail` is WebP.

    `hash` is alike for near-duplicates (16 hex digits, empty without a picture to hash), `flags` are short words.
    """

    shape: Shape
    side: str
    crop: Crop | None
    width: int
    height: int
    colour: bool
    outline: list[list[float]] = field(default_factory=list)
    thumbnail: bytes = b""
    hash: str = ""
    flags: tuple[str, ...] = ()


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
    flags = (*(("colour",) if colour else ()), *(flags_of(found, proxy, shape) if found else ()))
    hashed = perceptual_hash(small_crop(proxy, found, crop))
    return Inspection(shape, side, crop, width, height, colour, points, thumbnail(pixels), hashed, flags)


def inspect_file(source: Source | Path | None, read: Read) -> Inspection:
    """Read a picture and inspect it, boxes in pixels of the whole picture. Raises LabError if it cannot be read.

    The picture may come reduced where its decoder can do that cheaply: outlines need no full resolution. The crop
    comes without its veil, which is large and made again with the set.
    """
    if source is None:
        raise LabError("Its original is not in the list of sources.", "", "Add the folder again.")
    picture = read(source, LEAST_SIDE)
    seen, by = inspect_pixels(picture.pixels), picture.reduced
    crop = seen.crop
    if crop is not None:
        x, y, width, height = (by * value for value in (crop.x, crop.y, crop.width, crop.height))
        crop = Crop(crop.chest, x, y, width, height, np.zeros((0, 0), dtype=np.float32))
    return replace(seen, crop=crop, width=by * seen.width, height=by * seen.height)


def small_crop(proxy: Proxy, found: Segment | None, crop: Crop | None) -> npt.NDArray[np.float32]:
    """The canonical crop on the proxy's grid: what near-duplicates share whatever lies around and how they are turned.

    (h,w) float32 in 0..1, black outside the breast; the whole proxy where no breast was found.
    """
    if found is None or crop is None:
        return proxy.values
    rows, columns = crop.veil.shape
    top, left = crop.y // proxy.step, crop.x // proxy.step
    cut = proxy.values[top : top + rows, left : left + columns] * crop.veil
    return np.ascontiguousarray(cut[:, ::-1] if found.chest == "right" else cut)


def flags_of(found: Segment, proxy: Proxy, shape: Shape) -> tuple[str, ...]:
    """Short words on what lies around and on the breast, for filters and for looking closer."""
    words = [f"film edge {side}" for side, kind in found.frame.edges.items() if kind == "bar"]
    _, labels = ndimage.label(found.labels)
    if labels:
        words.append("1 label" if labels == 1 else f"{labels} labels")
    if shape.measures.get("label", 0.0) > LABEL_TOUCHES:
        words.append("label touches")
    if any(reason.startswith("cut off") for reason in shape.reasons):
        words.append("cut off")
    if float(np.mean(proxy.values[found.mask] > _SATURATED)) > _SATURATED_SHARE:
        words.append("large white area")  # an implant, or a film that was exposed too much
    return tuple(words)


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


def thumbnail(pixels: Stored, side: int = THUMBNAIL_SIDE) -> bytes:
    """A WebP of the whole picture, longest side at most `side`, its 0.5 % to 99.5 % range stretched to be seen."""
    # Four source pixels for each of the thumbnail's are plenty for looking, and spare most of the work.
    step = max(1, max(pixels.shape[:2]) // (4 * side))
    seen = pixels[::step, ::step].astype(np.float32)
    size = fit_inside(seen.shape[0], seen.shape[1], min(side, max(seen.shape[:2])))
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
