"""Builds a CBIS-DDSM tree as TCIA hands it out: real or fabricated tables, phantom pixels, and known quirks.

By hand: python tests/engines/layouts/cbis_tree.py FOLDER [MOST_CASES] builds a large one from the real tables.
"""

from __future__ import annotations

import csv
import os
import random
import shutil
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

TABLES = tuple(
    f"{kind}_case_description_{part}_set.csv" for kind in ("mass", "calc") for part in ("train", "test")
)  # fmt: skip
PATHS = ("image file path", "cropped image file path", "ROI mask file path")


@dataclass
class Planted:
    """What a built tree holds; every number here must come back from the scan."""

    mammograms: int = 0  # that should become items
    lesions: int = 0
    files: int = 0
    several: int = 0
    swapped: int = 0
    missing: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    masks_in_place: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    double_rows: int = 0
    filled: set[str] = field(default_factory=set)
    labels: dict[str, str] = field(default_factory=dict)  # case -> label
    crops: int = 0


def fabricated_tables(folder: Path, patients: int = 12) -> None:
    """Tables with all quirks of the real ones: line ends in quoted paths, two spellings of density, gaps in margins."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(7)
    for name in TABLES:
        kind, _, _, part, _ = name.split("_")
        density = "breast_density" if kind == "mass" else "breast density"
        own = ["mass shape", "mass margins"] if kind == "mass" else ["calc type", "calc distribution"]
        columns = [
            "patient_id", density, "left or right breast", "image view", "abnormality id", "abnormality type",
            *own, "assessment", "pathology", "subtlety", *PATHS,
        ]  # fmt: skip
        rows = []
        first = {"mass_train": 1, "mass_test": 101, "calc_train": 201, "calc_test": 101}[f"{kind}_{part}"]
        for number in range(first, first + patients):
            for view in ("CC", "MLO"):
                for lesion in range(1, 3 if number % 5 == 0 else 2):
                    rows.append(dict(zip(columns, _row(kind, part, number, view, lesion, draw), strict=True)))
        if kind == "mass":
            rows[1]["mass margins"] = rows[2]["mass margins"] = "NA"
        write_table(folder / name, rows)


def _row(kind: str, part: str, number: int, view: str, lesion: int, draw: random.Random) -> list[str]:
    case = f"{kind.title()}-{'Training' if part == 'train' else 'Test'}_P_{number:05}_LEFT_{view}"
    full, series = (f"1.3.6.1.4.1.9590.100.1.2.{zlib.crc32(f'{case}{n}'.encode())}" for n in range(2))
    inner = f"{case}_{lesion}/1.2.{draw.getrandbits(64)}/1.3.{draw.getrandbits(64)}"
    pathology = ("BENIGN", "MALIGNANT", "BENIGN_WITHOUT_CALLBACK")[(number + lesion) % 3]
    words = ["OVAL", "SPICULATED"] if kind == "mass" else ["PLEOMORPHIC", "CLUSTERED"]
    abnormality = "mass" if kind == "mass" else "calcification"
    return [
        f"P_{number:05}", "3", "LEFT", view, str(lesion), abnormality, *words, str(2 + number % 4), pathology, "4",
        f"{case}/{full}/{series}/000000.dcm", f"{inner}/000000.dcm", f"{inner}/000001.dcm\n",
    ]  # fmt: skip


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def build(tables: Path, folder: Path, most_cases: int, lesions_too: bool = True, side: int = 24) -> Planted:
    """Build the tree of the first cases of every table below `folder`, with one quirk of each kind, or several."""
    planted, data = Planted(), folder / "CBIS-DDSM"
    draw = random.Random(11)
    for name in TABLES:
        rows = read_table(tables / name)
        gaps = [case_of(row) for row in rows if row.get("mass margins") in ("NA", "")][:2]
        wanted = list(dict.fromkeys([*gaps, *map(case_of, rows)]))[: most_cases // len(TABLES)]
        rows = [row for row in rows if case_of(row) in set(wanted)]
        cases: dict[str, list[dict[str, str]]] = {}
        for row in rows:
            cases.setdefault(case_of(row), []).append(row)
        doubled = [*rows, rows[0], rows[-1]]  # two rows are there twice
        _note_margins(doubled, planted)
        for number, (case, of_case) in enumerate(cases.items()):
            _mammogram(data, case, of_case, number, planted, side, draw)
            if lesions_too:
                for row in of_case:
                    _lesion(data, row, planted, side, draw)
        write_table(folder / name, doubled)
        planted.double_rows += 2
    for stranger in ("Mass-Training_P_09999_LEFT_CC", "Calc-Test_P_09998_RIGHT_MLO"):
        write(data / stranger / "1.2.3" / "1.2.4" / "1-1.dcm", "full mammogram images", side, draw)
        planted.strangers.append(stranger)
    (data / "LICENSE").write_text("words")
    return planted


def case_of(row: dict[str, str]) -> str:
    return row[PATHS[0]].split("/")[0]


def _note_margins(rows: list[dict[str, str]], planted: Planted) -> None:
    """Which cases hold a mass without margins that a later row of the table can lend some."""
    last = max((n for n, row in enumerate(rows) if row.get("mass margins", "NA") not in ("NA", "")), default=-1)
    planted.filled |= {case_of(row) for row in rows[: last + 1] if row.get("mass margins") in ("NA", "")}


def _mammogram(
    data: Path, case: str, rows: list[dict[str, str]], number: int, planted: Planted, side: int, draw: random.Random
) -> None:
    path = data / rows[0][PATHS[0]].strip()
    if number % 3 == 1:  # newer downloads call the first file of a series so
        path = path.with_name("1-1.dcm")
    if number == 2:
        planted.missing.append(case)
        return
    if number == 4:
        write(path, "ROI mask images", side, draw)
        planted.masks_in_place.append(case)
        return
    write(path, "full mammogram images", side, draw)
    planted.files += 1
    if number == 5:
        path.write_bytes(path.read_bytes()[:-200])
        planted.damaged.append(case)
        return
    if number == 6:
        shutil.copy(path, path.with_name("1-2.dcm"))
        planted.copies.append(case)
    planted.mammograms += 1
    planted.several += len(rows) > 1
    worst = ("MALIGNANT", "BENIGN", "BENIGN_WITHOUT_CALLBACK")
    found = min((row["pathology"] for row in rows), key=worst.index)
    planted.labels[case] = found.lower().replace("_", " ")


def _lesion(data: Path, row: dict[str, str], planted: Planted, side: int, draw: random.Random) -> None:
    """Crop and mask of a lesion; in every third the two lie under each other's name, as in the real collection."""
    crop, mask = (data / row[name].strip() for name in PATHS[1:])
    planted.lesions += 1
    planted.crops += 1
    if planted.lesions % 3 == 0 and crop.parent == mask.parent:
        crop, mask = mask, crop
        planted.swapped += 1
    write(crop, "cropped images", side // 2, draw)
    write(mask, "ROI mask images", side, draw)
    planted.files += 2


def write(path: Path, description: str, side: int, draw: random.Random) -> None:
    """A small DICOM like TCIA's: secondary capture, the series' description in its header, a bright disc."""
    y, x = np.mgrid[:side, :side]
    shift = draw.randrange(side // 2)
    pixels = np.where((x - shift) ** 2 + (y - side / 2) ** 2 < side**2 / 5, 40000, 900).astype(np.uint16)
    pixels += np.uint16(draw.randrange(800))
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    dataset.SeriesDescription, dataset.Modality = description, "MG"
    dataset.PatientID, dataset.PatientName = path.parts[-4] if len(path.parts) > 3 else "x", "CANARY^NAME"
    dataset.Rows = dataset.Columns = side
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW"
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def cases_at(paths: Iterable[str]) -> list[str]:
    """The case folders that relative file names of a list of refusals lie in."""
    return sorted(next(part for part in path.split("/") if "_P_" in part) for path in paths)


if __name__ == "__main__":
    where = Path(os.environ.get("PHANTOM_LAB_DATA", "../shared/data")) / "cbis-ddsm-csv"
    print(build(where, Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 900))
