"""Take out the pectoral muscle of oblique views, where its edge is plain to see; elsewhere say so and leave it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.curation.steps.base import Row, StepSpec, Work, doubtful_first
from engines.options import Options, option

UNCERTAIN = "pectoral: uncertain"
_CORNER = 0.6  # of the breast's height and width: where the muscle's edge is looked for
_ANGLES = (20.0, 75.0)  # between the edge and the horizontal, in degrees
_BAND = 10  # proxy pixels beyond the edge that the muscle is compared with
_LINES = 24

Grey = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class PectoralOptions(Options):
    certainty: float = option(
        1.5,
        "Certainty",
        "How much brighter than the tissue beside it the muscle must be, in standard deviations of that tissue.",
        too_low="Breast tissue is cut away where no muscle is.",
        too_high="Most images are left as they are and flagged.",
        layer="basic",
        ge=0.5,
        le=5.0,
    )
    unknown_views: bool = option(
        False, "Also where the view is not known", "Treat images without a known view as oblique views (MLO)."
    )


def apply(work: Work, options: PectoralOptions) -> None:
    """Blank the triangle between the top, the chest wall and the muscle's edge. Other views than MLO are left alone.

    Straight edges by Canny and Hough in the upper chest corner; one is taken only if it leaves through the top and the
    chest wall and the inside is brighter by `certainty` standard deviations (research note D4).
    """
    from engines.curation.proxy import make_proxy

    view = work.facts.get("view", "").strip().upper()
    if "MLO" not in view and not (options.unknown_views and not view):
        work.said["pectoral"] = f"left alone: the view is {view or 'not known'}"
        return
    chest = work.found.chest if work.found is not None else ""
    if not chest:
        _unsure(work, 1.0)
        return
    proxy = make_proxy(np.squeeze(work.pixels, axis=2) if work.pixels.shape[2] == 1 else work.pixels)
    values = proxy.values if chest == "left" else proxy.values[:, ::-1]
    triangle, certainty = find_pectoral(values)
    if triangle is None or certainty < options.certainty:
        _unsure(work, 1.0 - 0.5 * max(0.0, certainty) / options.certainty)
        return
    work.doubt["pectoral"] = 0.5 * options.certainty / certainty
    work.said["pectoral"] = f"removed: {certainty:.1f} deviations brighter than beside it"
    _blank(work, triangle if chest == "left" else triangle[:, ::-1])


def find_pectoral(values: Grey) -> tuple[Mask | None, float]:
    """The muscle in grey values (h,w) with the chest wall on the left, and by how many deviations it is brighter."""
    from skimage.feature import canny
    from skimage.transform import hough_line, hough_line_peaks

    breast = values > 0.03
    rows, columns = np.flatnonzero(breast.any(axis=1)), np.flatnonzero(breast.any(axis=0))
    if not rows.size:
        return None, 0.0
    top, left = int(rows[0]), int(columns[0])
    height, width = int(_CORNER * (rows[-1] + 1 - top)), int(_CORNER * (columns[-1] + 1 - left))
    if min(height, width) < 24:
        return None, 0.0
    corner = values[top : top + height, left : left + width]
    edges = canny(corner, sigma=2.0)
    edges[:2], edges[:, :2] = False, False
    # x cos(t) + y sin(t) = d; an edge that falls towards the chest wall at a to the horizontal has t = 90 - a.
    angles = np.deg2rad(90.0 - np.linspace(*_ANGLES[::-1], 111))
    votes, thetas, distances = hough_line(edges, theta=angles)
    peaks = hough_line_peaks(votes, thetas, distances, min_distance=4, min_angle=4, num_peaks=_LINES)
    best: tuple[float, Mask | None] = (0.0, None)
    for count, theta, distance in zip(*peaks, strict=True):
        inside, certainty = _judge(corner, float(theta), float(distance), int(count))
        if certainty > best[0]:
            best = (certainty, inside)
    if best[1] is None:
        return None, 0.0
    whole = np.zeros(values.shape, dtype=np.bool_)
    whole[top : top + height, left : left + width] = best[1]
    return whole, best[0]


def _judge(corner: Grey, theta: float, distance: float, votes: int) -> tuple[Mask, float]:
    """The triangle behind a line and how many deviations it is brighter than a band beyond; 0 for an unfit line."""
    height, width = corner.shape
    along_top, along_chest = distance / np.cos(theta), distance / np.sin(theta)
    y, x = np.mgrid[:height, :width]
    beyond = x * np.cos(theta) + y * np.sin(theta) - distance
    inside: Mask = beyond < 0
    # It must leave through the top and through the chest wall, both within the corner, and not be a sliver.
    if not (0.15 * width < along_top < 1.2 * width and 0.15 * height < along_chest < height):
        return inside, 0.0
    length = float(np.hypot(min(along_top, width), along_chest))
    band = (beyond > 1) & (beyond <= _BAND) & (corner > 0.03)
    behind = (beyond < -1) & (beyond >= -_BAND)
    if votes < 0.25 * length or np.count_nonzero(band) < 40 or np.count_nonzero(behind) < 40:
        return inside, 0.0
    beside = corner[band]
    spread = max(float(beside.std()), 0.02)
    brighter = min(float(corner[behind].mean()), float(corner[inside].mean())) - float(beside.mean())
    return inside, brighter / spread


def _blank(work: Work, triangle: Mask) -> None:
    """Take a triangle on the grid of the proxy of `work.pixels` out of what stays."""
    mask = np.ones(triangle.shape, dtype=np.float32) if work.mask is None else work.mask
    rows = np.minimum(np.arange(mask.shape[0]) * triangle.shape[0] // mask.shape[0], triangle.shape[0] - 1)
    columns = np.minimum(np.arange(mask.shape[1]) * triangle.shape[1] // mask.shape[1], triangle.shape[1] - 1)
    work.mask = np.where(triangle[np.ix_(rows, columns)], np.float32(0.0), mask).astype(np.float32)


def _unsure(work: Work, doubt: float) -> None:
    work.flags.append(UNCERTAIN)
    work.said["pectoral"] = UNCERTAIN
    work.doubt["pectoral"] = doubt


def hardness(row: Row) -> float:
    """Oblique views first, among them the doubtful outlines."""
    return 2.0 * ("MLO" in row.get("view", "").upper()) + doubtful_first(row)


STEP = StepSpec(
    name="pectoral",
    title="Pectoral muscle removal",
    summary="Blanks the pectoral muscle of oblique views where its edge is plain; otherwise the image stays as it is "
    "and is flagged “pectoral: uncertain”. Off by default: muscle is anatomy that a GAN should know.",
    options=PectoralOptions,
    order=40,
    apply=apply,
    hardness=hardness,
    measured=True,
)
