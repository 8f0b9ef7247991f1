"""Measurements side by side: where they may be compared, and which one is best beyond what chance explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engines.errors import LabError
from engines.records import EvaluationRecord
from lab.evaluating import dressed, newest_row
from lab.numbers import finite

Row = Mapping[str, Any]
FEWEST, MOST = 2, 4  # more columns cannot be read beside one another
ALIKE = ("n_real", "n_synthetic", "extractor")
WORDS = {"n_real": "numbers of real images", "n_synthetic": "numbers of synthetic images", "extractor": "features"}


def compared(records: Sequence[EvaluationRecord], specs: Mapping[str, Row]) -> dict[str, Any]:
    """Each metric that at least two of them have, at the newest checkpoint of each.

    `best` is the place of the measurement whose interval lies apart from all others on the good side, None where there
    is none; `note` says why nothing can be ranked. Raises LabError for a number that cannot be compared.
    """
    if not FEWEST <= len({record.id for record in records}) == len(records) <= MOST:
        raise LabError("Two to four different measurements can be compared.", "", "Tick others.")
    names = dict.fromkeys(str(row["name"]) for record in records for row in record.metrics)
    lines = []
    for name in names:
        rows = [newest_row(record, name) for record in records]
        if sum(row is not None for row in rows) < FEWEST:
            continue
        spec = specs.get(name, {})
        note = _apart(records, rows, bool(spec.get("legacy")))
        lines.append(
            {
                "name": name,
                "title": spec.get("title", name),
                "unit": spec.get("unit", ""),
                "cells": [dressed(row, specs) if row else None for row in rows],
                "best": None if note else winner(rows, str(spec.get("better", "lower"))),
                "note": note,
            }
        )
    about = [{"id": one.id, "synthetic": one.synthetic, "real": one.real, "created": one.created} for one in records]
    return {"measurements": about, "lines": lines}


def _apart(records: Sequence[EvaluationRecord], rows: Sequence[Row | None], legacy: bool) -> str:
    """Why the values of a metric must not be ranked; empty if they may."""
    if legacy:
        return "Nothing is ranked by a legacy metric."
    measured = [(record, row) for record, row in zip(records, rows, strict=True) if row is not None]
    reals = {record.parents.get(f"image_sets/{record.real}", record.real) for record, _ in measured}
    if len(reals) > 1:
        return "Not ranked: measured against different real images."
    for part in ALIKE:
        if len({row.get(part) for _, row in measured}) > 1:
            return f"Not ranked: different {WORDS[part]}."
    return ""


def winner(rows: Sequence[Row | None], better: str) -> int | None:
    """The place of the best value, if its 95 % interval overlaps no other one's; None otherwise."""
    places = [n for n, row in enumerate(rows) if row is not None and _interval(row) is not None]
    if len(places) < FEWEST:
        return None

    def badness(place: int) -> float:
        row = rows[place]
        assert row is not None
        value = float(row["value"])
        if better == "near_baseline":
            return abs(value - (finite(row.get("baseline")) or 0.0))
        return -value if better == "higher" else value

    first = min(places, key=badness)
    own = _interval(rows[first])
    for place in places:
        other = _interval(rows[place])
        if place != first and own and other and own[0] <= other[1] and other[0] <= own[1]:
            return None
    return first


def _interval(row: Row | None) -> tuple[float, float] | None:
    if row is None or finite(row.get("value")) is None:
        return None
    low, high = finite(row.get("low")), finite(row.get("high"))
    return None if low is None or high is None else (low, high)
