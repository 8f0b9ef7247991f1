"""The phantom woman and her compressed breast: who she is, the outline, the thickness, the nipple and the muscle.

Coordinates are pixels of the drawn image with the chest wall on the left; `draw` mirrors right breasts at the end.
One pixel is about 0.53 mm (448 rows for a 24 cm detector).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.interpolate import CubicSpline

from engines.phantoms.fields import Field, blur, enlarge, generator

Side = Literal["L", "R"]
View = Literal["CC", "MLO"]
Style = Literal["film", "digital", "flat"]
SIDES: tuple[Side, ...] = ("L", "R")
VIEWS: tuple[View, ...] = ("CC", "MLO")

ROWS, COLUMNS = 448, 352  # the drawn image; both even and of small prime factors, which the FFT likes
PAD = 64  # pixels drawn beyond the frame on chest wall, top and bottom, so that the frame is no skin
FILM_SHARE = 0.62  # of women whose images are digitised films
LESION_SIDES = ("none", "left", "right", "both")  # one of each in every four women: half of all breasts carry one


@dataclass(frozen=True)
class Woman:
    """What the four images of one phantom woman share; lengths in pixels, fractions without unit."""

    patient: int
    grade: Literal["a", "b", "c", "d"]  # breast density as a radiologist grades it, almost fatty to extremely dense
    gland: float  # 0..1, how much of the disc is gland
    patchy: float  # 0..1, how broken up by fat the gland is
    strands: float  # relative number of fibrous strands
    depth: float  # chest wall to nipple
    height: float  # half height of the breast at the chest wall
    roll_off: float  # width of the rounded edge of the compressed breast
    style: Style
    exposure: float
    contrast: float
    lesions: tuple[Side, ...]


@dataclass(frozen=True)
class Pose:
    """How the breast lies in the frame: shift in pixels and magnification about the chest wall's middle."""

    shift_x: float = 0.0
    shift_y: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Breast:
    """One compressed breast in one view; all fields are [ROWS, COLUMNS] float32."""

    view: View
    inside: Field  # 0..1, soft at the skin
    skin_depth: Field  # pixels below the skin line, 0 outside
    thickness: Field  # relative to the flat middle, 0 at the skin
    muscle: Field  # 0..1, pectoral muscle
    nipple: tuple[float, float]
    depth: float
    height: float
    scale: float


def woman(seed: int, patient: int) -> Woman:
    """Return phantom woman number `patient` of the catalogue drawn from `seed`."""
    rng = generator(seed, patient, 1)
    pattern = LESION_SIDES[int(generator(seed, patient // 4, 2).permutation(4)[patient % 4])]
    lesions: dict[str, tuple[Side, ...]] = {"none": (), "left": ("L",), "right": ("R",), "both": ("L", "R")}
    grade = int(rng.choice(4, p=[0.15, 0.4, 0.35, 0.1]))  # shares as in screening (BI-RADS atlas, 5th edition)
    depth = float(np.clip(rng.normal(218, 38), 135, 290))
    style: Style = ("film", "digital", "flat")[int(rng.choice(3, p=[FILM_SHARE, 0.28, 0.10]))]
    return Woman(
        patient=patient,
        grade=("a", "b", "c", "d")[grade],
        gland=float(np.clip(rng.normal((0.22, 0.45, 0.72, 1.0)[grade], 0.07), 0.1, 1.1)),
        patchy=float(np.clip(rng.normal((0.9, 0.75, 0.5, 0.2)[grade], 0.12), 0.05, 1.0)),
        strands=float(np.clip(rng.normal((1.1, 1.0, 0.9, 0.75)[grade], 0.2), 0.4, 1.6)),
        depth=depth,
        height=float(np.clip(depth * 0.45 + rng.normal(82, 14), 120, 205)),
        roll_off=float(np.clip(rng.normal(50, 8), 34, 68)),
        style=style,
        exposure=float(rng.normal(0, 0.045)),
        contrast=float(np.clip(rng.normal(1.0, 0.12), 0.72, 1.3)),
        lesions=lesions[pattern],
    )


def breast(she: Woman, rng: np.random.Generator, view: View, pose: Pose) -> Breast:
    """Return the geometry of one breast of this woman; `rng` carries what differs from image to image."""
    depth = she.depth * float(rng.normal(1, 0.025)) * pose.scale * (1.06 if view == "MLO" else 1.0)
    height = she.height * float(rng.normal(1, 0.025)) * pose.scale
    depth = min(depth, COLUMNS * 0.93 * max(1.0, pose.scale))
    if view == "CC":
        middle = ROWS * (0.5 + float(rng.normal(0, 0.018))) + pose.shift_y
        points, nipple = _outline_cc(rng, depth, height, middle)
        folds: list[npt.NDArray[np.float64]] = []
    else:
        middle = ROWS * (0.58 + float(rng.normal(0, 0.03))) + pose.shift_y
        points, nipple, folds = _outline_mlo(rng, depth, height, middle, pose.scale)
    points[:, 0] += pose.shift_x
    nipple = (nipple[0] + pose.shift_x, nipple[1])
    inside, skin_depth = _rasterise(rng, points, folds, nipple, pose)
    roll = np.float32(she.roll_off * pose.scale)
    edge = np.clip(skin_depth / roll, 0, 1)
    thickness = np.sqrt(np.clip(1 - (1 - edge) ** 2, 0, 1), dtype=np.float32)
    x = np.arange(COLUMNS, dtype=np.float32)[None, :]
    thickness *= 1.05 - 0.13 * np.clip((x - pose.shift_x) / depth, 0, 1)  # compressed less well near the chest wall
    muscle = _muscle(rng, pose, middle, inside) if view == "MLO" else _chest_edge(rng, middle, height)
    return Breast(view, inside, skin_depth, thickness, muscle * inside, nipple, depth, height, pose.scale)


def _outline_cc(
    rng: np.random.Generator, depth: float, height: float, middle: float
) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """Return the skin line of a cranio-caudal view, a flattened half ellipse whose ends may flare at the wall."""
    t = np.linspace(-1, 1, 161)
    power, point = rng.uniform(1.9, 2.5), rng.uniform(0.52, 0.72)
    x = depth * (1 - np.abs(t) ** power) ** point
    skew = rng.uniform(-0.07, 0.07)
    upper, lower = height * (1 + skew), height * (1 - skew)
    y = middle + np.where(t < 0, t * upper, t * lower)
    wave = sum(rng.normal(0, 0.012) * np.sin(k * np.pi * t + rng.uniform(0, 6.28)) / k for k in (1, 2, 3))
    x = x * (1 + wave)
    flare = rng.uniform(0, 26, size=2)
    y = y + np.where(t < 0, -flare[0], flare[1]) * np.exp(-x / (0.07 * depth))
    nipple = (float(x[80]), float(y[80]))
    ends = np.array([[-3.0 * PAD, y[-1]], [-3.0 * PAD, y[0]]])
    return np.concatenate([np.stack([x, y], 1), ends]), nipple


def _outline_mlo(
    rng: np.random.Generator, depth: float, height: float, middle: float, scale: float
) -> tuple[npt.NDArray[np.float64], tuple[float, float], list[npt.NDArray[np.float64]]]:
    """Return the skin line of an oblique view: armpit, neck, bulge to the nipple, fold, and often some abdomen."""
    top = middle - ROWS * 0.62
    neck = depth * rng.uniform(0.46, 0.72)
    below = min(height * rng.uniform(0.78, 0.98), ROWS * 0.46)
    fold_y = middle + below
    knots = np.array(
        [
            [neck * rng.uniform(0.86, 1.02), top - 60],
            [neck, top + (middle - top) * rng.uniform(0.2, 0.32)],
            [depth * rng.uniform(0.82, 0.9), middle - (middle - top) * rng.uniform(0.28, 0.36)],
            [depth, middle],
            [depth * rng.uniform(0.86, 0.93), middle + below * rng.uniform(0.48, 0.56)],
            [depth * rng.uniform(0.42, 0.56), middle + below * rng.uniform(0.88, 0.94)],
            [depth * rng.uniform(0.0, 0.08), fold_y],
            [-depth * 0.35, fold_y + rng.uniform(-18, 10)],
        ]
    )
    chord = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T))])
    curve = CubicSpline(chord, knots)(np.linspace(0, chord[-1], 220))
    # The body goes on above the frame, also where the breast lies too low in it.
    ends = np.array([[-3.0 * PAD, curve[-1, 1]], [-3.0 * PAD, -4.0 * PAD], [curve[0, 0], -4.0 * PAD]])
    folds = []
    if rng.random() < 0.5:  # the abdomen shows below the fold
        reach = rng.uniform(10, 46) * scale
        start = fold_y - rng.uniform(0, 8)
        below_y = np.linspace(0, 1, 12)
        edge = np.stack([reach * below_y**0.55, start + (ROWS + 30 - start) * below_y], 1)
        folds.append(np.concatenate([edge, [[-3.0 * PAD, ROWS + 90.0], [-3.0 * PAD, start]]]))
    return np.concatenate([curve, ends]), (float(depth), float(middle)), folds


def _rasterise(
    rng: np.random.Generator,
    points: npt.NDArray[np.float64],
    folds: list[npt.NDArray[np.float64]],
    nipple: tuple[float, float],
    pose: Pose,
) -> tuple[Field, Field]:
    """Return (inside 0..1, depth below the skin in pixels) from the outline; two nipples of three are in profile."""
    size = (COLUMNS + PAD, ROWS + 2 * PAD)
    canvas = Image.new("L", size, 0)
    pen = ImageDraw.Draw(canvas)
    offset = np.array([PAD, PAD])
    for shape in (points, *(fold + np.array([pose.shift_x, 0.0]) for fold in folds)):
        pen.polygon([(float(a), float(b)) for a, b in shape + offset], fill=255)
    if rng.random() < 0.66:
        radius = rng.uniform(6.0, 10.0) * pose.scale
        out = rng.uniform(-0.3, 0.55) * radius
        x, y = nipple[0] + PAD + out - radius * 0.4, nipple[1] + PAD
        pen.ellipse([x - radius, y - radius * 0.85, x + radius, y + radius * 0.85], fill=255)
    half = np.asarray(canvas.reduce(2)) > 127
    if half.all():  # a magnified part: the skin is far outside the frame
        return np.ones((ROWS, COLUMNS), np.float32), np.full((ROWS, COLUMNS), 2.0 * PAD, np.float32)
    distance = ndimage.distance_transform_edt(half).astype(np.float32) * 2
    distance = enlarge(blur(distance, 0.8), 2)[PAD : PAD + ROWS, PAD:]
    inside = blur(np.asarray(canvas, dtype=np.float32)[PAD : PAD + ROWS, PAD:] / np.float32(255), 0.7)
    return inside, np.maximum(distance - 1.0, 0) * (inside > 0.02)


def _muscle(rng: np.random.Generator, pose: Pose, middle: float, inside: Field) -> Field:
    """Return the pectoral muscle of an oblique view in 0..1: a triangle in the top corner with a softly convex edge."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    across = COLUMNS * float(np.clip(rng.normal(0.36, 0.08), 0.17, 0.54)) * pose.scale
    across = min(across, 0.8 * float(inside[: ROWS // 5].sum(1).min()) + 10)  # fat remains under the armpit's skin
    down = float(np.clip(rng.normal(0.60, 0.11), 0.32, 0.85)) * ROWS * pose.scale + pose.shift_y
    top = middle - ROWS * 0.62
    along = np.clip((y - top) / max(down - top, 40.0), 0, 1.4)
    convex = float(rng.uniform(1.0, 1.45))
    wave = 4 * np.sin(y / float(rng.uniform(40, 90)) + float(rng.uniform(0, 6)))
    edge = across * (1 - along**convex) + pose.shift_x + wave
    softness = float(rng.uniform(2.5, 6.0))
    return np.asarray(1 / (1 + np.exp(-np.clip((edge - x) / softness, -30, 30))), dtype=np.float32)


def _chest_edge(rng: np.random.Generator, middle: float, height: float) -> Field:
    """Return the sliver of pectoral muscle that some cranio-caudal views show at the chest wall."""
    if rng.random() > 0.15:
        return np.zeros((ROWS, COLUMNS), dtype=np.float32)
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    centre = middle + float(rng.normal(0, 0.2)) * height
    edge = float(rng.uniform(8, 22)) * (1 - ((y - centre) / (height * float(rng.uniform(0.4, 0.75)))) ** 2)
    return np.asarray(1 / (1 + np.exp(-np.clip((edge - x) / 2.5, -30, 30))), dtype=np.float32)
