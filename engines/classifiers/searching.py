"""Marks options that tuning may search, beside the option itself: a classifier stays one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def searched(
    field: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    log: bool = False,
    choices: Sequence[Any] = (),
) -> Any:
    """The option `field` (engines/options.py), to be searched between `low` and `high`, or among `choices`.

    `log`: steps by factors, as learning rates and penalties want. The range is kept in the field's JSON Schema under
    "search", so that forms show it and engines/classifiers/tuning.py reads it.
    """
    field.json_schema_extra["search"] = (
        {"choices": list(choices)} if choices else {"low": low, "high": high, "log": log}
    )
    return field
