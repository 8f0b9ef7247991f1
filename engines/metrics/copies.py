"""The registered copy detector: for each image the real one it matches best after shift, mirroring and scaling.

Distances between pixels or features hardly notice a copy that was moved, mirrored or blurred. So fine structure is
made comparable (difference of Gaussians over its local spread), and each image is laid over the real ones at every
shift, mirrored or not, and at five scales: the best normalised cross-correlation says how alike they can be made.
After Lewis (Vision Interface 1995, fast normalised cross-correlation); the local normalisation and the calibration on
held-out patients (memorisation.py) are our own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from engines import device
from engines.metrics.base import unit_grey
from engines.resize import resize

Array = np.ndarray[Any, np.dtype[Any]]

SIDE, COARSE_SIDE = 64, 32  # pixels: DoG at 64 carries what tells two patients apart, and noise is averaged away
REACH, COARSE_REACH = 8, 4  # largest shift, in pixels of these sides: an eighth of the image
INNER, OUTER = 1.2, 2.5  # sigmas of the two Gaussians, pixels: coarser structure is shared by all breasts
SPREAD = 5.0  # sigma of the neighbourhood whose spread is the unit, pixels
LEAST_INSIDE = 0.5  # of the squared norm: less overlap proves nothing
CLIP = 3.0  # local standard deviations: a bright mark must not decide alone
BRIGHT = 0.9  # quantile of the image that stands for bright tissue; higher ones may be a film border
DARK = (0.05, 0.15)  # of the span from the darkest to BRIGHT: below is the space around the body, above the body
WHITE = 0.03  # of the range below white: there it is film border or burnt out
MARGIN = 2  # pixels taken off the foreground, whose outline all patients share
SCALED_SIDES = (58, 61, 64, 67, 70)  # 0.91, 0.95, 1, 1.05, 1.09
COARSE_KEPT, SCALED_KEPT = 50, 20  # candidates that pass the coarse comparison; that are tried at other scales


@dataclass(frozen=True)
class Matches:
    """The best match of each query, arrays [Q].

    The query, mirrored if `flipped`, enlarged by `scale` about its centre and moved by `shift` (down, right, in parts
    of the image's side), lies over the real image `index`.
    """

    ncc: Array
    index: Array
    shift: Array
    flipped: Array
    scale: Array


def _foreground(grey: Array, margin: int) -> Array:
    """How much each pixel belongs to the body, [H, W] in [0, 1]: a soft ramp above the darkest parts, eroded.

    Soft and relative to the image's own span, so that noise, blur and brightness move it little. White film borders,
    which two patients can share, do not belong to it.
    """
    smooth = ndimage.gaussian_filter(grey, 1.0)
    dark, bright = np.quantile(smooth, [0.01, BRIGHT])
    ramp = (smooth - dark) / max(float(bright - dark), 1e-6)
    weight = np.clip((ramp - DARK[0]) / (DARK[1] - DARK[0]), 0, 1) * np.clip((1 - smooth) / WHITE, 0, 1)
    return np.asarray(ndimage.grey_erosion(weight, 2 * margin + 1, mode="constant", cval=0.0), np.float32)


def structure(grey: Array, margin: int = MARGIN) -> Array:
    """Fine structure [H, W] float32 of a grey image [H, W], zero outside the eroded foreground, of unit norm.

    A difference of Gaussians divided by its local standard deviation and clipped; a flat image gives zeros. The
    Gaussians average over the foreground only, so that its outline, which all patients share, leaves no edge.
    """
    body = np.maximum(_foreground(grey, 0), 1e-3)

    def smoothed(values: Array, sigma: float) -> Array:
        return np.asarray(ndimage.gaussian_filter(values * body, sigma) / ndimage.gaussian_filter(body, sigma))

    band = smoothed(grey, INNER) - smoothed(grey, OUTER)
    spread = np.sqrt(smoothed(band**2, SPREAD))
    floor = 0.1 * float(np.sqrt(np.average(band**2, weights=body))) + 1e-6  # noise in flat regions is no structure
    values = np.clip(band / (spread + floor), -CLIP, CLIP)
    weight = _foreground(grey, margin)
    values = weight * (values - np.average(values, weights=weight + 1e-9))
    norm = float(np.sqrt((values**2).sum()))
    return np.asarray(values / norm if norm > 1e-6 else np.zeros_like(values), np.float32)


def _on_canvas(values: Array, side: int) -> Array:
    """Centred on a square of `side` pixels, cropped or padded with zeros, of unit norm again."""
    cut = max(0, (values.shape[0] - side) // 2)
    values = values[cut : cut + side, cut : cut + side]
    before = (side - values.shape[0]) // 2
    padded = np.pad(values, (before, side - values.shape[0] - before))
    return padded / max(float(np.sqrt((padded**2).sum())), 1e-9)


def _structures(image: Array, sides: tuple[int, ...]) -> Array:
    """The structures [S, 64, 64] of a grey image [H, W] in [0, 1] at several scales."""
    return np.stack([_on_canvas(structure(resize(image, side)), SIDE) for side in sides])


def _coarse(image: Array) -> Array:
    """The structure [1024] of a grey image at the coarse side."""
    return structure(resize(image, COARSE_SIDE), margin=1).ravel()


class _Window:
    """Correlations of spectra at the shifts within reach only: two small matrix products instead of a whole FFT."""

    def __init__(self, where: torch.device) -> None:
        self.size = SIDE + REACH  # zeros beside the image: no shift within reach wraps around
        shifts = torch.arange(-REACH, REACH + 1, dtype=torch.float64)
        rows = torch.arange(self.size, dtype=torch.float64)
        columns = torch.arange(self.size // 2 + 1, dtype=torch.float64)
        turn = 2j * torch.pi / self.size
        weight = torch.full_like(columns, 2.0)  # a real image's spectrum is mirrored: the other half counts too
        weight[0] = 1.0
        weight[-1] = 1.0 if self.size % 2 == 0 else 2.0
        self.down = torch.exp(turn * shifts[:, None] * rows).to(torch.complex64).to(where)
        across = torch.exp(turn * columns[:, None] * shifts) * weight[:, None] / self.size**2
        self.across = across.to(torch.complex64).to(where)

    def spectra(self, structures: torch.Tensor) -> torch.Tensor:
        """Spectra [..., 72, 37] of structures [..., 64, 64]."""
        return torch.fft.rfft2(structures, s=(self.size, self.size))

    def inside(self, structures: torch.Tensor) -> torch.Tensor:
        """The norm [N, 17, 17] of that part of structures [N, 64, 64] that stays over the frame at each shift of it."""
        sums = torch.nn.functional.pad((structures**2).cumsum(1).cumsum(2), (1, 0, 1, 0))
        shifts = torch.arange(-REACH, REACH + 1, device=structures.device)
        start, end = shifts.clamp(min=0), SIDE + shifts.clamp(max=0)
        rows = sums[:, end] - sums[:, start]
        return (rows[:, :, end] - rows[:, :, start]).clamp(min=LEAST_INSIDE).sqrt()

    def best(
        self, first: torch.Tensor, norm: torch.Tensor, others: torch.Tensor, norms: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Highest correlation [N] of a spectrum [72, 37] with others [N, 72, 37], and the number of its shift.

        `norm` [17, 17] and `norms` [N, 17, 17] are theirs: what a shift moves out of the frame is not counted.
        """
        values = (self.down @ (first.conj() * others) @ self.across).real / (norm.flip(0, 1) * norms)
        highest = values.flatten(1).max(1)
        return highest.values, highest.indices


class Detector:
    """Real images [R, H, W, C] prepared once, to be searched for the best match of any number of other images.

    Holds about 26 kB for each of them, whatever their size; images that are not square are compared as squares.
    """

    def __init__(self, references: Array, progress: Callable[[float], None] = lambda fraction: None) -> None:
        self.where = device.find().torch
        self.window = _Window(self.where)
        coarse, fine = [], []
        for n, image in enumerate(references):
            grey = unit_grey(image[None])[0]
            coarse.append(_coarse(grey))
            fine.append(_structures(grey, (SIDE,))[0])
            if n % 64 == 0:
                progress(n / len(references))
        self.coarse = torch.from_numpy(np.stack(coarse)).to(self.where)  # [R, 1024]
        structures = torch.from_numpy(np.stack(fine)).to(self.where)
        self.spectra, self.norms = self.window.spectra(structures), self.window.inside(structures)  # [R, 72, 37]

    def search(
        self,
        queries: Array,
        excluded: Callable[[int], Array] | None = None,
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> Matches:
        """The best match of each image [Q, H, W, C]; `excluded(q)` marks the references [R] that do not count for it.

        `progress` is called for every query and may raise to stop.
        """
        found = []
        for n, image in enumerate(queries):
            grey = unit_grey(image[None])[0]
            barred = None if excluded is None else torch.from_numpy(excluded(n)).to(self.where)
            found.append(self._search_one(grey, barred))
            progress((n + 1) / len(queries))
        ncc, index, shift, flipped, scale = zip(*found, strict=True)
        return Matches(np.array(ncc), np.array(index), np.array(shift), np.array(flipped), np.array(scale))

    def _search_one(
        self, grey: Array, barred: torch.Tensor | None
    ) -> tuple[float, int, tuple[float, float], bool, float]:
        sides = (SIDE, *(side for side in SCALED_SIDES if side != SIDE))
        scales = torch.from_numpy(_structures(grey, sides)).to(self.where)
        variants = torch.stack([scales, scales.flip(-1)], 1).flatten(0, 1)  # [10, 64, 64]
        candidates = self._candidates(grey, barred)
        values, shifts = self._compare(variants[:2], candidates)  # [variants, candidates]
        kept = values.amax(0).topk(min(SCALED_KEPT, len(candidates))).indices
        scaled_values, scaled_shifts = self._compare(variants[2:], candidates[kept])
        values = torch.cat([values[:, kept], scaled_values])
        shifts = torch.cat([shifts[:, kept], scaled_shifts])
        at = int(values.argmax())
        variant, place = divmod(at, len(kept))
        down, right = divmod(int(shifts.flatten()[at]), 2 * REACH + 1)
        return (
            float(values.flatten()[at]),
            int(candidates[kept[place]]),
            ((down - REACH) / SIDE, (right - REACH) / SIDE),
            bool(variant % 2),
            sides[variant // 2] / SIDE,
        )

    def _candidates(self, grey: Array, barred: torch.Tensor | None) -> torch.Tensor:
        """Numbers of the references that match best at the coarse side, over shifts and mirroring."""
        coarse = _coarse(grey).reshape(COARSE_SIDE, COARSE_SIDE)
        padded = np.pad(coarse, COARSE_REACH)
        steps = range(0, 2 * COARSE_REACH + 1)
        moved = np.stack(
            [
                image[down : down + COARSE_SIDE, right : right + COARSE_SIDE].ravel()
                for image in (padded, padded[:, ::-1])
                for down in steps
                for right in steps
            ]
        )
        alike = (torch.from_numpy(moved).to(self.where) @ self.coarse.T).max(0).values
        if barred is not None:
            alike[barred] = -torch.inf
            count = min(COARSE_KEPT, int((~barred).sum()))
        else:
            count = min(COARSE_KEPT, len(alike))
        return alike.topk(count).indices

    def _compare(self, variants: torch.Tensor, candidates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Highest correlation and its shift's number, [V, K], of structures [V, 64, 64] with candidates [K]."""
        others, norms = self.spectra[candidates], self.norms[candidates]
        found = [
            self.window.best(spectrum, norm, others, norms)
            for spectrum, norm in zip(self.window.spectra(variants), self.window.inside(variants), strict=True)
        ]
        return torch.stack([values for values, _ in found]), torch.stack([shifts for _, shifts in found])
