"""The map of an evaluation as the page draws it: columns of numbers, read from its table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engines import files
from engines.errors import LabError
from engines.jobs import events

FILE = "map.csv"
SETS = ("real", "held_out", "synthetic")  # as in engines/metrics/maps.py
AXES = ("pca", "tsne", "umap")
DIGITS = 4  # significant: a thousandth of a plot is less than a pixel


def read(folder: Path) -> dict[str, Any]:
    """Sets and classes by number, places in every projection, and which images stand alone. Raises LabError."""
    table = folder / FILE
    if not table.is_file():
        raise LabError(
            "No map was made in this measurement.",
            "",
            "Choose a map under “All settings” in the middle; measure again.",
        )
    rows = list(files.iter_csv(table))
    names = rows[0] if rows else {}
    projections = [name for name in AXES if f"{name}_x" in names]
    classes = sorted({row["label"] for row in rows})
    try:
        found = {
            "sets": [SETS.index(row["set"]) for row in rows],
            "index": [int(row["index"]) for row in rows],
            "labels": [classes.index(row["label"]) for row in rows],
            "apart": [int(row["apart"] == "True") for row in rows],
            **{
                f"{name}_{axis}": [float(f"{float(row[f'{name}_{axis}']):.{DIGITS}g}") for row in rows]
                for name in projections
                for axis in "xy"
            },
        }
    except (KeyError, ValueError) as error:
        raise LabError("The map of this measurement is damaged.", "", "Measure again.") from error
    return {"projections": projections, "classes": classes, **events.finite(found)}
