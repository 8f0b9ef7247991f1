"""Phantom mammograms: procedural full-field images in two classes, drawn offline and named phantoms everywhere.

`draw(seed, index)` is pure: the same two numbers give the same pixels, in any process and any order. Four consecutive
indices are the four views of one phantom woman (L CC, L MLO, R CC, R MLO) with one density, size and kind of detector.
Model in short: outline -> thickness with a rounded edge -> tissue (gland, fat, strands, vessels, muscle) -> lesions
-> detector (film curve or digital processing, blur, grain) -> what goes wrong in practice (labels, bars, bad cuts).
Tissue follows the 1/f^3 power law of real breasts (Burgess, Med Phys 28:419, 2001).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from PIL import Image, PngImagePlugin
from scipy import ndimage

from engines.phantoms import exposure
from engines.phantoms.anatomy import (
    COLUMNS,
    FILM_SHARE,
    ROWS,
    SIDES,
    VIEWS,
    Breast,
    Pose,
    Side,
    View,
    Woman,
    breast,
    woman,
)
from engines.phantoms.fields import Field, generator
from engines.phantoms.lesions import Lesion, add_lesion
from engines.phantoms.parenchyma import tissue

Label = Literal["lesion", "no_lesion"]
LABELS: tuple[Label, ...] = ("lesion", "no_lesion")
VIEWS_PER_WOMAN = len(SIDES) * len(VIEWS)

# What may be wrong with an image, with its share of all images. The first group is work for curation to put right,
# the second deserves rejection.
MENDABLE = {"label": 0.045, "film_bar": 0.035, "padding": 0.035, "shifted": 0.02}
HOPELESS = {"cut_off": 0.035, "spot_view": 0.025, "label_on_breast": 0.015, "underexposed": 0.015, "motion": 0.01}
NOTICE = "Procedural phantom, not a patient. Drawn by Phantom Lab for demonstration; research use only."


@dataclass(frozen=True)
class Phantom:
    """One phantom mammogram; `pixels` is [height, width] uint8, lesion boxes are in its pixels."""

    pixels: exposure.Grey
    label: Label
    side: Side
    view: View
    patient: int
    grade: str
    style: str
    lesions: tuple[Lesion, ...]
    flaws: tuple[str, ...]

    @property
    def deserves_rejection(self) -> bool:
        """Whether a careful curator would leave this image out."""
        return any(flaw in HOPELESS for flaw in self.flaws)


def draw(seed: int, index: int) -> Phantom:
    """Return phantom number `index` (0-based) of the catalogue that `seed` names; a pure function of the two."""
    patient, place = divmod(index, VIEWS_PER_WOMAN)
    side, view = SIDES[place // 2], VIEWS[place % 2]
    she = woman(seed, patient)
    rng = generator(seed, patient, 20, place)
    flaws = _flaws(rng, she)
    body = breast(she, generator(seed, patient, 21, place), view, _pose(rng, flaws, she))
    shape_rng, own_rng = generator(seed, patient, 22, place % 2), generator(seed, patient, 23, place)
    inner = tissue(she, shape_rng, own_rng, body)
    attenuation = inner.attenuation
    lesions: tuple[Lesion, ...] = ()
    if side in she.lesions:
        shared = generator(seed, patient, 24, place // 2)
        attenuation, lesion = add_lesion(shared, rng, body, inner.gland, attenuation)
        lesions = (lesion,)
    grey = exposure.expose(she, rng, body, attenuation)
    grey = _spoil(grey, rng, flaws)
    if side == "R":
        grey, lesions = grey[:, ::-1].copy(), tuple(_mirror(lesion, grey.shape[1]) for lesion in lesions)
    grey, lesions = _mark(grey, rng, she, body, (side, view), flaws, lesions)
    pixels = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    label: Label = "lesion" if lesions else "no_lesion"
    return Phantom(pixels, label, side, view, patient, she.grade, she.style, lesions, flaws)


def png(phantom: Phantom) -> bytes:
    """Return the phantom as PNG, with text chunks that say what it is."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Title", "phantom mammogram")
    notes.add_text("Description", NOTICE)
    notes.add_text("Source", "phantom")
    buffer = io.BytesIO()
    Image.fromarray(phantom.pixels).save(buffer, "PNG", compress_level=2, pnginfo=notes)
    return buffer.getvalue()


def _flaws(rng: np.random.Generator, she: Woman) -> tuple[str, ...]:
    """Draw what is wrong with an image; hopeless ones carry one flaw, others may carry two. Bars belong to films."""
    lot = float(rng.random())
    for name, share in HOPELESS.items():
        lot -= share
        if lot < 0:
            return (name if she.style == "film" or name != "label_on_breast" else "cut_off",)
    found = []
    for name, share in MENDABLE.items():
        film_only = name in ("label", "film_bar")
        chance = 0.0 if film_only and she.style != "film" else share / (FILM_SHARE if film_only else 1.0)
        if rng.random() < chance:
            found.append(name)
    return tuple(found)


def _pose(rng: np.random.Generator, flaws: tuple[str, ...], she: Woman) -> Pose:
    """Return how the breast lies in the frame, given what is to go wrong."""
    if "cut_off" in flaws:
        if rng.random() < 0.5:  # the nipple side is outside the film
            return Pose(scale=float(rng.uniform(1.12, 1.3)) * COLUMNS / she.depth, shift_y=float(rng.normal(0, 20)))
        return Pose(shift_y=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.36, 0.5)) * ROWS)
    if "spot_view" in flaws:  # a magnified part: no outline in it, or little
        scale = float(rng.uniform(2.0, 2.6))
        return Pose(-scale * she.depth * float(rng.uniform(0.2, 0.35)), float(rng.normal(0, 40)), scale)
    if "shifted" in flaws:
        if rng.random() < 0.5:
            return Pose(shift_x=-float(rng.uniform(14, 40)))
        return Pose(shift_y=float(rng.choice([-1.0, 1.0]) * rng.uniform(30, 62)))
    return Pose()


def _spoil(grey: Field, rng: np.random.Generator, flaws: tuple[str, ...]) -> Field:
    """Return the image with a failed exposure or a movement, where the flaws say so."""
    if "underexposed" in flaws:
        return grey * np.float32(rng.uniform(0.10, 0.2)) + 4 + 2.0 * rng.standard_normal(grey.shape, dtype=np.float32)
    if "motion" in flaws:
        shift = int(rng.integers(14, 28))
        return 0.5 * ndimage.gaussian_filter(grey, 3.5) + 0.5 * ndimage.shift(grey, (shift, 0), order=1, mode="nearest")
    return grey


def _mirror(lesion: Lesion, columns: int) -> Lesion:
    """Return the lesion of the mirrored image."""
    return replace(lesion, x=columns - lesion.x - lesion.width)


def _mark(
    grey: Field,
    rng: np.random.Generator,
    she: Woman,
    body: Breast,
    phantom_view: tuple[Side, View],
    flaws: tuple[str, ...],
    lesions: tuple[Lesion, ...],
) -> tuple[Field, tuple[Lesion, ...]]:
    """Return the image with letters, labels, dust, film borders and padding, in its final orientation."""
    side, view = phantom_view
    spot = "spot_view" in flaws
    if rng.random() < (0.15 if she.style == "film" else 0.85) and not spot:
        exposure.burn_view_text(grey, rng, side, view, she.style != "film")
    if "label" in flaws:
        exposure.stick_label(grey, rng, side, view, None)
    if "label_on_breast" in flaws:
        exposure.stick_label(grey, rng, side, view, body.nipple)
    if she.style == "film" and rng.random() < 0.12:
        exposure.add_dust(grey, rng)
    outer = "right" if side == "L" else "left"
    if "film_bar" in flaws:
        for edge in dict.fromkeys((outer, str(rng.choice([outer, "top", "bottom"])))):  # a set has no fixed order
            exposure.add_bar(grey, rng, edge)
    if "padding" in flaws:
        return _pad(grey, rng, side, lesions)
    return grey, lesions


def _pad(
    grey: Field, rng: np.random.Generator, side: Side, lesions: tuple[Lesion, ...]
) -> tuple[Field, tuple[Lesion, ...]]:
    """Return the image with black strips beyond the chest wall and, less, beyond the other edge."""
    wall, far = int(rng.integers(18, 90)), int(rng.integers(0, 40))
    left, right = (wall, far) if side == "L" else (far, wall)
    padded = np.pad(grey, ((0, 0), (left, right)), constant_values=float(rng.integers(0, 4)))
    return padded, tuple(replace(lesion, x=lesion.x + left) for lesion in lesions)
