"""Makes bombs and hostile archives: small files that claim, unpack to or reach for what they should not."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import tifffile
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

try:
    from tests.faults.hostile_files import SMALL_8, SMALL_16, samples
except ImportError:  # run by hand, where another package may be called tests
    from hostile_files import SMALL_8, SMALL_16, samples  # type: ignore[no-redef]


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
