"""Phantom mammograms: the same everywhere, balanced, flawed as promised, and close to real ones in measures."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from scipy import ndimage

from engines.phantoms.anatomy import woman
from engines.phantoms.fields import generator, power_law
from engines.phantoms.mammogram import HOPELESS, LABELS, MENDABLE, Phantom, draw, png
from engines.phantoms.many import draw_many

SEED, COUNT = 1, 96
WINDOW = 128

Pixels = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    return [draw(SEED, index) for index in range(COUNT)]


def digest(phantom: Phantom) -> str:
    return hashlib.sha256(phantom.pixels.tobytes()).hexdigest()


def slope_inside(pixels: Pixels) -> float | None:
    """The exponent beta of the power spectrum 1/f^beta in a window inside the breast; None if no window fits."""
    mask = ndimage.binary_opening(pixels > 30, iterations=3)
    parts, count = ndimage.label(mask)
    if not count:
        return None
    sizes = ndimage.sum(mask, parts, range(1, count + 1))
    cover = ndimage.uniform_filter((parts == 1 + np.argmax(sizes)).astype(np.float32), WINDOW)
    half = WINDOW // 2
    cover[:half] = cover[-half:] = 0
    cover[:, :half] = cover[:, -half:] = 0
    rows, columns = np.nonzero(cover > 0.98)
    if not len(rows):
        return None
    y, x = rows[len(rows) // 2], columns[len(rows) // 2]
    patch = pixels[y - half : y + half, x - half : x + half].astype(np.float64)
    ramps = np.mgrid[:WINDOW, :WINDOW].reshape(2, -1).T - half
    plane = np.column_stack([np.ones(WINDOW**2), ramps])
    patch -= (plane @ np.linalg.lstsq(plane, patch.ravel(), rcond=None)[0]).reshape(patch.shape)
    window = np.outer(np.hanning(WINDOW), np.hanning(WINDOW))
    power = np.abs(np.fft.fftshift(np.fft.fft2(patch * window))) ** 2
    radius = np.hypot(*(np.mgrid[:WINDOW, :WINDOW] - half)).astype(int)
    mean = np.bincount(radius.ravel(), power.ravel()) / np.bincount(radius.ravel())
    frequencies = np.arange(4, 40)
    return float(-np.polyfit(np.log(frequencies), np.log(mean[frequencies]), 1)[0])


def slopes(images: list[Pixels]) -> npt.NDArray[np.float64]:
    return np.array([value for image in images if (value := slope_inside(image)) is not None])


def test_the_same_numbers_give_the_same_pixels(phantoms: list[Phantom]) -> None:
    for index in (5, 2, 17):  # in another order than they were drawn
        assert digest(draw(SEED, index)) == digest(phantoms[index])
    assert digest(draw(SEED + 1, 2)) != digest(phantoms[2])


def test_another_process_draws_the_same(phantoms: list[Phantom]) -> None:
    script = (
        "import hashlib; from engines.phantoms.mammogram import draw;"
        f"print([hashlib.sha256(draw({SEED}, i).pixels.tobytes()).hexdigest() for i in (9, 4)])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert answer.stdout.strip() == str([digest(phantoms[9]), digest(phantoms[4])])


def test_many_processes_draw_the_same_in_order(phantoms: list[Phantom]) -> None:
    drawn = list(draw_many(SEED, 26, lambda: None))
    assert [np.asarray(Image.open(io.BytesIO(one.png))).tobytes() for one in drawn] == [
        phantom.pixels.tobytes() for phantom in phantoms[:26]
    ]
    assert [(one.height, one.width) for one in drawn] == [phantom.pixels.shape for phantom in phantoms[:26]]


def test_half_of_the_breasts_carry_a_lesion(phantoms: list[Phantom]) -> None:
    counts = Counter(phantom.label for phantom in phantoms)
    assert set(counts) == set(LABELS) and counts["lesion"] == counts["no_lesion"]
    kinds = Counter(lesion.kind for phantom in phantoms for lesion in phantom.lesions)
    assert kinds["calcification cluster"] and kinds["spiculated mass"]
    for phantom in phantoms:
        assert (phantom.label == "lesion") == bool(phantom.lesions)
        for lesion in phantom.lesions:
            height, width = phantom.pixels.shape
            assert 0 <= lesion.x < lesion.x + lesion.width <= width
            assert 0 <= lesion.y < lesion.y + lesion.height <= height


def test_a_lesion_is_brighter_than_its_surroundings(phantoms: list[Phantom]) -> None:
    brighter = []
    for phantom in phantoms:
        if phantom.flaws or not phantom.lesions:
            continue
        lesion = phantom.lesions[0]
        x, y = lesion.x + lesion.width // 2, lesion.y + lesion.height // 2
        radius = max(3, lesion.width // 6)
        inner = phantom.pixels[y - radius : y + radius, x - radius : x + radius]
        around = phantom.pixels[max(0, y - 5 * radius) : y + 5 * radius, max(0, x - 5 * radius) : x + 5 * radius]
        brighter.append(float(np.percentile(inner, 90)) > float(np.median(around)))
    assert len(brighter) > 20 and np.mean(brighter) > 0.9


def test_a_woman_has_four_views_that_belong_together(phantoms: list[Phantom]) -> None:
    for start in range(0, COUNT, 4):
        views = phantoms[start : start + 4]
        assert [(p.side, p.view) for p in views] == [("L", "CC"), ("L", "MLO"), ("R", "CC"), ("R", "MLO")]
        assert len({(p.patient, p.grade, p.style) for p in views}) == 1
        assert views[0].label == views[1].label and views[2].label == views[3].label
        assert [lesion.kind for lesion in views[0].lesions] == [lesion.kind for lesion in views[1].lesions]


def test_the_breast_stands_at_its_chest_wall_in_front_of_dark_air(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        if phantom.flaws:
            continue
        pixels = phantom.pixels if phantom.side == "L" else phantom.pixels[:, ::-1]
        area = ndimage.binary_opening(pixels > 30, iterations=2)
        parts, _ = ndimage.label(area)
        breast = ndimage.binary_fill_holes(parts == np.bincount(parts[parts > 0]).argmax())
        assert 0.12 < breast.mean() < 0.9
        assert breast[:, :4].mean() > 0.35, "it lies on the chest wall"
        assert breast[:, -4:].mean() < 0.05, "and ends before the other edge"
        assert np.median(pixels[~ndimage.binary_dilation(breast, iterations=12)]) < 20
        assert (area & ~breast).sum() < 0.1 * breast.sum(), "and is one piece, but for letters and abdomen"


def test_flaws_have_the_shares_that_curation_needs() -> None:
    flaws = [_flaws_of(index) for index in range(1280)]
    share = np.mean([bool(found) for found in flaws])
    hopeless = np.mean([any(name in HOPELESS for name in found) for found in flaws])
    assert 0.18 < share < 0.28
    assert 0.07 < hopeless < 0.13
    assert {name for found in flaws for name in found} == {*MENDABLE, *HOPELESS}
    for index, found in enumerate(flaws):
        if {"label", "film_bar", "label_on_breast"} & set(found):
            assert woman(SEED, index // 4).style == "film"


def _flaws_of(index: int) -> tuple[str, ...]:
    from engines.phantoms.mammogram import _flaws

    patient, place = divmod(index, 4)
    return _flaws(generator(SEED, patient, 20, place), woman(SEED, patient))


def test_every_flaw_can_be_drawn_on_every_view() -> None:
    wanted = {*MENDABLE, *HOPELESS}
    for index in range(1280):
        if (found := set(_flaws_of(index))) & wanted:
            wanted -= found
            phantom = draw(SEED, index)
            assert set(phantom.flaws) == found
            assert phantom.deserves_rejection == any(name in HOPELESS for name in found)
            assert phantom.pixels.std() > 1
    assert not wanted


def test_tissue_follows_the_power_law_of_real_breasts(phantoms: list[Phantom]) -> None:
    film = slopes([p.pixels for p in phantoms if not p.flaws and p.style == "film"])
    digital = slopes([p.pixels for p in phantoms if not p.flaws and p.style == "digital"])
    assert len(film) > 10 and len(digital) > 10
    assert 2.7 < np.mean(film) < 3.4  # 3.0 on mini-MIAS
    assert 2.2 < np.mean(digital) < 2.9  # 2.3 on processed digital images


def test_the_slope_is_that_of_mini_mias(phantoms: list[Phantom], shared_data: Path) -> None:
    real = []
    for path in sorted((shared_data / "mini-mias").glob("*.pgm"))[::6]:
        image = Image.open(path)
        real.append(np.asarray(image.resize((448, 448), Image.Resampling.BOX)))
    film = slopes([p.pixels for p in phantoms if not p.flaws and p.style == "film"])
    assert abs(np.mean(slopes(real)) - np.mean(film)) < 0.35


def test_noise_has_the_slope_that_was_asked_for() -> None:
    for beta in (2.0, 3.0):
        field = power_law(generator(3, 1), (256, 256), beta)
        power = np.abs(np.fft.fft2(field)) ** 2
        radius = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None]) * 256
        near, far = power[(radius > 7) & (radius < 9)].mean(), power[(radius > 60) & (radius < 68)].mean()
        assert np.log(near / far) / np.log(8) == pytest.approx(beta, abs=0.25)


def test_the_file_says_that_it_is_a_phantom(phantoms: list[Phantom]) -> None:
    data = png(phantoms[0])
    image = Image.open(io.BytesIO(data))
    assert image.mode == "L" and np.array_equal(np.asarray(image), phantoms[0].pixels)
    assert "phantom" in image.info["Title"] and "not a patient" in image.info["Description"]
    assert len({png(phantom) for phantom in (phantoms[0], phantoms[0])}) == 1
