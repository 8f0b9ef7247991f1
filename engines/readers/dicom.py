"""DICOM, one grey frame per file: modality LUT, then VOI, then MONOCHROME1 inversion, in that order.

Every stored value goes through the same steps, so they run once over the table of all possible stored values; the
picture itself is a look-up. That is exact, fast and needs no floating-point copy of the picture.
Source: DICOM PS3.3 C.11.1 (modality LUT), C.11.2 (VOI LUT), C.7.6.3.1.2 (photometric interpretation), C.7.5.1.1.2
(pixel padding). MONOCHROME1 means that the smallest value *after* VOI shows white, so it is turned last, against the
range after VOI rather than against the brightest pixel, which burnt-in labels shift.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_file_meta_info
from pydicom.multival import MultiValue
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_modality_lut, apply_voi
from pydicom.pixels.utils import pixel_array
from pydicom.sequence import Sequence
from pydicom.uid import UID

from engines.readers.base import Header, Limits, Picture, Pixels, broken, check_size, take, unsupported

EXTRA = "dicom-codecs"
MAX_DEPTH = 32
_DEFER_BYTES = 2**20  # larger elements stay on the disk until somebody asks for them; nobody does
_ROWS = 64  # looked up at once: NumPy widens an index to 64 bits, which for a whole mammogram costs memory and time
_UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
_DEFLATED = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205")
# Technical facts only: no name, date, number or free text of a person, a place or a device.
ALLOWED_TAGS = (
    "Modality", "ImageLaterality", "Laterality", "ViewPosition", "PatientOrientation", "PresentationIntentType",
    "PhotometricInterpretation", "BitsStored", "BurnedInAnnotation", "FieldOfViewHorizontalFlip",
    "BreastImplantPresent", "PixelSpacing", "ImagerPixelSpacing", "BodyPartExamined", "VOILUTFunction",
    "LossyImageCompression",
)  # fmt: skip


def probe(path: Path, limits: Limits, member: str = "") -> Header:
    """Read the header without pixels, and check that they are all there."""
    return _header(_open(path), path, limits)


def read(path: Path, limits: Limits, member: str = "", least_side: int = 0) -> Picture:
    """Read the pixels; padding becomes black. `tags` say which VOI was applied and what black and white stand for."""
    dataset = _open(path)
    header = _header(dataset, path, limits)
    stored = np.asarray(pixel_array(_with_syntax(path, dataset) or path, raw=True))
    if stored.shape != (header.height, header.width):
        raise broken("its pixels do not fill its frame")
    table, first, tags = _table(dataset)
    _paint_padding(table, first, dataset)
    index = _index(stored, first, len(table))
    pixels = np.empty(stored.shape, table.dtype)
    for start in range(0, len(pixels), _ROWS):
        pixels[start : start + _ROWS] = table[index[start : start + _ROWS]]
    return Picture(pixels, header.bits, {**header.tags, **tags})


def _with_syntax(path: Path, header: FileDataset) -> FileDataset | None:
    """The whole dataset of a file that does not state its transfer syntax, with it stated; None for other files."""
    if header.file_meta.get("TransferSyntaxUID"):
        return None
    whole = dcmread(path, force=True)
    whole.file_meta.TransferSyntaxUID = _syntax(header)
    return whole


def _open(path: Path) -> FileDataset:
    """The dataset up to its pixels; compression is judged first, since inflating a header knows no limit."""
    with open(path, "rb") as file:
        has_preamble = file.read(132)[128:] == b"DICM"
        if has_preamble and str(read_file_meta_info(path).get("TransferSyntaxUID", "")) in _DEFLATED:
            raise unsupported(
                "This DICOM file is deflated.", "A small one can unpack to any size.", "Export it uncompressed."
            )
        file.seek(0)
        dataset = dcmread(file, stop_before_pixels=True, defer_size=_DEFER_BYTES, force=not has_preamble)
        _check_depth(dataset)
        if file.read(4) not in (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10"):  # PixelData, little or big endian
            modality = str(dataset.get("Modality", ""))[:16] or "not stated"
            raise unsupported(
                "This DICOM file holds no picture.",
                f"Its modality is {modality}; it may be a report, an annotation or a list of files.",
                "Leave it out, and add the image files.",
            )
    return dataset


def _header(dataset: FileDataset, path: Path, limits: Limits) -> Header:
    """Refuse what is not one grey frame. Raises LabError with the reason."""
    width, height = _whole(dataset, "Columns"), _whole(dataset, "Rows")
    check_size(width, height, limits)
    if (frames := _whole(dataset, "NumberOfFrames") or 1) > 1:
        raise unsupported(
            "This DICOM file holds many frames.",
            f"It has {min(frames, 10**6)}, as tomosynthesis, cine loops and volumes do.",
            "Export the frames you want as single files.",
        )
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    samples = _whole(dataset, "SamplesPerPixel") or 1
    if samples != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise unsupported("This DICOM file is not grey.", f"Its colours are {photometric[:16] or 'not stated'}.")
    allocated, bits = _whole(dataset, "BitsAllocated"), _whole(dataset, "BitsStored")
    if allocated not in (8, 16) or not 1 <= bits <= allocated:
        raise unsupported("This DICOM file's values are not of 8 or 16 bits.", f"They have {allocated} bits.")
    syntax = _syntax(dataset)
    _check_codec(syntax)
    if syntax in _UNCOMPRESSED and path.stat().st_size < width * height * allocated // 8:
        raise broken("it ends before its last pixel")
    return Header(width, height, 1, _bits_after(dataset), 1, _facts(dataset), _patient(dataset))


def _check_codec(syntax: UID) -> None:
    """Refuse a compression that the installed codecs do not cover, and say which extra does."""
    if syntax in _UNCOMPRESSED:
        return
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise unsupported("This DICOM file's encoding is unknown.", "", "Export it uncompressed.") from None
    if not decoder.is_available:
        raise unsupported(
            "This DICOM file is compressed.",
            f"Its encoding is {syntax.name[:60]}, for which no codec is installed.",
            f"Install the extra “{EXTRA}” (pip install 'phantom-lab[{EXTRA}]'), or export it uncompressed.",
        )


def _syntax(dataset: FileDataset) -> UID:
    """The transfer syntax; files without a preamble are as pydicom found them."""
    if stated := dataset.file_meta.get("TransferSyntaxUID"):
        return UID(str(stated))
    implicit, little = dataset.original_encoding
    return UID(_UNCOMPRESSED[0 if implicit else 1 if little else 2])


def _whole(dataset: Dataset, name: str) -> int:
    """A whole number of the header, 0 where it is missing. Raises LabError for nonsense."""
    value = dataset.get(name)
    try:
        return int(value) if value not in (None, "") else 0
    except (TypeError, ValueError):
        raise broken(f"its {name} is not a number") from None


def _check_depth(dataset: Dataset) -> None:
    """Refuse sequences nested deeper than MAX_DEPTH; walking deeper ones takes time that grows without bound."""
    level: list[Dataset] = [dataset]
    for _ in range(MAX_DEPTH + 1):
        below: list[Dataset] = []
        for inner in level:
            for tag in list(inner.keys()):
                if _is_sequence(inner.get_item(tag)):
                    value = inner[tag].value
                    below += list(value) if isinstance(value, Sequence) else []
        if not below:
            return
        level = below
    raise unsupported("This DICOM file is nested too deeply.", f"The limit is {MAX_DEPTH} levels.", "Export it again.")


def _is_sequence(element: Any) -> bool:
    """Whether an element is a sequence, told without parsing its value; without a stated VR the dictionary knows."""
    if element.VR is None:
        return dictionary_has_tag(element.tag) and dictionary_VR(element.tag) == "SQ"
    return bool(element.VR == "SQ")


def _facts(dataset: Dataset) -> dict[str, str | float | int]:
    """The allow-listed facts as short text or numbers."""
    facts: dict[str, Any] = {}
    for name in ALLOWED_TAGS:
        value = dataset.get(name)
        if isinstance(value, MultiValue | list | tuple):
            facts[name] = "\\".join(str(part) for part in value)
        elif value not in (None, ""):
            facts[name] = int(value) if isinstance(value, int) else str(value)
    return take(facts, ALLOWED_TAGS)


def _patient(dataset: Dataset) -> str:
    """A digest of who issued which patient number, empty without one: the number itself goes no further."""
    number = str(dataset.get("PatientID") or "").strip()
    issuer = str(dataset.get("IssuerOfPatientID") or "").strip()
    return hashlib.sha256(f"{issuer}\0{number}".encode()).hexdigest() if number else ""


def _stored_range(dataset: Dataset) -> tuple[int, int]:
    """The smallest and largest value that BitsStored allows."""
    bits = _whole(dataset, "BitsStored")
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if _whole(dataset, "PixelRepresentation") else (0, 2**bits - 1)


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
        return 1 / (1 + np.exp(-4 * (values - center) / width)), center - width / 2, center + width / 2
    if function == "LINEAR":  # the standard's own shift: a window of width w holds w integers
        center, width = center - 0.5, max(width - 1, 1e-6)
    return np.clip((values - center) / width + 0.5, 0, 1), center - width / 2, center + width / 2


def _bits_after(dataset: Dataset) -> int:
    """Bits of the picture: those stored, or those of the last table where one is applied."""
    bits = _whole(dataset, "BitsStored")
    sequence = dataset.get("VOILUTSequence") if _voi(dataset) == "lut" else dataset.get("ModalityLUTSequence")
    if sequence and (descriptor := sequence[0].get("LUTDescriptor")) and len(descriptor) == 3:
        bits = max(bits, min(int(descriptor[2]), 16))
    return bits


def _table(dataset: Dataset) -> tuple[Pixels, int, dict[str, str | float | int]]:
    """Pixel value of every possible stored value, the stored value of its first entry, and what was done.

    `value_low` and `value_high` say what black and white (before inversion) stand for in the units after the modality
    LUT, such as HU; a VOI table has no such units.
    """
    first, last = _stored_range(dataset)
    white = 2 ** _bits_after(dataset) - 1
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
