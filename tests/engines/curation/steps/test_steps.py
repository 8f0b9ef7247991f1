"""The steps: each does what it says, 16 bit stays 16 bit, and the chain is what the record says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from engines import registry
from engines.curation import chain as chains
from engines.curation.canonical import canonical, find_crop, to_depth
from engines.curation.parameters import CurateParameters
from engines.curation.proxy import make_proxy
from engines.curation.segment import segment
from engines.curation.steps.base import Work
from engines.curation.steps.pectoral import UNCERTAIN, find_pectoral

Array = np.ndarray[Any, Any]
Draw = Callable[..., Array]


def through(film: Array, bits: int = 8, channels: int = 1, facts: dict[str, str] | None = None, **choices: Any) -> Work:
    parameters = CurateParameters(catalogue="x", **{"size": 64, **choices})
    return chains.run(Work(film, bits, facts or {}), chains.plan(parameters, channels, bits > 8))


def names(**choices: Any) -> list[str]:
    return [name for name, _ in chains.plan(CurateParameters(catalogue="x", **choices), 1, False)]


def test_every_step_is_found_and_has_its_words() -> None:
    specs = registry.load("steps")
    assert {"window", "crop", "background", "pectoral", "flip", "resize", "blur", "clahe", "rgb", "intensity"} <= set(
        specs
    )
    assert len({spec.order for spec in specs.values()}) == len(specs)
    for spec in specs.values():
        assert spec.title and spec.summary.endswith(".")
        for name, setting in spec.options.model_json_schema().get("properties", {}).items():
            assert setting["title"] and setting["description"], name
            if not spec.built_in and setting.get("type") == "number":
                assert setting["too_low"] and setting["too_high"], f"{spec.name}.{name}"
    described = registry.describe()["steps"]["clahe"]
    assert described["options"]["properties"]["clip_limit"]["default"] == 0.01 and not described["built_in"]


def test_fields_switch_the_built_in_steps_and_names_the_others() -> None:
    assert names() == ["crop", "background", "flip", "resize", "rgb", "intensity"]
    assert names(crop=False, flip=False) == ["resize", "rgb", "intensity"]
    extra = {"clahe": {}, "pectoral": {}, "blur": {"sigma": 1.5}, "window": {}}
    chosen = CurateParameters(catalogue="x", steps=extra)
    assert names(steps=extra) == [
        "crop", "background", "pectoral", "flip", "resize", "window", "blur", "clahe", "rgb", "intensity",
    ]  # fmt: skip
    assert chosen.steps["blur"] == {"sigma": 1.5} and chosen.steps["clahe"] == {"clip_limit": 0.01, "tiles": 8}
    told = chains.described(chains.plan(chosen, 1, True))
    assert told[0] == {"name": "crop", "title": "Breast crop", "options": {}}
    assert told[4]["options"] == {"size": 128, "fit": "pad"}
    assert told[-1]["options"] == {"contrast": "as stored", "deep": True}


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ({"sharpen": {}}, "not a further step"),
        ({"crop": {}}, "not a further step"),
        ({"blur": {"sigma": 99}}, "less than or equal to 5"),
        ({"blur": {"sgima": 1}}, "sgima"),
    ],
)
def test_wrong_steps_are_refused_in_words(steps: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        CurateParameters(catalogue="x", steps=steps)


@pytest.mark.parametrize(
    "choices", [{}, {"mask_background": False}, {"fit": "stretch"}, {"crop": False}, {"flip": False}]
)
@pytest.mark.parametrize("chest", ["left", "right"])
def test_the_built_in_chain_is_the_canonical_picture(draw: Draw, chest: str, choices: dict[str, Any]) -> None:
    film = draw(chest, label="beside").astype(np.uint16) * 257
    proxy = make_proxy(film)
    found = segment(proxy.values)
    assert found is not None
    crop = find_crop(found, proxy) if choices.get("crop", True) else None
    flip = chest == "right" and choices.get("flip", True)
    blank, pad = choices.get("mask_background", True), choices.get("fit") != "stretch"
    expected = to_depth(canonical(film, 64, crop, flip=flip, blank=blank, pad=pad), 16, True, "as stored")
    made = through(film, 16, **choices)
    assert made.pixels.dtype == np.uint16
    np.testing.assert_array_equal(made.pixels, expected)


@pytest.mark.parametrize("name", ["window", "blur", "clahe", "pectoral"])
def test_16_bit_stays_16_bit_and_blank_stays_black(draw: Draw, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 257, (400, 300)).astype(np.uint16)
    film = draw("left", level=120.0).astype(np.uint16) * 257 + noise
    made = through(film, 16, facts={"view": "MLO"}, steps={name: {}})
    assert made.pixels.dtype == np.uint16 and made.pixels.shape == (64, 64, 1)
    assert len(np.unique(made.pixels)) > 600, "more greys than 8 bits hold"
    assert made.pixels[0, -1] == 0 and name in made.done


def test_window_spreads_its_part_of_the_scale_and_clips_the_rest() -> None:
    ramp = np.tile(np.linspace(0, 4095, 256).astype(np.uint16), (256, 1))
    plain = {"crop": False, "flip": False}
    same = through(ramp, 12, **plain)
    assert np.abs(through(ramp, 12, **plain, steps={"window": {}}).pixels.astype(int) - same.pixels).max() <= 1
    made = through(ramp, 12, **plain, steps={"window": {"centre": 50, "width": 50}})
    row = made.pixels[32, :, 0].astype(int)
    assert row[:14].max() == 0 and row[-14:].min() == 65535 and row[32] == pytest.approx(32768, abs=1200)
    assert "50% of the pixels are clipped" in made.said["window"]


def test_blur_and_clahe_change_what_they_should(draw: Draw) -> None:
    rng = np.random.default_rng(0)
    film = np.clip(draw("left").astype(int) + rng.integers(-30, 30, (400, 300)), 0, 255).astype(np.uint8)
    plain = through(film, size=256).pixels.astype(float)

    def roughness(pixels: Array) -> float:
        return float(np.abs(np.diff(pixels[100:150, 20:60, 0].astype(float), axis=0)).mean())

    blurred = through(film, size=256, steps={"blur": {"sigma": 2.0}})
    assert roughness(blurred.pixels) < 0.5 * roughness(plain)
    raised = through(film, size=256, steps={"clahe": {"clip_limit": 0.05}})
    assert roughness(raised.pixels) > 1.5 * roughness(plain)


def test_channels(draw: Draw) -> None:
    assert through(draw("left"), channels=3).pixels.shape == (64, 64, 3)
    colour = np.random.default_rng(0).integers(0, 255, (50, 50, 3), dtype=np.uint8)
    kept = through(colour, channels=3, crop=False, flip=False, steps={"clahe": {}, "blur": {}, "window": {}})
    assert kept.pixels.shape == (64, 64, 3) and len(np.unique(kept.pixels)) > 100


def oblique(chest: str = "left", muscle: float = 75.0) -> Array:
    """A breast with a bright triangle in its upper chest corner: from 40 % of the top to 50 % of the height."""
    y, x = np.mgrid[:400, :300].astype(np.float64)
    depth = 1 - (x / 200) ** 2 - ((y - 190) / 190) ** 2
    film = 10 + 110 * np.clip(depth * 4, 0, 1) ** 0.5
    film[(x / 110 + y / 190) < 1] += muscle
    film += np.random.default_rng(0).normal(0, 3, film.shape)
    film = np.clip(film, 0, 255).astype(np.uint8)
    return film[:, ::-1].copy() if chest == "right" else film


@pytest.mark.parametrize("chest", ["left", "right"])
def test_a_plain_pectoral_muscle_is_taken_out_of_oblique_views_only(chest: str) -> None:
    film = oblique(chest)
    steps = {"pectoral": {}}
    plain = through(film, size=128)
    made = through(film, size=128, facts={"view": "MLO"}, steps=steps)
    assert UNCERTAIN not in made.flags and made.said["pectoral"].startswith("removed")
    gone = (plain.pixels[..., 0] > 150) & (made.pixels[..., 0] == 0)
    assert np.count_nonzero(gone) > 0.85 * np.count_nonzero(plain.pixels[..., 0] > 150)
    np.testing.assert_array_equal(made.pixels[80:], plain.pixels[80:])
    for facts in ({"view": "CC"}, {}):
        left = through(film, size=128, facts=facts, steps=steps)
        np.testing.assert_array_equal(left.pixels, plain.pixels)
        assert left.flags == [] and "left alone" in left.said["pectoral"]
    tried = through(film, size=128, steps={"pectoral": {"unknown_views": True}})
    np.testing.assert_array_equal(tried.pixels, made.pixels)


def test_without_a_plain_edge_the_muscle_stays_and_the_image_is_flagged(draw: Draw) -> None:
    for film in (oblique(muscle=0.0), draw("left"), np.full((300, 200), 9, np.uint8)):
        plain = through(film)
        made = through(film, facts={"view": "MLO"}, steps={"pectoral": {}})
        assert made.flags == [UNCERTAIN]
        np.testing.assert_array_equal(made.pixels, plain.pixels)


def test_the_triangle_lies_where_it_was_drawn() -> None:
    proxy = make_proxy(oblique())
    triangle, certainty = find_pectoral(proxy.values)
    assert triangle is not None and certainty > 2
    y, x = np.mgrid[: triangle.shape[0], : triangle.shape[1]] * proxy.step
    true = (x / 110 + y / 190) < 1
    assert np.count_nonzero(true & triangle) / np.count_nonzero(true | triangle) > 0.85


def test_hardness_ranks_what_a_step_finds_hard() -> None:
    specs = registry.load("steps")
    easy = {"shape_confidence": "1.0", "flags": "", "view": "CC", "crop_w": "100", "crop_h": "100"}
    hard = {
        "background": {**easy, "flags": "1 label; label touches"},
        "flip": {**easy, "flags": "orientation in doubt"},
        "pectoral": {**easy, "view": "MLO"},
        "resize": {**easy, "crop_w": "10"},
        "crop": {**easy, "shape_confidence": "0.8"},
        "rgb": {**easy, "colour": "1"},
    }
    for name, row in hard.items():
        assert specs[name].hardness(row) > specs[name].hardness(easy), name
