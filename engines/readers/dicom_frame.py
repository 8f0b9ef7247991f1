"""The one frame of a DICOM file: which encodings are decoded, whether it is whole, and its stored values.

Uncompressed and RLE are decoded by pydicom itself, JPEG 2000 and 8-bit JPEG through Pillow. JPEG 2000 keeps a picture
as a pyramid and JPEG as blocks of 8 × 8, so both give a smaller picture for a fraction of the time where that will do.
Source: DICOM PS3.5 A.4 (encapsulation), ISO/IEC 15444-1 A.5.1 and A.6.1 (the markers SIZ and COD).
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile
from pydicom.dataset import FileDataset
from pydicom.filereader import dcmread
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
)

from engines.readers.base import Limits, Pixels, broken, check_size, unsupported

EXTRA = "dicom-codecs"
UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
_JPEG = (JPEGBaseline8Bit, JPEGExtended12Bit)
_JPEG_2000 = (JPEG2000, JPEG2000Lossless)
_MAX_FRAGMENTS = 100_000
_HEAD_BYTES = 65536  # of a codestream: its size stands within
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"


@dataclass(frozen=True)
class Frame:
    """What the header says of the frame, and where its element begins in the file."""

    width: int
    height: int
    samples: int  # 1 or 3
    allocated: int  # bits, 8 or 16
    bits: int  # stored
    signed: bool
    syntax: UID
    start: int  # offset of the tag PixelData


def check(path: Path, frame: Frame, limits: Limits) -> None:
    """Refuse an encoding for which no codec is there, and a frame that is cut short or not of its stated size."""
    _check_codec(frame)
    size = os.path.getsize(path)
    if frame.syntax in UNCOMPRESSED:
        if size - frame.start < frame.width * frame.height * frame.samples * frame.allocated // 8:
            raise broken("it ends before its last pixel")
        return
    parts = _fragments(path, frame.start)
    if frame.syntax in (*_JPEG, *_JPEG_2000):
        with open(path, "rb") as file:
            file.seek(parts[0][0])
            head = file.read(min(parts[0][1], _HEAD_BYTES))
        with _image(head) as image:
            check_size(*image.size, limits)
            if image.size != (frame.width, frame.height):
                raise broken("its pixels do not fill its frame")


def stored_values(path: Path, frame: Frame, dataset: FileDataset, least_side: int) -> tuple[Pixels, int]:
    """The values as stored, (H, W) or as RGB (H, W, 3), and how many times smaller than stated they were decoded."""
    if least_side > 0 and frame.samples == 1 and min(frame.width, frame.height) >= 2 * least_side:
        try:
            if frame.syntax in _JPEG_2000:
                return _smaller_jpeg_2000(_codestream(path, frame), frame, least_side)
            if frame.syntax in _JPEG and frame.bits == 8:
                return _smaller_jpeg(_codestream(path, frame), least_side)
        except (OSError, ValueError):
            pass  # a rare codestream that Pillow decodes in full only
    if not dataset.file_meta.get("TransferSyntaxUID"):
        whole = dcmread(path, force=True)
        whole.file_meta.TransferSyntaxUID = frame.syntax
        return np.asarray(pixel_array(whole, raw=frame.samples == 1)), 1
    return np.asarray(pixel_array(path, raw=frame.samples == 1)), 1


def _check_codec(frame: Frame) -> None:
    """Refuse a compression that the installed codecs do not cover, and say which extra does."""
    if frame.syntax in UNCOMPRESSED:
        return
    try:
        decoder = get_decoder(frame.syntax)
    except NotImplementedError:
        raise unsupported("This DICOM file's encoding is unknown.", "", "Export it uncompressed.") from None
    # Pillow counts as a decoder of 12-bit JPEG, but it decodes 8 bits of it only.
    is_deep_jpeg = frame.syntax == JPEGExtended12Bit and frame.bits > 8
    plugins = set(decoder.available_plugins) - ({"pillow"} if is_deep_jpeg else set())
    if not plugins:
        raise unsupported(
            "This DICOM file is compressed.",
            f"Its encoding is {frame.syntax.name[:80]}, for which no codec is installed.",
            f"Install the extra “{EXTRA}” (pip install 'phantom-lab[{EXTRA}]'), or export it uncompressed.",
        )


def _fragments(path: Path, start: int) -> list[tuple[int, int]]:
    """Offset and length of each part of the encapsulated frame. Raises LabError where they do not fit the file."""
    size, parts = os.path.getsize(path), []
    with open(path, "rb") as file:
        file.seek(start)
        head = file.read(12)
        if len(head) < 12 or head[8:] != b"\xff\xff\xff\xff":
            raise broken("its compressed pixels have no parts")
        for _ in range(_MAX_FRAGMENTS):
            head = file.read(8)
            length, at = int.from_bytes(head[4:], "little"), file.tell()
            if head[:4] == _END:
                break
            if len(head) < 8 or head[:4] != _ITEM:
                raise broken("its compressed pixels do not end where they should")
            if at + length > size:
                raise broken("it ends before its last pixel")
            parts.append((at, length))
            file.seek(length, 1)
        else:
            raise broken("its compressed pixels have too many parts")
    if len(parts) < 2 or not any(length for _, length in parts[1:]):
        raise broken("its compressed pixels are missing")
    return parts[1:]  # the first is a table of where frames begin


def _codestream(path: Path, frame: Frame) -> bytes:
    with open(path, "rb") as file:
        pieces = []
        for at, length in _fragments(path, frame.start):
            file.seek(at)
            pieces.append(file.read(length))
    return b"".join(pieces)


def _image(code: bytes) -> ImageFile.ImageFile:
    """The codestream opened, not decoded. Raises LabError where it is none."""
    try:
        image = Image.open(io.BytesIO(code), formats=("JPEG", "JPEG2000"))
    except Image.DecompressionBombError:
        raise broken("its compressed pixels claim to be far more than the header says") from None
    except Exception:  # decoders raise anything on foreign bytes
        raise broken("its compressed pixels have no sound header") from None
    assert isinstance(image, ImageFile.ImageFile)
    return image


def _smaller_jpeg(code: bytes, least_side: int) -> tuple[Pixels, int]:
    with _image(code) as image:
        width = image.width
        drafted = image.draft("L", (least_side, least_side))
        pixels = np.asarray(image.convert("L"))
    return pixels, round(width / drafted[1][2]) if drafted else 1


def _smaller_jpeg_2000(code: bytes, frame: Frame, least_side: int) -> tuple[Pixels, int]:
    """Decode a lower level of the pyramid, at most as low as `least_side` allows."""
    precision, is_signed, levels = _pyramid(code)
    if is_signed != frame.signed:  # some write -1 as 65535: its mean with 0 is nothing that the picture holds
        raise ValueError("header and codestream differ on the sign")
    halvings = min(levels, (min(frame.width, frame.height) // least_side).bit_length() - 1)
    with _image(code) as image:
        # Pillow's own `reduce` rounds sizes to the nearest; the codec rounds them up, and then refuses Pillow's.
        step = 1 << halvings
        size = (-(-frame.width // step), -(-frame.height // step))
        tile = image.tile[0]
        assert isinstance(tile.args, tuple)
        image._size = size
        image.tile = [tile._replace(extents=(0, 0, *size), args=(tile.args[0], halvings, *tile.args[2:]))]
        values = np.asarray(image)
    if values.dtype not in (np.uint8, np.uint16) or values.ndim != 2:
        raise ValueError("not one channel")
    # Pillow stretches to 8 or 16 bits and makes signed values unsigned; undo both.
    container = 8 * values.dtype.itemsize
    values = values >> (container - precision)
    if frame.signed:
        return (values.astype(np.int32) - (1 << (precision - 1))).astype(f"i{frame.allocated // 8}"), step
    return values.astype(f"u{frame.allocated // 8}"), step


def _pyramid(code: bytes) -> tuple[int, bool, int]:
    """Bits of a value, whether values are signed, and the number of halvings that a JPEG 2000 codestream holds."""
    at = code.index(b"\xff\x4f\xff\x51")  # a file wrapped in boxes has them before its codestream
    depth = code[at + 42]
    at += 2
    while at + 10 <= len(code):
        marker, length = code[at : at + 2], int.from_bytes(code[at + 2 : at + 4])
        if marker == b"\xff\x52":  # COD
            return (depth & 0x7F) + 1, bool(depth & 0x80), min(code[at + 9], 32)
        if marker == b"\xff\x90" or length < 2:  # the first tile begins
            break
        at += 2 + length
    raise ValueError("no pyramid")
