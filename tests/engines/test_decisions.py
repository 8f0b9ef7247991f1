"""Verdicts by hand: the order within a page is the page's own, between pages the order of arrival."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.decisions import (
    CONSENSUS,
    DECISIONS_FILE,
    agreement,
    cohen_kappa,
    current,
    history,
    readers,
    record_decision,
)
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


def test_each_reader_sees_only_their_own_and_the_consensus_holds(tmp_path: Path) -> None:
    record_decision(tmp_path, "000001", "accept", client="a", seq=1, by="Amal")
    record_decision(tmp_path, "000001", "reject", "blur", client="b", seq=1, by="Karim")
    record_decision(tmp_path, "000002", "accept", client="b", seq=2, by="Karim")
    record_decision(tmp_path, "000002", "none", client="b", seq=3, by="Karim")
    assert current(tmp_path, by="Amal") == {"000001": ("accept", "")}
    assert current(tmp_path, by="Karim") == {"000001": ("reject", "blur")}
    assert current(tmp_path) == {"000001": ("reject", "blur")}, "without a consensus the last one holds"
    assert readers(tmp_path) == {"Amal": 1, "Karim": 1}
    record_decision(tmp_path, "000001", "accept", client="a", seq=2, by=CONSENSUS)
    record_decision(tmp_path, "000001", "reject", client="b", seq=4, by="Karim")
    assert current(tmp_path) == {"000001": ("accept", "")}, "a later verdict of one reader does not undo the consensus"
    record_decision(tmp_path, "000001", "none", client="a", seq=3, by=CONSENSUS)
    assert current(tmp_path) == {"000001": ("reject", "")}
    record_decision(tmp_path, "000001", "none", client="b", seq=5, by="Karim")
    assert current(tmp_path) == {"000001": ("accept", "")}, "what the other reader said still stands"


def test_undo_goes_back_through_everything_that_this_reader_decided(tmp_path: Path) -> None:
    record_decision(tmp_path, "000001", "accept", client="a", seq=1, by="Amal")
    record_decision(tmp_path, "000001", "reject", client="x", seq=1, by="Karim")
    record_decision(tmp_path, "000001", "reject", "blur", client="a", seq=2, by="Amal")
    record_decision(tmp_path, "000002", "accept", client="a", seq=3, by="Amal")
    steps = [("000001", "none", ""), ("000001", "accept", ""), ("000002", "none", "")]
    assert history(tmp_path, "Amal") == steps
    seq = 4
    while stack := history(tmp_path, "Amal"):  # from another page, after a reload
        item, verdict, reason = stack[-1]
        record_decision(tmp_path, item, verdict, reason, client="later", seq=seq, by="Amal", undo=True)
        seq += 1
    assert seq == 7 and current(tmp_path, by="Amal") == {}
    assert current(tmp_path, by="Karim") == {"000001": ("reject", "")} and len(history(tmp_path, "Karim")) == 1
    record_decision(tmp_path, "000001", "accept", client="later", seq=seq, by="Amal")
    assert history(tmp_path, "Amal") == [("000001", "none", "")]


def test_a_verdict_sent_twice_counts_once(tmp_path: Path) -> None:
    for _ in range(2):
        record_decision(tmp_path, "000001", "accept", client="a", seq=1)
    assert history(tmp_path, "owner") == [("000001", "none", "")]


def test_kappa_and_its_interval_of_a_published_example() -> None:
    """statpsych's documented example of ci.kappa (Fleiss and Paik 2003): 31, 12, 4, 58."""
    kappa, error = cohen_kappa(31, 12, 4, 58)
    assert kappa == pytest.approx(0.6756757, abs=1e-7)
    assert error == pytest.approx(0.07344761, abs=1e-7)


@pytest.mark.parametrize("table", [(20, 5, 10, 15), (22, 2, 4, 11), (1, 0, 3, 9), (0, 6, 7, 0), (40, 0, 0, 3)])
def test_kappa_agrees_with_scikit_learn(table: tuple[int, int, int, int]) -> None:
    from sklearn.metrics import cohen_kappa_score

    a, b, c, d = table
    first, second = [0] * (a + b) + [1] * (c + d), [0] * a + [1] * b + [0] * c + [1] * d
    assert cohen_kappa(*table)[0] == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)


def test_agreement_of_two_readers_from_the_journal(tmp_path: Path) -> None:
    counts = {("accept", "accept"): 31, ("accept", "reject"): 12, ("reject", "accept"): 4, ("reject", "reject"): 58}
    number = 0
    for (mine, theirs), count in counts.items():
        for _ in range(count):
            number += 1
            record_decision(tmp_path, f"{number:06d}", mine, client="a", seq=number, by="Amal")
            record_decision(tmp_path, f"{number:06d}", theirs, client="b", seq=number, by="Karim")
    record_decision(tmp_path, "009999", "accept", client="a", seq=number + 1, by="Amal")
    found = agreement(tmp_path, "Amal", "Karim")
    assert found.both == 105 and found.table == ((31, 12), (4, 58))
    assert (found.low, found.high) == (pytest.approx(0.5317210, abs=1e-6), pytest.approx(0.8196303, abs=1e-6))
    assert found.differ == tuple(f"{number:06d}" for number in range(32, 48))


def test_agreement_says_where_it_is_not_defined(tmp_path: Path) -> None:
    assert agreement(tmp_path, "Amal", "Karim")[:3] == (0, ((0, 0), (0, 0)), None)
    for by in ("Amal", "Karim"):
        record_decision(tmp_path, "000001", "accept", client=by, seq=1, by=by)
    assert agreement(tmp_path, "Amal", "Karim").kappa is None, "one verdict throughout: chance agrees as well"
    for by in ("Amal", "Karim"):
        record_decision(tmp_path, "000002", "reject", client=by, seq=2, by=by)
    found = agreement(tmp_path, "Amal", "Karim")
    assert (found.kappa, found.low, found.high, found.differ) == (1.0, None, None, ())
