"""What a catalogue is made of, counted from its table: shares for the charts, and which items a filter leaves."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

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


def _value(row: Mapping[str, str], column: str) -> str:
    """A row's value in a column; the size is made of two."""
    if column == "pixels":
        return f"{row.get('width', '')} × {row.get('height', '')}" if row.get("width") else ""
    return row.get(column) or ""


def overview(rows: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Counts of images and patients for each value of each column worth a chart, most frequent first.

    A column in which all images agree is told as a fact, not as a chart; one that says nothing is left out.
    """
    images: dict[str, Counter[str]] = {column: Counter() for column in TITLES}
    patients: dict[str, set[str]] = defaultdict(set)
    total, of_patients = 0, Counter[str]()
    for row in rows:
        total += 1
        for column, counted in images.items():
            if len(counted) <= MOST_DISTINCT:
                counted[_value(row, column)] += 1
        if patient := row.get("patient"):
            patients[row.get("label") or ""].add(patient)
            of_patients[patient] += 1
    charts, facts = [], []
    for column, counted in images.items():
        title = TITLES[column]
        if not set(counted) - {""} or len(counted) > MOST_DISTINCT:
            continue
        if len(counted) == 1:
            facts.append({"title": title, "value": next(iter(counted))})
        else:
            column = "" if column == "pixels" else column  # made of two columns, so it is none to filter by
            charts.append({"column": column, "title": title, **_bars(counted)})
    if patients:
        charts.insert(1, {"column": "", "title": "Patients in each class", **_bars(_sizes(patients))})
    if len(set(of_patients.values())) > 1:
        each = Counter(str(count) for count in of_patients.values())
        charts.insert(2, {"column": "", "title": "Images of one patient", **_bars(each)})
    elif of_patients:
        facts.append({"title": "Images of each patient", "value": str(next(iter(of_patients.values())))})
    return {"items": total, "patients": len(of_patients), "charts": charts, "facts": facts}


def _sizes(groups: Mapping[str, set[str]]) -> Counter[str]:
    return Counter({name: len(members) for name, members in groups.items()})


def _bars(counted: Counter[str]) -> dict[str, Any]:
    # Numbers in their own order (BI-RADS 0, 1, 2 …), words by frequency.
    numeric = all(word.isdigit() for word in counted if word)
    pairs = sorted(counted.items(), key=lambda pair: int(pair[0] or -1)) if numeric else counted.most_common()
    shown = [{"value": word, "text": word or NOT_STATED, "count": count} for word, count in pairs[:MOST_VALUES]]
    rest = pairs[MOST_VALUES:]
    return {"bars": shown, "others": len(rest), "others_count": sum(count for _, count in rest)}


def matching(
    rows: Iterable[Mapping[str, str]],
    where: Mapping[str, Sequence[str]],
    items: Sequence[str],
    among: Collection[str] | None = None,
) -> str:
    """Which of the items every chosen column allows, a bit each in their order (lowest bit first), as base64.

    `among` are the only items that may pass; None lets all.
    """
    allowed = {column: set(values) for column, values in where.items()}
    fits = {row["item"] for row in rows if all((row.get(column) or "") in some for column, some in allowed.items())}
    bits = bytearray(-(-len(items) // 8))
    for index, item in enumerate(items):
        if item in fits and (among is None or item in among):
            bits[index >> 3] |= 1 << (index & 7)
    return base64.b64encode(bits).decode()


@lru_cache(maxsize=4)
def _overview_of(table: Path, version: tuple[int, int]) -> dict[str, Any]:
    return overview(files.iter_csv(table))


def overview_of(table: Path) -> dict[str, Any]:
    """The overview of a table of items, counted once for each version of the file."""
    status = table.stat()
    return _overview_of(table, (status.st_mtime_ns, status.st_size))
