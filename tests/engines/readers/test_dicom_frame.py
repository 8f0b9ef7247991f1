"""Compressed frames: what is decoded, what names the extra, and what is decoded smaller."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image, features
from pydicom import dcmread
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import (
    JPEG2000,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from engines.errors import LabError
from engines.readers.base import Limits, probe, read
from tests.engines.readers.samples import COLOUR_8, RAMP_8, RAMP_12, RAMP_16, dicom, encapsulated, jpeg_2000

needs_jpeg_2000 = pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow was built without JPEG 2000")
SMOOTH = (np.add.outer(np.arange(301) * 7, np.arange(403) * 5)).astype(np.uint16)  # 0 .. 4110, odd sides


def jpeg(pixels: Any, **options: Any) -> bytes:
    code = io.BytesIO()
    Image.fromarray(pixels).save(code, "JPEG", quality=98, **options)
    return code.getvalue()


def boxes(pixels: Any, step: int) -> Any:
    """Means of step x step boxes, of the whole ones only."""
    height, width = pixels.shape[0] // step, pixels.shape[1] // step
    return pixels[: height * step, : width * step].reshape(height, step, width, step).mean((1, 3))


def test_rle_is_exact(tmp_path: Path) -> None:
    dataset = dcmread(dicom(tmp_path / "a.dcm", RAMP_16, 16))
    dataset.compress(RLELossless)
    dataset.save_as(tmp_path / "b.dcm")
    np.testing.assert_array_equal(read(tmp_path / "b.dcm").pixels, RAMP_16)


@needs_jpeg_2000
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("ramp", "bits"), [(RAMP_8, 8), (RAMP_12, 12), (RAMP_16, 16)])
def test_jpeg_2000_without_loss_is_exact(tmp_path: Path, ramp: Any, bits: int, signed: bool) -> None:
    stored = (ramp.astype(np.int32) - 2 ** (bits - 1)).astype(f"i{ramp.dtype.itemsize}") if signed else ramp
    plain = dicom(tmp_path / "a.dcm", stored, bits)
    code = jpeg_2000(stored.view(ramp.dtype), signed=signed)
    path = encapsulated(tmp_path / "b.dcm", plain, code, JPEG2000Lossless)
    np.testing.assert_array_equal(read(path).pixels, read(plain).pixels)


@needs_jpeg_2000
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("least_side", "reduced"), [(0, 1), (200, 1), (150, 2), (100, 2), (75, 4), (70, 4), (18, 16)])
def test_jpeg_2000_smaller(tmp_path: Path, least_side: int, reduced: int, signed: bool) -> None:
    stored = (SMOOTH.astype(np.int32) - 2048).astype(np.int16) if signed else SMOOTH
    plain = dicom(tmp_path / "a.dcm", stored, 16, PhotometricInterpretation="MONOCHROME1", WindowCenter=100,
                  WindowWidth=9000)  # fmt: skip
    code = jpeg_2000(stored.view(np.uint16), signed=signed)
    path = encapsulated(tmp_path / "b.dcm", plain, code, JPEG2000)
    whole, picture = read(plain).pixels, read(path, least_side=least_side)
    assert picture.reduced == reduced and min(picture.pixels.shape) >= least_side
    assert picture.pixels.shape == tuple(-(-side // reduced) for side in whole.shape)
    expected = boxes(whole, reduced)
    got = picture.pixels[: expected.shape[0], : expected.shape[1]]
    slope = (7 + 5) * reduced * 65535 / 9000  # a level of the pyramid may lie up to a pixel beside the box
    assert np.abs(got - expected)[1:-1, 1:-1].max() <= slope


@needs_jpeg_2000
def test_jpeg_2000_in_boxes_and_without_a_pyramid(tmp_path: Path) -> None:
    plain = dicom(tmp_path / "a.dcm", SMOOTH, 16)
    code = io.BytesIO()
    Image.fromarray(SMOOTH).save(code, "JPEG2000", irreversible=False)
    boxed = encapsulated(tmp_path / "b.dcm", plain, code.getvalue(), JPEG2000)
    assert read(boxed, least_side=50).reduced == 4
    flat = encapsulated(tmp_path / "c.dcm", plain, jpeg_2000(SMOOTH, num_resolutions=1), JPEG2000)
    assert read(flat, least_side=50).reduced == 1
    np.testing.assert_array_equal(read(flat, least_side=50).pixels, SMOOTH)


def test_jpeg_of_8_bits_also_smaller(tmp_path: Path) -> None:
    smooth = (SMOOTH // 17).astype(np.uint8)
    plain = dicom(tmp_path / "a.dcm", smooth, 8)
    for syntax in (JPEGBaseline8Bit, JPEGExtended12Bit):
        path = encapsulated(tmp_path / "b.dcm", plain, jpeg(smooth), syntax)
        assert np.abs(read(path).pixels.astype(int) - smooth).max() <= 3
        picture = read(path, least_side=70)
        assert (picture.reduced, picture.pixels.shape) == (4, (76, 101))
        assert np.abs(picture.pixels[:75, :100] - boxes(smooth, 4)).max() <= 3


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "YBR_FULL"])
def test_colour_jpeg(tmp_path: Path, photometric: str) -> None:
    colours = np.repeat(np.repeat(COLOUR_8, 8, 0), 8, 1)
    plain = dicom(tmp_path / "a.dcm", RAMP_8, 8)
    path = encapsulated(
        tmp_path / "b.dcm", plain, jpeg(colours, subsampling=0), JPEGBaseline8Bit, SamplesPerPixel=3,
        PhotometricInterpretation=photometric, PlanarConfiguration=0, Rows=128, Columns=128,
    )  # fmt: skip
    assert np.abs(read(path).pixels.astype(int) - colours).mean() < 3
    assert (probe(path).channels, probe(path).bits) == (3, 8)


@pytest.mark.parametrize("planar", [0, 1])
def test_plain_colours(tmp_path: Path, planar: int) -> None:
    data = np.moveaxis(COLOUR_8, -1, 0).tobytes() if planar else COLOUR_8.tobytes()
    about: dict[str, Any] = {"SamplesPerPixel": 3, "PlanarConfiguration": planar, "PixelData": data}
    path = dicom(tmp_path / "a.dcm", RAMP_8, 8, PhotometricInterpretation="RGB", **about)
    np.testing.assert_array_equal(read(path).pixels, COLOUR_8)
    ybr = np.asarray(Image.fromarray(COLOUR_8).convert("YCbCr"))
    about["PixelData"] = (np.moveaxis(ybr, -1, 0) if planar else ybr).tobytes()
    path = dicom(tmp_path / "b.dcm", RAMP_8, 8, PhotometricInterpretation="YBR_FULL", **about)
    assert np.abs(read(path).pixels.astype(int) - COLOUR_8).max() <= 3


@pytest.mark.parametrize(("syntax", "bits"), [(JPEGLosslessSV1, 16), (JPEGLSLossless, 16), (JPEGExtended12Bit, 12)])
def test_what_needs_the_extra_names_it(tmp_path: Path, syntax: str, bits: int) -> None:
    path = encapsulated(tmp_path / "b.dcm", dicom(tmp_path / "a.dcm", RAMP_16, bits), b"\xff\xd8\xff\xd9", syntax)
    with pytest.raises(LabError, match=r"phantom-lab\[dicom-codecs\]"):
        probe(path)


@needs_jpeg_2000
@pytest.mark.parametrize("change", ["another size", "cut", "no parts", "rubbish"])
def test_codestreams_that_do_not_fit_are_refused_by_their_header(tmp_path: Path, change: str) -> None:
    code = b"rubbish!" if change == "rubbish" else jpeg_2000(RAMP_16)
    tags = {"Rows": 16} if change == "another size" else {}
    path = encapsulated(tmp_path / "b.dcm", dicom(tmp_path / "a.dcm", RAMP_16, 16), code, JPEG2000Lossless, **tags)
    data = path.read_bytes()
    if change == "cut":
        path.write_bytes(data[: len(data) - len(code) // 2])
    if change == "no parts":
        path.write_bytes(data[: data.rindex(b"\xe0\x7f\x10\x00") + 12] + b"\xfe\xff\xdd\xe0\0\0\0\0")
    for look in (probe, read):
        with pytest.raises(LabError, match="damaged"):
            look(path)


@needs_jpeg_2000
def test_a_codestream_larger_than_its_header_is_not_decoded(tmp_path: Path) -> None:
    code = bytearray(jpeg_2000(RAMP_16))
    code[8:16] = code[24:32] = (13_000).to_bytes(4) * 2  # picture and tile
    path = encapsulated(tmp_path / "b.dcm", dicom(tmp_path / "a.dcm", RAMP_16, 16), bytes(code), JPEG2000Lossless)
    with pytest.raises(LabError, match="13000 × 13000"):
        read(path, Limits(max_pixels=10**6))


@needs_jpeg_2000
@pytest.mark.parametrize(
    "name", ["693_J2KI", "J2K_pixelrep_mismatch", "MR_small_jp2klossless", "JPEG2000", "CT_small", "MR_small_RLE"]
)
def test_files_of_real_devices_whole_and_smaller(name: str) -> None:
    """Files that come with pydicom, among them one whose codestream and header differ on the sign."""
    path = Path(pydicom.__file__).parent / "data" / "test_files" / f"{name}.dcm"
    dataset = dcmread(path)
    stored = pixel_array(dataset, raw=True)
    expected = apply_voi_lut(apply_modality_lut(stored, dataset), dataset)
    picture = read(path)
    assert np.corrcoef(picture.pixels.ravel(), expected.ravel())[0, 1] > 0.999999
    smaller = read(path, least_side=32)
    if smaller.reduced > 1:
        box = boxes(picture.pixels, smaller.reduced)
        assert np.corrcoef(smaller.pixels.ravel(), box.ravel())[0, 1] > 0.8  # narrow windows make edges of everything
        assert abs(smaller.pixels.mean() - box.mean()) < 0.01 * 2**picture.bits
    else:
        np.testing.assert_array_equal(smaller.pixels, picture.pixels)
    # One whose header and codestream differ on the sign holds numbers that cannot be averaged.
    assert smaller.reduced == {"693_J2KI": 16, "MR_small_jp2klossless": 2, "JPEG2000": 8}.get(name, 1)
