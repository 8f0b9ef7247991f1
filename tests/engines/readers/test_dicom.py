"""DICOM: the order of the transforms, padding, and everything that is refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from engines.errors import LabError
from engines.readers.base import Limits, probe, read
from tests.engines.readers.samples import RAMP_8, RAMP_12, RAMP_16, dicom


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize(("ramp", "bits"), [(RAMP_8, 8), (RAMP_12, 12), (RAMP_16, 16)])
def test_every_value_survives(tmp_path: Path, syntax: str, ramp: Any, bits: int) -> None:
    path = dicom(tmp_path / "a.dcm", ramp, bits, syntax)
    picture, header = read(path), probe(path)
    np.testing.assert_array_equal(picture.pixels, ramp)
    assert (picture.bits, header.bits, header.channels) == (bits, bits, 1)
    assert (header.height, header.width) == ramp.shape
    assert picture.pixels.dtype == (np.uint8 if bits == 8 else np.uint16)


@pytest.mark.parametrize(("ramp", "bits"), [(RAMP_8, 8), (RAMP_12, 12), (RAMP_16, 16)])
def test_monochrome1_turns_over_the_whole_range(tmp_path: Path, ramp: Any, bits: int) -> None:
    part = ramp[:8]  # holds no bright value: turning by the brightest pixel would shift everything
    path = dicom(tmp_path / "a.dcm", part, bits, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(read(path).pixels, 2**bits - 1 - part)


def test_monochrome1_turns_after_the_window(tmp_path: Path) -> None:
    window: dict[str, Any] = {"WindowCenter": 1000, "WindowWidth": 400}
    plain = read(dicom(tmp_path / "a.dcm", RAMP_12, 12, **window)).pixels
    turned = read(dicom(tmp_path / "b.dcm", RAMP_12, 12, **window, PhotometricInterpretation="MONOCHROME1")).pixels
    np.testing.assert_array_equal(turned, 4095 - plain)
    assert plain.min() == 0 and plain.max() == 4095
    assert plain[0, 0] == 0 and turned[0, 0] == 4095  # the smallest value shows white


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT"])
@pytest.mark.parametrize("slope", [1, 2.5])
def test_window_agrees_with_pydicom(tmp_path: Path, function: str, slope: float) -> None:
    path = dicom(
        tmp_path / "a.dcm", RAMP_12, 12, WindowCenter=[1500, 40], WindowWidth=[1000, 80], VOILUTFunction=function,
        RescaleSlope=slope, RescaleIntercept=-100,
    )  # fmt: skip
    picture = read(path)
    expected = (apply_voi_lut(RAMP_12 * slope - 100.0, dcmread(path)) + 100) / (4095 * slope) * 4095
    assert np.abs(picture.pixels - expected).max() <= 0.5 + 1e-6
    assert picture.tags["voi"] == "window"


def test_sigmoid_window(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP_12, 12, WindowCenter=2048, WindowWidth=1000, VOILUTFunction="SIGMOID")
    shown = read(path).pixels.ravel()
    assert abs(int(shown[2048]) - 2048) <= 1 and (np.diff(shown.astype(int)) >= 0).all()
    assert abs(int(shown[2298]) - round(4095 / (1 + np.exp(-1)))) <= 1  # a quarter of the width above the centre


def lut(first: int, bits: int, values: np.ndarray[Any, Any]) -> Dataset:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [len(values), first, bits], values.astype(np.uint16).tolist()
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    return item


def test_voi_table_is_preferred_over_the_window(tmp_path: Path) -> None:
    curve = np.minimum(np.arange(4096) * 32, 65535)
    path = dicom(
        tmp_path / "a.dcm", RAMP_12, 12, VOILUTSequence=[lut(0, 16, curve)], WindowCenter=5, WindowWidth=2
    )  # fmt: skip
    picture = read(path)
    np.testing.assert_array_equal(picture.pixels.ravel(), curve)
    assert (picture.bits, probe(path).bits, picture.tags["voi"]) == (16, 16, "lut")


def test_modality_table_of_12_bits(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP_8, 8, ModalityLUTSequence=[lut(0, 12, np.arange(256) * 16)])
    picture = read(path)
    assert (picture.bits, probe(path).bits) == (12, 12)
    assert len(np.unique(picture.pixels)) == 256 and picture.pixels.max() == 4095


def test_signed_values_and_hounsfield_units(tmp_path: Path) -> None:
    signed = (RAMP_12.astype(np.int16)) - 2048
    picture = read(dicom(tmp_path / "a.dcm", signed, 12, RescaleSlope=1, RescaleIntercept=-1000))
    np.testing.assert_array_equal(picture.pixels, RAMP_12)
    assert (picture.tags["value_low"], picture.tags["value_high"]) == (-3048.0, 1047.0)


def test_padding_is_black_also_in_monochrome1(tmp_path: Path) -> None:
    pixels = np.array([[0, 4095, 100, 60, 50]], np.uint16)
    for photometric, rest in (("MONOCHROME1", [4095 - 0, 0, 4095 - 100]), ("MONOCHROME2", [0, 4095, 100])):
        path = dicom(
            tmp_path / f"{photometric}.dcm", pixels, 12, PhotometricInterpretation=photometric,
            PixelPaddingValue=50, PixelPaddingRangeLimit=60,
        )  # fmt: skip
        assert read(path).pixels[0].tolist() == [*rest, 0, 0]


def test_bits_above_those_stored_are_ignored(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP_12 | 0xF000, 12)  # an overlay in the upper bits
    np.testing.assert_array_equal(read(path).pixels, RAMP_12)


def test_without_preamble(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP_8, 8, ImplicitVRLittleEndian, SOPClassUID="1.2.840.10008.5.1.4.1.1.1.2")
    dataset = dcmread(path)
    del dataset.file_meta
    dataset.preamble = None
    dataset.save_as(tmp_path / "bare", implicit_vr=True, little_endian=True)
    assert (tmp_path / "bare").read_bytes()[:2] == b"\x08\0"
    np.testing.assert_array_equal(read(tmp_path / "bare").pixels, RAMP_8)


def test_what_is_also_a_tiff_is_read_as_dicom(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP_8, 8, PhotometricInterpretation="MONOCHROME1")
    path.write_bytes(b"II*\0" + path.read_bytes()[4:])
    np.testing.assert_array_equal(read(path).pixels, 255 - RAMP_8)


def nested(levels: int, stated_length: bool) -> Dataset:
    inner = Dataset()
    inner.CodeValue = "x"
    for _ in range(levels):
        outer = Dataset()
        outer.ConceptNameCodeSequence = [inner]
        outer["ConceptNameCodeSequence"].is_undefined_length = not stated_length
        inner = outer
    return inner


@pytest.mark.parametrize("stated_length", [True, False])
@pytest.mark.parametrize("levels", [40, 150])
def test_deep_sequences_are_refused(tmp_path: Path, levels: int, stated_length: bool) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP_8, 8, ContentSequence=[nested(levels, stated_length)])
    with pytest.raises(LabError, match="nested too deeply"):
        probe(path)


def test_shallow_sequences_are_fine(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP_8, 8, ContentSequence=[nested(20, True), nested(20, False)])
    assert probe(path).width == 16


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"NumberOfFrames": 30}, "many frames"),
        ({"PixelData": None}, "no pixels follow"),
        ({"PixelData": None, "Rows": None}, "no picture"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, "ends before its last pixel"),
        ({"PhotometricInterpretation": "RGB"}, "neither grey nor RGB"),
        ({"PhotometricInterpretation": "CANARY_JANE"}, "neither grey nor RGB"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "from a table"),
        ({"PhotometricInterpretation": "YBR_FULL_422", "SamplesPerPixel": 3}, "not plain 8-bit RGB"),
        ({"BitsAllocated": 32}, "not of 8 or 16 bits"),
        ({"Rows": 60000, "Columns": 60000}, "60000 × 60000"),
        ({"Rows": 17}, "ends before its last pixel|damaged"),
        ({"Rows": None}, "damaged"),
    ],
)
def test_what_is_not_one_grey_frame_is_refused(tmp_path: Path, tags: dict[str, Any], words: str) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP_8, 8, **tags)
    with pytest.raises(LabError, match=words) as caught:
        read(path)
    assert caught.value.advice


def test_deflated_is_refused_without_inflating(tmp_path: Path) -> None:
    huge = np.zeros((4000, 4000), np.uint16)
    path = dicom(tmp_path / "a.dcm", huge, 16, DeflatedExplicitVRLittleEndian)
    assert path.stat().st_size < 100_000
    with pytest.raises(LabError, match="deflated"):
        probe(path)


def test_headers_pass_by_allow_list_only(tmp_path: Path) -> None:
    path = dicom(
        tmp_path / "a.dcm", RAMP_8, 8, InstitutionName="Canary Hospital", StudyDescription="Canary",
        PatientBirthDate="19500101", ImageComments="Canary",
        PresentationIntentType="FOR PRESENTATION", PixelSpacing=[0.07, 0.07],
    )  # fmt: skip
    for tags in (read(path).tags, probe(path).tags):
        assert tags["PresentationIntentType"] == "FOR PRESENTATION" and tags["PixelSpacing"] == "0.07\\0.07"
        assert tags["ImageLaterality"] == "L" and tags["ViewPosition"] == "MLO"
        assert "canary" not in repr(tags).lower() and "1950" not in repr(tags)


@pytest.mark.parametrize(
    ("orientation", "told"), [(["A", "R"], "A\\R"), (["P", "FL"], "P\\FL"), (["CANARY", "R"], None), ("A", None)]
)
def test_orientation_is_told_where_it_is_one(tmp_path: Path, orientation: Any, told: str | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pydicom, about what the standard does not allow
        path = dicom(tmp_path / "a.dcm", RAMP_8, 8, PatientOrientation=orientation, FieldOfViewHorizontalFlip="YES")
    tags = probe(path).tags
    assert tags.get("PatientOrientation") == told and tags["FieldOfViewHorizontalFlip"] == "YES"
    assert "CANARY" not in repr(tags)


@pytest.mark.parametrize("name", ["Modality", "ImageLaterality", "ViewPosition", "PresentationIntentType"])
def test_a_listed_element_with_another_kind_of_value_is_dropped(tmp_path: Path, name: str) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP_8, 8, **{name: "CANARY JANE"})
    assert "CANARY" not in repr(read(path).tags) and name not in probe(path).tags


def test_pixels_as_fractions_are_refused(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP_8, 8, PixelData=None, FloatPixelData=bytes(1024), BitsAllocated=32)
    with pytest.raises(LabError, match="are fractions"):
        probe(path)


def test_refusals_hold_no_value_of_the_file(tmp_path: Path) -> None:
    path = dicom(tmp_path / "Canary-Jane.dcm", RAMP_8, 8, Rows=900)
    with pytest.raises(LabError) as caught:
        read(path, Limits())
    assert "canary" not in str(caught.value).lower()
