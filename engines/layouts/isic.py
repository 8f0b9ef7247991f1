"""ISIC 2024: crops of 3D total body photographs, JPEG or one HDF5 file, with train-metadata.csv.

Source: N. R. Kurtansky et al. (2024), The SLICE-3D dataset, Scientific Data 11:884; SIIM-ISIC challenge 2024, Kaggle.
401,059 pictures of 1,042 patients, 393 malignant. The two forms hold the same pictures, so one is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from engines.layouts.base import Item, LayoutSpec, Looked, Note, Rejection
from engines.layouts.joining import LOOKED_EVERY, Files, join, told_doubles
from engines.layouts.tables import Table, decade, files_near, first_pictures, known, rows, tables_near

_COLUMNS = ("isic_id", "target", "patient_id", "age_approx", "sex", "anatom_site_general", "attribution")
LABELS = {"0": "benign", "1": "malignant"}


def detect(folder: Path) -> float:
    """Sure where a table with isic_id and target lies near pictures of such names, or near an HDF5 file."""
    if _table(folder) is None:
        return 0.0
    named = any(path.stem.startswith("ISIC_") for path in first_pictures(folder, 20))
    return 0.96 if named or _stacks(folder) else 0.0


def scan(folder: Path) -> Iterator[Item | Rejection | Note | Looked]:
    """Yield the picture of every row, from its own file or else from the HDF5 file."""
    table = _table(folder)
    if table is None:
        yield Note("There is no table with the columns isic_id and target near this folder.")
        return
    there, stacks = Files(), _stacks(folder)
    yield from there.look(folder)
    there.refused = [one for one in there.refused if one.path.suffix.lower() not in (".hdf5", ".h5")]
    if len(there) or not stacks:
        if stacks:
            yield Note("The HDF5 file was passed over: it holds the same pictures as the folder.")
        yield from join(table, there, folder, lambda row: row["isic_id"], _item, *_COLUMNS)
        return
    yield from there.refused
    if len(stacks) > 1:
        yield Note(f"There are {len(stacks)} HDF5 files; the first by name was read.")
    seen, doubles = set[str](), 0
    for number, row in rows(table, *_COLUMNS):
        if number % LOOKED_EVERY == 0:
            yield Looked(number)
        if row["isic_id"] in seen:
            doubles += 1
            continue
        seen.add(row["isic_id"])
        yield _item(stacks[0], row, row["isic_id"])
    yield from told_doubles(table, doubles)


def _item(path: Path, row: Mapping[str, str], member: str = "") -> Item:
    patient = row.get("patient_id", "")
    extra = known(
        age_group=decade(row.get("age_approx", "")),
        sex=row.get("sex", ""),
        site=row.get("anatom_site_general", ""),
        source=f"ISIC: {row['attribution']}" if row.get("attribution") else "ISIC",
    )
    label = LABELS.get(row["target"].removesuffix(".0"), row["target"] or "unlabelled")
    return Item(path, label, patient=f"ISIC {patient}" if patient else "", extra=extra, member=member)


def _table(folder: Path) -> Table | None:
    return next(iter(tables_near(folder, "isic_id", "target")), None)


def _stacks(folder: Path) -> list[Path]:
    """HDF5 files of training pictures near the folder; the challenge's three test pictures have no labels."""
    found = files_near(folder, lambda name: name.lower().endswith((".hdf5", ".h5")), up=1)
    train = [path for path in found if "test" not in path.stem.lower()]
    return sorted(train, key=lambda path: "train" not in path.stem.lower())


LAYOUT = LayoutSpec(
    name="isic",
    title="ISIC 2024",
    summary="Crops of skin lesions with train-metadata.csv: target 1 is malignant, 0 benign; patients by patient_id. "
    "The pictures are JPEG files, or members of train-image.hdf5.",
    source="Kurtansky et al., 2024, Scientific Data 11:884",
    detect=detect,
    scan=scan,
)
