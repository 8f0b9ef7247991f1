"""Makes files that nobody should have to open: clean ones of every kind, damaged in every way; seeded."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

try:
    from tests.engines.readers import samples
except ImportError:  # run by hand, where another package may be called tests
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engines/readers"))
    import samples  # type: ignore[no-redef]

Chance = np.random.Generator
SMALL_8, SMALL_16 = samples.RAMP_8, samples.RAMP_16[:48, :40]
_NUMBERS = (0, 1, 2, 7, 8, 12, 16, 32, 255, 4095, 65535)
_FIELDS = (
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
    "PhotometricInterpretation", "PlanarConfiguration", "PixelPaddingValue", "WindowWidth", "LUTDescriptor",
)  # fmt: skip


def clean_dicoms(folder: Path) -> list[Path]:
    """Fourteen sound files: encodings, tables, colour, private elements, and kinds that are refused."""
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [256, 0, 12], list(range(0, 4096, 16))
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    window = {"WindowCenter": 900, "WindowWidth": 2000, "RescaleSlope": 2, "RescaleIntercept": -100}
    grey = samples.dicom(folder / "grey.dcm", SMALL_16, 16)
    colours = {"SamplesPerPixel": 3, "PlanarConfiguration": 0, "PixelData": samples.COLOUR_8.tobytes()}
    paths = [
        grey,
        samples.dicom(folder / "window.dcm", samples.RAMP_12[:32], 12, **window, PixelPaddingValue=3),
        samples.dicom(folder / "signed.dcm", SMALL_16.astype(np.int16), 16, PhotometricInterpretation="MONOCHROME1"),
        samples.dicom(folder / "implicit.dcm", SMALL_8, 8, ImplicitVRLittleEndian, VOILUTSequence=[item]),
        samples.dicom(folder / "big.dcm", SMALL_16, 16, ExplicitVRBigEndian),
        samples.dicom(folder / "modality.dcm", SMALL_8, 8, ModalityLUTSequence=[item]),
        samples.dicom(folder / "colour.dcm", SMALL_8, 8, PhotometricInterpretation="RGB", **colours),
        samples.dicom(folder / "frames.dcm", SMALL_8, 8, NumberOfFrames=1, ContentSequence=[item, item]),
        samples.dicom(folder / "deflated.dcm", SMALL_8, 8, DeflatedExplicitVRLittleEndian),
    ]
    private = dcmread(grey)
    private.private_block(0x0099, "Someone", create=True).add_new(1, "LO", "CANARY")
    private.save_as(folder / "private.dcm")
    rle = dcmread(grey)
    rle.compress(RLELossless)
    rle.save_as(folder / "rle.dcm")
    jpeg = io.BytesIO()
    Image.fromarray(SMALL_8).save(jpeg, "JPEG")
    samples.encapsulated(
        folder / "jpeg.dcm", samples.dicom(folder / "8.dcm", SMALL_8, 8), jpeg.getvalue(), JPEGBaseline8Bit
    )
    samples.encapsulated(folder / "j2k.dcm", grey, samples.jpeg_2000(SMALL_16), JPEG2000Lossless)
    return [*paths, *(folder / name for name in ("private.dcm", "rle.dcm", "jpeg.dcm", "j2k.dcm", "8.dcm"))]


def clean_pngs(folder: Path) -> list[Path]:
    grey = Image.fromarray(SMALL_8)
    grey.save(folder / "grey8.png")
    Image.fromarray(SMALL_16).save(folder / "grey16.png")
    samples.png_16(folder / "colour16.png", samples.COLOUR_16[:16, :16])
    Image.fromarray(samples.COLOUR_8).save(folder / "colour.png")
    grey.convert("P").save(folder / "palette.png")
    grey.convert("1").save(folder / "bits.png")
    grey.convert("LA").save(folder / "alpha.png")
    return [folder / f"{name}.png" for name in "grey8 grey16 colour16 colour palette bits alpha".split()]


def clean_tiffs(folder: Path) -> list[Path]:
    tifffile.imwrite(folder / "plain.tif", SMALL_16)
    tifffile.imwrite(folder / "zlib.tif", SMALL_16, compression="zlib", predictor=True)
    tifffile.imwrite(folder / "big-endian.tif", SMALL_16, byteorder=">")
    tifffile.imwrite(folder / "bigtiff.tif", SMALL_8, bigtiff=True)
    tifffile.imwrite(folder / "colour.tif", samples.COLOUR_8, photometric="rgb")
    tifffile.imwrite(folder / "tiles.tif", samples.RAMP_8.repeat(4, 0).repeat(4, 1), tile=(16, 16))
    tifffile.imwrite(folder / "white0.tif", SMALL_8, photometric="miniswhite")
    names = ["plain", "zlib", "big-endian", "bigtiff", "colour", "tiles", "white0"]
    for kind in ("tiff_lzw", "packbits", "jpeg"):
        Image.fromarray(SMALL_8).save(folder / f"{kind}.tif", compression=kind)
        names.append(kind)
    return [folder / f"{name}.tif" for name in names]


def clean_others(folder: Path) -> list[Path]:
    """JPEG, PGM, arrays, and HDF5 with pixels and with the bytes of a JPEG file, where its library is there."""
    Image.fromarray(samples.COLOUR_8).save(folder / "colour.jpg")
    Image.fromarray(SMALL_8).save(folder / "progressive.jpg", progressive=True, exif=Image.Exif())
    samples.pgm(folder / "grey.pgm", SMALL_16, 65535)
    np.save(folder / "grey.npy", SMALL_16)
    np.save(folder / "fractions.npy", SMALL_8 / 255)
    paths = [folder / name for name in ("colour.jpg", "progressive.jpg", "grey.pgm", "grey.npy", "fractions.npy")]
    try:
        import h5py
    except ImportError:
        return paths
    for name, values in (("pixels", SMALL_16), ("bytes", np.void((folder / "colour.jpg").read_bytes()))):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file.create_dataset("ISIC_0000001", data=values)
        paths.append(folder / f"{name}.h5")
    with h5py.File(folder / "packed.h5", "w") as file:
        file.create_dataset("a", data=SMALL_16, chunks=(16, 40), compression="gzip", shuffle=True)
    return [*paths, folder / "packed.h5"]


Makers = dict[str, Callable[[Path], list[Path]]]
CLEAN: Makers = {"DICOM": clean_dicoms, "PNG": clean_pngs, "TIFF": clean_tiffs}
OTHERS: Makers = {"OTHERS": clean_others}


def mutants(folder: Path, count: int, chance: Chance, makers: Makers = CLEAN) -> Iterator[Path]:
    """`count` mutants, kinds of files in turn; flips, cuts, lengths, header fields and repeats by chance."""
    (folder / "clean").mkdir()
    (folder / "mutants").mkdir()
    clean = {}
    for kind, make in makers.items():
        clean[kind] = [(path, path.read_bytes(), _places(path, kind)) for path in make(folder / "clean")]
    for number in range(count):
        kind = list(makers)[number % len(makers)]
        path, data, places = clean[kind][number // len(makers) % len(clean[kind])]
        damage = (flip, cut, length, header_field, repeat)[int(chance.integers(5))]
        changed = damage(bytearray(data), places, chance)
        mutant = folder / "mutants" / f"{number:05}-{damage.__name__}-{path.name}"
        mutant.write_bytes(_with_checksums(changed) if kind == "PNG" and chance.random() < 0.7 else changed)
        yield mutant


def _places(path: Path, kind: str) -> dict[str, list[tuple[int, int, str]]]:
    """Offset, width and byte order of length fields and of header fields."""
    if kind == "DICOM":
        return _dicom_places(path)
    lengths, fields = [], []
    if kind == "PNG":
        data, at = path.read_bytes(), 8
        while at + 8 <= len(data):
            lengths.append((at, 4, ">"))
            at += 12 + int.from_bytes(data[at : at + 4])
        fields = [(16, 4, ">"), (20, 4, ">"), *((at, 1, ">") for at in range(24, 29))]
    elif kind == "TIFF":
        with tifffile.TiffFile(path) as file:
            wide = 8 if file.is_bigtiff else 4
            for tag in file.pages.first.tags.values():
                lengths.append((tag.offset + 4, wide, file.byteorder))
                fields += [(tag.valueoffset, 2, file.byteorder), (tag.offset + 2, 2, file.byteorder)]
    return {"length": lengths, "field": fields}


def _dicom_places(path: Path) -> dict[str, list[tuple[int, int, str]]]:
    lengths, fields = [], []
    data, dataset = path.read_bytes(), dcmread(path)
    order = "<" if dataset.original_encoding[1] else ">"
    for raw in dataset:
        at = getattr(raw, "file_tell", None)
        if not at or at >= len(data):
            continue
        wide = 4 if dataset.original_encoding[0] or raw.VR in ("OB", "OW", "SQ", "UN", "UT") else 2
        lengths.append((at - wide, wide, order))
        if raw.keyword in _FIELDS:
            fields.append((at, 2, order))
    return {"length": lengths, "field": fields}


def flip(data: bytearray, places: Any, chance: Chance) -> bytearray:
    """One to five bytes changed; those of the header as often as all the rest."""
    for _ in range(int(chance.integers(1, 6))):
        reach = len(data) if chance.random() < 0.5 else min(len(data), 700)
        data[int(chance.integers(reach))] ^= int(chance.integers(1, 256))
    return data


def cut(data: bytearray, places: Any, chance: Chance) -> bytearray:
    """The end missing, or a hole."""
    at = int(chance.integers(len(data)))
    if chance.random() < 0.5:
        return data[:at]
    return data[:at] + data[at + int(chance.integers(1, 200)) :]


def length(data: bytearray, places: Any, chance: Chance) -> bytearray:
    return _overwrite(data, places["length"], chance)


def header_field(data: bytearray, places: Any, chance: Chance) -> bytearray:
    return _overwrite(data, places["field"] or places["length"], chance)


def repeat(data: bytearray, places: Any, chance: Chance) -> bytearray:
    at = int(chance.integers(len(data)))
    data[at:at] = data[at : at + int(chance.integers(1, 500))] * int(chance.integers(1, 20))
    return data


def _overwrite(data: bytearray, places: list[tuple[int, int, str]], chance: Chance) -> bytearray:
    if not places:
        return flip(data, places, chance)
    for _ in range(int(chance.integers(1, 3))):
        at, wide, order = places[int(chance.integers(len(places)))]
        top = 256**wide - 1
        values = [
            *(number for number in _NUMBERS if number <= top),
            top,
            top // 2,
            int(chance.integers(min(top, 2**40))),
        ]
        value = values[int(chance.integers(len(values)))]
        data[at : at + wide] = value.to_bytes(wide, "little" if order == "<" else "big")
    return data


def _with_checksums(data: bytearray) -> bytes:
    """A PNG with the checksums of its chunks put right, so that the damage gets past them."""
    whole, at = bytearray(data), 8
    while at + 12 <= len(whole):
        end = at + 8 + int.from_bytes(whole[at : at + 4])
        if end + 4 > len(whole):
            break
        whole[end : end + 4] = struct.pack(">I", zlib.crc32(whole[at + 4 : end]))
        at = end + 4
    return bytes(whole)
