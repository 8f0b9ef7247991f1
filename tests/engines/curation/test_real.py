"""Real films: the side is right on every one, whole views score high, tiles cut from them do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.curation.inspection import inspect_pixels
from engines.curation.proxy import make_proxy
from engines.curation.segment import segment
from engines.curation.shape import judge
from engines.readers.base import read

Array = np.ndarray[Any, Any]


def tile(film: Array, rng: np.random.Generator) -> Array:
    """A crop of 200 to 512 pixels that lies at least half inside the breast."""
    proxy = make_proxy(film)
    found = segment(proxy.values)
    assert found is not None
    rows, columns = np.nonzero(found.mask)
    for _ in range(200):
        size, index = int(rng.integers(200, 513)), rng.integers(rows.size)
        y = int(np.clip(rows[index] * proxy.step - size // 2, 0, film.shape[0] - size))
        x = int(np.clip(columns[index] * proxy.step - size // 2, 0, film.shape[1] - size))
        inside = found.mask[y // proxy.step : (y + size) // proxy.step, x // proxy.step : (x + size) // proxy.step]
        if inside.mean() > 0.5:
            break
    return film[y : y + size, x : x + size]


def test_mini_mias_sides_and_scores(shared_data: Path) -> None:
    """Even numbers are left breasts, whose chest wall lies on the left in these films, odd numbers right ones."""
    wrong, whole, tiles = [], [], []
    rng = np.random.default_rng(0)
    paths = sorted((shared_data / "mini-mias").glob("mdb*.pgm"))
    if not paths:
        pytest.skip("no mini-MIAS among the research images")
    for path in paths:
        film = read(path).pixels
        found = segment(make_proxy(film).values)
        number = int(path.stem[3:])
        if found is None or found.chest != ("left" if number % 2 == 0 else "right"):
            wrong.append(path.name)
        whole.append(judge(found).confidence)
        tiles.append(judge(segment(make_proxy(tile(film, rng)).values)).confidence)
    scores, others = np.array(whole), np.array(tiles)
    area = (scores[:, None] > others).mean() + 0.5 * (scores[:, None] == others).mean()
    assert wrong == []
    assert np.median(scores) > 0.95 and (scores >= 0.75).mean() >= 0.95
    assert area >= 0.97


@pytest.mark.parametrize("folder", ["nyu-16bit", "rsna-512"])
def test_digital_mammograms_score_high(shared_data: Path, folder: str) -> None:
    paths = sorted((shared_data / folder).glob("*.png"))[:20]
    if not paths:
        pytest.skip(f"no {folder} among the research images")
    seen = [inspect_pixels(read(path).pixels) for path in paths]
    assert np.median([inspection.shape.confidence for inspection in seen]) > 0.95
    if folder == "nyu-16bit":
        assert [inspection.side[0].upper() for inspection in seen] == [path.stem.split("_")[1] for path in paths]


def test_colour_photographs_are_survived_and_said_to_be_no_mammograms(shared_data: Path) -> None:
    paths = sorted((shared_data / "ham10000-sample" / "images").glob("*.jpg"))[:6]
    if not paths:
        pytest.skip("no dermoscopy among the research images")
    for path in paths:
        seen = inspect_pixels(read(path).pixels)
        assert seen.colour and "colour picture" in seen.shape.reasons[0]
