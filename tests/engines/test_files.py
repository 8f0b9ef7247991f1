"""The one writer: whole files or none, formula cells, torn lines, folders that appear at once."""

from __future__ import annotations

import csv
import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import files
from engines.errors import LabError, explain

TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r\n"), max_size=20)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob(f"{files.TEMPORARY}*"))


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    files.write_json(path, {"n": 1})

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError) as caught:
        files.write_json(path, {"n": 2})
    assert files.read_json(path) == {"n": 1} and not leftovers(tmp_path)
    assert explain(caught.value).what == "The disk is full."


def test_nan_and_damage_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", {"x": float("nan")})
    (tmp_path / "b.json").write_text('{"half": ')
    with pytest.raises(LabError, match="damaged"):
        files.read_json(tmp_path / "b.json")


def test_formula_cells_are_text_to_a_spreadsheet_and_numbers_stay(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    files.write_csv(path, [{"a": "=1+1", "b": -3.5, "c": "-x"}, {"a": "@cmd", "b": None}], ["a", "b", "c"])
    raw = list(csv.reader(path.read_text().splitlines()))
    assert raw[1] == ["'=1+1", "-3.5", "'-x"] and raw[2] == ["'@cmd", "", ""]
    assert files.read_csv(path)[0] == {"a": "=1+1", "b": "-3.5", "c": "-x"}


@given(st.lists(st.fixed_dictionaries({"a": TEXT, "b": TEXT}), max_size=8))
def test_tables_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    files.write_csv(path, rows, ["a", "b"])
    assert files.read_csv(path) == rows


def test_a_torn_last_line_is_ignored_and_repaired(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    files.append_jsonl(path, {"n": 1})
    files.append_jsonl(path, {"n": 2}, sync=True)
    with path.open("ab") as file:
        file.write(b'{"n": 3, "x')
    assert [event["n"] for event in files.read_jsonl(path)] == [1, 2]
    files.repair_jsonl(path)
    files.append_jsonl(path, {"n": 4})
    assert [event["n"] for event in files.read_jsonl(path)] == [1, 2, 4]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), files.new_folder(tmp_path / "set") as folder:
        (folder / "x").write_text("half")
        raise RuntimeError
    assert not (tmp_path / "set").exists() and not leftovers(tmp_path)
    with files.new_folder(tmp_path / "set") as folder:
        array = files.create_npy(folder / "images.npy", (3, 4, 4, 1), np.uint16)
        array[:] = 65535
        array.flush()
        assert not (tmp_path / "set").exists()
    assert int(files.open_npy(tmp_path / "set" / "images.npy").max()) == 65535
    with pytest.raises(LabError, match="exists already"), files.new_folder(tmp_path / "set"):
        pass


def test_folder_hash_knows_names_and_contents(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text("1")
    assert files.sha256_folder(tmp_path / "a") == files.sha256_folder(tmp_path / "b")
    (tmp_path / "b" / "x").rename(tmp_path / "b" / "y")
    assert files.sha256_folder(tmp_path / "a") != files.sha256_folder(tmp_path / "b")


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"(?i)pickle|object"):
        files.open_npy(tmp_path / "bad.npy")


def test_too_little_space_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="not enough room"):
        files.require_space(tmp_path / "not" / "there", 2**60)


def test_sweep_removes_old_litter_only(tmp_path: Path) -> None:
    old, young = tmp_path / ".part-0-a", tmp_path / ".part-1-b"
    old.mkdir()
    young.write_text("")
    os.utime(old, (0, 0))
    files.sweep(tmp_path)
    assert not old.exists() and young.exists()
