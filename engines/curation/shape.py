"""Shape confidence: how sure we are that the outline found is one whole breast, in six parts and in words.

Confidence = product of part ** weight, each part and the result in 0..1 (weighted geometric mean: one fatal failure
brings it near zero). Definitions: research note D3. `ramp(x, a, b)` rises from 0 at a to 1 at b.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull

from engines.curation.segment import Frame, Grey, Mask, Segment, Side

WEIGHTS = {"closed": 0.30, "edge": 0.20, "solid": 0.15, "ellipse": 0.15, "smooth": 0.10, "area": 0.10}
_ROUND_END = 0.4
# A breast that ends at the film's lower edge over most of its width goes on below it; a long free skin line above must
# not make up for that. Of 120 whole mini-MIAS views 95 % touch over less than 0.68 of their width, while the same films
# cut at 70 % of the breast's height touch over 0.90 and more.
_FLAT, _FLAT_COSTS = (0.75, 0.95), 0.9
CUT, LABEL_TOUCHES = 0.08, 0.01  # shares of the outline from which words are said about them
NO_BREAST = "no breast found"


@dataclass(frozen=True)
class Shape:
    """Confidence and its parts in 0..1, and what is wrong in words (empty when nothing stands out)."""

    confidence: float
    parts: dict[str, float]
    reasons: tuple[str, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)


def ramp(value: float, low: float, high: float) -> float:
    """Rise linearly from 0 at `low` to 1 at `high`."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def judge(found: Segment | None) -> Shape:
    """Score a segmentation; without one the confidence is 0 and the reason says so."""
    if found is None:
        return Shape(0.0, dict.fromkeys(WEIGHTS, 0.0), (NO_BREAST,))
    # Everything below sees the chest wall on the left.
    turn = found.chest == "right"
    mask = found.inside[:, ::-1] if turn else found.inside
    smooth = found.smooth[:, ::-1] if turn else found.smooth
    strict = found.strict[:, ::-1] if turn else found.strict
    measures: dict[str, float] = {}
    measures |= _closedness(mask, found.frame, found.chest)
    measures |= _edge(mask, smooth, strict)
    measures["solidity"] = _solidity(mask)
    measures["ellipse"] = _half_ellipse(mask)
    measures["roughness"] = _roughness(mask)
    measures["share"] = float(np.count_nonzero(mask) / found.mask.size)
    measures["label"] = _label_contact(mask, found.labels[:, ::-1] if turn else found.labels)
    parts = {
        "closed": ramp(measures["free_share"], 0.55, 0.90)
        * ramp(measures["contact"], 0.10, 0.35)
        * (1 - ramp(measures["gap"], 0.10, 0.35))
        * (1 - _FLAT_COSTS * ramp(measures["cut_below"], *_FLAT)),
        "edge": ramp(measures["stability"], 0.70, 0.93) * ramp(measures["contrast"], 0.02, 0.10),
        "solid": ramp(measures["solidity"], 0.75, 0.93),
        "ellipse": ramp(measures["ellipse"], 0.55, 0.80),
        "smooth": 1 - ramp(measures["roughness"], 0.012, 0.06),
        "area": ramp(measures["share"], 0.03, 0.10) * (1 - ramp(measures["share"], 0.80, 0.93)),
    }
    parts = {name: float(part) for name, part in parts.items()}
    confidence = 1.0
    for name, weight in WEIGHTS.items():
        confidence *= parts[name] ** weight
    return Shape(confidence, parts, _reasons(parts, measures), measures)


def _closedness(mask: Mask, frame: Frame, chest: Side) -> dict[str, float]:
    """How much of the outline runs inside the film, and how the breast meets the chest wall (shares in 0..1).

    Where padding was stripped the frame ends but the breast does not: there only a stretch longer than a round end is
    a cut. The top may be touched over 0.6 x the breast's width: in an oblique view the pectoral muscle leaves there.
    """
    nipple = "right" if chest == "left" else "left"
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    width, height = int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)
    boundary = mask & ~ndimage.binary_erosion(mask, border_value=0)
    on_edge = np.zeros_like(mask)
    on_edge[[0, -1], :] = True
    on_edge[:, [0, -1]] = True
    free = int(np.count_nonzero(boundary & ~on_edge))

    def touched(line: Mask, edge: str, extent: int) -> int:
        length = int(np.count_nonzero(line))
        # A round end meets its stripped padding over a short stretch; a long one is a film that ends there.
        is_round = frame.edges[edge] == "padding" and length <= _ROUND_END * extent
        return 0 if is_round else length

    cut_nipple = touched(mask[:, -1], nipple, height)
    cut_below = touched(mask[-1], "bottom", width)
    cut_above = max(0.0, touched(mask[0], "top", width) - 0.6 * width)
    # A breast that leaves at the top and is wider than tall is the lower part of one.
    cut = 2.0 * cut_nipple + 0.7 * cut_below + (4.0 if height < width else 1.0) * cut_above
    contact = int(np.count_nonzero(mask[:, columns[0]])) / height
    return {
        "free_share": free / (free + cut) if free + cut else 0.0,
        "cut_nipple": cut_nipple / height,
        "cut_below": cut_below / width,
        "cut_above": cut_above / width,
        "contact": contact,
        "gap": int(columns[0]) / mask.shape[1],
    }


def _edge(mask: Mask, smooth: Grey, strict: Mask) -> dict[str, float]:
    """Stability (IoU of the mask at the threshold and at 1.5 x it) and median contrast across the outline."""
    union = np.count_nonzero(mask | strict)
    stability = np.count_nonzero(mask & strict) / union if union else 0.0
    # Depths are measured with the film continued beyond its edges, so a cut or chest edge is no outline.
    padded = np.pad(mask, 9, mode="edge")
    depth = ndimage.distance_transform_cdt(padded, metric="taxicab")[9:-9, 9:-9]
    away = ndimage.distance_transform_cdt(~padded, metric="taxicab")[9:-9, 9:-9]
    inside, outside = smooth[(depth >= 3) & (depth <= 8)], smooth[(away >= 2) & (away <= 8)]
    contrast = float(np.median(inside) - np.median(outside)) if inside.size and outside.size else 0.0
    return {"stability": stability, "contrast": contrast}


def _solidity(mask: Mask) -> float:
    """Area over the area of the convex hull, from the corners of the outermost pixels of each row."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - mask[rows][:, ::-1].argmax(axis=1)
    points = np.concatenate(
        [np.stack([x, y], axis=1) for x in (first, last) for y in (rows, rows + 1)], dtype=np.float64
    )
    # In two dimensions scipy calls the area `volume`.
    return float(np.count_nonzero(mask) / ConvexHull(points).volume)


def _half_ellipse(mask: Mask) -> float:
    """Best IoU with a half-ellipse on the chest wall, over 15 candidates that leave out a part above or below.

    What is left out may be the pectoral tail above or the fold below; pixels there still count as not covered.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom = float(rows[0]), float(rows[-1] + 1)
    start, width = float(columns[0]), float(columns[-1] + 1 - columns[0])
    y = np.arange(mask.shape[0], dtype=np.float32)[:, None] + 0.5
    x = np.arange(mask.shape[1], dtype=np.float32)[None, :] + 0.5
    across = ((x - start) / width) ** 2
    area = np.count_nonzero(mask)
    best = 0.0
    for above in (-0.10, 0.0, 0.10, 0.20, 0.30):
        for below in (-0.05, 0.0, 0.10):
            low, high = top + above * (bottom - top), bottom - below * (bottom - top)
            ellipse = across + ((y - (low + high) / 2) / ((high - low) / 2)) ** 2 <= 1
            ellipse &= x >= start
            shared = np.count_nonzero(ellipse & mask)
            best = max(best, shared / (area + np.count_nonzero(ellipse) - shared))
    return best


def _roughness(mask: Mask) -> float:
    """RMS distance of the skin line x(y) from its own smoothed course, over the breast's greatest width."""
    rows = np.flatnonzero(mask.any(axis=1))
    skin = (mask.shape[1] - mask[rows][:, ::-1].argmax(axis=1)).astype(np.float64)
    course = ndimage.gaussian_filter1d(skin, max(2.0, 0.03 * rows.size), mode="nearest")
    # Where the arc runs along x (its ends, the fold below), x(y) jumps and is no measure of roughness.
    upright = np.abs(np.gradient(course)) < 1.5
    if np.count_nonzero(upright) < 8:
        return 1.0
    width = skin.max() - mask.any(axis=0).argmax()
    return float(np.sqrt(np.mean((skin - course)[upright] ** 2)) / width)


def _label_contact(mask: Mask, labels: Mask) -> float:
    """Share of the breast's border along which a label or a film edge was taken out."""
    border = mask & ~ndimage.binary_erosion(mask, border_value=1)
    if not labels.any() or not border.any():
        return 0.0
    return float(np.count_nonzero(border & ndimage.binary_dilation(labels, iterations=3)) / np.count_nonzero(border))


def _reasons(parts: dict[str, float], measures: dict[str, float]) -> tuple[str, ...]:
    """Say what lowers the confidence, the most serious first."""
    words: list[tuple[float, str]] = []
    if parts["closed"] < 0.9:
        cuts = {"nipple": "cut off at the nipple", "below": "cut off below", "above": "cut off above"}
        found = [(measures[f"cut_{key}"], text) for key, text in cuts.items() if measures[f"cut_{key}"] > CUT]
        words += [(parts["closed"], text) for _, text in sorted(found, reverse=True)]
        if measures["cut_nipple"] > CUT and measures["gap"] == 0:
            ends = measures["cut_below"] > CUT and measures["cut_above"] > CUT
            words.append((parts["closed"], "touches all four sides" if ends else "touches both sides"))
        if measures["contact"] < 0.35:
            words.append((parts["closed"], "hardly meets the chest wall"))
        if measures["gap"] > 0.10:
            words.append((parts["closed"], "lies away from the chest wall"))
        if not words:
            words.append((parts["closed"], "runs along the film's edge"))
    if measures["label"] > LABEL_TOUCHES:
        words.append((0.85, "label touches"))
    if parts["solid"] < 0.8:
        words.append((parts["solid"], "dented outline"))
    if ramp(measures["contrast"], 0.02, 0.10) < 0.8:
        words.append((parts["edge"], "low contrast"))
    elif parts["edge"] < 0.8:
        words.append((parts["edge"], "unsure edge"))
    if parts["ellipse"] < 0.8:
        words.append((parts["ellipse"], "unusual shape"))
    if parts["smooth"] < 0.8:
        words.append((parts["smooth"], "rough outline"))
    if parts["area"] < 0.9:
        words.append((parts["area"], "too small" if measures["share"] < 0.5 else "fills the frame"))
    return tuple(text for _, text in sorted(words, key=lambda word: word[0]))
