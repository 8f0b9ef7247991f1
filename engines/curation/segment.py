"""Find the breast on a proxy: what is film, what is padding, what is breast, and on which side the chest wall lies.

Film scans fool simple rules: zero padding beyond the chest wall, bright film edges, stuck-on labels, a background that
is not black. So the frame is searched first and remembered side by side, because a breast that ends where padding was
cut away is whole, and one that ends where the film ends is not (research note D2; padding is the trap of D3).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Grey = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Edge = Literal["frame", "padding", "bar"]
Side = Literal["left", "right"]

_DARK = 0.015
_DARK_SHARE = 0.96
# Film edges may be grey: the sharp fall to dark film behind them tells them from tissue, more than their level.
_BAR_LEVEL, _BAR_SHARE, _BAR_SPREAD = 0.50, 0.90, 0.10
_LABEL_LEVEL = 0.80
_SMALLEST_BOX = 16
_WIDEST_BAR = 0.12
_LABEL_SHARES = (0.0005, 0.10)
_WIDTHS = 3


@dataclass(frozen=True)
class Frame:
    """The part of the proxy that holds film (ends exclusive), and what lies beyond each of its four edges."""

    top: int
    bottom: int
    left: int
    right: int
    edges: dict[str, Edge]


@dataclass(frozen=True)
class Segment:
    """The breast: its mask on the whole proxy, the frame around it, the chest side, and how it was separated.

    In frame coordinates: `smooth` is the blurred film, `strict` the mask at 1.5 x the threshold, `before` the mask
    before its last opening, `labels` what was taken out as stuck-on labels and film edges.
    """

    mask: Mask
    frame: Frame
    chest: Side
    smooth: Grey
    threshold: float
    strict: Mask
    before: Mask
    labels: Mask

    @property
    def inside(self) -> Mask:
        """The breast mask in frame coordinates."""
        return self.mask[self.frame.top : self.frame.bottom, self.frame.left : self.frame.right]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """(top, bottom, left, right) of the breast on the proxy, ends exclusive."""
        rows = np.flatnonzero(self.mask.any(axis=1))
        columns = np.flatnonzero(self.mask.any(axis=0))
        return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def find_frame(values: Grey) -> Frame:
    """Strip dark padding and bright film bars from the outside inwards, remembering per side what was stripped last."""
    box = [0, values.shape[0], 0, values.shape[1]]
    edges: dict[str, Edge] = {"top": "frame", "bottom": "frame", "left": "frame", "right": "frame"}
    moved = True
    while moved:
        moved = False
        for place, side in enumerate(edges):
            kind, count = _strip(values[box[0] : box[1], box[2] : box[3]], side)
            if kind is not None:
                edges[side], moved = kind, True
                box[place] += count if side in ("top", "left") else -count
    return Frame(box[0], box[1], box[2], box[3], edges)


def _strip(film: Grey, side: str) -> tuple[Edge | None, int]:
    """What lies along one edge of the film, and how many rows or columns of it; None and 0 if that is film."""
    lines = film if side in ("top", "bottom") else film.T
    if side in ("bottom", "right"):
        lines = lines[::-1]
    room = lines.shape[0] - _SMALLEST_BOX
    kind = _beyond(lines[0]) if room > 0 else None
    if kind is None:
        return None, 0
    count = 1
    while count < room and _beyond(lines[count]) == kind:
        count += 1
    # Behind a film's edge its dark background begins; what is white over a good part of it, or fades, is tissue.
    if kind == "bar" and (
        count > max(2, _WIDEST_BAR * lines.shape[0])
        or np.median(lines[min(count + 1, lines.shape[0] - 1)]) > 0.5 * np.median(lines[0])
    ):
        return None, 0
    return kind, count


def _beyond(line: Grey) -> Edge | None:
    """Say whether an outermost row or column is dark padding, a bright film bar, or film (None)."""
    if np.count_nonzero(line < _DARK) > _DARK_SHARE * line.size:
        return "padding"
    if np.count_nonzero(line > _BAR_LEVEL) > _BAR_SHARE * line.size and float(line.std()) < _BAR_SPREAD:
        return "bar"
    return None


def find_threshold(film: Grey) -> float:
    """Give the grey value that parts breast from background: a little above the background, never up to Otsu's.

    Otsu alone cuts away the skin line on film, so the background's own histogram peak is used: its mode plus three of
    its full widths, kept between 0.03 and 0.9 x Otsu. Three half-widths follow the skin more closely where the film is
    even, but let the mask leak into fogged film edges (one in six of the mini-MIAS views).
    """
    counts, bounds = np.histogram(film, bins=128, range=(0.0, 1.0))
    otsu = _otsu(counts.astype(np.float64))
    below = max(1, round(otsu * 128))
    mode = int(np.argmax(counts[:below]))
    fallen = np.flatnonzero(counts[mode:] < counts[mode] / 2)
    half_width = (int(fallen[0]) if fallen.size else 1) / 128
    wanted = float(bounds[mode]) + _WIDTHS * 2 * half_width
    return float(np.clip(wanted, 0.03, max(0.03, 0.9 * otsu)))


def _otsu(counts: npt.NDArray[np.float64]) -> float:
    """Otsu's threshold in 0..1 of a histogram over 0..1 (IEEE Trans SMC 1979: greatest variance between classes)."""
    centres = (np.arange(counts.size) + 0.5) / counts.size
    weight = np.cumsum(counts)
    total = weight[-1]
    first = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (first[-1] * weight / total - first) ** 2 / (weight * (total - weight))
    return float(centres[int(np.argmax(np.nan_to_num(between[:-1])))])


def segment(values: Grey) -> Segment | None:
    """Find the breast on proxy values (h,w) in 0..1; None where nothing stands out from the background."""
    frame = find_frame(values)
    film = values[frame.top : frame.bottom, frame.left : frame.right]
    if float(film.max()) - float(film.min()) < 0.05:
        return None
    smooth = ndimage.gaussian_filter(film, 1.0, mode="nearest")
    threshold = find_threshold(film)
    bright: Mask = smooth > threshold
    labels = _find_labels(film, bright)
    if labels.any():  # white labels pull Otsu's threshold up, beyond a faint breast
        threshold = find_threshold(film[~labels])
        bright = smooth > threshold
    before = _fill(_largest(_open(bright & ~labels, 2))) & ~labels
    after = _largest(_open(before, 3))
    if np.count_nonzero(after) < 32:
        return None
    chest = _chest_side(after)
    after = _fill_to_chest(after, chest)
    strict = _fill_to_chest(_open(after & (smooth > 1.5 * threshold), 2), chest)
    mask = np.zeros(values.shape, dtype=np.bool_)
    mask[frame.top : frame.bottom, frame.left : frame.right] = after
    return Segment(mask, frame, chest, smooth, threshold, strict, before, labels)


def _find_labels(film: Grey, bright: Mask) -> Mask:
    """Stuck-on labels, tape and slanted film edges: small white parts with background along most of their border.

    Pectoral muscle and dense tissue are white too, but tissue lies around them wherever the film goes on.
    """
    parts, _ = ndimage.label(film > _LABEL_LEVEL)
    found = np.zeros(film.shape, dtype=np.bool_)
    sizes = np.bincount(parts.ravel())
    low, high = (share * film.size for share in _LABEL_SHARES)
    for number, place in enumerate(ndimage.find_objects(parts), start=1):
        if place is None or not low <= sizes[number] <= high:
            continue
        around = tuple(slice(max(0, part.start - 6), part.stop + 6) for part in place)
        white = np.pad(_fill(parts[around] == number), 6)
        # The blur brightens two or three pixels around anything white: the border is judged beyond them.
        near = ndimage.binary_dilation(white, disk(3))
        ring = (ndimage.binary_dilation(white, disk(5)) & ~near)[6:-6, 6:-6]
        if np.count_nonzero(ring) and np.count_nonzero(ring & ~bright[around]) >= 0.5 * np.count_nonzero(ring):
            found[around] |= near[6:-6, 6:-6]
    return found


def disk(radius: int) -> Mask:
    """A filled disk of a radius in pixels, as a structuring element."""
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(x * x + y * y <= radius * radius + radius * 0.5, dtype=np.bool_)


def _open(mask: Mask, radius: int) -> Mask:
    """Morphological opening that does not eat at the edges of the picture."""
    padded = np.pad(mask, radius + 1, mode="edge")
    opened = ndimage.binary_opening(padded, disk(radius))
    return np.asarray(opened[radius + 1 : -radius - 1, radius + 1 : -radius - 1], dtype=np.bool_)


def _largest(mask: Mask) -> Mask:
    """The largest connected part; parts that touch the left or right edge count double: a breast hangs on a side."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(labels.ravel()).astype(np.float64)
    sizes[0] = 0
    touching = np.unique(np.concatenate([labels[:, 0], labels[:, -1]]))
    sizes[touching] *= 2
    return np.asarray(labels == int(np.argmax(sizes)), dtype=np.bool_)


def _fill(mask: Mask) -> Mask:
    """Fill holes that are closed inside the picture."""
    return np.asarray(ndimage.binary_fill_holes(mask), dtype=np.bool_)


def _fill_to_chest(mask: Mask, chest: Side) -> Mask:
    """Fill holes, also those that only the chest wall closes (a dark gap between pectoral muscle and breast)."""
    rows = np.flatnonzero(mask[:, 0 if chest == "left" else -1])
    closed = np.pad(mask, ((0, 0), (1, 1)))
    if rows.size:
        closed[rows[0] : rows[-1] + 1, 0 if chest == "left" else -1] = True
    return _fill(closed)[:, 1:-1]


def _chest_side(mask: Mask) -> Side:
    """The side of the chest wall: the end of the breast's box on which the breast is taller over its outer 4 %."""
    columns = np.flatnonzero(mask.any(axis=0))
    first, last = int(columns[0]), int(columns[-1]) + 1
    outer = max(1, round((last - first) * 0.04))
    heights = mask.sum(axis=0)
    left, right = heights[first : first + outer].mean(), heights[last - outer : last].mean()
    if left == right:
        middle = (first + last) // 2
        return "left" if heights[first:middle].sum() >= heights[middle:last].sum() else "right"
    return "left" if left > right else "right"
