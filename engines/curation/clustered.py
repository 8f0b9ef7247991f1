"""What a clustering reads of a catalogue and leaves on the disk; without the libraries that find clusters."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from engines import files
from engines.curation.analysis import UNREADABLE, read_analysis
from engines.errors import LabError
from engines.workspace import Workspace

CLUSTERS_FILE = "clusters.csv"
RECORD_FILE = "clustering.json"
COLUMNS = ("item", "cluster", "distance", "x", "y")


def clusters_of(ws: Workspace, clustering: str, catalogue: str, chosen: Collection[int] = ()) -> dict[str, int]:
    """The cluster of each item, in a finished clustering of this catalogue or of an image set made from it.

    Raises LabError if there is no such clustering, if it is of another catalogue, or lacks one of the chosen clusters.
    """
    folder = ws.job_folder(clustering)
    try:
        record, rows = files.read_json(folder / RECORD_FILE), files.read_csv(folder / CLUSTERS_FILE)
    except FileNotFoundError as error:
        raise LabError(
            f"There is no finished clustering “{clustering}”.", "", "Find clusters first, or choose another clustering."
        ) from error
    if record.get("catalogue") != catalogue:
        raise LabError(
            "These clusters are of other images.",
            f"“{clustering}” looked at {record.get('catalogue') or 'images without a catalogue'}, not at {catalogue}.",
            "Find clusters in this catalogue, or in a set made from it.",
        )
    found = {row["item"]: int(row["cluster"]) for row in rows}
    if missing := set(chosen) - set(found.values()):
        raise LabError(
            f"There is no cluster {min(missing)}.",
            f"This clustering has 1 to {record.get('k')}.",
            "Choose among these.",
        )
    return found


def seen_rows(ws: Workspace, catalogue_id: str) -> list[dict[str, str]]:
    """Rows of a catalogue's analysis whose picture could be read, with the width and height of the original."""
    sides = {item["item"]: item for item in ws.catalogue_items(catalogue_id)}
    return [
        {**row, **{name: sides.get(row["item"], {}).get(name, "") for name in ("width", "height")}}
        for row in read_analysis(ws, catalogue_id)
        if not row["reason"].startswith(UNREADABLE)
    ]


def seen_picture(ws: Workspace, catalogue_id: str, row: Mapping[str, str]) -> npt.NDArray[Any]:
    """The crop of one of `seen_rows`, cut from its thumbnail (longest side 256) and turned, as (h,w,3) uint8."""
    folder = ws.folder("catalogues", catalogue_id) / "analysis" / "thumbnails"
    with Image.open(folder / f"{row['item']}.webp") as image:
        shown = np.asarray(image.convert("RGB"))
    width, height = int(row["width"] or 0), int(row["height"] or 0)
    if width and height:
        across, down = shown.shape[1] / width, shown.shape[0] / height
        left, top = round(int(row["crop_x"]) * across), round(int(row["crop_y"]) * down)
        right = max(left + 1, round((int(row["crop_x"]) + int(row["crop_w"])) * across))
        bottom = max(top + 1, round((int(row["crop_y"]) + int(row["crop_h"])) * down))
        shown = shown[top:bottom, left:right]
    return shown[:, ::-1] if row["flipped"] == "1" else shown
