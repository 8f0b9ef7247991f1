"""What a catalogue is made of, counted from its table: shares for the charts, and which items a filter leaves."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engines import files

MOST_VALUES = 12  # bars in a chart; the others are counted together
MOST_DISTINCT = 2000  # a column with more different values than this describes single images, and is no chart
# Columns that describe images, with the title of their chart, in the order in which a radiologist asks for them.
TITLES: dict[str, str] = {
    "label": "Class",
    "pathology": "Pathology",
    "abnormality": "Abnormality",
    "assessment": "Assessment (BI-RADS)",
    "view": "View",
    "side": "Side",
    "density": "Density",
    "subtlety": "Subtlety",
    "split": "Part in the collection",
    "pixels": "Size (px)",
    "bits": "Bit depth",
    "channels": "Channels",
    "intent": "Presentation intent",
    "modality": "Modality",
    "source": "Source",
    "burned_in": "Burned-in text",
    "age_group": "Age group",
    "mark": "Quirks of the data",
}
NOT_STATED = "not stated"


def read_table(path: Path) -> pd.DataFrame:
    """The columns of a table of items that describe images, as categories: 400,000 rows take some tens of megabytes."""
    wanted = {"item", "patient", "width", "height", *TITLES}
    text = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=lambda column: column in wanted)
    table = text.astype("category")  # numbers too stay the words that they are: 016 is not 16
    for column in table.columns:
        plain = {word: files.plain_cell(word) for word in table[column].cat.categories}
        if any(word != kept for word, kept in plain.items()):
            table[column] = table[column].map(plain).astype("category")
    return table


def overview(table: pd.DataFrame) -> dict[str, Any]:
    """Counts of images and patients for each value of each column worth a chart, most frequent first.

    A column in which all images agree is told as a fact, not as a chart; one that says nothing is left out.
    """
    charts: list[dict[str, Any]] = []
    facts: list[dict[str, str]] = []
    for column, title in TITLES.items():
        counted = _counts(table, column)
        if not counted or set(counted) == {""} or len(counted) > MOST_DISTINCT:
            continue
        if len(counted) == 1:
            facts.append({"title": title, "value": next(iter(counted))})
        else:
            filters_by = "" if column == "pixels" else column  # made of two columns, so it is none to filter by
            charts.append({"column": filters_by, "title": title, **_bars(counted)})
    known = table[table["patient"] != ""] if "patient" in table else table.iloc[:0]
    if len(known):
        of_patients, of_classes = _patients(known)
        charts.insert(1, {"column": "", "title": "Patients in each class", **_bars(of_classes)})
        if len(of_patients) > 1:
            charts.insert(2, {"column": "", "title": "Images of one patient", **_bars(of_patients)})
        else:
            facts.append({"title": "Images of each patient", "value": next(iter(of_patients))})
    patients = int(known["patient"].nunique()) if len(known) else 0
    return {"items": len(table), "patients": patients, "charts": charts, "facts": facts}


def _counts(table: pd.DataFrame, column: str) -> dict[str, int]:
    """How many images have each value; the size is made of two columns."""
    if column == "pixels":
        if not {"width", "height"} <= set(table):
            return {}
        pairs = table.groupby(["width", "height"], observed=True).size()
        return {f"{width} × {height}" if width else "": int(count) for (width, height), count in pairs.items()}
    if column not in table:
        return {}
    return {str(word): int(count) for word, count in table[column].value_counts().items() if count}


def _patients(known: pd.DataFrame) -> tuple[dict[str, int], dict[str, int]]:
    """How many patients have 1, 2, 3 … images, and how many patients each class has."""
    of_patients = known["patient"].value_counts()
    each = of_patients[of_patients > 0].value_counts()
    classes = known.groupby("label", observed=True)["patient"].nunique() if "label" in known else pd.Series(dtype=int)
    by_class = {str(label): int(count) for label, count in classes.items()}
    return {str(images): int(count) for images, count in each.items()}, by_class


def _bars(counted: Mapping[str, int]) -> dict[str, Any]:
    # Numbers in their own order (BI-RADS 0, 1, 2 …), words by frequency.
    numeric = all(word.isdigit() for word in counted if word)
    pairs = sorted(counted.items(), key=lambda pair: int(pair[0] or -1)) if numeric else Counter(counted).most_common()
    shown = [{"value": word, "text": word or NOT_STATED, "count": count} for word, count in pairs[:MOST_VALUES]]
    rest = pairs[MOST_VALUES:]
    return {"bars": shown, "others": len(rest), "others_count": sum(count for _, count in rest)}


def matching(
    table: pd.DataFrame,
    where: Mapping[str, Sequence[str]],
    items: Sequence[str],
    among: Collection[str] | None = None,
) -> str:
    """Which of the items every chosen column allows, a bit each in their order (lowest bit first), as base64.

    A column that the table lacks holds "" for all. `among` are the only items that may pass; None lets all.
    """
    fits = pd.Series(True, index=table.index)
    for column, values in where.items():
        fits &= table[column].isin(values) if column in table else "" in values
    left = set(table["item"][fits])
    if among is not None:
        left &= set(among)
    return base64.b64encode(np.packbits([item in left for item in items], bitorder="little").tobytes()).decode()


@lru_cache(maxsize=2)
def _table(path: Path, version: tuple[int, int]) -> pd.DataFrame:
    return read_table(path)


def table_of(path: Path) -> pd.DataFrame:
    """The table of items, read once for each version of the file. Raises FileNotFoundError."""
    status = path.stat()
    return _table(path, (status.st_mtime_ns, status.st_size))
