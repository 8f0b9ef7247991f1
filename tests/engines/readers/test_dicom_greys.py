"""The greys agree with pydicom's own functions, applied one after the other to the stored values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from engines.readers.base import read
from tests.engines.readers.samples import RAMP_8, RAMP_12, RAMP_16, dicom

SIGNED_12 = RAMP_12.astype(np.int16) - 2048
SIGNED_16 = (RAMP_16.astype(np.int32) - 32768).astype(np.int16)


def lut(first: int, bits: int, values: np.ndarray[Any, Any], kind: str = "US") -> Dataset:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [len(values) % 65536, first, bits], values.astype(np.uint16).tolist()
    item["LUTDescriptor"].VR, item["LUTData"].VR = kind, "US"
    return item


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("ramp", "bits"), [(RAMP_12, 12), (SIGNED_12, 12), (RAMP_16, 16), (SIGNED_16, 16)])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2.5, -1000)])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_windows(
    tmp_path: Path, function: str, ramp: Any, bits: int, slope: float, intercept: float, photometric: str
) -> None:
    window = {"WindowCenter": 300, "WindowWidth": 1500, "VOILUTFunction": function}
    path = dicom(
        tmp_path / "a.dcm", ramp, bits, **window, RescaleSlope=slope, RescaleIntercept=intercept,
        PhotometricInterpretation=photometric,
    )  # fmt: skip
    dataset, white = dcmread(path), 2**bits - 1
    low, high = (float(end) * slope + intercept for end in (ramp.min(), ramp.max()))
    shown = (apply_voi_lut(apply_modality_lut(ramp, dataset), dataset) - low) / (high - low) * white
    expected = white - shown if photometric == "MONOCHROME1" else shown
    assert np.abs(read(path).pixels - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(("first", "kind"), [(0, "US"), (40_000, "US"), (65_000, "US"), (-20_000, "SS"), (-1, "SS")])
def test_tables_whose_first_value_takes_16_bits(tmp_path: Path, syntax: str, first: int, kind: str) -> None:
    ramp = SIGNED_16 if kind == "SS" else RAMP_16
    curve = np.minimum(np.arange(500) * 131, 65535)
    path = dicom(tmp_path / "a.dcm", ramp, 16, syntax, VOILUTSequence=[lut(first, 16, curve, kind)])
    picture = read(path)
    np.testing.assert_array_equal(picture.pixels, apply_voi_lut(ramp, dcmread(path)))
    flat = picture.pixels.ravel().astype(int)
    place = int(np.flatnonzero(ramp.ravel() == first)[0])
    assert flat[place] == 0 and flat[place + 1 : place + 4].tolist() == [131, 262, 393][: len(flat) - place - 1]
    assert (flat[:place] == 0).all()  # what lies below the table shows as its first entry


def test_a_table_of_65536_entries_says_0_of_them(tmp_path: Path) -> None:
    curve = RAMP_16.ravel()[::-1]
    path = dicom(tmp_path / "a.dcm", RAMP_16, 16, ImplicitVRLittleEndian, VOILUTSequence=[lut(0, 16, curve)])
    np.testing.assert_array_equal(read(path).pixels, 65535 - RAMP_16)


def test_a_modality_table_then_a_window_then_inversion(tmp_path: Path) -> None:
    curve = np.minimum(np.arange(256) * 200, 65535)
    path = dicom(
        tmp_path / "a.dcm", RAMP_8, 8, ModalityLUTSequence=[lut(0, 16, curve)], WindowCenter=20_000, WindowWidth=8_000,
        PhotometricInterpretation="MONOCHROME1",
    )  # fmt: skip
    dataset = dcmread(path)
    shown = apply_voi_lut(apply_modality_lut(RAMP_8, dataset), dataset)
    assert np.abs(read(path).pixels - (65535 - shown)).max() <= 0.5 + 1e-6


def test_a_modality_table_of_signed_values(tmp_path: Path) -> None:
    signed = (RAMP_8.astype(np.int16) - 128).astype(np.int8)
    path = dicom(tmp_path / "a.dcm", signed, 8, ModalityLUTSequence=[lut(-128, 16, np.arange(256) * 257, "SS")])
    np.testing.assert_array_equal(read(path).pixels, RAMP_8.astype(np.uint16) * 257)


def test_padding_goes_by_stored_values_of_either_sign(tmp_path: Path) -> None:
    pixels = np.array([[-2000, -1500, 0, 1000]], np.int16)
    path = dicom(tmp_path / "a.dcm", pixels, 16, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=-2000)
    assert read(path).pixels[0].tolist() == [0, 65535 - (32768 - 1500), 65535 - 32768, 65535 - 33768]
