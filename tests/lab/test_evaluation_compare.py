"""Measurements side by side: a winner only where intervals lie apart and the numbers may be compared at all."""

from __future__ import annotations

from typing import Any

import pytest

from engines.errors import LabError
from engines.records import EvaluationRecord
from lab.evaluation_compare import compared, winner
from tests.lab.planted_evaluation import SPECS, row


def measured(id: str, *rows: dict[str, Any], real: str = "mias", sha256: str = "1") -> EvaluationRecord:
    parents = {f"image_sets/{real}": sha256}
    return EvaluationRecord(id=id, name=id, real=real, synthetic=f"set-{id}", metrics=list(rows), parents=parents)


def line(*records: EvaluationRecord) -> dict[str, Any]:
    (found,) = compared(records, SPECS)["lines"]
    return dict(found)


def test_the_best_is_called_so_only_where_intervals_lie_apart() -> None:
    near, far, close = (measured(str(n), row("kid", value)) for n, value in enumerate((0.2, 0.9, 0.35)))
    assert line(near, far)["best"] == 0 and line(far, near)["best"] == 1
    assert line(near, far, close)["best"] is None, "0.2 ± 0.1 and 0.35 ± 0.1 overlap"
    assert line(near, far)["cells"][1]["text"]


def test_near_the_baseline_is_best_where_that_is_what_counts() -> None:
    copies, right = measured("a", row("psnr", 0.9)), measured("b", row("psnr", 0.55))  # the baseline is 0.5
    assert line(copies, right)["best"] == 1


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (measured("b", row("kid", 0.9, n_synthetic=7)), "numbers of synthetic images"),
        (measured("b", row("kid", 0.9, extractor="inception")), "features"),
        (measured("b", row("kid", 0.9), sha256="2"), "different real images"),
    ],
)
def test_what_is_not_alike_is_not_ranked(other: EvaluationRecord, words: str) -> None:
    found = line(measured("a", row("kid", 0.2)), other)
    assert found["best"] is None and words in found["note"]


def test_legacy_metrics_rank_nothing_and_single_ones_are_left_out() -> None:
    one, other = measured("a", row("isc", 2.0), row("kid", 0.1)), measured("b", row("isc", 9.0))
    found = line(one, other)
    assert found["name"] == "isc" and found["best"] is None and "legacy" in found["note"]


def test_newest_checkpoints_are_compared() -> None:
    trained = measured("a", row("kid", 0.9, 1000), row("kid", 0.1, 2000))
    assert line(trained, measured("b", row("kid", 0.5)))["best"] == 0


def test_damaged_rows_and_wrong_numbers_are_no_winners() -> None:
    assert winner([row("kid", 0.1), None], "lower") is None
    assert winner([row("kid", 0.1), row("kid", float("nan"))], "lower") is None
    same = measured("a", row("kid", 0.1))
    for records in ([same], [same, same], [measured(str(n)) for n in range(5)]):
        with pytest.raises(LabError, match="Two to four"):
            compared(records, SPECS)
