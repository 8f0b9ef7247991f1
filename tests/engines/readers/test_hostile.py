"""Damaged and hostile files: every one ends in a picture or in words, quickly and in little memory."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.errors import LabError
from engines.readers.base import Header, Limits, Picture, probe, read
from engines.readers.sandbox import Sandbox
from tests.engines.readers.samples import RAMP_8, clean_files, dicom, pgm, png_chunk

MUTANTS_OF_EACH = 60


def mutant(data: bytes, chance: np.random.Generator) -> bytes:
    """Flip, cut, repeat or overwrite some bytes; the header of a file is hit as often as all the rest."""
    changed = bytearray(data)
    for _ in range(int(chance.integers(1, 6))):
        reach = len(changed) if chance.random() < 0.5 else min(len(changed), 700)
        at = int(chance.integers(0, max(reach, 1)))
        match int(chance.integers(0, 5)):
            case 0:
                changed[at : at + 1] = bytes([int(chance.integers(0, 256))])
            case 1:
                changed[at : at + 4] = chance.choice(np.array([0, 1, 0x7FFFFFFF, 0xFFFFFFFF], np.uint32)).tobytes()
            case 2:
                del changed[at : at + int(chance.integers(1, 64))]
            case 3:
                changed[at:at] = changed[at : at + int(chance.integers(1, 64))]
            case _:
                changed[at : at + 1] = bytes([changed[at] ^ (1 << int(chance.integers(0, 8)))]) if changed else b""
    return bytes(changed)


def test_mutants_end_in_a_picture_or_in_words(tmp_path: Path) -> None:
    (tmp_path / "clean").mkdir()
    (tmp_path / "mutants").mkdir()
    chance = np.random.default_rng(20261121)
    mutants = []
    for clean in clean_files(tmp_path / "clean"):
        data = clean.read_bytes()
        for number in range(MUTANTS_OF_EACH):
            path = tmp_path / "mutants" / f"{number:03}-{clean.name}"
            path.write_bytes(mutant(data, chance))
            mutants.append(path)
    limits = Limits(max_pixels=1_000_000)
    with Sandbox(limits, workers=2) as sandbox:
        pictures = list(sandbox.read_many(mutants))
        headers = list(sandbox.probe_many(mutants))
    assert len(pictures) == len(headers) == len(mutants) >= 700
    assert not [result for result in pictures if isinstance(result, LabError) and "crash" in str(result)]
    for path, picture, header in zip(mutants, pictures, headers, strict=True):
        if isinstance(picture, Picture):
            assert isinstance(header, Header), f"{path.name}: read, but its header was refused"
            assert (header.height, header.width) == picture.pixels.shape[:2], path.name
            assert (3 if picture.pixels.ndim == 3 else 1) == header.channels, path.name
            assert int(picture.pixels.max()) < 2**picture.bits, path.name
        else:
            assert picture.what and picture.advice, path.name
    assert sum(isinstance(picture, Picture) for picture in pictures) > 50  # mutation is not mere destruction
    assert sum(isinstance(picture, LabError) for picture in pictures) > 200


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(
        [
            b"",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"II*\0",
            b"P5\n",
            b"\x93NUMPY\x01\0",
            bytes(128) + b"DICM",
            b"\x08\0\5\0",
        ]
    ),
    st.binary(max_size=200),
)
def test_arbitrary_bytes_raise_nothing_but_words(
    tmp_path_factory: pytest.TempPathFactory, start: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "file.png"
    path.write_bytes(start + rest)
    for look in (probe, read):
        try:
            look(path, Limits(max_pixels=100_000))
        except LabError as error:
            assert error.what and error.advice


def png_claiming(path: Path, width: int, height: int, data: bytes) -> Path:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


def bombs(folder: Path) -> list[Path]:
    squeezed = zlib.compress(bytes(13_001 * 13_000), 1)
    head = b"P5 8001 8000 255\n"
    (folder / "sparse.pgm").write_bytes(head)
    with open(folder / "sparse.pgm", "r+b") as file:
        file.truncate(len(head) + 8001 * 8000)
    (folder / "huge.pgm").write_bytes(b"P5 999999999 999999999 255\n" + bytes(100))
    with open(folder / "huge.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<u2", "fortran_order": False, "shape": (2**40, 2**40)}
        )  # fmt: skip
    (folder / "long.tif").write_bytes(b"II*\0\x08\0\0\0" + struct.pack("<H", 65535) + bytes(12))
    (folder / "loop.tif").write_bytes(b"II*\0\x08\0\0\0\x00\x00\x08\0\0\0")
    text = png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 1))
    plain = png_claiming(folder / "text.png", 2, 2, zlib.compress(bytes(6))).read_bytes()
    (folder / "text.png").write_bytes(plain[:33] + text + plain[33:])
    tifffile.imwrite(folder / "strip.tif", np.zeros((8, 8), np.uint8), compression="zlib")
    data = (folder / "strip.tif").read_bytes()
    with tifffile.TiffFile(folder / "strip.tif") as tiff:
        tag = tiff.pages.first.tags["StripByteCounts"]
        where, offset = tag.valueoffset, tiff.pages.first.dataoffsets[0]
    strip = zlib.compress(bytes(600_000_000), 1)  # a small picture whose only strip unpacks to 600 MB
    counted = data[:where] + struct.pack("<I", len(strip)) + data[where + 4 :]
    (folder / "strip.tif").write_bytes(counted[:offset] + strip)
    return [
        png_claiming(folder / "169-million.png", 13_000, 13_000, squeezed),
        png_claiming(folder / "claims.png", 60_000, 60_000, b""),
        dicom(folder / "claims.dcm", RAMP_8, 8, Rows=65535, Columns=65535),
        *(
            folder / name
            for name in ("sparse.pgm", "huge.pgm", "huge.npy", "long.tif", "loop.tif", "strip.tif", "text.png")
        ),
    ]


def test_bombs_are_refused_before_they_unpack(tmp_path: Path) -> None:
    paths = bombs(tmp_path)
    with Sandbox(Limits(timeout_s=10, max_memory_bytes=500 * 2**20), workers=2) as sandbox:
        results = list(sandbox.read_many(paths))
        assert isinstance(sandbox.read(pgm(tmp_path / "good.pgm", RAMP_8, 255)), Picture)
    for path, result in zip(paths, results, strict=True):
        assert isinstance(result, LabError), path.name
        assert "too long" not in str(result) and "crash" not in str(result), f"{path.name}: {result}"


def test_a_file_over_the_size_limit_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    with open(path, "wb") as file:
        file.truncate(2 * 2**30 + 1)
    with pytest.raises(LabError, match=r"2\.0 GB"):
        probe(path)


def test_pipes_and_folders_are_not_waited_for(tmp_path: Path) -> None:
    import os

    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(LabError, match="not a regular file"):
            read(tmp_path / "pipe.png")
    with pytest.raises(LabError, match="not a regular file"):
        read(tmp_path)
