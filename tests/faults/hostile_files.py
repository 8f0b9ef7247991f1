"""Makes files that nobody should have to open: mutants of clean ones, bombs, and archives under pictures' names."""

from __future__ import annotations

import gzip
import io
import struct
import sys
import tarfile
import zipfile
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


CLEAN: dict[str, Callable[[Path], list[Path]]] = {"DICOM": clean_dicoms, "PNG": clean_pngs, "TIFF": clean_tiffs}


def mutants(folder: Path, count: int, chance: Chance) -> Iterator[Path]:
    """`count` mutants, kinds of files in turn; flips, cuts, lengths, header fields and repeats by chance."""
    (folder / "clean").mkdir()
    (folder / "mutants").mkdir()
    clean = {}
    for kind, make in CLEAN.items():
        clean[kind] = [(path, path.read_bytes(), _places(path, kind)) for path in make(folder / "clean")]
    for number in range(count):
        kind = list(CLEAN)[number % 3]
        path, data, places = clean[kind][number // 3 % len(clean[kind])]
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
    else:
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


def bombs(folder: Path) -> list[Path]:
    """Small files that claim or unpack to what no memory holds, or that take time without end."""
    folder.mkdir()
    (folder / "plain").mkdir()
    _png_bombs(folder)
    _dicom_bombs(folder)
    strip = zlib.compress(bytes(600_000_000), 1)  # a small picture whose only strip unpacks to 600 MB
    tifffile.imwrite(folder / "strip.tif", SMALL_8, compression="zlib")
    data = bytearray((folder / "strip.tif").read_bytes())
    with tifffile.TiffFile(folder / "strip.tif") as tiff:
        where, offset = tiff.pages.first.tags["StripByteCounts"].valueoffset, tiff.pages.first.dataoffsets[0]
    data[where : where + 4] = struct.pack("<I", len(strip))
    (folder / "strip.tif").write_bytes(data[:offset] + strip)
    (folder / "loop.tif").write_bytes(b"II*\0\x08\0\0\0\x00\x00\x08\0\0\0")
    (folder / "long.tif").write_bytes(b"II*\0\x08\0\0\0" + struct.pack("<H", 65535) + bytes(12))
    (folder / "huge.pgm").write_bytes(b"P5 999999999 999999999 255\n" + bytes(100))
    return sorted(path for path in folder.iterdir() if path.is_file())


def _png_bombs(folder: Path) -> None:
    start, end = b"\x89PNG\r\n\x1a\n", samples.png_chunk(b"IEND", b"")
    for name, side in (("pixels", 13_000), ("claims", 60_000)):
        head = samples.png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
        data = samples.png_chunk(b"IDAT", zlib.compress(bytes(13_001 * 13_000), 1) if name == "pixels" else b"")
        (folder / f"{name}.png").write_bytes(start + head + data + end)
    small = start + samples.png_chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0))
    text = samples.png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 1))
    (folder / "text.png").write_bytes(small + text + samples.png_chunk(b"IDAT", zlib.compress(bytes(90))) + end)
    (folder / "chunks.png").write_bytes(small + samples.png_chunk(b"tEXt", b"a\0b") * 120_000 + end)


def _dicom_bombs(folder: Path) -> None:
    samples.dicom(folder / "claims.dcm", SMALL_8, 8, Rows=65535, Columns=65535)
    samples.dicom(folder / "deflated.dcm", np.zeros((6000, 6000), np.uint16), 16, DeflatedExplicitVRLittleEndian)
    plain = samples.dicom(folder / "plain" / "a.dcm", SMALL_16, 16)
    data = plain.read_bytes()
    pixels = data.index(b"\xe0\x7f\x10\x00")
    for name, levels, stated in (("nested", 1000, True), ("endless", 3000, False)):
        inner = b""
        for _ in range(levels):
            size = struct.pack("<I", len(inner) + 8) if stated else b"\xff" * 4
            item = b"\xfe\xff\x00\xe0" + (struct.pack("<I", len(inner)) if stated else b"\xff" * 4)
            inner = b"\x40\x00\x30\xa7SQ\0\0" + size + item + inner
        (folder / f"{name}.dcm").write_bytes(data[:pixels] + inner + data[pixels:])
    wide = {"Rows": 8000, "Columns": 8000}
    rle = struct.pack("<16I", 2, 64, 12_000_064, *[0] * 13) + b"\x81\0" * 12_000_000  # two bytes unpack to 128
    samples.encapsulated(folder / "rle.dcm", plain, rle, RLELossless, **wide)
    code = bytearray(samples.jpeg_2000(SMALL_16))
    code[8:16] = code[24:32] = (13_000).to_bytes(4) * 2
    samples.encapsulated(folder / "j2k.dcm", plain, bytes(code), JPEG2000Lossless)
    code[8:16] = code[24:32] = (8_000).to_bytes(4) * 2
    samples.encapsulated(folder / "j2k-wide.dcm", plain, bytes(code), JPEG2000Lossless, **wide)
    samples.encapsulated(folder / "parts.dcm", plain, b"some", JPEG2000Lossless)
    parts = (folder / "parts.dcm").read_bytes()
    start = parts.index(b"\xe0\x7f\x10\x00") + 12
    (folder / "parts.dcm").write_bytes(parts[:start] + b"\xfe\xff\x00\xe0\2\0\0\0ab" * 200_000)


def archives(folder: Path) -> list[Path]:
    """Forty archives that reach outside, unpack without end or nest, under their own names and under pictures'."""
    folder.mkdir()
    contents = {name: _zip(name) for name in ("../up", "/abs", "..\\up", "C:\\x", "CON", "a/../../b")}
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros.png", bytes(50_000_000))
    contents |= {"bomb": bomb.getvalue(), "nested": _zip("inner.zip", bomb.getvalue())}
    contents |= {"gz": gzip.compress(bytes(50_000_000)), "tar": _tar()}
    paths = []
    for number, data in enumerate(contents.values()):
        for suffix in ("zip", "png", "dcm", "tar"):
            path = folder / f"{number}.{suffix}"
            path.write_bytes(data)
            paths.append(path)
    return paths


def _zip(name: str, content: bytes = b"x") -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr(name, content)
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    return data.getvalue()


def _tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as file:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("device", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            file.addfile(info)
        file.addfile(tarfile.TarInfo("../../up"))
    return data.getvalue()
