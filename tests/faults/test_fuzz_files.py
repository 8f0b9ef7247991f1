"""Some of the files of fuzz_files.py, which by hand looks at two thousand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engines.errors import LabError
from engines.layouts.base import Rejection, candidate
from engines.readers.base import Limits, Picture
from tests.faults import bombs, fuzz_files, hostile_files

SLOW = {"rle.dcm", "pixels.png", "strip.tif", "text.png", "deflated.dcm"}


def test_damaged_files_end_in_a_picture_or_in_words(tmp_path: Path) -> None:
    chance = np.random.default_rng(20261121)
    paths = list(hostile_files.mutants(tmp_path, 60, chance))
    outcomes = fuzz_files.look_at(paths, Limits(max_pixels=1_000_000))
    assert [fault for outcome in outcomes for fault in outcome.faults] == []
    assert sum(isinstance(outcome.picture, Picture) for outcome in outcomes) >= 5  # damage is not mere destruction
    assert sum(isinstance(outcome.picture, LabError) for outcome in outcomes) >= 25
    assert len(fuzz_files.sentences(outcomes)) >= 8


def test_clean_files_are_read(tmp_path: Path) -> None:
    for kind, make in (hostile_files.CLEAN | hostile_files.OTHERS).items():
        (tmp_path / kind).mkdir()
        outcomes = fuzz_files.look_at(make(tmp_path / kind), Limits())
        refused = {outcome.path.stem for outcome in outcomes if not isinstance(outcome.picture, Picture)}
        assert refused == {"DICOM": {"deflated"}, "PNG": set(), "TIFF": set(), "OTHERS": set()}[kind]


def test_bombs_and_archives_are_refused(tmp_path: Path) -> None:
    small = [path for path in bombs.bombs(tmp_path / "bombs") if path.name not in SLOW]
    archives = bombs.archives(tmp_path / "archives")
    before = sorted(tmp_path.rglob("*"))
    outcomes = fuzz_files.look_at([*small, *archives], Limits())
    assert len(small) >= 9 and len(archives) == 40
    assert [fault for outcome in outcomes for fault in outcome.faults] == []
    assert all(isinstance(outcome.picture, LabError) for outcome in outcomes)
    assert all(isinstance(candidate(path), Rejection) for path in archives if path.suffix in (".zip", ".tar"))
    assert sorted(tmp_path.rglob("*")) == before  # nothing was unpacked
