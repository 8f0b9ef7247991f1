"""From attenuation to grey values: film or digital detector, blur, grain; then labels, bars, dust and other marks."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from engines.phantoms.anatomy import COLUMNS, ROWS, Breast, Side, View, Woman
from engines.phantoms.fields import Field, blur, smooth_field

Grey = npt.NDArray[np.uint8]


def expose(she: Woman, rng: np.random.Generator, breast: Breast, attenuation: Field) -> Field:
    """Return grey values 0..255 as float32 [ROWS, COLUMNS] in this woman's style of image."""
    sharp = blur(attenuation, 0.45 if she.style == "digital" else 0.6)
    if she.style == "film":
        return _film(she, rng, breast, sharp)
    if she.style == "digital":
        return _digital(she, rng, breast, sharp)
    return _flat(she, rng, breast, sharp)


def _grain(rng: np.random.Generator, sigma: float) -> Field:
    """Return grain of deviation 1, a little correlated as a screen or a detector leaves it."""
    white = rng.standard_normal((ROWS, COLUMNS), dtype=np.float32)
    soft = ndimage.uniform_filter(white, 3)
    return (1 - sigma) * white + 2.2 * sigma * soft


def _film(she: Woman, rng: np.random.Generator, breast: Breast, tissue: Field) -> Field:
    """Film: the characteristic curve's toe swallows the thin edge of the breast, its shoulder the dense gland."""
    mean = float(rng.normal(0, 0.02)) + she.exposure
    optical = breast.thickness * tissue + 0.05 * np.exp(-breast.skin_depth / 1.6) * breast.inside
    optical = optical * breast.inside + 0.02 * smooth_field(rng, (ROWS, COLUMNS), 3.0, 1.5) * breast.inside
    slope = 3.9 * she.contrast
    grey = 236 / (1 + np.exp(-slope * (optical - 0.95 + mean))) - 236 / (1 + np.exp(slope * (0.95 - mean)))
    fog = 6.0 + 2.0 * float(rng.random())
    grey = fog + np.maximum(grey, 0) + 1.6 * _grain(rng, 0.5) * (0.35 + grey / 160)
    return np.asarray(grey, dtype=np.float32)


def _digital(she: Woman, rng: np.random.Generator, breast: Breast, tissue: Field) -> Field:
    """Processed digital image: thickness equalised, structures enhanced, skin a thin bright line, air black."""
    thickness = np.maximum(breast.thickness, 0.02)
    along = np.clip(1 + 0.5 * smooth_field(rng, (ROWS, COLUMNS), 3.0, 2.0), 0.2, 2.2)
    line = 0.24 * np.exp(-((breast.skin_depth - 1.0) ** 2) / 1.6) * np.float32(rng.uniform(0.6, 1.3)) * along
    x, y = np.arange(COLUMNS, dtype=np.float32)[None, :], np.arange(ROWS, dtype=np.float32)[:, None]
    areola = np.exp(-(((x - breast.nipple[0]) / 34) ** 2)) * np.exp(-(((y - breast.nipple[1]) / 34) ** 2))
    noisy = tissue + 0.016 * _grain(rng, 0.3)
    optical = (noisy + line * (1 + 1.2 * areola)) * thickness**0.12
    enhanced = optical + 0.8 * (optical - blur(optical, 7.0))
    grey = 255 * np.clip((enhanced - 0.84 - she.exposure * 0.6) * 1.45 * she.contrast, 0, 1.4) ** 1.05
    grey = 245 * (1 - np.exp(-grey / 190))
    return np.asarray(grey * breast.inside, dtype=np.float32)


def _flat(she: Woman, rng: np.random.Generator, breast: Breast, tissue: Field) -> Field:
    """Digital image of low contrast: an even grey breast with a clear border, as some older systems show it."""
    thickness = np.maximum(breast.thickness, 0.02)
    optical = tissue * thickness**0.30 + 0.008 * _grain(rng, 0.4)
    grey = 48 + 112 * np.clip(optical - 0.05, 0, 2) ** 0.95 * (0.94 + 0.1 * she.contrast)
    return np.asarray(np.minimum(grey, 252) * breast.inside, dtype=np.float32)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font, so that the letters are the same on every machine."""
    return ImageFont.load_default(size=size)


def _text(text: str, size: int, spaced: int = 0) -> Field:
    """Return the letters as an image in 0..1, tightly cropped."""
    font = _font(size)
    left, top, right, bottom = font.getbbox(text)
    canvas = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2), 0)
    ImageDraw.Draw(canvas).text((1 - left, 1 - top), text, fill=255, font=font)
    return np.asarray(canvas, dtype=np.float32) / np.float32(255)


def _paste(grey: Field, patch: Field, x: int, y: int, opaque: Field | None = None) -> None:
    """Lay a patch onto the image in place, cut at the frame; `opaque` in 0..1 defaults to fully opaque."""
    rows, columns = grey.shape
    top, left = max(0, y), max(0, x)
    bottom, right = min(rows, y + patch.shape[0]), min(columns, x + patch.shape[1])
    if top >= bottom or left >= right:
        return
    part = (slice(top - y, bottom - y), slice(left - x, right - x))
    cover = np.ones_like(patch) if opaque is None else opaque
    area = grey[top:bottom, left:right]
    grey[top:bottom, left:right] = area * (1 - cover[part]) + patch[part] * cover[part]


def burn_view_text(grey: Field, rng: np.random.Generator, side: Side, view: View, digital: bool) -> None:
    """Write the view into the dark corner as digital systems do, or as the dim lead letters that films show."""
    letters = f"{side}{view}" if digital else str(rng.choice([f"{side} {view}", view, f"{int(rng.integers(2, 60))}"]))
    text = _text(letters, int(rng.integers(9, 14)) if digital else int(rng.integers(12, 17)))
    margin = int(rng.integers(10, 34))
    x = COLUMNS - text.shape[1] - margin if side == "L" else margin
    y = int(rng.integers(14, 44)) if view == "CC" else int(rng.integers(14, 60))
    value = 235.0 if digital else float(rng.uniform(40, 95))
    if not digital:
        text = ndimage.gaussian_filter(text, 0.8)
    _paste(grey, np.full_like(text, value), x, y, text)


def stick_label(grey: Field, rng: np.random.Generator, side: Side, view: View, on: tuple[float, float] | None) -> None:
    """Stick a bright label with dark letters into the outer top corner, or over the edge of the breast `on` a nipple.

    `on` is in the coordinates of a left breast; a right one is mirrored here.
    """
    lines = [side, "ML" if view == "MLO" else "CC"] if rng.random() < 0.6 else [f"{side} {view}"]
    size = int(rng.integers(15, 20))
    images = [_text(line, size) for line in lines]
    width = max(image.shape[1] for image in images) + int(rng.integers(9, 16))
    height = sum(image.shape[0] for image in images) + 6 * len(lines) + int(rng.integers(6, 14))
    patch = np.full((height, width), float(rng.uniform(225, 250)), dtype=np.float32)
    row = (height - sum(image.shape[0] + 5 for image in images)) // 2 + 2
    for image in images:
        column = (width - image.shape[1]) // 2
        _paste(patch, np.full_like(image, 25.0), column, row, image)
        row += image.shape[0] + 5
    turn = float(rng.normal(0, 3.0))
    cover = ndimage.rotate(np.ones_like(patch), turn, order=1, cval=0.0)
    turned = ndimage.rotate(patch, turn, order=1, mode="nearest")
    if rng.random() < 0.3:  # films are often digitised from the back
        turned = turned[:, ::-1]
    soft = ndimage.gaussian_filter(np.pad(turned, 1, mode="edge"), 0.6)[1:-1, 1:-1]
    if on is None:
        x, y = COLUMNS - turned.shape[1] - int(rng.integers(-10, 46)), int(rng.integers(-12, 30))
    else:
        x = int(min(on[0], COLUMNS - 40)) - int(rng.integers(10, turned.shape[1]))
        y = int(on[1]) + int(rng.choice([-1, 1])) * int(rng.integers(10, 70)) - turned.shape[0] // 2
    _paste(grey, soft, x if side == "L" else COLUMNS - x - turned.shape[1], y, np.clip(cover, 0, 1))


def add_bar(grey: Field, rng: np.random.Generator, edge: str) -> None:
    """Lay the bright or grey border of a film along one edge, a little slanted."""
    rows, columns = grey.shape
    width = float(rng.uniform(5, 17))
    slant = float(rng.normal(0, 0.012))
    bright = float(rng.uniform(225, 252)) if rng.random() < 0.65 else float(rng.uniform(95, 160))
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    inward = {"right": columns - 1 - x, "left": x, "top": y, "bottom": rows - 1 - y}[edge]
    along = y if edge in ("left", "right") else x
    cover = np.clip(width + slant * (along - along.mean()) - inward, 0, 1)
    grey[:] = grey * (1 - cover) + (bright + 1.5 * _grain_like(rng, grey)) * cover


def _grain_like(rng: np.random.Generator, grey: Field) -> Field:
    return rng.standard_normal(grey.shape, dtype=np.float32)


def add_dust(grey: Field, rng: np.random.Generator) -> None:
    """Scratch the film: a few thin lines and specks, as scanned films carry."""
    for _ in range(int(rng.integers(1, 3))):
        column, start = int(rng.integers(4, COLUMNS - 4)), int(rng.integers(0, ROWS // 2))
        length = int(rng.integers(ROWS // 4, ROWS))
        grey[start : start + length, column] += float(rng.choice([-14.0, 18.0]))
