"""Class folders, split folders, loose pictures, and what names tell."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from engines.layouts.base import Item, Note, Rejection, natural, walk
from engines.layouts.folder import LAYOUT
from engines.layouts.names import patient_in, side_and_view_in


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def items(folder: Path) -> list[Item]:
    return [thing for thing in LAYOUT.scan(folder) if isinstance(thing, Item)]


def test_class_folders(tmp_path: Path) -> None:
    touch(tmp_path, "benign/a2.png", "benign/a10.png", "malignant/deep/below/b.tif", "notes.txt", ".hidden.png")
    found = items(tmp_path)
    assert [(item.path.name, item.label) for item in found] == [
        ("a2.png", "benign"), ("a10.png", "benign"), ("b.tif", "malignant"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "names", [("train/benign/a.png", "val/benign/b.png"), ("benign/train/a.png", "benign/val/b.png")]
)
def test_splits_around_or_inside_classes(tmp_path: Path, names: tuple[str, ...]) -> None:
    touch(tmp_path, *names)
    assert [(item.label, item.split) for item in items(tmp_path)] == [("benign", "train"), ("benign", "validation")]


def test_one_folder_is_one_unlabelled_class(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.png", "b.jpg")
    assert {item.label for item in items(tmp_path)} == {"unlabelled"}


def test_loose_pictures_beside_classes_are_mentioned(tmp_path: Path) -> None:
    touch(tmp_path, "benign/a.png", "b.png")
    notes = [thing for thing in LAYOUT.scan(tmp_path) if isinstance(thing, Note)]
    assert len(notes) == 1 and "1 pictures lie beside" in notes[0].text


def test_many_small_folders_are_patients_whose_names_become_no_label(tmp_path: Path) -> None:
    touch(tmp_path, *(f"Doe-{number}/study/{view}.dcm" for number in range(31) for view in ("L_CC", "R_CC")))
    found = items(tmp_path)
    assert {item.label for item in found} == {"unlabelled"} and len({item.patient for item in found}) == 31
    assert any("patients, not for classes" in note.text for note in LAYOUT.scan(tmp_path) if isinstance(note, Note))
    shutil.rmtree(tmp_path / "Doe-30")
    assert len({item.label for item in items(tmp_path)}) == 30


def test_other_formats_are_refused_with_advice_and_other_files_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.zip", "b.bmp", "c.nii", "readme.md", "table.csv", "Thumbs.db")
    refused = {thing.path.name: thing for thing in LAYOUT.scan(tmp_path) if isinstance(thing, Rejection)}
    assert set(refused) == {"a.zip", "b.bmp", "c.nii"}
    assert "Unpack" in refused["a.zip"].advice and "Convert" in refused["b.bmp"].advice


def test_dicom_is_found_without_a_suffix(tmp_path: Path) -> None:
    (tmp_path / "1.2.840.1").write_bytes(bytes(128) + b"DICM" + bytes(10))
    (tmp_path / "IM0001").write_bytes(bytes(128) + b"DICM" + bytes(10))
    (tmp_path / "LICENSE").write_text("words")
    assert [item.path.name for item in items(tmp_path)] == ["1.2.840.1", "IM0001"]


def test_detect_is_low_and_zero_without_pictures(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    assert LAYOUT.detect(tmp_path) == 0
    touch(tmp_path, "deep/a.png")
    assert 0 < LAYOUT.detect(tmp_path) < 0.5


def test_loops_of_links_end(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.png")
    try:
        (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("this system does not let us make links")
    assert [path.name for path in walk(tmp_path)] == ["x.png"]


def test_a_closed_folder_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "closed/a.png", "b.png")
    scandir = os.scandir

    def guarded(path: Path) -> Any:  # permissions do not bind root, so that a closed folder is acted
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = {thing.path.name: type(thing) for thing in LAYOUT.scan(tmp_path) if not isinstance(thing, Note)}
    assert found == {"b.png": Item, "closed": Rejection}


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("patientcbis-ddsm__P_00068_image12_mass50.png", "00068"),
        ("Mass-Training_P_00001_LEFT_CC.png", "00001"),
        ("patient12_left.png", "12"),
        ("Subject-007.png", "007"),
        ("10208_1922025927.png", ""),
        ("mass12.png", ""),
        ("inpatient7.png", ""),
    ],
)
def test_patients_in_names(name: str, patient: str) -> None:
    assert patient_in(name) == patient


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("20586908_6c613_MG_R_CC_ANON", ("R", "CC")),
        ("phantom_000001_L_MLO", ("L", "MLO")),
        ("Mass-Training_P_00001_LEFT_CC_1", ("L", "CC")),
        ("0_L_CC", ("L", "CC")),
        ("LCC", ("L", "CC")),
        ("mlo-right", ("R", "MLO")),
        ("all_colours", ("", "")),
        ("ml_model", ("", "")),
    ],
)
def test_sides_and_views_in_names(stem: str, expected: tuple[str, str]) -> None:
    assert side_and_view_in(stem) == expected


def test_numbers_sort_as_numbers() -> None:
    assert sorted(["b10", "b2", "B1", "a", "10", "9", "²"], key=natural) == ["9", "10", "a", "B1", "b2", "b10", "²"]
