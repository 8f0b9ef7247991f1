"""Small clean files of every format, made here so that no data file is needed."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

RAMP_16 = np.arange(65536, dtype=np.uint16).reshape(256, 256)  # every 16-bit value once
RAMP_12 = np.arange(4096, dtype=np.uint16).reshape(64, 64)
RAMP_8 = np.arange(256, dtype=np.uint8).reshape(16, 16)
COLOUR_16 = np.stack([RAMP_16, RAMP_16[::-1], RAMP_16.T], axis=-1)
COLOUR_8 = np.stack([RAMP_8, RAMP_8[::-1], RAMP_8.T], axis=-1)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_16(path: Path, pixels: np.ndarray[Any, Any]) -> Path:
    """A 16-bit PNG with 3 or 4 channels, which Pillow cannot write."""
    height, width, channels = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


def pgm(path: Path, pixels: np.ndarray[Any, Any], white: int, comment: str = "") -> Path:
    kind = b"P6" if pixels.ndim == 3 else b"P5"
    head = b"%s\n%s%d %d\n%d\n" % (kind, comment.encode(), pixels.shape[1], pixels.shape[0], white)
    path.write_bytes(head + pixels.astype("u1" if white < 256 else ">u2").tobytes())
    return path


def dicom(
    path: Path, pixels: np.ndarray[Any, Any], bits: int, syntax: str = ExplicitVRLittleEndian, **tags: Any
) -> Path:
    """A digital mammogram; `tags` replace or add elements, None removes one."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["phantom"])
    dataset.Modality, dataset.PatientName, dataset.PatientID = "MG", "Canary^Jane", "CANARY-4711"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 * pixels.dtype.itemsize, bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.ImageLaterality, dataset.ViewPosition = "L", "MLO"
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    for name, value in tags.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    big = syntax == "1.2.840.10008.1.2.2"
    if big:
        dataset.PixelData = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
    dataset.save_as(path, enforce_file_format=True)
    return path


def encapsulated(path: Path, plain: Path, code: bytes, syntax: str, **tags: Any) -> Path:
    """A DICOM file with its pixels replaced by a codestream; `tags` replace elements."""
    dataset = dcmread(plain)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([code])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    for name, value in tags.items():
        setattr(dataset, name, value)
    dataset.save_as(path)
    return path


def jpeg_2000(pixels: np.ndarray[Any, Any], **options: Any) -> bytes:
    """A JPEG 2000 codestream without loss."""
    code = io.BytesIO()
    Image.fromarray(pixels).save(code, "JPEG2000", irreversible=False, no_jp2=True, **options)
    return code.getvalue()


def clean_files(folder: Path) -> list[Path]:
    """One small clean file of each kind, for the mutation tests."""
    small_8, small_16 = RAMP_8, RAMP_16[:16, :16]
    Image.fromarray(small_8).save(folder / "grey8.png")
    Image.fromarray(small_16).save(folder / "grey16.png")
    png_16(folder / "colour16.png", COLOUR_16[:16, :16])
    Image.fromarray(COLOUR_8).save(folder / "colour.jpg")
    tifffile.imwrite(folder / "grey16.tif", small_16, compression="zlib")
    tifffile.imwrite(folder / "colour.tif", COLOUR_8, photometric="rgb")
    Image.fromarray(small_8).save(folder / "lzw.tif", compression="tiff_lzw")
    pgm(folder / "grey8.pgm", small_8, 255)
    (folder / "text.pgm").write_text("P2\n4 2\n15\n0 1 2 3\n4 5 6 15\n")
    np.save(folder / "grey16.npy", small_16)
    dicom(
        folder / "window.dcm",
        RAMP_12[:16, :16],
        12,
        WindowCenter=128,
        WindowWidth=200,
        RescaleSlope=1,
        RescaleIntercept=0,
    )
    dicom(folder / "implicit.dcm", small_8, 8, "1.2.840.10008.1.2", PhotometricInterpretation="MONOCHROME1")
    return sorted(folder.iterdir())
