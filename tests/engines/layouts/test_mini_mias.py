"""mini-MIAS: its table with all its quirks, and the real films where they are."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from engines import registry
from engines.layouts.base import Item, Note, Rejection
from engines.layouts.mini_mias import LAYOUT, read_info

INFO = """
NOTES: 1) The list is arranged in pairs of films ... mdb001 is no line of the table
mdb001 G CIRC B 535 425 197
mdb002 D NORM
mdb005 F CIRC B 477 133 30
mdb005 F CIRC B 500 168 26
mdb059 F CIRC B
mdb144 F MISC M 313 540 27
mdb144 F MISC B 233 994 29
mdb216 D CALC M *NOTE 3*
mdb218 G CALC B 519 629 8\r
"""


def folder_with(folder: Path, *films: str) -> Path:
    (folder / "Info.txt").write_text(INFO)
    for film in films:
        (folder / film).touch()
    return folder


def test_labels_are_those_of_the_worst_finding() -> None:
    labels = {name: film.label for name, film in read_info(INFO).items()}
    assert labels == {
        "mdb001": "benign", "mdb002": "normal", "mdb005": "benign", "mdb059": "benign", "mdb144": "malignant",
        "mdb216": "malignant", "mdb218": "benign",
    }  # fmt: skip


def test_lesions_are_boxes_from_the_top_left() -> None:
    films = read_info(INFO)
    assert films["mdb001"].lesions == (
        {"kind": "circumscribed mass", "severity": "benign", "x": 338, "y": 402, "width": 394, "height": 394},
    )
    assert [len(films[name].lesions) for name in ("mdb002", "mdb005", "mdb059", "mdb144", "mdb216")] == [0, 2, 0, 2, 0]


def test_pairs_are_women_and_even_numbers_left(tmp_path: Path) -> None:
    folder_with(tmp_path, "mdb002.pgm", "mdb001.pgm", "mdb005.png", "mdb059ll.pgm")
    found = [thing for thing in LAYOUT.scan(tmp_path) if isinstance(thing, Item)]
    assert [(item.path.stem[:6], item.patient, item.side, item.view) for item in found] == [
        ("mdb001", "mini-MIAS 1", "R", "MLO"),
        ("mdb002", "mini-MIAS 1", "L", "MLO"),
        ("mdb005", "mini-MIAS 3", "R", "MLO"),
        ("mdb059", "mini-MIAS 30", "R", "MLO"),
    ]
    assert json.loads(found[0].extra["lesions"])[0]["width"] == 394


def test_strangers_copies_and_missing_films(tmp_path: Path) -> None:
    folder_with(tmp_path, "mdb001.pgm", "mdb001.png", "mdb321.pgm", "holiday.jpg", "mdb002.zip")
    found = list(LAYOUT.scan(tmp_path))
    refused = {thing.path.name: thing.reason for thing in found if isinstance(thing, Rejection)}
    assert set(refused) == {"mdb001.png", "mdb321.pgm", "holiday.jpg", "mdb002.zip"}
    assert "twice" in refused["mdb001.png"] and "does not list" in refused["mdb321.pgm"]
    assert [thing.text for thing in found if isinstance(thing, Note)] == [
        "Info.txt lists 6 films that are not in this folder; the 1 others were added."
    ]


def test_detection(tmp_path: Path) -> None:
    assert LAYOUT.detect(tmp_path) == 0
    (tmp_path / "Info.txt").write_text("This is some other collection.\n")
    assert LAYOUT.detect(tmp_path) == 0
    (tmp_path / "all-mias").mkdir()
    folder_with(tmp_path / "all-mias")
    assert LAYOUT.detect(tmp_path) == 1


def test_layouts_are_found_and_describe_themselves() -> None:
    layouts = registry.load("layouts")
    assert {"folder", "mini_mias"} <= set(layouts)
    assert all(spec.title and spec.summary for spec in layouts.values())


def test_real_films(shared_data: Path) -> None:
    folder = shared_data / "mini-mias"
    assert LAYOUT.detect(folder) == 1
    found = [thing for thing in LAYOUT.scan(folder) if isinstance(thing, Item)]
    assert Counter(item.label for item in found) == {"normal": 81, "benign": 24, "malignant": 15}
    assert len({item.patient for item in found}) == 60
    films = read_info((folder / "Info.txt").read_text())
    assert len(films) == 322
    assert Counter(film.label for film in films.values()) == {
        "normal": 207,
        "benign": 63,
        "malignant": 52,
    }  # mdb144 has both
