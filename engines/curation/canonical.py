"""The canonical picture: the breast cut out of its film, turned so that the nipple points right, on one square size.

Only whole numbers of source pixels are cut and mirrored; the one resampling is `engines.resize`. Values stay in the
units of the source until `to_depth`, and are rounded once.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from engines.curation.proxy import Proxy
from engines.curation.segment import Grey, Mask, Segment, Side, disk
from engines.resize import resize

Stored = npt.NDArray[Any]  # uint8 or uint16
Contrast = Literal["as stored", "percentile per image"]

# Room around the breast, as a share of its larger side: keeps the skin line and the nipple's tip inside.
_MARGIN = 0.02
# How far the mask may grow back into what the opening cut off: a nipple in profile, not a label.
_REGROW = 6
_SOFT = 2


@dataclass(frozen=True)
class Crop:
    """A box in source pixels, and a veil that is 1 on the breast and 0 beside it (float32, on the proxy's grid)."""

    chest: Side
    x: int
    y: int
    width: int
    height: int
    veil: Grey


def find_crop(found: Segment, proxy: Proxy) -> Crop:
    """Give the box of the breast with a small margin; at the chest wall it ends with the film."""
    mask = breast_mask(found)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    margin = max(2, round(_MARGIN * max(bottom - top, right - left)))
    frame = found.frame
    # Never beyond the film: padding and bars hold nothing, except where dark rows of a digital picture were stripped.
    top = max(top - margin, frame.top if frame.edges["top"] == "bar" else 0)
    bottom = min(bottom + margin, frame.bottom if frame.edges["bottom"] == "bar" else mask.shape[0])
    if found.chest == "left":
        right = min(right + margin, frame.right if frame.edges["right"] == "bar" else mask.shape[1])
    else:
        left = max(left - margin, frame.left if frame.edges["left"] == "bar" else 0)
    x, y, width, height = proxy.to_source(top, bottom, left, right)
    grown = ndimage.binary_dilation(mask, disk(_SOFT))
    grown[frame.top : frame.bottom, frame.left : frame.right] &= ~found.labels
    veil = ndimage.gaussian_filter(grown.astype(np.float32), 0.7, mode="nearest")[top:bottom, left:right]
    return Crop(found.chest, x, y, width, height, np.ascontiguousarray(veil))


def breast_mask(found: Segment) -> Mask:
    """The breast on the proxy's grid, with what the last opening took off its skin side grown back a little."""
    frame = found.frame
    inside = found.inside
    padded = np.pad(inside, _REGROW, mode="edge")
    reach = ndimage.binary_dilation(padded, disk(_REGROW))[_REGROW:-_REGROW, _REGROW:-_REGROW]
    mask = np.zeros_like(found.mask)
    mask[frame.top : frame.bottom, frame.left : frame.right] = inside | (reach & found.before)
    return mask


def canonical(
    pixels: Stored, size: int, crop: Crop | None, *, flip: bool, blank: bool, pad: bool = True
) -> npt.NDArray[np.float32]:
    """Cut, turn and scale pixels (H,W) or (H,W,3) to (size,size,C) float32 in the units of the source.

    A chest wall that is on the left after `flip` lies flush on the left edge. `blank` puts 0 outside the breast;
    otherwise film stays, and padding takes the film's median so that it makes no edge.
    """
    picture = pixels[..., None] if pixels.ndim == 2 else pixels
    if crop is None:
        return scaled(picture[:, ::-1] if flip else picture, size, pad=pad)
    cut, veil = cut_out(picture, crop), crop.veil
    if flip:
        cut, veil = cut[:, ::-1], veil[:, ::-1]
    fill = 0.0 if blank else film_median(cut, veil)
    mask = np.ascontiguousarray(veil) if blank else None
    return scaled(cut, size, pad=pad, flush=(crop.chest == "left") != flip, fill=fill, mask=mask)


def cut_out(pixels: Stored, crop: Crop) -> Stored:
    """The part of pixels (H,W,...) that lies in the box, without a copy."""
    return pixels[crop.y : crop.y + crop.height, crop.x : crop.x + crop.width]


def scaled(
    pixels: Stored, size: int, *, pad: bool, flush: bool = False, fill: float = 0.0, mask: Grey | None = None
) -> npt.NDArray[np.float32]:
    """Scale (H,W,C) to (size,size,C) float32 in the units of the source, `flush` with the left edge or centred."""
    anchor: Literal["left", "centre"] = "left" if flush else "centre"
    whole = np.asarray(pixels, dtype=np.float32)
    return np.asarray(resize(whole, size, pad=pad, anchor=anchor, fill=fill, mask=mask), dtype=np.float32)


def film_median(cut: Stored, veil: Grey) -> float:
    """Median of the film beside the breast inside the box; 0 where the breast fills it."""
    rows = np.linspace(0, cut.shape[0] - 1, veil.shape[0]).astype(np.intp)
    columns = np.linspace(0, cut.shape[1] - 1, veil.shape[1]).astype(np.intp)
    beside = cut[np.ix_(rows, columns)][veil < 0.05]
    return float(np.median(beside)) if beside.size else 0.0


def to_channels(picture: npt.NDArray[np.float32], channels: int) -> npt.NDArray[np.float32]:
    """Give (h,w,C) with C = 1 (ITU-R 601 luma) or 3 (grey repeated)."""
    if picture.shape[2] == channels:
        return picture
    if channels == 1:
        luma = picture[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        return np.asarray(luma[..., None], dtype=np.float32)
    return np.repeat(picture[..., :1], 3, axis=2)


def to_depth(picture: npt.NDArray[np.float32], bits: int, deep: bool, contrast: Contrast) -> Stored:
    """Round to uint8, or with `deep` to uint16 over the full 0..65535 range.

    "as stored" multiplies by a constant of the bit depth only, so brightness stays comparable between pictures;
    "percentile per image" stretches each picture between its own 0.5 % and 99.5 % (of what is not blank).
    """
    top = 65535.0 if deep else 255.0
    if contrast == "percentile per image":
        seen = picture[picture > 0]
        low, high = np.percentile(seen, [0.5, 99.5]) if seen.size else (0.0, 1.0)
        scaled = np.where(picture > 0, (picture - low) / max(float(high - low), 1e-6), 0.0) * top
    else:
        scaled = picture * (top / (2**bits - 1))
    rounded = np.clip(np.rint(scaled), 0.0, top)
    return rounded.astype(np.uint16) if deep else rounded.astype(np.uint8)
