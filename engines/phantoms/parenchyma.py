"""What lies inside a phantom breast: glandular disc, fatty lobules, fibrous strands, ducts and vessels.

The result is a composition map, relative attenuation per unit thickness: 1 is fat, about 1.5 dense gland.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.phantoms.anatomy import COLUMNS, ROWS, Breast, Woman
from engines.phantoms.fields import Field, blur, enlarge, power_law, sample_tile, smooth_field, splat, walk

SHAPE = (ROWS, COLUMNS)


@dataclass(frozen=True)
class Tissue:
    """Composition of one breast; fields are [ROWS, COLUMNS] float32."""

    attenuation: Field  # 1 = fat
    gland: Field  # 0..1, the glandular disc's envelope


def sigmoid(value: npt.NDArray[np.floating]) -> Field:
    """Return 1 / (1 + e^-value) without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -30, 30))), dtype=np.float32)


def tissue(she: Woman, shape_rng: np.random.Generator, rng: np.random.Generator, breast: Breast) -> Tissue:
    """Return the tissue of one breast; `shape_rng` is shared by both sides of a view, since women are near mirrors."""
    x, y = np.arange(COLUMNS, dtype=np.float32)[None, :], np.arange(ROWS, dtype=np.float32)[:, None]
    warp = smooth_field(rng, SHAPE, 3.6, 2.0), smooth_field(rng, SHAPE, 3.6, 2.0)
    gland = _disc(she, shape_rng, rng, breast, x, y)
    web = _web(rng, breast, x, y, warp)
    cloud = power_law(rng, SHAPE, 3.0, lowest=3.0)
    lobules = np.clip(0.5 + 0.42 * cloud, 0, 1.3)
    filled = np.float32(1 - she.patchy) + np.float32(she.patchy) * lobules
    dense = gland * (0.27 * filled + 0.24 * web * filled**0.5 + 0.05 * cloud)
    streaky = np.clip(0.75 + 0.6 * warp[1], 0.1, 2.0)
    fatty = (0.075 * web * streaky + 0.020 * cloud) * (1 - gland)
    lines = _strands(she, rng, breast, warp[0], gland) + _vessels(she, rng, breast)
    amount = np.float32(0.55 + 0.5 * min(she.gland, 1.0))
    attenuation = 1 + amount * np.maximum(dense, 0) + fatty + lines
    attenuation = _add_muscle(she, rng, breast, attenuation, x, y)
    return Tissue(np.asarray(attenuation, dtype=np.float32), gland)


def _disc(
    she: Woman, shape_rng: np.random.Generator, rng: np.random.Generator, breast: Breast, x: Field, y: Field
) -> Field:
    """Return the envelope of the glandular disc in 0..1: behind the nipple, irregular, off the skin and the wall."""
    nipple_x, nipple_y = breast.nipple
    back = (np.float32(nipple_x) - x) / np.float32(breast.depth)  # 0 at the nipple, 1 at the chest wall
    across = (y - np.float32(nipple_y)) / np.float32(breast.height)
    size = 0.42 + 0.42 * she.gland
    centre_back = float(shape_rng.uniform(0.36, 0.46)) + 0.04 * she.gland
    centre_across = float(shape_rng.normal(-0.16 if breast.view == "MLO" else 0.0, 0.07))
    reach_back = float(shape_rng.uniform(0.34, 0.42)) * (0.75 + 0.45 * she.gland)
    reach_across = float(shape_rng.uniform(0.62, 0.8)) * size
    shared = smooth_field(shape_rng, SHAPE, 3.4, 2.2)
    own = enlarge(power_law(rng, (ROWS // 2, COLUMNS // 2), 3.3, lowest=4.0), 2)
    tilt = back - 0.22 * across * float(shape_rng.uniform(-1, 1))
    distance = np.sqrt(((tilt - centre_back) / reach_back) ** 2 + ((across - centre_across) / reach_across) ** 2)
    narrowing = np.clip(1.25 - 0.9 * (tilt - 0.05) / max(centre_back, 0.1), 0.0, 0.9)
    distance = distance * (1 + 0.35 * narrowing * np.abs(across - centre_across * 0.6) / reach_across)
    ragged = 0.26 * shared + (0.12 + 0.18 * she.patchy) * own
    disc = sigmoid((1.0 - distance + ragged) / np.float32(0.10 + 0.08 * she.patchy))
    stalk = np.exp(-((across * np.float32(breast.height) / 11) ** 2)) * sigmoid((0.30 - back) / 0.07) * 0.5
    under_skin = sigmoid((breast.skin_depth - np.float32(17 * breast.scale) - 3.0 * own) / 3.0)
    near_nipple = np.exp(-(((x - np.float32(nipple_x)) / 26) ** 2)) * np.exp(-(((y - np.float32(nipple_y)) / 26) ** 2))
    return np.asarray(np.maximum(disc, stalk) * np.maximum(under_skin, 0.75 * near_nipple), dtype=np.float32)


def _towards(breast: Breast, x: Field, y: Field) -> tuple[Field, Field]:
    """Return the way to the point, beyond the nipple, at which strands would meet."""
    return np.float32(breast.nipple[0] + 0.45 * breast.depth) - x, np.float32(breast.nipple[1]) - y


def _web(rng: np.random.Generator, breast: Breast, x: Field, y: Field, warp: tuple[Field, Field]) -> Field:
    """Return fibrous septa in 0..1, stretched along the direction of the nipple and bent by the warp."""
    here = np.flatnonzero(breast.inside > 0)  # air needs no fibres, and sampling is slow
    towards_x, towards_y = _towards(breast, x[0, here % COLUMNS], y[here // COLUMNS, 0])
    start = rng.uniform(0, 1024, size=2)
    row = np.arctan2(towards_y, towards_x) * 400 + 13 * warp[0].ravel()[here] + np.float32(start[0])
    column = np.sqrt(towards_x**2 + towards_y**2) * 0.40 + 22 * warp[1].ravel()[here] + np.float32(start[1])
    web = np.zeros(ROWS * COLUMNS, dtype=np.float32)
    web[here] = np.clip(sample_tile(row.astype(np.float32), column.astype(np.float32)), 0, 1.2)
    return web.reshape(SHAPE)


def _strands(she: Woman, rng: np.random.Generator, breast: Breast, bend_field: Field, gland: Field) -> Field:
    """Return thin fibrous strands: along the flow everywhere, Cooper's arcs from the disc to the skin, ducts."""
    nipple_x, nipple_y = breast.nipple
    count = int(340 * she.strands * (breast.depth / 205))
    x = rng.uniform(-20, nipple_x - 6, count).astype(np.float32)
    y = (nipple_y + rng.uniform(-1.15, 1.0, count) * breast.height).astype(np.float32)
    towards_x, towards_y = _towards(breast, x, y)
    angle = np.arctan2(towards_y, towards_x) + np.float32(0.16) * _look_up(bend_field, x, y)
    angle += rng.normal(0, 0.20, count).astype(np.float32)
    lengths = rng.gamma(2.2, 20, count).astype(np.float32) + 10
    bend = rng.normal(0, 0.006, count).astype(np.float32)
    weight = rng.gamma(1.0, 0.55, count).astype(np.float32)
    fine = walk(rng, x, y, angle, lengths, 0.05, bend, 1.0)
    image = splat(SHAPE, fine[0].ravel(), fine[1].ravel(), (fine[2] * weight).ravel())

    arcs = int(46 * she.strands)
    edge = (gland > 0.25) & (gland < 0.7) & (breast.muscle < 0.2)
    rows, columns = np.nonzero(edge)
    if rows.size > 50:
        pick = rng.integers(0, rows.size, arcs)
        x, y = columns[pick].astype(np.float32), rows[pick].astype(np.float32)
        outward = np.arctan2(y - np.float32(nipple_y), x - np.float32(nipple_x - 0.45 * breast.depth))
        angle = outward + rng.normal(0, 0.7, arcs).astype(np.float32)
        bend = rng.normal(0, 0.022, arcs).astype(np.float32)
        lengths = rng.uniform(16, 48, arcs).astype(np.float32)
        cooper = walk(rng, x, y, angle, lengths, 0.035, bend, 1.0)
        weight = rng.gamma(2.0, 0.55, arcs).astype(np.float32)
        image += splat(SHAPE, cooper[0].ravel(), cooper[1].ravel(), (cooper[2] * weight).ravel())
    ducts = 12
    angle = (np.pi + rng.normal(0, 0.55, ducts)).astype(np.float32)
    start_x = np.full(ducts, nipple_x - 4, np.float32)
    start_y = (nipple_y + rng.normal(0, 3, ducts)).astype(np.float32)
    lengths = (rng.uniform(0.14, 0.42, ducts) * breast.depth).astype(np.float32)
    tree = walk(rng, start_x, start_y, angle, lengths, 0.05, rng.normal(0, 0.004, ducts).astype(np.float32), 1.0)
    weight = rng.gamma(2.0, 0.6, ducts).astype(np.float32)
    image += splat(SHAPE, tree[0].ravel(), tree[1].ravel(), (tree[2] * weight).ravel())
    sharp = blur(image, 0.65)
    return 0.085 * sharp / (1 + 0.6 * sharp) + 0.05 * blur(image, 2.2)


def _vessels(she: Woman, rng: np.random.Generator, breast: Breast) -> Field:
    """Return a few blood vessels: longer, smoother and wider than strands, from the upper chest wall outwards."""
    count = int(rng.integers(2, 6))
    y = (breast.nipple[1] - rng.uniform(-0.5, 1.3, count) * breast.height).astype(np.float32)
    x = rng.uniform(-10, 0.45 * breast.depth, count).astype(np.float32)
    angle = rng.normal(0.35, 0.35, count).astype(np.float32)
    lengths = rng.uniform(0.4, 0.9, count).astype(np.float32) * np.float32(breast.depth)
    bend = rng.normal(0, 0.003, count).astype(np.float32)
    path = walk(rng, x, y, angle, lengths, 0.055, bend, 0.7)
    weight = rng.uniform(0.5, 1.3, count).astype(np.float32)
    image = splat(SHAPE, path[0].ravel(), path[1].ravel(), (path[2] * weight).ravel())
    return 0.12 * blur(image, 1.1)


def _add_muscle(she: Woman, rng: np.random.Generator, breast: Breast, tissue: Field, x: Field, y: Field) -> Field:
    """Return the tissue with the pectoral muscle over it: bright, softly striated along its length."""
    if not breast.muscle.any():
        return tissue
    base = float(rng.uniform(0.14, 0.36)) - (0.06 if breast.view == "CC" else 0.0)
    striation = 0.010 * np.sin((x * 0.9 + y * 0.45) / 3.1 + 2.5 * smooth_field(rng, SHAPE, 3.0, 3.0))
    soft = 0.05 * smooth_field(rng, SHAPE, 2.6, 2.0) + striation
    thicker = 0.20 * np.clip(1 - x / np.float32(0.45 * COLUMNS) - 0.5 * y / ROWS, -0.3, 1)
    over = breast.muscle * (0.30 + base + soft + thicker)
    return np.asarray(tissue * (1 - 0.3 * breast.muscle) + over, dtype=np.float32)


def _look_up(field: Field, x: Field, y: Field) -> Field:
    """Return the field at the nearest pixel, clamped to the frame."""
    return field[np.clip(y, 0, ROWS - 1).astype(int), np.clip(x, 0, COLUMNS - 1).astype(int)]
