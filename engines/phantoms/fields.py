"""Random fields and curves that phantom tissue is made of: power-law noise, webs of fibres, splatted strands.

Everything is a pure function of the generator handed in, in float32, with SciPy's FFT. Tissue in mammograms has a power
spectrum close to 1/f^3 (Burgess, Med Phys 28:419, 2001), which is why `power_law` is the common ingredient.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

Field = npt.NDArray[np.float32]

TILE = 1024  # side of the periodic fibre tile, pixels: larger than any phantom, so that no window repeats


def generator(*key: int) -> np.random.Generator:
    """Return the random generator of one named purpose; equal keys give equal streams on every platform."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([part & 0xFFFFFFFF for part in key])))


@lru_cache(maxsize=16)
def _amplitude(rows: int, columns: int, beta: float, lowest: float, highest: float) -> Field:
    """Return the amplitude filter of a 1/f^beta power spectrum between two frequencies in cycles per image."""
    fy = fft.fftfreq(rows)[:, None] * max(rows, columns)
    fx = fft.rfftfreq(columns)[None, :] * max(rows, columns)
    radius = np.hypot(fy, fx)
    radius[0, 0] = 1.0
    amplitude = np.where(radius >= lowest, radius, lowest) ** (-beta / 2) * np.exp(-((radius / highest) ** 2))
    amplitude[0, 0] = 0.0
    return amplitude.astype(np.float32)


def power_law(
    rng: np.random.Generator, shape: tuple[int, int], beta: float, lowest: float = 2.0, highest: float = 1e4
) -> Field:
    """Return [rows, columns] noise with power 1/f^beta, mean 0, deviation 1; flat below `lowest` cycles per image."""
    rows, columns = shape
    half = (rows, columns // 2 + 1)
    white = rng.standard_normal((2, *half), dtype=np.float32)
    spectrum = (white[0] + 1j * white[1]) * _amplitude(rows, columns, beta, lowest, highest)
    field = np.asarray(fft.irfft2(spectrum, s=shape), dtype=np.float32)
    return field / np.float32(field.std() + 1e-12)


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], beta: float = 4.0, lowest: float = 1.5) -> Field:
    """Return slowly varying noise, drawn on an eighth of the grid and enlarged: cheap where detail is not needed."""
    small = (shape[0] // 8 + 4, shape[1] // 8 + 4)
    small = (small[0] + small[0] % 2, small[1] + small[1] % 2)
    return enlarge(power_law(rng, small, beta, lowest), 8)[: shape[0], : shape[1]]


def enlarge(small: Field, factor: int) -> Field:
    """Enlarge by an integer factor with linear interpolation, one axis at a time.

    Plain indexing, not a product of matrices: several processes with a threaded BLAS each slow one another down.
    """
    for axis in (0, 1):
        low, part = _interpolation(small.shape[axis], factor)
        part = part[:, None] if axis == 0 else part[None, :]
        below = small.take(low, axis)
        small = below + (small.take(low + 1, axis) - below) * part
    return small


@lru_cache(maxsize=32)
def _interpolation(count: int, factor: int) -> tuple[npt.NDArray[np.intp], Field]:
    """Return for each enlarged position the lower neighbour's index and the weight of the upper one."""
    position = np.clip((np.arange(count * factor) + 0.5) / factor - 0.5, 0, count - 1)
    low = np.minimum(position.astype(np.intp), count - 2)
    return low, (position - low).astype(np.float32)


def blur(field: Field, sigma: float) -> Field:
    """Blur by a Gaussian, cut at 2.5 sigma; wide ones are done on a quarter of the pixels or less."""
    if sigma < 2.0:
        return np.asarray(ndimage.gaussian_filter(field, sigma, truncate=2.5), dtype=np.float32)
    factor = 2 if sigma < 5.0 else 4
    rows, columns = field.shape
    small = field.reshape(rows // factor, factor, columns // factor, factor).mean((1, 3), dtype=np.float32)
    return enlarge(np.asarray(ndimage.gaussian_filter(small, sigma / factor, truncate=2.5)), factor)


@lru_cache(maxsize=1)
def fibre_tile() -> Field:
    """Return a periodic [TILE, TILE] web of bright ridges in 0..1, drawn once per process from a constant seed.

    Ridged noise, 1 - |n|, makes connected thin lines like interlobular septa; three octaves, coarse ones stronger.
    Columns run along the fibres: a blur in that direction opens the closed loops that ridged noise is full of.
    """
    rng = generator(20_261, 7)
    web = np.zeros((TILE, TILE), dtype=np.float32)
    for octave, weight in ((18, 0.8), (40, 0.8), (88, 0.6)):
        noise = power_law(rng, (TILE, TILE), 2.6, lowest=octave, highest=octave * 3.2)
        strength = power_law(rng, (TILE, TILE), 3.0, lowest=6, highest=60)
        web += weight * np.clip(1 - 1.9 * np.abs(noise), 0, 1) ** 2 * np.clip(0.55 + 0.45 * strength, 0, 1.6)
    streaked = 0.35 * web + 0.65 * ndimage.gaussian_filter1d(web, 5.0, axis=1, mode="wrap")
    return streaked / np.float32(np.percentile(streaked, 99.7))


def sample_tile(row: Field, column: Field) -> Field:
    """Return the fibre tile at fractional positions, periodic, linearly interpolated."""
    tile = fibre_tile()
    return np.asarray(
        ndimage.map_coordinates(tile, [row, column], order=1, mode="grid-wrap", prefilter=False), dtype=np.float32
    )


def splat(shape: tuple[int, int], x: Field, y: Field, weight: Field) -> Field:
    """Return an image in which each point (x, y) leaves `weight`, shared bilinearly by its four neighbours."""
    rows, columns = shape
    inside = (x >= 0) & (y >= 0) & (x < columns - 1) & (y < rows - 1)
    x, y, weight = x[inside], y[inside], weight[inside]
    left, top = x.astype(np.int64), y.astype(np.int64)
    part_x, part_y = x - left, y - top
    base = top * columns + left
    index = np.concatenate([base, base + 1, base + columns, base + columns + 1])
    weights = np.concatenate(
        [
            weight * (1 - part_x) * (1 - part_y),
            weight * part_x * (1 - part_y),
            weight * (1 - part_x) * part_y,
            weight * part_x * part_y,
        ]
    )
    image = np.bincount(index, weights, minlength=rows * columns)
    return image.reshape(shape).astype(np.float32)


def walk(
    rng: np.random.Generator, x: Field, y: Field, angle: Field, lengths: Field, wander: float, bend: Field, step: float
) -> tuple[Field, Field, Field]:
    """Return the points of meandering curves: [steps, curves] x, y and a tapered weight (0 beyond each length).

    Direction drifts by a constant `bend` (radians a pixel) and a smooth random part (`wander`, radians a step).
    """
    steps = max(2, int(float(lengths.max(initial=2.0)) / step))
    turn = rng.standard_normal((steps, x.size), dtype=np.float32) * np.float32(wander)
    heading = angle[None] + np.cumsum(turn + bend[None] * step, axis=0, dtype=np.float32)
    path_x = x[None] + np.cumsum(np.cos(heading) * step, axis=0, dtype=np.float32)
    path_y = y[None] + np.cumsum(np.sin(heading) * step, axis=0, dtype=np.float32)
    along = (np.arange(steps, dtype=np.float32)[:, None] * np.float32(step)) / np.maximum(lengths[None], 1e-3)
    taper = np.sqrt(np.maximum(np.sin(np.pi * np.clip(along, 0, 1)), 0))
    return path_x, path_y, taper.astype(np.float32)
