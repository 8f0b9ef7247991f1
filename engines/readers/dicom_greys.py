"""The greys of a DICOM picture: modality LUT, then VOI, then MONOCHROME1 inversion, in that order.

Every stored value goes through the same steps, so they run once over the table of all possible stored values; the
picture itself is a look-up. That is exact, fast and needs no floating-point copy of the picture.
Source: DICOM PS3.3 C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.6.3.1.2 (photometric interpretation), C.7.5.1.1.2
(pixel padding). MONOCHROME1 means that the smallest value *after* VOI shows white, so it is turned last, against the
range after VOI rather than against the brightest pixel, which burnt-in labels shift.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from engines.readers.base import Pixels, broken

_ROWS = 64  # looked up at once: NumPy widens an index to 64 bits, which for a whole mammogram costs memory and time


def to_greys(stored: Pixels, dataset: Dataset) -> tuple[Pixels, int, dict[str, str | float | int]]:
    """Stored values (H, W) as greys 0 .. 2**bits - 1, padding black; their bits; and what was done, as tags."""
    bits = bits_after(dataset)
    table, first, tags = _table(dataset)
    _paint_padding(table, first, dataset)
    index = _index(stored, first, len(table))
    pixels = np.empty(stored.shape, table.dtype)
    for start in range(0, len(pixels), _ROWS):
        pixels[start : start + _ROWS] = table[index[start : start + _ROWS]]
    return pixels, bits, tags


def whole(dataset: Dataset, name: str) -> int:
    """A whole number of the header, 0 where it is missing. Raises LabError for nonsense."""
    value = dataset.get(name)
    try:
        return int(value) if value not in (None, "") else 0
    except (TypeError, ValueError):
        raise broken(f"its {name} is not a number") from None


def bits_after(dataset: Dataset) -> int:
    """Bits of the picture: those stored, or those of the last table where one is applied."""
    bits = whole(dataset, "BitsStored")
    sequence = dataset.get("VOILUTSequence") if _voi(dataset) == "lut" else dataset.get("ModalityLUTSequence")
    if sequence and (descriptor := sequence[0].get("LUTDescriptor")) and len(descriptor) == 3:
        bits = max(bits, min(int(descriptor[2]), 16))
    return bits


def _stored_range(dataset: Dataset) -> tuple[int, int]:
    """The smallest and largest value that BitsStored allows."""
    bits = whole(dataset, "BitsStored")
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if whole(dataset, "PixelRepresentation") else (0, 2**bits - 1)


def _voi(dataset: Dataset) -> str:
    """Which VOI transform holds: a table is preferred over a window, as the standard allows either."""
    if (sequence := dataset.get("VOILUTSequence")) and sequence[0].get("LUTData") is not None:
        return "lut"
    width = _first(dataset.get("WindowWidth"))
    return "window" if width and _first(dataset.get("WindowCenter")) is not None else "none"


def _first(value: Any) -> float | None:
    """The first of one or several numbers; the first window is the one a viewer shows."""
    if isinstance(value, MultiValue | list | tuple):
        value = value[0] if len(value) else None
    return None if value in (None, "") else float(value)


def _through_window(values: Pixels, dataset: Dataset) -> tuple[Pixels, float, float]:
    """Fractions 0 to 1 of the window, and its ends. Source: DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    center, width = _first(dataset.get("WindowCenter")) or 0.0, _first(dataset.get("WindowWidth")) or 1.0
    function = str(dataset.get("VOILUTFunction") or "LINEAR").upper()
    if function == "SIGMOID":
        # Beyond ±700 the exponential overflows, and black and white are reached long before.
        slope = np.clip(-4 * (values - center) / width, -700, 700)
        return 1 / (1 + np.exp(slope)), center - width / 2, center + width / 2
    if function == "LINEAR":  # the standard's own shift: a window of width w holds w integers
        center, width = center - 0.5, max(width - 1, 1e-6)
    return np.clip((values - center) / width + 0.5, 0, 1), center - width / 2, center + width / 2


def _table(dataset: Dataset) -> tuple[Pixels, int, dict[str, str | float | int]]:
    """Pixel value of every possible stored value, the stored value of its first entry, and what was done.

    `value_low` and `value_high` say what black and white (before inversion) stand for in the units after the modality
    LUT, such as HU; a VOI table has no such units.
    """
    first, last = _stored_range(dataset)
    white = 2 ** bits_after(dataset) - 1
    if lut := dataset.get("ModalityLUTSequence"):  # pydicom makes arrays of 8 or 16 bits of it, and of no others
        lut[0].LUTDescriptor[2] = 8 if int(lut[0].LUTDescriptor[2]) == 8 else 16
    values = np.asarray(apply_modality_lut(np.arange(first, last + 1), dataset), np.float64)
    voi = _voi(dataset)
    tags: dict[str, str | float | int] = {"voi": voi}
    if voi == "lut":
        bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
        shown = np.asarray(apply_voi(np.rint(values).astype(np.int64), dataset), np.float64) / (2**bits - 1)
    else:
        low, high = float(values.min()), float(values.max())
        if voi == "window":
            shown, low, high = _through_window(values, dataset)
        else:
            shown = (values - low) / (high - low) if high > low else np.zeros_like(values)
        tags.update(value_low=low, value_high=high)
    if not np.isfinite(shown).all():
        raise broken("its rescale or window values are not finite")
    table: Pixels = np.rint(np.clip(shown, 0, 1) * white).astype(np.uint8 if white < 256 else np.uint16)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        table = (white - table).astype(table.dtype)
    return table, first, tags


def _paint_padding(table: Pixels, first: int, dataset: Dataset) -> None:
    """Make the padding values black: they mark where there is no picture, and would distort every percentile."""
    value, limit = dataset.get("PixelPaddingValue"), dataset.get("PixelPaddingRangeLimit")
    if value is None:
        return
    ends = sorted((int(value), int(value if limit is None else limit)))
    inside = np.clip(np.array([ends[0], ends[1] + 1]) - first, 0, len(table))
    table[inside[0] : inside[1]] = 0


def _index(stored: Pixels, first: int, length: int) -> Pixels:
    """Stored values as places in the table; bits above BitsStored (old overlays) are not part of the value."""
    if first == 0:
        return stored if length == 2 ** (8 * stored.dtype.itemsize) else stored & (length - 1)
    return ((stored.astype(np.int32) + (length // 2)) & (length - 1)).astype(np.uint16)
