"""Numbers in words: as many digits as their interval supports."""

from __future__ import annotations

import math
from typing import Any


def finite(value: Any) -> float | None:
    """The number, None for anything that is none: a damaged row must not keep the others from the page."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None


def with_interval(value: float, low: float, high: float, unit: str = "") -> str:
    """`24.6 [24.3, 25.0] dB`: the last digit shown is the one that the interval leaves uncertain, or one below it."""
    decimals = digits_for(high - low) if high > low else digits_of(value)
    shown = [f"{number:,.{decimals}f}" for number in (value, low, high)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]{f' {unit}' if unit else ''}"


def digits_of(value: float) -> int:
    """Decimals of a number whose interval has no width: three digits that count, at most three decimals."""
    return min(max(2 - math.floor(math.log10(abs(value))), 0), 3) if math.isfinite(value) and value else 3


def digits_for(width: float) -> int:
    """Decimals that resolve about a tenth of an interval's width."""
    if not math.isfinite(width) or width <= 0:
        return 3
    return min(max(1 - math.floor(math.log10(width)), 0), 5)


def megabytes(size_bytes: float) -> str:
    return f"{size_bytes / 1e6:,.0f} MB" if size_bytes >= 1e7 else f"{size_bytes / 1e6:,.1f} MB"
