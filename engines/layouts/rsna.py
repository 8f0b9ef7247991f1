"""RSNA screening mammography (2022): train.csv beside train_images, DICOM or PNG.

Source: RSNA Screening Mammography Breast Cancer Detection, Kaggle, 2022. 54,706 pictures of 11,913 patients; DICOM as
<patient>/<image>.dcm, converted sets mostly as <patient>_<image>.png.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from engines.layouts.base import UNLABELLED, Item, LayoutSpec, Looked, Note, Rejection
from engines.layouts.joining import Files, join
from engines.layouts.tables import Table, decade, first_pictures, known, tables_near

LABELS = {"0": "no cancer", "1": "cancer"}
_YES_NO = {"0": "NO", "1": "YES", "false": "NO", "true": "YES"}
_NAME = re.compile(r"(\d{1,5})_(\d{5,10})$")  # patient and picture


def detect(folder: Path) -> float:
    """Sure where its table lies near pictures; likely where nearly all names are <patient>_<image>."""
    names = [key(path) for path in first_pictures(folder)]
    if not names:
        return 0.0
    if _table(folder):
        return 0.96
    share = sum(bool(_NAME.match(name)) for name in names) / len(names)
    return 0.4 if share >= 0.9 and len(names) > 1 else 0.0


def scan(folder: Path) -> Iterator[Item | Rejection | Note | Looked]:
    """Yield the picture of every row; without a table, every picture with its patient."""
    there, table = Files(key), _table(folder)
    yield from there.look(folder)
    if table:
        yield from join(table, there, folder, lambda row: f"{row['patient_id']}_{row['image_id']}", _item)
        return
    yield Note("train.csv was not found, so the pictures have no labels; patients were taken from the files' names.")
    for name in there:
        path, found = there.take(name), _NAME.match(name)
        if path and found:
            yield Item(path, UNLABELLED, patient=f"RSNA {found[1]}", extra={"source": "RSNA"})
        elif path:
            yield Rejection(
                path, "Its name is not of the form patient_image.", "Put train.csv beside it, or leave it out."
            )
    yield from there.left("The folder")


def key(path: Path) -> str:
    """<patient>_<image>, from the name alone or from folder and name."""
    return path.stem if "_" in path.stem else f"{path.parent.name}_{path.stem}"


def _item(path: Path, row: Mapping[str, str]) -> Item:
    source = f"RSNA site {row['site_id']}" if row.get("site_id") else "RSNA"
    if row.get("machine_id"):
        source += f", machine {row['machine_id']}"
    extra = known(
        assessment=row.get("birads", "").removesuffix(".0"),
        density=row.get("density", ""),
        age_group=decade(row.get("age", "")),
        implant=_YES_NO.get(row.get("implant", "").lower(), ""),
        biopsy=_YES_NO.get(row.get("biopsy", "").lower(), ""),
        invasive=_YES_NO.get(row.get("invasive", "").lower(), ""),
        source=source,
    )
    side = row.get("laterality", "")[:1].upper()
    label = LABELS.get(row["cancer"].removesuffix(".0"), UNLABELLED)
    view = row.get("view", "").upper()
    return Item(path, label, f"RSNA {row['patient_id']}", side if side in ("L", "R") else "", view, extra=extra)


def _table(folder: Path) -> Table | None:
    return next(iter(tables_near(folder, "patient_id", "image_id", "cancer")), None)


LAYOUT = LayoutSpec(
    name="rsna",
    title="RSNA mammography 2022",
    summary="Screening mammograms with train.csv: cancer or no cancer, side, view, density, BI-RADS assessment and "
    "implants; DICOM in a folder for each patient, or PNG files named patient_image.",
    source="RSNA Screening Mammography Breast Cancer Detection, 2022",
    detect=detect,
    scan=scan,
)
