"""Verdicts by hand: the order within a page is the page's own, between pages the order of arrival."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.decisions import DECISIONS_FILE, current, record_decision
from engines.errors import LabError


def test_the_last_verdict_holds_and_none_takes_it_back(tmp_path: Path) -> None:
    record_decision(tmp_path, "000001", "accept", client="a", seq=1)
    record_decision(tmp_path, "000002", "reject", "marker text", client="a", seq=2)
    record_decision(tmp_path, "000001", "none", client="a", seq=3)
    assert current(tmp_path) == {"000002": ("reject", "marker text")}


def test_verdicts_that_overtook_one_another_are_put_in_order(tmp_path: Path) -> None:
    record_decision(tmp_path, "000001", "reject", client="a", seq=8)
    record_decision(tmp_path, "000001", "accept", client="a", seq=7)
    record_decision(tmp_path, "000002", "accept", client="a", seq=6)
    assert current(tmp_path) == {"000001": ("reject", ""), "000002": ("accept", "")}


def test_between_pages_the_last_to_arrive_wins(tmp_path: Path) -> None:
    record_decision(tmp_path, "000001", "reject", client="a", seq=900)
    record_decision(tmp_path, "000001", "accept", client="b", seq=1)
    assert current(tmp_path) == {"000001": ("accept", "")}


def test_nothing_decided_yet(tmp_path: Path) -> None:
    assert current(tmp_path) == {}


def test_torn_and_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    record_decision(tmp_path, "000001", "accept", client="a", seq=1)
    path = tmp_path / DECISIONS_FILE
    path.write_bytes(path.read_bytes() + b'[1]\n{"item": "000001", "seq": "x"}\n{"client": "a", "seq": 2, "it')
    record_decision(tmp_path, "000002", "reject", client="a", seq=3)
    assert current(tmp_path) == {"000001": ("accept", ""), "000002": ("reject", "")}


@pytest.mark.parametrize(
    ("item", "verdict", "seq"),
    [
        ("000001", "maybe", 1),
        ("../000001", "accept", 1),
        ("", "accept", 1),
        ("a" * 65, "accept", 1),
        ("1", "accept", -1),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_written(tmp_path: Path, item: str, verdict: str, seq: int) -> None:
    with pytest.raises(LabError):
        record_decision(tmp_path, item, verdict, client="a", seq=seq)
    assert not (tmp_path / DECISIONS_FILE).exists()


def test_a_folder_that_is_gone_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no longer there"):
        record_decision(tmp_path / "gone", "000001", "accept")


def test_reasons_are_one_plain_short_line(tmp_path: Path) -> None:
    record_decision(tmp_path, "000001", "reject", "two\nlines\x00 " + "x" * 500, client="a", seq=1)
    reason = current(tmp_path)["000001"][1]
    assert reason.startswith("two lines") and len(reason) == 200
