"""Files that hold several pictures: stacks of arrays, and HDF5 files as ISIC 2024 has them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines.errors import LabError
from engines.readers.base import Limits, probe, read
from engines.readers.sandbox import Sandbox
from engines.records import Source
from tests.engines.readers.samples import COLOUR_8, RAMP_8, RAMP_16

STACK = np.stack([np.roll(COLOUR_8, n, axis=0) for n in range(3)])


@pytest.mark.parametrize(
    "stack", [STACK, STACK[..., 0], STACK[..., :1], np.stack([RAMP_16, RAMP_16.T]), STACK.astype(np.float32) / 255]
)
def test_every_picture_of_a_stack(tmp_path: Path, stack: np.ndarray[Any, Any]) -> None:
    path = tmp_path / "X.npy"
    np.save(path, stack)
    for number in range(len(stack)):
        header, picture = probe(path, member=str(number)), read(path, member=str(number))
        assert (header.height, header.width) == stack.shape[1:3] == picture.pixels.shape[:2]
        expected = stack[number, ..., 0] if stack.ndim == 4 and stack.shape[3] == 1 else stack[number]
        if stack.dtype.kind == "f":
            np.testing.assert_array_equal(picture.pixels, np.rint(expected * np.float32(65535)))
        else:
            np.testing.assert_array_equal(picture.pixels, expected)
        assert header.bits == picture.bits and header.channels == (3 if picture.pixels.ndim == 3 else 1)


@pytest.mark.parametrize(
    ("stack", "member", "words"),
    [
        (STACK, "3", "no picture of that number"),
        (STACK, "-1", "no picture of that number"),
        (STACK, "x", "no picture of that number"),
        (np.asfortranarray(STACK), "1", "column by column"),
        (STACK[..., :2], "0", "not one picture"),
        (STACK.astype(np.int64), "0", "values of the kind int64"),
        (STACK, "", "not one picture"),
    ],
)
def test_refused_members_of_a_stack(tmp_path: Path, stack: Any, member: str, words: str) -> None:
    np.save(tmp_path / "X.npy", stack)
    with pytest.raises(LabError, match=words) as caught:
        probe(tmp_path / "X.npy", member=member)
    assert caught.value.advice


def test_a_stack_cut_short_keeps_its_first_pictures(tmp_path: Path) -> None:
    path = tmp_path / "X.npy"
    np.save(path, STACK)
    path.write_bytes(path.read_bytes()[:-1])
    assert probe(path, member="1").width == 16
    with pytest.raises(LabError, match="damaged"):
        probe(path, member="2")


def encoded(pixels: np.ndarray[Any, Any], kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def hdf5(tmp_path: Path) -> Path:
    h5py = pytest.importorskip("h5py", reason="HDF5 needs the extra hdf5")
    path = tmp_path / "pictures.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("ISIC_1", data=np.void(encoded(COLOUR_8, "JPEG")))
        file.create_dataset("ISIC_2", data=np.bytes_(encoded(RAMP_8, "PNG")))
        file.create_dataset("ISIC_3", data=np.frombuffer(encoded(RAMP_16, "PNG"), np.uint8))
        file.create_dataset("deep/pixels", data=RAMP_16, compression="gzip")
        file.create_dataset("stack", data=STACK, chunks=True)
        file.create_dataset("words", data="no picture")
        file["external"] = h5py.ExternalLink("other.h5", "/x")
        file["soft"] = h5py.SoftLink("/ISIC_1")
        file.create_dataset("palette", data=np.void(encoded(RAMP_8, "GIF")))
        layout = h5py.VirtualLayout(shape=RAMP_16.shape, dtype="u2")
        layout[:] = h5py.VirtualSource("other.h5", "x", shape=RAMP_16.shape)
        file.create_virtual_dataset("virtual", layout)
    return path


def test_members_of_an_hdf5_file(hdf5: Path) -> None:
    with Sandbox(workers=1) as sandbox:
        for member, expected, bits in (
            ("ISIC_2", RAMP_8, 8), ("ISIC_3", RAMP_16, 16), ("deep/pixels", RAMP_16, 16), ("stack[2]", STACK[2], 8),
        ):  # fmt: skip
            header, picture = sandbox.probe(Source(hdf5, member)), sandbox.read(Source(hdf5, member))
            np.testing.assert_array_equal(picture.pixels, expected)
            assert (header.bits, picture.bits) == (bits, bits) and header.channels == (3 if expected.ndim == 3 else 1)
        jpeg = sandbox.read(Source(hdf5, "ISIC_1")).pixels
        np.testing.assert_array_equal(jpeg, np.asarray(Image.open(io.BytesIO(encoded(COLOUR_8, "JPEG")))))


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("ISIC_9", "no picture of this name"),
        ("deep", "a group"),
        ("ISIC_1/below", "no picture of this name"),
        ("external", "link to another place"),
        ("soft", "link to another place"),
        ("virtual", "in another file"),
        ("stack", "not one picture"),
        ("stack[3]", "no picture of that number"),
        ("ISIC_2[0]", "no picture of that number"),
        ("words", "damaged"),
        ("palette", "damaged"),
        ("", "several pictures"),
    ],
)
def test_refused_members_of_an_hdf5_file(hdf5: Path, member: str, words: str) -> None:
    for look in (probe, read):
        with pytest.raises(LabError, match=words) as caught:
            look(hdf5, member=member)
        assert caught.value.advice


def test_limits_hold_inside_an_hdf5_file(hdf5: Path) -> None:
    for member in ("ISIC_2", "deep/pixels", "stack[0]"):
        with pytest.raises(LabError, match="limit is"):
            probe(hdf5, Limits(max_pixels=100), member)


def test_an_hdf5_file_of_one_picture_needs_no_name(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="HDF5 needs the extra hdf5")
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["pixels"] = RAMP_8
    np.testing.assert_array_equal(read(tmp_path / "one.h5").pixels, RAMP_8)


@pytest.mark.parametrize("damage", ["cut", "middle", "empty tail"])
def test_damaged_hdf5_files(hdf5: Path, damage: str) -> None:
    data = bytearray(hdf5.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 3]
    elif damage == "middle":
        data[100:4000] = bytes(3900)
    else:
        data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    hdf5.write_bytes(data)
    with Sandbox(Limits(timeout_s=10), workers=1) as sandbox:
        for member in ("ISIC_1", "deep/pixels", "stack[0]"):
            try:
                sandbox.read(Source(hdf5, member))
            except LabError as error:
                assert error.what and error.advice
            else:
                assert damage != "cut"
