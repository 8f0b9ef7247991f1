"""Every value of a ramp comes back, in every format and depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from engines.errors import LabError
from engines.readers.base import Limits, Pixels, probe, read
from tests.engines.readers import samples
from tests.engines.readers.samples import COLOUR_8, COLOUR_16, RAMP_8, RAMP_12, RAMP_16

Writer = Callable[[Path, Pixels], object]
EXACT: list[tuple[str, Pixels, int, Writer]] = [
    ("png 8", RAMP_8, 8, lambda path, pixels: Image.fromarray(pixels).save(path, "PNG")),
    ("png 16", RAMP_16, 16, lambda path, pixels: Image.fromarray(pixels).save(path, "PNG")),
    ("png colour 8", COLOUR_8, 8, lambda path, pixels: Image.fromarray(pixels).save(path, "PNG")),
    ("png colour 16", COLOUR_16, 16, samples.png_16),
    ("tiff 8", RAMP_8, 8, tifffile.imwrite),
    ("tiff 16", RAMP_16, 16, tifffile.imwrite),
    ("tiff 16 zlib", RAMP_16, 16, lambda path, pixels: tifffile.imwrite(path, pixels, compression="zlib")),
    ("tiff 16 big-endian", RAMP_16, 16, lambda path, pixels: tifffile.imwrite(path, pixels, byteorder=">")),
    (
        "tiff 16 lzw",
        RAMP_16,
        16,
        lambda path, pixels: Image.fromarray(pixels).save(path, "TIFF", compression="tiff_lzw"),
    ),
    ("tiff 16 tiles", RAMP_16, 16, lambda path, pixels: tifffile.imwrite(path, pixels, tile=(64, 64))),
    ("tiff colour 16", COLOUR_16, 16, lambda path, pixels: tifffile.imwrite(path, pixels, photometric="rgb")),
    (
        "tiff colour planes",
        COLOUR_16,
        16,
        lambda path, pixels: tifffile.imwrite(
            path, np.moveaxis(pixels, -1, 0), photometric="rgb", planarconfig="separate"
        ),
    ),
    ("pgm 8", RAMP_8, 8, lambda path, pixels: samples.pgm(path, pixels, 255)),
    ("pgm 12", RAMP_12, 12, lambda path, pixels: samples.pgm(path, pixels, 4095, "# from a scanner\n")),
    ("pgm 16", RAMP_16, 16, lambda path, pixels: samples.pgm(path, pixels, 65535)),
    ("ppm 16", COLOUR_16, 16, lambda path, pixels: samples.pgm(path, pixels, 65535)),
    ("npy 8", RAMP_8, 8, lambda path, pixels: np.save(open_for_numpy(path), pixels)),
    ("npy 16", RAMP_16, 16, lambda path, pixels: np.save(open_for_numpy(path), pixels)),
    ("npy colour 16, column order", COLOUR_16, 16, lambda path, pixels: np.save(path, np.asfortranarray(pixels))),
]


def open_for_numpy(path: Path) -> Path:
    """numpy.save adds a suffix to names without it; the tests' names have one."""
    assert path.suffix == ".npy"
    return path


@pytest.mark.parametrize(("pixels", "bits", "write"), [case[1:] for case in EXACT], ids=[case[0] for case in EXACT])
def test_every_value_survives(tmp_path: Path, pixels: Pixels, bits: int, write: Writer) -> None:
    path = tmp_path / "ramp.npy"  # content decides what a file is, not its name
    write(path, pixels)
    picture, header = read(path), probe(path)
    assert picture.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(picture.pixels, pixels)
    assert picture.bits == bits
    assert (header.height, header.width, header.bits) == (*pixels.shape[:2], bits)
    assert header.channels == (3 if pixels.ndim == 3 else 1)


def test_fractions_become_16_bits(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", RAMP_16 / 65535)
    picture = read(tmp_path / "a.npy")
    np.testing.assert_array_equal(picture.pixels, RAMP_16)
    assert picture.tags == {"value_low": 0.0, "value_high": 1.0}


def test_white_is_zero_tiff_is_turned(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RAMP_16, photometric="miniswhite")
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, 65535 - RAMP_16)


def test_odd_white_value_is_stretched(tmp_path: Path) -> None:
    path = samples.pgm(tmp_path / "a.pgm", np.array([[0, 100, 200]], np.uint8), 200)
    assert read(path).pixels.tolist() == [[0, 128, 255]]


def test_a_cameras_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(COLOUR_8[:8]).save(tmp_path / "a.jpg", exif=exif)
    header = probe(tmp_path / "a.jpg")
    assert read(tmp_path / "a.jpg").pixels.shape == (16, 8, 3) == (header.height, header.width, header.channels)


def test_opaque_alpha_is_dropped_and_other_alpha_refused(tmp_path: Path) -> None:
    opaque = np.full((256, 256, 1), 65535, np.uint16)
    path = samples.png_16(tmp_path / "a.png", np.concatenate([COLOUR_16, opaque], axis=-1))
    np.testing.assert_array_equal(read(path).pixels, COLOUR_16)
    path = samples.png_16(tmp_path / "b.png", np.concatenate([COLOUR_16, opaque // 2], axis=-1))
    with pytest.raises(LabError, match="transparent"):
        read(path)


def test_grey_palette_is_grey_and_coloured_palette_is_colour(tmp_path: Path) -> None:
    grey = Image.fromarray(RAMP_8).convert("P")
    grey.save(tmp_path / "grey.png")
    assert probe(tmp_path / "grey.png").channels == 1
    np.testing.assert_array_equal(read(tmp_path / "grey.png").pixels, RAMP_8)
    Image.fromarray(COLOUR_8).quantize(16).save(tmp_path / "colour.png")
    assert probe(tmp_path / "colour.png").channels == 3 == read(tmp_path / "colour.png").pixels.shape[2]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "PPM", "npy"])
def test_a_file_cut_short_is_found_by_its_header_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "whole"
    if kind == "npy":
        with open(path, "wb") as file:
            np.save(file, RAMP_8)
    else:
        Image.fromarray(RAMP_8).save(path, kind)
    whole = path.read_bytes()
    for share in (0.5, 0.8):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(LabError):
            probe(path)


def refused(path: Path, words: str, limits: Limits | None = None) -> None:
    for look in (probe, read):
        with pytest.raises(LabError, match=words) as caught:
            look(path, limits or Limits())
        assert caught.value.advice


def test_what_would_lose_values_is_refused_with_advice(tmp_path: Path) -> None:
    Image.fromarray(COLOUR_8).convert("CMYK").save(tmp_path / "cmyk.jpg")
    refused(tmp_path / "cmyk.jpg", "neither grey nor RGB")
    tifffile.imwrite(tmp_path / "float.tif", RAMP_8.astype(np.float32))
    refused(tmp_path / "float.tif", "not whole numbers")
    tifffile.imwrite(tmp_path / "stack.tif", np.stack([RAMP_8] * 3), photometric="minisblack")
    refused(tmp_path / "stack.tif", "stack of pictures")
    np.save(tmp_path / "stack.npy", np.zeros((4, 8, 8), np.uint8))
    refused(tmp_path / "stack.npy", "not one picture")
    np.save(tmp_path / "int.npy", np.zeros((8, 8), np.int32))
    refused(tmp_path / "int.npy", "int32")
    (tmp_path / "movie.gif").write_bytes(b"GIF89a" + bytes(200))
    refused(tmp_path / "movie.gif", "not a picture that")
    (tmp_path / "empty.png").touch()
    refused(tmp_path / "empty.png", "empty")


def test_pickled_objects_are_never_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[{"a": 1}]], dtype=object), allow_pickle=True)
    refused(tmp_path / "a.npy", "Python objects")


@settings(max_examples=25, deadline=None)
@given(arrays.arrays(st.sampled_from([np.uint8, np.uint16]), st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_any_small_picture_survives_tiff_npy_and_pgm(tmp_path_factory: pytest.TempPathFactory, pixels: Pixels) -> None:
    folder = tmp_path_factory.mktemp("any")
    tifffile.imwrite(folder / "a.tif", pixels, photometric="minisblack")
    np.save(folder / "a.npy", pixels)
    samples.pgm(folder / "a.pgm", pixels, int(np.iinfo(pixels.dtype).max))
    for path in folder.iterdir():
        np.testing.assert_array_equal(read(path).pixels, pixels)


@pytest.mark.parametrize(("least_side", "reduced"), [(0, 1), (160, 1), (150, 2), (80, 2), (75, 4), (37, 8), (3, 8)])
def test_jpeg_smaller(tmp_path: Path, least_side: int, reduced: int) -> None:
    smooth = (np.add.outer(np.arange(301) * 7, np.arange(403) * 5) // 17).astype(np.uint8)
    for name, pixels in (("grey.jpg", smooth), ("colour.jpg", np.stack([smooth, smooth[::-1], smooth], -1))):
        Image.fromarray(pixels).save(tmp_path / name, quality=98)
        picture = read(tmp_path / name, least_side=least_side)
        assert picture.reduced == reduced and min(picture.pixels.shape[:2]) >= least_side
        assert picture.pixels.shape == (-(-301 // reduced), -(-403 // reduced), *pixels.shape[2:])
        whole = read(tmp_path / name).pixels
        assert abs(picture.pixels.mean() - whole.mean()) < 2  # the codec fills the last blocks up


def test_what_holds_one_picture_has_no_members(tmp_path: Path) -> None:
    Image.fromarray(RAMP_8).save(tmp_path / "a.png")
    for look in (probe, read):
        with pytest.raises(LabError, match="does not hold several"):
            look(tmp_path / "a.png", member="0")
