"""A bad file costs itself: crashes, hangs and memory hogs of a child reject one file and no other."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from engines.errors import LabError
from engines.readers.base import Header, Limits, Picture, read
from engines.readers.sandbox import Sandbox
from engines.records import Source
from tests.engines.readers.samples import COLOUR_16, RAMP_8, RAMP_16, clean_files, pgm, png_16

BAD_CHILD = (str(Path(__file__).with_name("badly_behaved_child.py")),)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=2) as pool:
        yield pool


@pytest.fixture(scope="module")
def bad() -> Iterator[Sandbox]:
    limits = Limits(timeout_s=1.5, max_memory_bytes=400 * 2**20)
    with Sandbox(limits, workers=1, program=BAD_CHILD) as pool:
        yield pool


def orders(folder: Path, *whats: str) -> list[Path]:
    paths = [folder / f"{index}.png" for index in range(len(whats))]
    for path, what in zip(paths, whats, strict=True):
        path.write_text(what)
    return paths


def test_all_kinds_come_through_unchanged_and_in_order(sandbox: Sandbox, tmp_path: Path) -> None:
    paths = clean_files(tmp_path)
    for path, picture, header in zip(paths, sandbox.read_many(paths), sandbox.probe_many(paths), strict=True):
        assert isinstance(picture, Picture) and isinstance(header, Header)
        here = read(path)
        np.testing.assert_array_equal(picture.pixels, here.pixels)
        assert (picture.pixels.dtype, picture.bits, picture.tags) == (here.pixels.dtype, here.bits, here.tags)
        assert (header.height, header.width, header.bits) == (*picture.pixels.shape[:2], picture.bits)


def test_a_16_bit_ramp_survives_grey_and_colour(sandbox: Sandbox, tmp_path: Path) -> None:
    grey = sandbox.read(pgm(tmp_path / "a.pgm", RAMP_16, 65535))
    np.testing.assert_array_equal(grey.pixels, RAMP_16)
    np.testing.assert_array_equal(sandbox.read(png_16(tmp_path / "a.png", COLOUR_16)).pixels, COLOUR_16)
    grey.pixels[0, 0] = 7  # the pixels belong to the caller


def test_refusals_are_results_in_a_batch_and_raised_for_one(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"nothing")
    good = pgm(tmp_path / "a.pgm", RAMP_8, 255)
    kinds = [type(result) for result in sandbox.probe_many([good, tmp_path / "bad.png", tmp_path / "gone.png", good])]
    assert kinds == [Header, LabError, LabError, Header]
    with pytest.raises(LabError, match="not a picture that"):
        sandbox.read(tmp_path / "bad.png")
    with pytest.raises(LabError, match="missing"):
        sandbox.probe(tmp_path / "gone.png")


def test_names_of_any_bytes(sandbox: Sandbox, tmp_path: Path) -> None:
    name = "näme\n with \"quotes\" and '\\'.pgm" if sys.platform != "win32" else "näme.pgm"
    assert sandbox.read(pgm(tmp_path / name, RAMP_8, 255)).pixels.shape == (16, 16)


@pytest.mark.parametrize("verb", ["read", "probe"])
def test_a_crash_rejects_one_file_only(bad: Sandbox, tmp_path: Path, verb: str) -> None:
    paths = orders(tmp_path, "a", "crash", "bb", "crash", "crash", "ccc", "noise")
    results = list((bad.read_many if verb == "read" else bad.probe_many)(paths))
    assert [isinstance(result, LabError) for result in results] == [False, True, False, True, True, False, False]
    assert all("crash" in str(result) for result in results if isinstance(result, LabError))
    if verb == "read":
        assert [result.tags["said"] for result in results if isinstance(result, Picture)] == ["a", "bb", "ccc", "noise"]


def test_a_hang_ends_by_the_clock_and_costs_one_file(bad: Sandbox, tmp_path: Path) -> None:
    results = list(bad.probe_many(orders(tmp_path, "a", "hang", "b")))
    assert [type(result) for result in results] == [Header, LabError, Header]
    assert "too long" in str(results[1])


def test_memory_is_limited(bad: Sandbox, tmp_path: Path) -> None:
    results = list(bad.read_many(orders(tmp_path, "a", "memory", "b")))
    assert [type(result) for result in results] == [Picture, LabError, Picture]
    assert "memory" in str(results[1])


def test_nothing_is_left_running(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}
    with Sandbox(workers=2) as pool:
        list(pool.probe_many([pgm(tmp_path / f"{n}.pgm", RAMP_8, 255) for n in range(40)]))
        started = {child.pid for child in psutil.Process().children()} - before
        assert 1 <= len(started) <= 2
    assert not {child.pid for child in psutil.Process().children()} & started


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_children_end_with_a_killed_parent(tmp_path: Path) -> None:
    path = pgm(tmp_path / "a.pgm", RAMP_8, 255)
    program = (
        "import pathlib, psutil, sys, threading; from engines.readers.sandbox import Sandbox\n"
        "pool = Sandbox(workers=1); pool.probe(pathlib.Path(sys.argv[1]))\n"
        "print(psutil.Process().children()[0].pid, flush=True); threading.Event().wait()"
    )
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, cwd=root) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert psutil.wait_procs([child], timeout=30)[1] == []


def test_abandoning_a_stream_leaves_the_pool_usable(sandbox: Sandbox, tmp_path: Path) -> None:
    path = pgm(tmp_path / "a.pgm", RAMP_8, 255)
    stream = sandbox.read_many([path] * 50)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert sandbox.probe(path).width == 16


def test_member_and_least_side_reach_the_reader(sandbox: Sandbox, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((64, 48), np.uint8)).save(tmp_path / "a.jpg")
    picture = sandbox.read(Source(tmp_path / "a.jpg"), least_side=12)
    assert (picture.pixels.shape, picture.reduced) == ((16, 12), 4)
    assert sandbox.read(Source(tmp_path / "a.jpg")).reduced == 1
    header, refusal = sandbox.probe_many([tmp_path / "a.jpg", Source(tmp_path / "a.jpg", "7")])
    assert isinstance(header, Header) and isinstance(refusal, LabError) and "several" in str(refusal)


@pytest.mark.parametrize("what", ["header of words", "tags of lists"])
def test_what_a_child_says_is_checked(bad: Sandbox, tmp_path: Path, what: str) -> None:
    (path,) = orders(tmp_path, what)
    with pytest.raises(LabError, match="crash"):
        bad.probe(path)
