"""CBIS-DDSM: the published tables with their quirks, the trees of TCIA and Kaggle, and every planted fault told."""

from __future__ import annotations

import csv
import os
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from engines.layouts import cbis_ddsm, cbis_ddsm_crops, cbis_kaggle
from engines.layouts.base import Item, Looked, Note, Rejection
from engines.layouts.cbis_cases import describe, name_of, read_cases
from engines.layouts.cbis_files import role
from engines.tasks.gathering import choose_layout
from tests.engines.layouts import cbis_tree
from tests.engines.layouts.cbis_tree import Planted, cases_at

Found = list[Item | Rejection | Note | Looked]


@pytest.fixture(scope="module", params=["fabricated", "real"])
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Planted]:
    """A tree with planted quirks, from made-up tables and, where they are, from the real ones."""
    folder = tmp_path_factory.mktemp("cbis")
    tables = folder / "tables"
    if request.param == "fabricated":
        cbis_tree.fabricated_tables(tables)
    else:
        tables = request.getfixturevalue("shared_data") / "cbis-ddsm-csv"
    return folder / "tree", cbis_tree.build(tables, folder / "tree", most_cases=80)


def items(found: Found) -> list[Item]:
    return [thing for thing in found if isinstance(thing, Item)]


def notes(found: Found) -> str:
    return " ".join(thing.text for thing in found if isinstance(thing, Note))


def refused(found: Found, words: str) -> list[str]:
    return cases_at(str(thing.path) for thing in found if isinstance(thing, Rejection) and words in thing.reason)


def test_every_mammogram_counts_once_and_every_quirk_is_told(tree: tuple[Path, Planted]) -> None:
    folder, planted = tree
    found = list(cbis_ddsm.LAYOUT.scan(folder))
    got = items(found)
    labels = {name.case: item.label for item in got if (name := name_of(item.path.parts[-4]))}
    damaged = set(planted.damaged)  # a layout opens no picture: their headers are refused later
    assert len(got) == planted.mammograms + len(damaged)
    assert {case: label for case, label in labels.items() if case not in damaged} == planted.labels
    assert refused(found, "there twice") == sorted(planted.copies) and planted.copies
    assert refused(found, "no row for this mammogram") == sorted(planted.strangers)
    assert refused(found, "a crop or a mask") == sorted(planted.masks_in_place)
    assert refused(found, "is not there") == sorted([*planted.missing, *planted.masks_in_place])
    text = notes(found)
    assert f"{planted.double_rows} rows of the case descriptions are copies" in text
    assert f"{planted.lesions} cropped lesions and {planted.lesions} masks were passed over" in text
    assert f"{planted.swapped} lesions have crop and mask swapped" in text and planted.swapped
    several = sum("several lesions" in item.extra["mark"] for item in got if "mark" in item.extra)
    assert f"{several} mammograms show several lesions" in text and several >= planted.several > 0
    marked = {item.path.parts[-4] for item in got if "margins back-filled" in item.extra.get("mark", "")}
    gone = {*planted.missing, *planted.masks_in_place}
    assert marked == planted.filled - gone and marked


def test_names_fill_patient_side_view_and_part(tree: tuple[Path, Planted]) -> None:
    for item in items(list(cbis_ddsm.LAYOUT.scan(tree[0]))):
        case = item.path.parts[-4]
        assert item.patient.removeprefix("CBIS-DDSM ") in case
        assert item.side == ("L" if "LEFT" in case else "R") and case.endswith(item.view)
        assert item.split == ("train" if "Training" in case else "test")
        assert item.extra["abnormality"] == ("mass" if "Mass" in case else "calcification")
        assert item.extra["source"] == "CBIS-DDSM" and item.extra["assessment"] in "012345"
        assert not any("P_0" in value or "1.3.6" in value for value in item.extra.values())


def test_crops_are_told_from_masks_by_their_headers(tree: tuple[Path, Planted]) -> None:
    folder, planted = tree
    found = list(cbis_ddsm_crops.LAYOUT.scan(folder))
    got = items(found)
    assert len(got) == planted.crops and {role(item.path) for item in got} == {"cropped"}
    assert f"{planted.swapped} lesions have crop and mask swapped" in notes(found)
    assert refused(found, "twice") == []


def test_it_is_recognised_from_above_and_below(tree: tuple[Path, Planted]) -> None:
    folder, planted = tree
    for place in (folder.parent, folder, folder / "CBIS-DDSM"):
        assert choose_layout(place, "auto").name == "cbis_ddsm", place.name
    below = items(list(cbis_ddsm.LAYOUT.scan(folder / "CBIS-DDSM")))
    assert len(below) == planted.mammograms + len(planted.damaged) and {"unlabelled"}.isdisjoint(
        item.label for item in below
    )


def test_without_tables_names_still_tell_much(tmp_path: Path) -> None:
    (tmp_path / "x" / "y" / "Mass-Training_P_00001_RIGHT_MLO" / "1.2" / "1.3").mkdir(parents=True)
    place = tmp_path / "x" / "y"
    cbis_tree.write(place / "Mass-Training_P_00001_RIGHT_MLO" / "1.2" / "1.3" / "1-1.dcm", "", 16, random.Random(1))
    (place / "notes.dcm").touch()
    found = list(cbis_ddsm.LAYOUT.scan(place))
    (item,) = items(found)
    assert (item.label, item.patient, item.side, item.view, item.split) == (
        "unlabelled", "CBIS-DDSM P_00001", "R", "MLO", "train",
    )  # fmt: skip
    assert "no labels" in notes(found)
    assert [thing.path.name for thing in found if isinstance(thing, Rejection)] == ["notes.dcm"]


@pytest.mark.parametrize("said", [b"\x08\x00\x3f\x10", b"\x08\x00\x3e\x10LO\x0f\x00ROI mask images "])
def test_only_lesion_folders_are_crops(tree: tuple[Path, Planted], tmp_path: Path, said: bytes) -> None:
    source = tree[0] / "CBIS-DDSM"
    lesion = next(place for place in sorted(source.iterdir()) if place.name[-2:] == "_1")
    folder = tmp_path / "crops"
    shutil.copytree(lesion, folder / lesion.name)
    assert choose_layout(folder, "auto").name == "cbis_ddsm_crops"
    paths = sorted(folder.rglob("*.dcm"))
    for path in paths:  # headers that are silent, or say the same of both: the larger file is the mask
        data = path.read_bytes()
        path.write_bytes(data.replace(b"\x08\x00\x3e\x10LO\x0e\x00cropped images", said))
        assert len(said) > 4 or path.write_bytes(path.read_bytes().replace(b"\x08\x00\x3e\x10", said))
    assert len({role(path) for path in paths}) == 1
    (item,) = items(list(cbis_ddsm_crops.LAYOUT.scan(folder)))
    assert item.path == min(paths, key=lambda path: path.stat().st_size)


def test_a_link_to_nowhere_stops_nothing(tmp_path: Path) -> None:
    case = tmp_path / "Calc-Test_P_00038_LEFT_CC_1"
    cbis_tree.write(case / "a" / "b" / "1-1.dcm", "cropped images", 16, random.Random(1))
    try:
        (case / "a" / "b" / "1-2.dcm").symlink_to(tmp_path / "nowhere")
    except OSError:
        pytest.skip("this system does not let us make links")
    assert [item.path.name for item in items(list(cbis_ddsm_crops.LAYOUT.scan(tmp_path)))] == ["1-1.dcm"]


def test_descriptions_in_folder_names_count(tmp_path: Path) -> None:
    case = tmp_path / "Calc-Test_P_00038_LEFT_CC_1" / "08-29-2017-DDSM-27297"
    for said in ("1.000000-cropped images-33465", "1.000000-ROI mask images-98760"):
        cbis_tree.write(case / said / "1-1.dcm", "", 16, random.Random(1))
    (item,) = items(list(cbis_ddsm_crops.LAYOUT.scan(tmp_path)))
    assert "cropped" in item.path.parent.name


def test_the_real_tables_hold_what_was_published(shared_data: Path) -> None:
    cases = read_cases(shared_data / "cbis-ddsm-csv")
    assert len(cases.lesions) == 3103 and sum(len(of) for of in cases.lesions.values()) == 3568
    assert sum(len(of) > 1 for of in cases.lesions.values()) == 293
    assert (cases.doubles, cases.unnamed, len(cases.tables)) == (0, 0, 4)
    labels = Counter(describe(lesions)[0] for lesions in cases.lesions.values())
    assert sum(labels.values()) == 3103 and set(labels) == {"benign", "malignant", "benign without callback"}
    masses = [one for of in cases.lesions.values() for one in of if one.kind == "mass"]
    assert sum(one.filled for one in masses) == 60 and all(one.margins for one in masses)
    assert any("31 patients" in note.text for note in cases.about(cases.lesions))


def kaggle(folder: Path, tables: Path) -> list[str]:
    """The archive of Kaggle: tables in csv, JPEG files in folders of their series; gives the cases of full pictures."""
    (folder / "csv").mkdir(parents=True)
    rows, cases = [], []
    for name in cbis_tree.TABLES[:2]:
        shutil.copy(tables / name, folder / "csv" / name)
        for number, row in enumerate(cbis_tree.read_table(tables / name)):
            case = cbis_tree.case_of(row)
            lesion = f"{case}_{row['abnormality id']}"
            for patient, said in ((case, "full mammogram images"), (lesion, "cropped images"), (lesion, "")):
                if patient == case and case in cases:
                    continue
                cases += [case] if patient == case else []
                series = f"1.3.{len(rows)}"
                said = "" if number % 4 == 0 and patient == case else said  # as in 566 rows of the real one
                path = f"CBIS-DDSM/jpeg/{series}/1-{len(rows):03}.jpg"
                rows.append({"image_path": path, "PatientID": patient, "SeriesDescription": said})
                (folder / "jpeg" / series).mkdir(parents=True)
                (folder / "jpeg" / series / f"1-{len(rows) - 1:03}.jpg").touch()
    rows.append({"image_path": "CBIS-DDSM/jpeg/1.9/1-1.jpg", "PatientID": "Mass-Training_P_00001_LEFT_CC",
                 "SeriesDescription": "full mammogram images"})  # fmt: skip
    rows.append(dict(rows[0]))
    (folder / "jpeg" / "1.8").mkdir()
    (folder / "jpeg" / "1.8" / "1-1.jpg").touch()
    with open(folder / "csv" / "dicom_info.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return cases


def test_the_archive_of_kaggle(tmp_path: Path) -> None:
    cbis_tree.fabricated_tables(tmp_path / "tables", patients=6)
    cases = kaggle(tmp_path / "in" / "archive", tmp_path / "tables")
    for place in (tmp_path / "in", tmp_path / "in" / "archive", tmp_path / "in" / "archive" / "jpeg"):
        assert choose_layout(place, "auto").name == "cbis_kaggle", place.name
        found = list(cbis_kaggle.LAYOUT.scan(place))
        got = items(found)
        assert len(got) == len(cases) == len({item.path for item in got})
        assert {item.label for item in got} == {"benign", "malignant", "benign without callback"}
        reasons = Counter(thing.reason for thing in found if isinstance(thing, Rejection))
        assert reasons == {
            "dicom_info.csv lists this picture, but it is not there.": 1,
            "dicom_info.csv has no row for this picture.": 1,
        }
        assert "dicom_info.csv has 1 further row for a picture" in notes(found)
        assert "crops and masks of lesions were passed over" in notes(found)


@pytest.mark.skipif(not os.environ.get("PHANTOM_LAB_LARGE"), reason="by hand: builds 3,000 files")
def test_a_large_tree(shared_data: Path, tmp_path: Path) -> None:
    planted = cbis_tree.build(shared_data / "cbis-ddsm-csv", tmp_path, most_cases=900)
    got = items(list(cbis_ddsm.LAYOUT.scan(tmp_path)))
    assert planted.files > 2000 and len(got) == planted.mammograms + len(planted.damaged)
