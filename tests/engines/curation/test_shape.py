"""Shape confidence: high for a whole breast, low for a cut one or a tile, with the right words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engines.curation.proxy import make_proxy
from engines.curation.segment import segment
from engines.curation.shape import NO_BREAST, WEIGHTS, Shape, judge, ramp

Draw = Callable[..., np.ndarray[Any, Any]]


def shape_of(film: np.ndarray[Any, Any]) -> Shape:
    return judge(segment(make_proxy(film).values))


@pytest.mark.parametrize("chest", ["left", "right"])
@pytest.mark.parametrize("padding", [0, 60])
def test_a_whole_breast_is_certain_and_needs_no_words(draw: Draw, chest: str, padding: int) -> None:
    shape = shape_of(draw(chest, padding=padding))
    assert shape.confidence > 0.95
    assert shape.reasons == ()


@pytest.mark.parametrize("chest", ["left", "right"])
@pytest.mark.parametrize(
    ("cut", "words"),
    [("below", "cut off below"), ("above", "cut off above"), ("nipple", "cut off at the nipple")],
)
def test_a_cut_breast_is_less_certain_and_says_where(draw: Draw, chest: str, cut: str, words: str) -> None:
    whole, shape = shape_of(draw(chest)), shape_of(draw(chest, cut=cut))
    assert words in shape.reasons
    assert shape.parts["closed"] < whole.parts["closed"]
    assert shape.confidence < whole.confidence - 0.03


@pytest.mark.parametrize("chest", ["left", "right"])
def test_a_breast_cut_flat_below_is_not_kept_by_the_usual_threshold(draw: Draw, chest: str) -> None:
    """At 70 % of its height and at half of it: the skin line above is faultless and must not make up for it."""
    film = draw(chest)
    bottom = int(200 + 0.36 * 400)
    scores = [shape_of(film[: int(56 + share * (bottom - 56))]).confidence for share in (1.05, 0.7, 0.5)]
    assert scores[0] > 0.95 and max(scores[1:]) < 0.6 and scores[2] <= scores[1]


@pytest.mark.parametrize("chest", ["left", "right"])
def test_the_lower_part_of_a_breast_at_the_top_of_a_film_is_not_kept(draw: Draw, chest: str) -> None:
    film = draw(chest)
    part = film[int(200 + 0.1 * 400) :]
    shape = shape_of(np.concatenate([part, np.full_like(film, film.min())[: len(film) - len(part)]]))
    assert shape.confidence < 0.6 and "cut off above" in shape.reasons


def test_padding_where_the_breast_ends_is_no_cut(draw: Draw) -> None:
    digital = draw("left").astype(int)
    digital[digital < 30] = 0  # a digital background is exactly black, so its rows are stripped up to the skin
    shape = shape_of(digital.astype(np.uint8))
    assert shape.parts["closed"] == 1.0
    assert not any("cut off" in reason for reason in shape.reasons)


@pytest.mark.parametrize("chest", ["left", "right"])
def test_a_film_that_ends_in_the_breast_is_a_cut_also_with_padding_beyond(draw: Draw, chest: str) -> None:
    shape = shape_of(draw(chest, cut="nipple", padding=60))
    assert "cut off at the nipple" in shape.reasons
    assert shape.confidence < 0.75


def test_tiles_from_inside_a_breast_are_refused(draw: Draw) -> None:
    film = draw("left")
    tiles = [film[y : y + 120, x : x + 120] for y in (90, 140, 190) for x in (0, 30, 60)]
    assert max(shape_of(tile).confidence for tile in tiles) < 0.5


def test_low_contrast_and_labels_are_named(draw: Draw) -> None:
    film = draw("left", level=20.0, label="beside")
    assert "low contrast" in shape_of(film).reasons
    assert "label touches" in shape_of(draw("left", label="touching")).reasons
    assert "label touches" not in shape_of(draw("left", label="beside")).reasons


def test_a_tile_is_said_to_touch_the_sides(draw: Draw) -> None:
    film = draw("left")
    assert "touches both sides" in shape_of(draw("left", cut="nipple")).reasons
    assert "touches both sides" not in shape_of(film).reasons


def test_every_part_that_costs_confidence_has_its_words(draw: Draw) -> None:
    rng = np.random.default_rng(0)
    for number in range(40):
        film = draw("left", seed=number, cut=("", "below", "above", "nipple")[number % 4])
        y, x = rng.integers(0, 200, 2)
        shape = shape_of(film[y // 2 : y // 2 + 200 + y, x // 2 : x // 2 + 150 + x])
        assert shape.reasons or min(shape.parts.values()) >= 0.7, shape


def test_nothing_found_is_zero_in_every_part() -> None:
    shape = judge(None)
    assert (shape.confidence, shape.reasons) == (0.0, (NO_BREAST,))
    assert set(shape.parts) == set(WEIGHTS) and not any(shape.parts.values())


def test_confidence_is_the_weighted_geometric_mean_of_its_parts(draw: Draw) -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    for cut in ("", "below", "nipple"):
        shape = shape_of(draw("left", cut=cut))
        assert all(0.0 <= part <= 1.0 for part in shape.parts.values())
        assert shape.confidence == pytest.approx(np.prod([shape.parts[n] ** w for n, w in WEIGHTS.items()]))


def test_mirroring_a_film_changes_its_side_only(draw: Draw) -> None:
    left, right = (
        shape_of(draw("left", cut="below", label="beside")),
        shape_of(draw("right", cut="below", label="beside")),
    )
    assert left.confidence == pytest.approx(right.confidence, abs=0.02)
    assert left.reasons == right.reasons


def test_ramp() -> None:
    assert [ramp(value, 0.2, 0.6) for value in (0.0, 0.2, 0.4, 0.6, 9.0)] == pytest.approx([0, 0, 0.5, 1, 1])
