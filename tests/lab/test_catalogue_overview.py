"""What the charts of a catalogue count, and what a filter leaves."""

from __future__ import annotations

import base64
from pathlib import Path

import pandas as pd

from engines import files
from lab.catalogue_overview import MOST_VALUES, matching, overview, read_table

ROWS = [
    {"item": "1", "label": "benign", "patient": "p1", "width": "10", "height": "20", "bits": "16", "assessment": "2"},
    {
        "item": "2",
        "label": "malignant",
        "patient": "p2",
        "width": "10",
        "height": "20",
        "bits": "16",
        "assessment": "10",
    },
    {"item": "3", "label": "malignant", "patient": "p2", "width": "9", "height": "20", "bits": "16", "assessment": ""},
]
TABLE = pd.DataFrame(ROWS)


def bars(found: dict, title: str) -> list[tuple[str, int]]:  # type: ignore[type-arg]
    (chart,) = [chart for chart in found["charts"] if chart["title"] == title]
    return [(bar["text"], bar["count"]) for bar in chart["bars"]]


def test_shares_patients_and_facts() -> None:
    found = overview(TABLE)
    assert (found["items"], found["patients"]) == (3, 2)
    assert bars(found, "Class") == [("malignant", 2), ("benign", 1)]
    assert bars(found, "Patients in each class") == [("benign", 1), ("malignant", 1)]
    assert bars(found, "Images of one patient") == [("1", 1), ("2", 1)]
    assert bars(found, "Assessment (BI-RADS)") == [("not stated", 1), ("2", 1), ("10", 1)]
    assert bars(found, "Size (px)") == [("10 × 20", 2), ("9 × 20", 1)]
    assert {"title": "Bit depth", "value": "16"} in found["facts"]


def test_many_values_are_cut_and_counted() -> None:
    found = overview(pd.DataFrame({"label": [f"kind {n}" for n in range(MOST_VALUES + 3)]}))
    (chart,) = found["charts"]
    assert (len(chart["bars"]), chart["others"], chart["others_count"]) == (MOST_VALUES, 3, 3)


def test_a_filter_leaves_what_every_column_allows_in_the_order_of_the_items() -> None:
    where = {"label": ["malignant"], "width": ["10", "9"], "assessment": [""]}
    mask = base64.b64decode(matching(TABLE, where, ["3", "1", "2"]))
    assert [mask[0] >> place & 1 for place in range(3)] == [1, 0, 0]


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "label": "=1+1", "assessment": "NA"}, {**ROWS[1], "label": "", "note": "not of interest"}]
    files.write_csv(tmp_path / "items.csv", rows, tuple(rows[1] | rows[0]))
    table = read_table(tmp_path / "items.csv")
    assert list(table["label"]) == ["=1+1", ""] and list(table["assessment"]) == ["NA", "10"]
    assert "note" not in table


def test_a_column_that_is_not_there_holds_nothing() -> None:
    assert base64.b64decode(matching(TABLE, {"density": [""]}, ["1", "2", "3"]))[0] == 0b111
    assert base64.b64decode(matching(TABLE, {"density": ["A"]}, ["1", "2", "3"]))[0] == 0
    assert base64.b64decode(matching(TABLE, {}, ["1", "2", "3"], among={"2"}))[0] == 0b010
