"""The methods as cards: every word of the engine's description, and what a method says of the chosen image set."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engines import registry
from engines.records import ImageSetRecord
from lab.components import methods

DESCRIPTION = registry.describe()


def image_set(items: int = 1000, channels: int = 1, **classes: int) -> ImageSetRecord:
    return ImageSetRecord(
        id="a-set", name="A set", origin="real", items=items, width=64, height=64, channels=channels, dtype="uint8",
        classes=classes,
    )  # fmt: skip


def method(**limits: Any) -> dict[str, Any]:
    known = {"channels": [1, 3], "fewest_images": 16, "recommended_images": 500, "fewest_classes": 1}
    return {"limits": {**known, **limits}}


@pytest.mark.parametrize("name", sorted(DESCRIPTION["methods"]))
def test_every_method_fills_its_card(name: str) -> None:
    card = methods.card(name, DESCRIPTION["methods"][name], image_set(benign=600, malignant=400))
    assert all(card[key] for key in ("title", "summary", "good_for", "source", "sizes", "images", "fewest"))
    assert card["cost"] in methods.COSTS
    assert card["sizes"] == sorted(card["sizes"])


def test_what_the_part_shows_is_json_in_order_of_cost() -> None:
    shown = json.loads(methods.value(DESCRIPTION, None, "custom_gan", 3))
    costs = [list(methods.COSTS).index(card["cost"]) for card in shown["methods"]]
    assert costs == sorted(costs)
    assert (shown["chosen"], shown["turn"]) == ("custom_gan", 3)
    assert {card["trouble"] for card in shown["methods"]} == {""}, "without a set nothing is judged"


@pytest.mark.parametrize(
    ("spec", "record", "word"),
    [
        (method(channels=[3]), image_set(channels=1), "colour images only"),
        (method(channels=[1]), image_set(channels=3), "grey images only"),
        (method(fewest_images=20), image_set(19), "at least 20 images; this set has 19"),
        (method(fewest_classes=2), image_set(benign=1000), "2 classes"),
        (method(fewest_classes=2), image_set(), "2 classes"),
        ({**method(), "translates": True}, image_set(benign=1000), "2 classes"),
        ({**method(), "translates": True}, image_set(benign=990, malignant=10), "of each of two classes"),
    ],
)
def test_a_method_that_cannot_learn_a_set_says_why_and_what_to_do(
    spec: dict[str, Any], record: ImageSetRecord, word: str
) -> None:
    why, advice = methods.refusal(spec, record)
    assert word in why and advice


@pytest.mark.parametrize(
    ("spec", "record"),
    [
        (method(), image_set(16)),
        (method(channels=[3]), image_set(channels=3)),
        ({**method(fewest_classes=2), "conditional": True}, image_set(benign=900, malignant=100)),
        ({**method(), "conditional": True}, image_set()),
        ({**method(), "translates": True}, image_set(benign=900, malignant=16)),
        ({}, image_set(1)),
    ],
)
def test_a_method_that_can_learn_a_set_says_nothing(spec: dict[str, Any], record: ImageSetRecord) -> None:
    assert methods.refusal(spec, record) == ("", "")


def test_too_small_a_set_is_a_warning_and_no_refusal() -> None:
    assert "500 or more" in methods.warning(method(), image_set(499))
    assert methods.warning(method(), image_set(500)) == ""


def test_the_first_choice_can_learn_the_set() -> None:
    said = {
        "methods": {"usual": method(channels=[1]), "other": method(channels=[3])},
        "tasks": {"train": {"parameters": {"properties": {"method": {"default": "usual"}}}}},
    }
    assert methods.first(said, image_set(channels=1)) == "usual"
    assert methods.first(said, image_set(channels=3)) == "other"
    assert methods.first(said, image_set(1)) == "usual", "if none can, the usual one says why"
    assert methods.first({}, None) == ""


def test_tags_say_what_sets_a_method_apart() -> None:
    assert methods.tags(method()) == []
    assert methods.tags({**method(channels=[3]), "translates": True}) == ["changes images", "colour only"]
