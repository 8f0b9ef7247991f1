"""Tables as columns: read on while they grow, rows found again by their place, in bounded memory."""

from __future__ import annotations

from pathlib import Path

from engines import files
from engines.records import CatalogueRecord
from engines.workspace import Workspace
from lab.catalogue_columns import Analyses, Columns

HEADER = "item,label,shape_confidence,reason,flipped\n"


def test_a_growing_table_is_read_on_and_a_torn_row_waits(tmp_path: Path) -> None:
    table = tmp_path / "curation.csv"
    table.write_text(HEADER + "000002,benign,0.5,cut at the top,1\n000001,benign,0.")
    columns = Columns(table)
    columns.more()
    assert columns.items == ["000002"]
    with open(table, "a") as file:
        file.write('25,"a reason\nin two lines",0\n000003,malignant,1,,0\n')
    columns.more()
    assert columns.items == ["000002", "000001", "000003"]
    answer = columns.as_answer()
    assert answer["scores"] == [0.5, 0.25, 1.0]
    assert [answer["labels"][index] for index in answer["label"]] == ["benign", "benign", "malignant"]
    assert [answer["reasons"][index] for index in answer["reason"]] == ["cut at the top", "a reason\nin two lines", ""]
    rows = columns.rows(["000003", "000001", "unknown"])
    assert rows["000001"]["reason"] == "a reason\nin two lines" and rows["000003"]["label"] == "malignant"
    assert list(rows) == ["000003", "000001"]


def test_formula_marks_are_taken_off(tmp_path: Path) -> None:
    files.write_csv(tmp_path / "t.csv", [{"item": "1", "label": "=1+1"}], ("item", "label"))
    columns = Columns(tmp_path / "t.csv")
    columns.more()
    assert columns.as_answer()["labels"] == ["=1+1"]
    assert columns.rows(["1"])["1"]["label"] == "=1+1"


def test_an_analysis_under_way_is_followed_until_it_is_whole(workspace: Workspace) -> None:
    folder = workspace.folder("catalogues", "films")
    part = folder / "analysis.part"
    part.mkdir(parents=True)
    workspace.save("catalogues", CatalogueRecord(id="films", name="films", layout="folder", items=2))
    analyses = Analyses(workspace)
    assert analyses.read("catalogues", "films") == (None, False)
    (part / "curation.csv").write_text(HEADER + "000001,a,1,,0\n")
    columns, growing = analyses.read("catalogues", "films")
    assert columns is not None and growing and columns.items == ["000001"]
    with open(part / "curation.csv", "a") as file:
        file.write("000002,a,0,,0\n")
    assert analyses.read("catalogues", "films")[0] is columns and columns.items == ["000001", "000002"]
    part.rename(folder / "analysis")
    files.write_json(folder / "analysis" / "groups.json", [["000002", "000009"]])
    whole, growing = analyses.read("catalogues", "films")
    assert whole is not None and not growing and whole.items == columns.items
    assert analyses.groups("catalogues", "films", whole.items) == [-1, 0]
