"""The map's table as the page gets it: sets and classes by number, and words where there is none or a damaged one."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.errors import LabError
from engines.metrics import maps
from lab import evaluation_map

TABLE = """set,index,label,distance,apart,pca_x,pca_y,tsne_x,tsne_y
real,4,malignant,0.5,True,1.23456,2,-3,4
held_out,11,benign,0.1,False,0,0,1,1
synthetic,0,benign,9,True,5,6,7,nan
"""


def test_the_table_becomes_columns(tmp_path: Path) -> None:
    (tmp_path / evaluation_map.FILE).write_text(TABLE)
    found = evaluation_map.read(tmp_path)
    assert found["projections"] == ["pca", "tsne"] and found["classes"] == ["benign", "malignant"]
    assert (found["sets"], found["index"], found["labels"]) == ([0, 1, 2], [4, 11, 0], [1, 0, 0])
    assert found["apart"] == [1, 0, 1] and found["pca_x"] == [1.235, 0, 5]
    assert found["tsne_y"] == [4, 1, None], "no number that JSON does not know"


def test_the_engine_names_the_same_sets() -> None:
    assert evaluation_map.SETS == maps.SETS
    assert set(maps.projections()) <= set(evaluation_map.AXES)


@pytest.mark.parametrize(("table", "words"), [("", "No map"), (TABLE.replace("held_out", "martian"), "damaged")])
def test_what_cannot_be_shown_is_said(tmp_path: Path, table: str, words: str) -> None:
    if table:
        (tmp_path / evaluation_map.FILE).write_text(table)
    with pytest.raises(LabError, match=words):
        evaluation_map.read(tmp_path)
