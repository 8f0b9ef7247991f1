"""IDC patches, ISIC 2024, RSNA, HAM10000, array pairs and tables of paths: recognised, joined, gaps told."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import registry
from engines.layouts.base import Item, Looked, Note, Rejection
from engines.tasks.gathering import choose_layout

Found = list[Item | Rejection | Note | Looked]


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def table(path: Path, *rows: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def scan(name: str, folder: Path) -> Found:
    return list(registry.load("layouts")[name].scan(folder))


def items(found: Found) -> list[Item]:
    return [thing for thing in found if isinstance(thing, Item)]


def refused(found: Found) -> dict[str, str]:
    return {thing.path.name: thing.reason for thing in found if isinstance(thing, Rejection)}


def notes(found: Found) -> str:
    return " ".join(thing.text for thing in found if isinstance(thing, Note))


def recognised(name: str, *folders: Path) -> None:
    for folder in folders:
        assert choose_layout(folder, "auto").name == name, folder


def test_idc_patches(tmp_path: Path) -> None:
    names = [f"{p}_idx5_x{x}_y51_class{c}.png" for p, x, c in ((8863, 1, 0), (8863, 51, 1), (9036, 101, 0))]
    places = [f"{name[:4]}/{name[-5]}/{name}" for name in names]
    touch(tmp_path / "in", *places, *(f"IDC_regular_ps50_idx5/{place}" for place in places), "8863/0/notes.png")
    touch(tmp_path / "in", "8863/0/8863_idx5_x9_y9_class1.png", "readme.txt")
    recognised("idc", tmp_path, tmp_path / "in", tmp_path / "in" / "9036")
    found = scan("idc", tmp_path / "in")
    assert [(one.label, one.patient, one.extra["x"]) for one in items(found)] == [
        ("no IDC", "IDC 8863", "1"), ("IDC", "IDC 8863", "51"), ("no IDC", "IDC 9036", "101"),
    ]  # fmt: skip
    assert "3 patches are there twice" in notes(found)
    assert set(refused(found)) == {"notes.png", "8863_idx5_x9_y9_class1.png"}


ISIC = [
    {"isic_id": "ISIC_1", "target": 0, "patient_id": "IP_7", "age_approx": "65.0", "sex": "male"},
    {"isic_id": "ISIC_2", "target": 1, "patient_id": "IP_7", "age_approx": "85.0", "sex": "male"},
    {"isic_id": "ISIC_2", "target": 1, "patient_id": "IP_7", "age_approx": "85.0", "sex": "male"},
    {"isic_id": "ISIC_3", "target": 0, "patient_id": "IP_9", "age_approx": "", "sex": ""},
]


def test_isic_pictures_with_gaps(tmp_path: Path) -> None:
    root = tmp_path / "isic"
    table(root / "train-metadata.csv", *ISIC)
    touch(root, *(f"train-image/image/ISIC_{n}.jpg" for n in (1, 2, 8)), "train-image.hdf5")
    recognised("isic", tmp_path, root, root / "train-image", root / "train-image" / "image")
    found = scan("isic", root)
    assert [(one.path.name, one.label, one.patient, one.member) for one in items(found)] == [
        ("ISIC_1.jpg", "benign", "ISIC IP_7", ""), ("ISIC_2.jpg", "malignant", "ISIC IP_7", ""),
    ]  # fmt: skip
    assert items(found)[1].extra == {"age_group": "80 and over", "sex": "male", "source": "ISIC"}
    assert refused(found) == {
        "ISIC_3": "train-metadata.csv lists this picture, but it is not there.",
        "ISIC_8.jpg": "train-metadata.csv has no row for this picture.",
    }
    assert "1 further row for a picture" in notes(found) and "HDF5 file was passed over" in notes(found)


def test_isic_from_its_hdf5_file(tmp_path: Path) -> None:
    table(tmp_path / "train-metadata.csv", *ISIC)
    touch(tmp_path, "train-image.hdf5", "test-image.hdf5")
    recognised("isic", tmp_path)
    found = scan("isic", tmp_path)
    assert [(one.path.name, one.member, one.label) for one in items(found)] == [
        ("train-image.hdf5", f"ISIC_{n}", label) for n, label in ((1, "benign"), (2, "malignant"), (3, "benign"))
    ]


RSNA = {
    "site_id": 2, "patient_id": 5, "image_id": 70001, "laterality": "L", "view": "MLO", "age": 61.0, "cancer": 0,
    "biopsy": 0, "invasive": 0, "BIRADS": "1.0", "implant": 1, "density": "C", "machine_id": 21,
}  # fmt: skip


@pytest.mark.parametrize("names", [("train_images/5/{}.dcm", "train_images/6/{}.dcm"), ("5_{}.png", "6_{}.png")])
def test_rsna(tmp_path: Path, names: tuple[str, str]) -> None:
    root = tmp_path / "rsna"
    table(root / "train.csv", RSNA, {**RSNA, "patient_id": 6, "image_id": 70002, "cancer": 1, "laterality": "R"})
    touch(root, names[0].format(70001), names[1].format(70002), names[1].format(70003))
    recognised("rsna", tmp_path, root, (root / names[0]).parent.parent if "/" in names[0] else root)
    found = scan("rsna", root)
    assert [(one.label, one.patient, one.side, one.view) for one in items(found)] == [
        ("no cancer", "RSNA 5", "L", "MLO"), ("cancer", "RSNA 6", "R", "MLO"),
    ]  # fmt: skip
    assert items(found)[0].extra == {
        "assessment": "1", "density": "C", "age_group": "60-69", "implant": "YES", "biopsy": "NO", "invasive": "NO",
        "source": "RSNA site 2, machine 21",
    }  # fmt: skip
    assert list(refused(found)) == [names[1].format(70003).rpartition("/")[2]]


def test_rsna_without_its_table_still_knows_patients(tmp_path: Path) -> None:
    touch(tmp_path, "10208_1922025927.png", "10208_1922025928.png", "77_228058748.png", "notes.png")
    assert registry.load("layouts")["rsna"].detect(tmp_path) == 0
    (tmp_path / "notes.png").unlink()
    recognised("rsna", tmp_path)
    found = scan("rsna", tmp_path)
    assert Counter(one.patient for one in items(found)) == {"RSNA 10208": 2, "RSNA 77": 1}
    assert "train.csv was not found" in notes(found)


def test_ham10000(tmp_path: Path) -> None:
    rows = [
        {"lesion_id": f"HAM_{n // 2}", "image_id": f"ISIC_{n}", "dx": dx, "dx_type": "histo", "age": "80.0", "sex": "x"}
        for n, dx in enumerate(("nv", "mel", "bkl"))
    ]
    table(tmp_path / "HAM10000_metadata.csv", *rows)
    touch(tmp_path, "HAM10000_images_part_1/ISIC_0.jpg", "HAM10000_images_part_2/ISIC_1.jpg", "part_2/ISIC_0.jpg")
    recognised("ham10000", tmp_path, tmp_path / "HAM10000_images_part_2")
    found = scan("ham10000", tmp_path)
    assert [(one.label, one.patient) for one in items(found)] == [
        ("melanocytic nevi", "HAM10000 HAM_0"), ("melanoma", "HAM10000 HAM_0"),
    ]  # fmt: skip
    assert set(refused(found)) == {"ISIC_2", "ISIC_0.jpg"}
    assert "twice" in refused(found)["ISIC_0.jpg"]


def test_real_samples(shared_data: Path) -> None:
    recognised("ham10000", shared_data / "ham10000-sample", shared_data / "ham10000-sample" / "images")
    recognised("idc", shared_data / "idc-patches", shared_data / "idc-patches" / "8975")
    recognised("rsna", shared_data / "rsna-512")
    recognised("folder", shared_data / "cbis-mass-roi", shared_data / "nyu-16bit")
    assert len(items(scan("ham10000", shared_data / "ham10000-sample"))) == 36
    found = scan("idc", shared_data / "idc-patches")
    assert Counter(one.label for one in items(found)) == {"no IDC": 52, "IDC": 51} and not refused(found)
    split = Counter((one.label, one.split) for one in items(scan("folder", shared_data / "cbis-mass-roi")))
    assert sum(split.values()) == 1296 and set(split) == {
        (label, part) for label in ("benign", "malignant") for part in ("train", "validation")
    }


def test_a_stack_and_its_labels(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    np.save(folder / "X.npy", np.zeros((4, 6, 5, 3), np.uint8))
    np.save(folder / "Y.npy", np.array([0, 1, 1, 0]))
    recognised("npy_pair", folder, tmp_path)
    found = items(scan("npy_pair", tmp_path))
    assert [(one.member, one.label) for one in found] == [("0", "0"), ("1", "1"), ("2", "1"), ("3", "0")]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.eye(3)[[0, 2, 1]], ["0", "2", "1"]),
        (np.array([[1], [0], [1]]), ["1", "0", "1"]),
        (np.array(["benign", "malignant", "benign"]), ["benign", "malignant", "benign"]),
        (np.array([1.0, 0.0, 1.0]), ["1", "0", "1"]),
        (np.array([0.5, 0.1, 0.2]), None),
        (np.array([1, 0]), None),
        (np.array([{"a": 1}, 2, 3], dtype=object), None),
    ],
)
def test_labels_of_a_stack(tmp_path: Path, labels: Any, expected: list[str] | None) -> None:
    np.save(tmp_path / "X_train.npy", np.zeros((3, 4, 4), np.uint16))
    np.save(tmp_path / "y_train.npy", labels, allow_pickle=True)
    found = scan("npy_pair", tmp_path)
    assert [one.label for one in items(found)] == (expected or ["unlabelled"] * 3)
    assert {one.split for one in items(found)} == {"train"}
    assert list(refused(found)) == ([] if expected else ["y_train.npy"])


@pytest.mark.parametrize("data", [b"PK\3\4", b"\x93NUMPY\1\0\x10\0{'descr': 'u1'}", b"\x93NUMPY" + bytes(200), b""])
def test_what_is_no_array_is_no_stack(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "X.npy").write_bytes(data)
    assert registry.load("layouts")["npy_pair"].detect(tmp_path) == 0


def test_a_stack_that_claims_too_much_is_no_stack(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.zeros((2, 4, 4), np.uint8))
    data = (tmp_path / "X.npy").read_bytes()
    huge = data.replace(b"(2, 4, 4), }" + b" " * 15, b"(2, 4, 4" + b"0" * 15 + b"), }")
    assert huge != data and len(huge) == len(data)
    (tmp_path / "X.npy").write_bytes(huge)
    assert registry.load("layouts")["npy_pair"].detect(tmp_path) == 0


def test_a_single_picture_is_no_stack(tmp_path: Path) -> None:
    np.save(tmp_path / "image.npy", np.zeros((40, 30, 3), np.uint8))
    recognised("folder", tmp_path)


@pytest.mark.parametrize("written", ["pictures/a{}.png", "C:\\data\\pictures\\a{}.png", "a{}"])
def test_a_table_of_paths(tmp_path: Path, written: str) -> None:
    rows = [
        {"Image Path": written.format(n), "Label": f"class {n % 2}", "Patient ID": f"x{n}", "Laterality": "left",
         "Split": "test", "Patient Name": "CANARY", "age": "44"}
        for n in range(4)
    ]  # fmt: skip
    table(tmp_path / "set" / "list.csv", *rows, rows[1])
    touch(tmp_path / "set", *(f"pictures/a{n}.png" for n in (0, 1, 2, 9)))
    recognised("table", tmp_path / "set", tmp_path / "set" / "pictures")
    found = scan("table", tmp_path / "set")
    assert [(one.path.name, one.label, one.patient, one.side, one.split) for one in items(found)] == [
        (f"a{n}.png", f"class {n % 2}", f"x{n}", "L", "test") for n in range(3)
    ]
    assert items(found)[0].extra == {"age_group": "40-49"} and "CANARY" not in str(items(found))
    assert [name[:2] for name in refused(found)] == ["a3", "a9"] and "1 further row" in notes(found)


def test_a_table_without_labels_gives_way_to_class_folders(tmp_path: Path) -> None:
    touch(tmp_path, "benign/a.png", "malignant/b.png")
    table(tmp_path / "list.csv", {"file": "benign/a.png", "bytes": 1}, {"file": "malignant/b.png", "bytes": 2})
    recognised("folder", tmp_path)


def test_classes_one_folder_below(tmp_path: Path) -> None:
    touch(tmp_path, *(f"download/images/{label}/{n}.png" for label in ("a", "b") for n in range(2)))
    assert Counter(one.label for one in items(scan("folder", tmp_path))) == {"a": 2, "b": 2}
    touch(tmp_path, "train/x/1.png")
    assert {one.split for one in items(scan("folder", tmp_path / "train"))} == {"train"}


def test_many_gaps_become_one_sentence(tmp_path: Path) -> None:
    rows = [{"lesion_id": "l", "image_id": f"i{n}", "dx": "nv"} for n in range(300)]
    table(tmp_path / "meta.csv", *rows)
    touch(tmp_path, "i7.jpg")
    found = scan("ham10000", tmp_path)
    assert len(items(found)) == 1 and not refused(found)
    assert "meta.csv lists 299 pictures that are not in this folder; the 1 others were added." in notes(found)
