"""Options models: one description of a setting makes its form field, tooltip, command-line help and bounds."""

from __future__ import annotations

from typing import Any, Literal

import pydantic
from pydantic import ConfigDict, Field

Layer = Literal["dial", "basic", "all"]


class Options(pydantic.BaseModel):
    """Base of all parameters and options: unknown names are errors, values are checked also on assignment."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, validate_default=True, frozen=True)


def option(
    default: Any,
    title: str,
    help: str,
    *,
    too_low: str = "",
    too_high: str = "",
    unit: str = "",
    layer: Layer = "all",
    **bounds: Any,
) -> Any:
    """A field with its words: what it is, what too low and too high look like, its unit and its layer in the form.

    `bounds` go to pydantic (`ge`, `le`, `gt`, `lt`, `multiple_of`, `min_length`, …). Pass `...` for a required field.
    """
    extra: dict[str, Any] = {"layer": layer, "unit": unit, "too_low": too_low, "too_high": too_high}
    return Field(default, title=title, description=help, json_schema_extra=extra, **bounds)


def parse_assignments(pairs: list[str]) -> dict[str, Any]:
    """Read `key=value` pairs of a command line; values are JSON where they parse as such, else text.

    Raises ValueError for a pair without `=`.
    """
    import json

    values: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"“{pair}” is not of the form key=value")
        try:
            values[key.strip()] = json.loads(text)
        except ValueError:
            values[key.strip()] = text
    return values
