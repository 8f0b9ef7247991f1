"""Phantom lesions: masses (round, lobulated, ill-defined, spiculated) and clusters of calcifications.

A lesion is drawn into the attenuation map before the film is exposed, so that it is blurred and grained as tissue is.
Both views of a breast show the same lesion at the same distance from the nipple, as the depth rule of reading says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from engines.phantoms.anatomy import COLUMNS, ROWS, Breast
from engines.phantoms.fields import Field, blur, splat, walk

Kind = Literal["round mass", "lobulated mass", "ill-defined mass", "spiculated mass", "calcification cluster"]
KINDS: tuple[Kind, ...] = (
    "round mass",
    "lobulated mass",
    "ill-defined mass",
    "spiculated mass",
    "calcification cluster",
)
SHARES = (0.14, 0.13, 0.16, 0.27, 0.30)


@dataclass(frozen=True)
class Lesion:
    """Ground truth of one drawn lesion; the box is in pixels of the finished image, origin at its top left."""

    kind: Kind
    x: int
    y: int
    width: int
    height: int

    def as_dict(self) -> dict[str, str | int]:
        """Return the JSON form that the catalogue's table carries."""
        return {"kind": self.kind, "x": self.x, "y": self.y, "width": self.width, "height": self.height}


def add_lesion(
    rng: np.random.Generator, own: np.random.Generator, breast: Breast, gland: Field, tissue: Field
) -> tuple[Field, Lesion]:
    """Return the tissue with one lesion and its truth; `rng` is shared by the views of a breast, `own` is not."""
    kind = KINDS[int(rng.choice(len(KINDS), p=SHARES))]
    radius = float(np.clip(rng.lognormal(np.log(11.5), 0.32), 7.0, 24.0)) * breast.scale
    back = float(rng.uniform(0.25, 0.68))
    strength = float(rng.uniform(0.75, 1.2))
    x, y = _place(own, breast, gland, back, radius)
    if kind == "calcification cluster":
        tissue, reach = _calcifications(own, breast, tissue, x, y, radius)
    else:
        tissue, reach = _mass(own, kind, tissue, x, y, radius, strength)
    left, top = max(0, int(x - reach)), max(0, int(y - reach))
    right, bottom = min(COLUMNS, int(x + reach) + 1), min(ROWS, int(y + reach) + 1)
    return tissue, Lesion(kind, left, top, max(1, right - left), max(1, bottom - top))


def _place(rng: np.random.Generator, breast: Breast, gland: Field, back: float, radius: float) -> tuple[float, float]:
    """Return a place at that share of the depth behind the nipple: inside the breast and frame, in gland if it can."""
    column = float(np.clip(breast.nipple[0] - back * breast.depth, radius + 4, COLUMNS - radius - 4))
    near = slice(max(0, int(column) - 3), int(column) + 4)
    room = (breast.skin_depth[:, near].min(1) > radius + 9) & (breast.muscle[:, near].max(1) < 0.3)
    rows = np.arange(ROWS)
    room &= (rows > radius + 4) & (rows < ROWS - radius - 4)
    weight = np.where(room, 0.06 + gland[:, near].mean(1), 0.0)
    if not weight.any():  # a thin or badly cut breast: the deepest point is the best there is
        depth = np.where(breast.muscle < 0.3, breast.skin_depth, 0)
        deepest = int(depth.argmax())
        return float(deepest % COLUMNS), float(deepest // COLUMNS)
    share = np.cumsum(weight) / weight.sum()
    return column, float(np.searchsorted(share, rng.uniform(0.05, 0.95)))


def _mass(
    rng: np.random.Generator, kind: Kind, tissue: Field, x: float, y: float, radius: float, strength: float
) -> tuple[Field, float]:
    """Return the tissue with a mass of that radius, and the reach of its box."""
    reach = int(radius * (2.6 if kind == "spiculated mass" else 1.8)) + 4
    rows = slice(max(0, int(y) - reach), min(ROWS, int(y) + reach + 1))
    columns = slice(max(0, int(x) - reach), min(COLUMNS, int(x) + reach + 1))
    dy, dx = np.mgrid[rows, columns].astype(np.float32)
    dy, dx = dy - np.float32(y), dx - np.float32(x)
    tilt, oval = rng.uniform(0, np.pi), rng.uniform(0.72, 1.0)
    across, along = dx * np.cos(tilt) + dy * np.sin(tilt), -dx * np.sin(tilt) + dy * np.cos(tilt)
    distance = np.hypot(across, along / oval) / radius
    angle = np.arctan2(along, across)
    lobes = {"round mass": 0.035, "lobulated mass": 0.15, "ill-defined mass": 0.12, "spiculated mass": 0.10}[kind]
    ragged = np.zeros_like(distance)
    for k in range(2, 8 if kind != "round mass" else 5):
        ragged += np.float32(rng.normal(0, lobes / k**0.5)) * np.cos(k * angle + np.float32(rng.uniform(0, 6.28)))
    soft = {"round mass": 0.07, "lobulated mass": 0.08, "ill-defined mass": 0.20, "spiculated mass": 0.20}[kind]
    body = 1 / (1 + np.exp(np.clip((distance - 1 + ragged) / soft, -30, 30)))
    dome = body * np.sqrt(np.clip(1.15 - 0.75 * np.clip(distance, 0, 1.2) ** 2, 0.06, 1))
    mottle = ndimage.gaussian_filter(rng.standard_normal(dome.shape, dtype=np.float32), 2.2)
    added = dome * (0.27 + 0.16 * mottle) * strength
    if kind == "spiculated mass":
        added += _spicules(rng, dome.shape, x - columns.start, y - rows.start, radius) * strength
    result = tissue.copy()
    result[rows, columns] += added.astype(np.float32)
    return result, radius * (1.9 if kind == "spiculated mass" else 1.15)


def _spicules(rng: np.random.Generator, shape: tuple[int, ...], x: float, y: float, radius: float) -> Field:
    """Return fine lines that radiate from a mass, denser and brighter near it."""
    count = int(rng.integers(16, 34))
    angle = rng.uniform(0, 2 * np.pi, count).astype(np.float32)
    start = np.float32(0.55 * radius)
    lengths = (rng.uniform(0.6, 1.75, count) * radius).astype(np.float32)
    start_x, start_y = np.float32(x) + start * np.cos(angle), np.float32(y) + start * np.sin(angle)
    bend = rng.normal(0, 0.010, count).astype(np.float32)
    path_x, path_y, taper = walk(rng, start_x, start_y, angle, lengths, 0.05, bend, 0.5)
    along = np.linspace(1, 0, path_x.shape[0], dtype=np.float32)[:, None] ** 0.8
    weight = (taper > 0) * along * rng.uniform(0.4, 1.0, count).astype(np.float32)
    image = splat((shape[0], shape[1]), path_x.ravel(), path_y.ravel(), weight.ravel().astype(np.float32))
    return np.asarray(0.085 * blur(image, 0.8), dtype=np.float32)


def _calcifications(
    rng: np.random.Generator, breast: Breast, tissue: Field, x: float, y: float, radius: float
) -> tuple[Field, float]:
    """Return the tissue with a cluster of fine bright grains, round or drawn out along a duct, and its reach.

    Grains of 0.2 to 0.5 mm are below the pixel; they are drawn as the blurred points that such a grid would show.
    """
    count = int(rng.integers(7, 26))
    towards = np.arctan2(breast.nipple[1] - y, breast.nipple[0] - x) + rng.normal(0, 0.3)
    drawn_out = float(rng.uniform(0.45, 1.0))
    distance, turn = np.sqrt(rng.uniform(0, 1, count)), rng.uniform(0, 2 * np.pi, count)
    spread = np.stack([np.cos(turn), drawn_out * np.sin(turn)]) * distance * radius
    grain_x = x + spread[0] * np.cos(towards) - spread[1] * np.sin(towards)
    grain_y = y + spread[0] * np.sin(towards) + spread[1] * np.cos(towards)
    weight = np.clip(rng.lognormal(-0.5, 0.5, count), 0.2, 1.6)
    image = splat((ROWS, COLUMNS), *(part.astype(np.float32) for part in (grain_x, grain_y, weight)))
    bright = 0.85 * blur(image, 0.55) + 0.35 * blur(image, 0.9)
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    haze = np.exp(-((columns - np.float32(x)) ** 2 + (rows - np.float32(y)) ** 2) / np.float32(2 * radius**2))
    return np.asarray(tissue + bright + 0.05 * haze, dtype=np.float32), radius * 1.2
