"""Where the breast is, on which side it hangs, and what lies around the film."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engines.curation.proxy import make_proxy
from engines.curation.segment import find_frame, find_threshold, segment

Draw = Callable[..., np.ndarray[Any, Any]]


@pytest.mark.parametrize("chest", ["left", "right"])
@pytest.mark.parametrize("padding", [0, 80])
@pytest.mark.parametrize("bar", [0, 12])
def test_chest_side_is_found_also_with_padding_and_film_bars(draw: Draw, chest: str, padding: int, bar: int) -> None:
    found = segment(make_proxy(draw(chest, padding=padding, bar=bar)).values)
    assert found is not None
    assert found.chest == chest


def test_frame_remembers_what_lies_beyond_each_edge(draw: Draw) -> None:
    film = draw("left", bar=12)
    film = np.pad(film, ((0, 0), (60, 0)))
    frame = find_frame(make_proxy(film).values)
    assert frame.edges == {"top": "frame", "bottom": "frame", "left": "padding", "right": "bar"}
    assert frame.left * make_proxy(film).step == pytest.approx(60, abs=4)


def test_white_tissue_along_an_edge_is_no_film_bar(draw: Draw) -> None:
    film = draw("left")
    film[:, :60] = np.random.default_rng(0).integers(240, 256, (400, 60))
    assert find_frame(make_proxy(film).values).edges["left"] == "frame"


def test_a_grey_film_edge_below_is_a_bar_and_not_breast(draw: Draw) -> None:
    film = draw("left")
    film[-14:] = 160
    proxy = make_proxy(film)
    assert find_frame(proxy.values).edges["bottom"] == "bar"
    found = segment(proxy.values)
    assert found is not None and found.box[1] * proxy.step < 360


def test_mask_is_the_drawn_half_ellipse(draw: Draw) -> None:
    film = draw("left")
    proxy = make_proxy(film)
    found = segment(proxy.values)
    assert found is not None
    y, x = (np.mgrid[: proxy.values.shape[0], : proxy.values.shape[1]] + 0.5) * proxy.step
    truth = (x / 186) ** 2 + ((y - 200) / 144) ** 2 <= 1
    overlap = np.count_nonzero(truth & found.mask) / np.count_nonzero(truth | found.mask)
    assert overlap > 0.95


@pytest.mark.parametrize("label", ["beside", "touching"])
def test_labels_are_not_breast(draw: Draw, label: str) -> None:
    plain, labelled = (segment(make_proxy(draw("left", label=kind)).values) for kind in ("", label))
    assert plain is not None and labelled is not None
    extra = labelled.mask & ~plain.mask
    assert np.count_nonzero(extra) < 0.02 * np.count_nonzero(plain.mask)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_an_even_picture_holds_no_breast(value: int) -> None:
    assert segment(make_proxy(np.full((90, 70), value, np.uint8)).values) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (16, 16), (17, 900), (50, 50, 3)])
def test_any_picture_is_survived(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    segment(make_proxy(pixels).values)


def test_threshold_stays_between_background_and_tissue(draw: Draw) -> None:
    values = make_proxy(draw("left")).values
    threshold = find_threshold(values)
    assert np.percentile(values, 20) < threshold < 0.5


@pytest.mark.parametrize(("height", "width"), [(4800, 3000), (1024, 1024), (257, 90), (31, 1000)])
def test_proxy_maps_its_whole_grid_back_to_the_whole_picture(height: int, width: int) -> None:
    proxy = make_proxy(np.zeros((height, width), np.uint16))
    rows, columns = proxy.values.shape
    assert max(rows, columns) <= 256
    assert proxy.to_source(0, rows, 0, columns) == (0, 0, width, height)


def test_proxy_does_not_depend_on_the_bit_depth() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (900, 700), dtype=np.uint8)
    deep = grey.astype(np.uint16) * 257
    np.testing.assert_allclose(make_proxy(grey).values, make_proxy(deep).values, atol=1e-5)
