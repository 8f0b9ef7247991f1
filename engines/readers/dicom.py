"""DICOM, one frame per file: the header by allow-list, then the greys in the order of the standard.

What is not one grey or RGB frame is refused with the reason. No value of a header leaves here that is not on the list
below, and then only where it is a word or a number of the kind that the standard defines.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_file_meta_info
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import UID

from engines.readers import dicom_frame
from engines.readers.base import Header, Limits, Picture, broken, check_size, unsupported
from engines.readers.dicom_frame import UNCOMPRESSED, Frame
from engines.readers.dicom_greys import bits_after, to_greys, whole

MAX_DEPTH = 32
_DEFER_BYTES = 2**20  # larger elements stay on the disk until somebody asks for them; nobody does
_DEFLATED = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205")
_GREY, _COLOUR = ("MONOCHROME1", "MONOCHROME2"), ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_NUMBER = r"-?[0-9]{1,10}(\.[0-9]{0,10})?([eE][-+]?[0-9]{1,3})?"
# Technical facts only, each with the form its value must have: a header may hold a name in any element.
ALLOWED_TAGS = {
    "Modality": r"[A-Z]{2,3}",
    "ImageLaterality": r"[LRUB]",
    "Laterality": r"[LR]",
    "ViewPosition": r"[A-Z]{1,5}",
    "PatientOrientation": r"[AHFPLR]{1,3}\\[AHFPLR]{1,3}",
    "PresentationIntentType": r"FOR (PRESENTATION|PROCESSING)",
    "PhotometricInterpretation": r"MONOCHROME[12]|RGB|YBR_[A-Z0-9_]{1,11}",
    "BitsStored": r"[0-9]{1,2}",
    "BurnedInAnnotation": r"YES|NO",
    "FieldOfViewHorizontalFlip": r"YES|NO",
    "BreastImplantPresent": r"YES|NO",
    "PixelSpacing": rf"{_NUMBER}\\{_NUMBER}",
    "ImagerPixelSpacing": rf"{_NUMBER}\\{_NUMBER}",
    "VOILUTFunction": r"LINEAR|LINEAR_EXACT|SIGMOID",
    "LossyImageCompression": r"00|01",
}


def probe(path: Path, limits: Limits, member: str = "") -> Header:
    """Read the header without pixels, and check that they are all there."""
    dataset, frame = _open(path, limits)
    bits = bits_after(dataset) if frame.samples == 1 else 8
    return Header(frame.width, frame.height, frame.samples, bits, 1, _facts(dataset), _patient(dataset))


def read(path: Path, limits: Limits, member: str = "", least_side: int = 0) -> Picture:
    """Read the pixels; padding becomes black. `tags` say which VOI was applied and what black and white stand for."""
    dataset, frame = _open(path, limits)
    stored, reduced = dicom_frame.stored_values(path, frame, dataset, least_side)
    wanted = (-(-frame.height // reduced), -(-frame.width // reduced))
    if stored.shape != (wanted if frame.samples == 1 else (*wanted, 3)):
        raise broken("its pixels do not fill its frame")
    if frame.samples == 3:
        return Picture(stored, 8, _facts(dataset))
    pixels, bits, tags = to_greys(stored, dataset)
    return Picture(pixels, bits, {**_facts(dataset), **tags}, reduced)


def _open(path: Path, limits: Limits) -> tuple[FileDataset, Frame]:
    """The dataset up to its pixels; compression is judged first, since inflating a header knows no limit."""
    with open(path, "rb") as file:
        has_preamble = file.read(132)[128:] == b"DICM"
        if has_preamble and str(read_file_meta_info(path).get("TransferSyntaxUID", "")) in _DEFLATED:
            raise unsupported(
                "This DICOM file is deflated.", "A small one can unpack to any size.", "Export it uncompressed."
            )
        file.seek(0)
        dataset = dcmread(file, stop_before_pixels=True, defer_size=_DEFER_BYTES, force=not has_preamble)
        start = file.tell()
        _check_depth(dataset)
        tag = file.read(4)
    if tag in (b"\xe0\x7f\x08\x00", b"\xe0\x7f\x09\x00"):  # FloatPixelData, DoubleFloatPixelData
        raise unsupported("This DICOM file's values are fractions.", "Only whole numbers of 8 or 16 bits are read.")
    if tag not in (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10"):  # PixelData, little or big endian
        if dataset.get("Rows"):
            raise broken("it says that it holds a picture, but no pixels follow")
        named = _facts(dataset).get("Modality", "not stated")
        raise unsupported(
            "This DICOM file holds no picture.",
            f"Its modality is {named}; it may be a report, an annotation or a list of files.",
            "Leave it out, and add the image files.",
        )
    frame = _frame(dataset, start, limits)
    dicom_frame.check(path, frame, limits)
    return dataset, frame


def _frame(dataset: FileDataset, start: int, limits: Limits) -> Frame:
    """Refuse what is not one grey or RGB frame. Raises LabError with the reason."""
    width, height = whole(dataset, "Columns"), whole(dataset, "Rows")
    check_size(width, height, limits)
    if (frames := whole(dataset, "NumberOfFrames") or 1) > 1:
        raise unsupported(
            "This DICOM file holds many frames.",
            f"It has {min(frames, 10**6)}, as tomosynthesis, cine loops and volumes do.",
            "Export the frames you want as single files.",
        )
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    samples = whole(dataset, "SamplesPerPixel") or 1
    if photometric == "PALETTE COLOR":
        raise unsupported("This DICOM file's colours come from a table.", "Its kind is PALETTE COLOR.")
    if (samples, photometric) not in {*((1, grey) for grey in _GREY), *((3, colour) for colour in _COLOUR)}:
        known = photometric if re.fullmatch(ALLOWED_TAGS["PhotometricInterpretation"], photometric) else "not stated"
        raise unsupported(
            "This DICOM file is neither grey nor RGB.", f"Kind of colours: {known}; values per pixel: {samples}."
        )
    allocated, bits = whole(dataset, "BitsAllocated"), whole(dataset, "BitsStored")
    if allocated not in (8, 16) or not 1 <= bits <= allocated:
        raise unsupported(
            "This DICOM file's values are not of 8 or 16 bits.", f"{bits} of {allocated} bits are said to be used."
        )
    syntax, is_signed = _syntax(dataset), bool(whole(dataset, "PixelRepresentation"))
    if samples == 3 and ((allocated, bits, is_signed) != (8, 8, False) or _is_halved(photometric, syntax)):
        raise unsupported("This DICOM file's colours are not plain 8-bit RGB.", f"Kind: {photometric}; bits: {bits}.")
    return Frame(width, height, samples, allocated, bits, is_signed, syntax, start)


def _is_halved(photometric: str, syntax: UID) -> bool:
    """Whether uncompressed colours are stored at half their width."""
    return photometric == "YBR_FULL_422" and syntax in UNCOMPRESSED


def _syntax(dataset: FileDataset) -> UID:
    """The transfer syntax; files without a preamble are as pydicom found them."""
    if stated := dataset.file_meta.get("TransferSyntaxUID"):
        return UID(str(stated))
    implicit, little = dataset.original_encoding
    return UID(UNCOMPRESSED[0 if implicit else 1 if little else 2])


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
    """The allow-listed facts as short text or numbers.

    PatientOrientation is of the picture as stored, also where it was turned over before (FieldOfViewHorizontalFlip).
    """
    facts: dict[str, str | float | int] = {}
    for name, form in ALLOWED_TAGS.items():
        value = dataset.get(name)
        parts = value if isinstance(value, MultiValue | list | tuple) else [] if value is None else [value]
        if re.fullmatch(form, text := "\\".join(str(part).strip() for part in parts)):
            facts[name] = int(text) if name == "BitsStored" else text
    return facts


def _patient(dataset: Dataset) -> str:
    """A digest of who issued which patient number, empty without one: the number itself goes no further."""
    number = str(dataset.get("PatientID") or "").strip()
    issuer = str(dataset.get("IssuerOfPatientID") or "").strip()
    return hashlib.sha256(f"{issuer}\0{number}".encode()).hexdigest() if number else ""
