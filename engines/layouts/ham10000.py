"""HAM10000: 10,015 dermoscopic pictures of seven diagnoses, with their metadata table.

Source: P. Tschandl, C. Rosendahl, H. Kittler (2018), The HAM10000 dataset, Scientific Data 5:180161. Several pictures
can show one lesion; patients are not published, so a lesion stands for its patient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from engines.layouts.base import UNLABELLED, Item, LayoutSpec, Looked, Note, Rejection
from engines.layouts.joining import Files, join
from engines.layouts.tables import Table, decade, first_pictures, known, tables_near

DIAGNOSES = {
    "akiec": "actinic keratoses", "bcc": "basal cell carcinoma", "bkl": "benign keratosis-like lesions",
    "df": "dermatofibroma", "mel": "melanoma", "nv": "melanocytic nevi", "vasc": "vascular lesions",
    "melanomaanocytic nevi": "melanocytic nevi",  # a slip of tables where mel was replaced inside a name
}  # fmt: skip


def detect(folder: Path) -> float:
    """Sure where a table with image_id, dx and lesion_id lies near pictures."""
    return 0.95 if _table(folder) and first_pictures(folder, 1) else 0.0


def scan(folder: Path) -> Iterator[Item | Rejection | Note | Looked]:
    """Yield the picture of every row, whichever of the archive's folders holds it."""
    if (table := _table(folder)) is None:
        yield Note("There is no table with the columns image_id, dx and lesion_id near this folder.")
        return
    yield Note("Patients are not published, so lesions stand for them: two lesions of one person may be parted.")
    there = Files()
    yield from there.look(folder)
    yield from join(table, there, folder, lambda row: row["image_id"], _item)


def _item(path: Path, row: Mapping[str, str]) -> Item:
    extra = known(
        pathology=row["dx"],
        age_group=decade(row.get("age", "")),
        sex=row.get("sex", ""),
        site=row.get("localization", ""),
        source="HAM10000" + (f": {row['dataset']}" if row.get("dataset") else ""),
    )
    label = DIAGNOSES.get(row["dx"].lower(), row["dx"].lower()) or UNLABELLED
    return Item(path, label, patient=f"HAM10000 {row['lesion_id']}" if row["lesion_id"] else "", extra=extra)


def _table(folder: Path) -> Table | None:
    return next(iter(tables_near(folder, "image_id", "dx", "lesion_id")), None)


LAYOUT = LayoutSpec(
    name="ham10000",
    title="HAM10000",
    summary="Dermoscopic pictures with HAM10000_metadata.csv: the column dx is the class, and pictures of one lesion "
    "stay together in a split.",
    source="Tschandl, Rosendahl and Kittler, 2018, Scientific Data 5:180161",
    detect=detect,
    scan=scan,
)
