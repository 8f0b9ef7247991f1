"""CBIS-DDSM as JPEG from Kaggle: csv/dicom_info.csv names every file, the case descriptions say what it shows.

Source: A. Awsaf, CBIS-DDSM: Breast Cancer Image Dataset, Kaggle; of R. S. Lee et al. (2017). 8 bits, lossy. Some rows
lack a series description; then the case's name tells: a number at its end means a lesion, none a full mammogram.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engines.layouts.base import UNLABELLED, Item, LayoutSpec, Looked, Note, Rejection
from engines.layouts.cbis_cases import describe, name_of, read_cases
from engines.layouts.joining import Files, Gaps, told_doubles
from engines.layouts.tables import Table, first_pictures, rows, tables_near

_COLUMNS = ("image_path", "patientid", "seriesdescription")


def detect(folder: Path) -> float:
    """Sure where dicom_info.csv lies near JPEG files."""
    return 0.99 if _table(folder) and first_pictures(folder, 1) else 0.0


def scan(folder: Path) -> Iterator[Item | Rejection | Note | Looked]:
    """Yield every full mammogram once; crops and masks are counted only."""
    table = _table(folder)
    if table is None:
        yield Note("There is no dicom_info.csv near this folder, so nothing tells what the files show.")
        return
    cases = read_cases(folder)
    yield from cases.notes()
    there = Files(lambda path: f"{path.parent.name}/{path.stem}")
    yield from there.look(folder)
    gaps, seen, doubles, lesions = Gaps(folder, table.title), set[str](), 0, 0
    for _, row in rows(table, *_COLUMNS):
        series, _, file = row["image_path"].rpartition("/")
        key = f"{series.rpartition('/')[2]}/{Path(file).stem}"
        if there.is_taken(key):
            doubles += 1
            continue
        name = name_of(row["patientid"])
        path = there.take(key)
        is_full = row["seriesdescription"].lower().startswith("full") or (
            not row["seriesdescription"] and name is not None and not name.lesion
        )
        if not is_full:
            lesions += path is not None
        elif path is None:
            gaps.add("/".join(row["image_path"].split("/")[-3:]))
        elif name is None or (cases.tables and name.case not in cases.lesions):
            yield Rejection(
                path, "The case descriptions have no row for this mammogram.",
                "Leave it out, or restore the original tables.",
            )  # fmt: skip
        elif name.case in seen:
            yield Rejection(path, "This mammogram is there twice.", "Keep one copy of each.")
        else:
            seen.add(name.case)
            label, extra = describe(cases.lesions[name.case]) if cases.tables else (UNLABELLED, {})
            yield Item(path, label, extra=extra, **name.known)
    if lesions:
        yield Note(f"{lesions} crops and masks of lesions were passed over: this layout adds full mammograms.")
    yield from told_doubles(table, doubles)
    yield from cases.about(seen)
    yield from gaps.told(len(seen))
    yield from there.left(table.title)


def _table(folder: Path) -> Table | None:
    return next(iter(tables_near(folder, *_COLUMNS)), None)


LAYOUT = LayoutSpec(
    name="cbis_kaggle",
    title="CBIS-DDSM (Kaggle)",
    summary="Full mammograms of CBIS-DDSM as JPEG from Kaggle: the folders csv and jpeg, joined by csv/dicom_info.csv "
    "and the case descriptions. The JPEG files have 8 of the original 16 bits.",
    source="Lee et al., 2017, Scientific Data 4:170177",
    detect=detect,
    scan=scan,
)
