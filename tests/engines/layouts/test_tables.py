"""Tables as people save them: encodings, delimiters, line ends in cells, damage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engines import registry
from engines.layouts import folder
from engines.layouts.base import Rejection
from engines.layouts.joining import Files
from engines.layouts.tables import decade, open_table, rows, tables_near
from engines.tasks.gathering import choose_layout


@pytest.mark.parametrize(
    "data",
    [
        b"Image ID,Label\na,1\nb,2\n",
        b"\xef\xbb\xbfimage_id;label\r\na;1\r\nb;2\r\n",
        b"image-id\tlabel\na\t1\nb\t2",
        b'"image id","label"\n"a","1\n"\n\n"b",2\n',
        "image id,label,größe\na,1,ä\nb,2,ö\n".encode("latin-1"),
        "image id,label,größe\na,1,ä\nb,2,ö\n".encode(),
    ],
)
def test_tables_in_every_dress(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    table = open_table(tmp_path / "t.csv")
    assert table and table.has("image_id", "label")
    found = [{name: row[name] for name in ("image_id", "label")} for _, row in rows(table)]
    assert found == [{"image_id": "a", "label": "1"}, {"image_id": "b", "label": "2"}]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\x89PNG\0\0\0", b"x" * 100])
def test_what_is_no_table(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    table = open_table(tmp_path / "t.csv")
    assert table is None or not list(rows(table))


def test_damage_ends_a_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3\n" + '"' + "x" * 200_000)
    table = open_table(tmp_path / "t.csv")
    assert table and [row for _, row in rows(table, "a", "b")] == [{"a": "1", "b": "2"}, {"a": "3", "b": ""}]


def test_a_line_without_end_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b," * 100_000)
    assert open_table(tmp_path / "t.csv") is None


def test_tables_are_found_around_a_folder_nearest_first(tmp_path: Path) -> None:
    places = ["in/a.csv", "in/deep/er/b.csv", "in/deep/er/still/no.csv", "c.csv", "csv/d.csv", "other/no.csv"]
    for place in places:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("x,y\n1,2\n")
    assert [table.path.name for table in tables_near(tmp_path / "in", "x", up=1)] == [
        "a.csv",
        "b.csv",
        "c.csv",
        "d.csv",
    ]
    assert tables_near(tmp_path / "in", "x", "z", up=1) == []


def test_files_by_key(tmp_path: Path) -> None:
    for name in ("5/1.dcm", "5/2.png", "6/1.dcm", "7/1.zip", "8/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    there = Files(lambda path: f"{path.parent.name}_{path.stem}")
    assert list(there.look(tmp_path)) == []
    assert len(there) == 4 and there.take("9_9") is None and not there.is_taken("6_1")
    assert there.take("6_1") == there.take("6_1") == tmp_path / "6" / "1.dcm" and there.is_taken("6_1")
    assert there.take("5_2") == tmp_path / "5" / "2.png"
    left = [thing.path.relative_to(tmp_path).as_posix() for thing in there.left("t") if isinstance(thing, Rejection)]
    assert left == ["7/1.zip", "5/1.dcm", "8/1.png"]


@pytest.mark.parametrize(
    ("age", "group"), [("44", "40-49"), ("79.9", "70-79"), ("80", "80 and over"), ("9", "0-9"), ("x", ""), ("-1", "")]
)
def test_ages_become_groups(age: str, group: str) -> None:
    assert decade(age) == group


def test_a_layout_that_fails_to_look_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").touch()

    def failing(folder: Path) -> float:
        raise PermissionError(13, "Permission denied")

    layouts = {name: replace(spec, detect=failing) for name, spec in registry.load("layouts").items()}
    monkeypatch.setattr(registry, "load", lambda _: {**layouts, "folder": folder.LAYOUT})
    assert choose_layout(tmp_path, "auto").name == "folder"
