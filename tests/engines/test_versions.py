"""Versions of image sets: families in order, what changed in sentences, and going back by going on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engines.errors import LabError
from engines.records import CatalogueRecord, ImageSetRecord
from engines.versions import changes, lineage, next_version, restore
from engines.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    workspace = Workspace.open(tmp_path / "ws")
    workspace.save("catalogues", CatalogueRecord(id="films", name="Films", layout="folder", items=9))
    return workspace


def image_set(id: str, version: int = 1, replaces: str = "", **parameters: Any) -> ImageSetRecord:
    about = {"catalogue": "films", "size": 128, "shape_confidence": 0.75, **parameters}
    facts = {"items": 3, "width": 128, "height": 128, "channels": 1, "dtype": "uint8", "origin": "real"}
    return ImageSetRecord(id=id, name=id, version=version, replaces=replaces, parameters=about, **facts)


def test_a_lineage_is_the_whole_family_whichever_member_is_asked(ws: Workspace) -> None:
    family = [image_set("a"), image_set("b", 2, "a"), image_set("c", 3, "b"), image_set("d", 4, "a")]
    for record in [*family, image_set("other")]:
        ws.save("image_sets", record)
    for id in "abcd":
        assert [record.id for record in lineage(ws, id)] == ["a", "b", "c", "d"]
        assert next_version(ws, id) == 5
    assert [record.id for record in lineage(ws, "other")] == ["other"]
    with pytest.raises(LabError, match="no “missing”"):
        lineage(ws, "missing")


def test_a_lineage_survives_a_removed_or_circular_parent(ws: Workspace) -> None:
    ws.save("image_sets", image_set("b", 2, "removed"))
    ws.save("image_sets", image_set("x", 1, "y"))
    ws.save("image_sets", image_set("y", 2, "x"))
    assert [record.id for record in lineage(ws, "b")] == ["b"]
    assert [record.id for record in lineage(ws, "y")] == ["x", "y"]


def test_going_back_is_a_new_version_with_the_old_choices_and_decisions(ws: Workspace) -> None:
    ws.save("image_sets", image_set("a", size=64))
    ws.save("image_sets", image_set("b", 2, "a", size=256))
    parameters = restore(ws, "a")
    assert parameters["size"] == 64
    assert parameters["replaces"] == "b" and parameters["decisions_of"] == "a"
    ws.save("image_sets", image_set("orphan", catalogue="gone"))
    with pytest.raises(LabError, match="no “gone”"):
        restore(ws, "orphan")
    ws.save("image_sets", image_set("made", catalogue=""))
    with pytest.raises(LabError, match="not made from a catalogue"):
        restore(ws, "made")


def rows(*cells: str) -> list[dict[str, str]]:
    """Rows from "item label part"."""
    return [dict(zip(("item", "label", "split"), cell.split(), strict=True)) for cell in cells]


def test_changes_are_said_in_sentences() -> None:
    old = image_set("a", crop=True, classes=[], name="one", where={})
    new = {**old.parameters, "crop": False, "size": 256, "classes": ["mass"], "name": "two", "replaces": "a", "new": 1}
    before = rows("1 mass train", "2 mass train", "3 normal test")
    after = rows("1 mass train", "2 calc test", "4 mass train", "5 mass train")
    assert changes(old, before, new, after) == [
        "Classes: none became “mass”.",
        "Crop: on became off.",
        "Size: 128 became 256.",
        "2 images added (2 mass).",
        "1 image removed (1 normal).",
        "1 image re-labelled: 1 from “mass” to “calc”.",
        "1 image in another part of the split.",
    ]


def test_the_same_again_and_another_catalogue() -> None:
    old, table = image_set("a"), rows("1 mass train")
    assert changes(old, table, old.parameters, table) == ["Nothing changed: the same parameters keep the same images."]
    (only,) = changes(old, table, {**old.parameters, "catalogue": "tiles"}, rows("1 x train", "2 y test"))
    assert only == "Made from another catalogue: tiles instead of films; 2 images instead of 1."
