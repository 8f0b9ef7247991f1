"""What the Explore tab says of an evaluation: numbers in words, the best checkpoint, how a copy was moved."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engines.errors import LabError
from engines.jobs import events
from engines.workspace import Workspace
from lab import evaluating, numbers
from tests.lab.planted_evaluation import SPECS, details, plant, plant_job, row


def test_a_row_gets_words_and_loses_its_details() -> None:
    shown = evaluating.dressed(row("psnr", 24.61, low=24.3, high=25.0, details=details()), SPECS)
    assert (shown["title"], shown["unit"], shown["text"]) == ("PSNR to the nearest real", "dB", "24.61 [24.30, 25.00]")
    assert shown["baseline_text"] == "0.50 [0.40, 0.60]" and "details" not in shown


@pytest.mark.parametrize("value", [None, math.nan, "12", True])
def test_what_is_no_number_is_a_dash(value: object) -> None:
    shown = evaluating.dressed(row("kid", 1.0) | {"value": value}, SPECS)
    assert shown["text"] == "–" and shown["value"] is not math.nan


def test_an_unknown_metric_is_still_shown() -> None:
    assert evaluating.dressed(row("own_metric", 1.0), {})["title"] == "own_metric"


def test_an_interval_without_width_has_few_digits() -> None:
    assert numbers.with_interval(100, 100, 100) == "100 [100, 100]"
    assert numbers.with_interval(0, 0, 0) == "0.000 [0.000, 0.000]"


def test_the_best_checkpoint_is_told_from_those_that_cannot_be_told_apart() -> None:
    rows = [row("kid", value, seen) for seen, value in ((64, 1.0), (128, 0.5), (192, 0.65), (256, 2.0))]
    assert evaluating.best_checkpoint(rows, "lower") == {"images_seen": 128, "rivals": [192]}
    assert evaluating.best_checkpoint(rows, "higher") == {"images_seen": 256, "rivals": []}
    assert evaluating.best_checkpoint(rows, "near_baseline") == {"images_seen": 128, "rivals": [192]}
    assert evaluating.best_checkpoint(rows[:1], "lower") is None
    assert evaluating.best_checkpoint([row("kid", 1.0), row("kid", 2.0)], "lower") is None  # of a set


def test_legacy_metrics_rank_nothing() -> None:
    rows = [row(name, value, seen) for name in ("kid", "isc") for seen, value in ((64, 1.0), (128, 2.0))]
    assert evaluating.bests(rows, SPECS) == {"kid": {"images_seen": 64, "rivals": []}}


@pytest.mark.parametrize(
    ("shift", "flipped", "scale", "words"),
    [
        ((0.0, 0.0), False, 1.0, "as it is"),
        ((0.125, 0.0), False, 1.0, "moved 8 px down"),
        ((-0.125, 0.0625), True, 70 / 64, "mirrored, enlarged by 9 %, moved 8 px up and 2 px right"),
        ((0.0, -0.0625), False, 61 / 64, "shrunk by 5 %, moved 2 px left"),
    ],
)
def test_how_an_image_was_laid_over_another(
    shift: tuple[float, float], flipped: bool, scale: float, words: str
) -> None:
    assert evaluating.moved(shift, flipped, scale, 64, 32) == words


def test_flagged_pairs_come_first(workspace: Workspace) -> None:
    found = evaluating.copies(plant(workspace), 12, 10)
    assert found is not None
    assert [(pair["index"], pair["flagged"]) for pair in found["pairs"]] == [(2, True), (3, False)]
    assert (found["threshold"], found["calibrated_images"]) == (0.8, 70)


def test_copies_are_those_of_the_newest_checkpoint(workspace: Workspace) -> None:
    rows = [row("memorisation", 0.2, 64, details=details()), row("kid", 0.2, 64), row("kid", 0.1, 128)]
    record = plant(workspace, metrics=rows)
    assert evaluating.copies(record, 12, 10) is None  # the images that were kept are those of 128


def test_columns_that_a_histogram_is_drawn_of(workspace: Workspace) -> None:
    record = plant(workspace, metrics=[row("ms_ssim", 0.1), row("memorisation", 0.1)])
    names = ["index", "ms_ssim_value", "memorisation_ncc", "memorisation_nearest", "memorisation_flagged", "other_x"]
    found = evaluating.columns(names, record, SPECS)
    assert [(column["name"], column["metric"]) for column in found] == [
        ("ms_ssim_value", "ms_ssim"),
        ("memorisation_ncc", "memorisation"),
    ]
    unknown = evaluating.columns(names, record, {})  # the engine has not said yet what it can do
    assert [column["title"] for column in unknown] == ["ms_ssim", "NCC to the nearest real"]


def test_the_measurement_at_work_is_found(workspace: Workspace) -> None:
    assert evaluating.at_work(workspace, "drawn") == ""
    plant_job(workspace, "old", state="done")
    plant_job(workspace, "other", parameters={"synthetic": "another"})
    plant_job(workspace, "training", kind="train")
    plant_job(workspace, "now", state="queued")
    (workspace.folder("jobs", "broken")).mkdir()
    assert evaluating.at_work(workspace, "drawn") == "now"


def test_rows_come_as_they_are_measured(workspace: Workspace) -> None:
    plant_job(workspace, "now", progress=0.25, message="KID")
    folder = workspace.folder("jobs", "now")
    events.append(folder, "evaluation", **row("kid", 1.0, 64))
    first = evaluating.work(workspace, "now", 0, SPECS)
    assert (first["state"], first["progress"], first["count"], len(first["rows"])) == ("running", 0.25, 1, 1)
    events.append(folder, "progress", fraction=0.5)
    events.append(folder, "evaluation", **{**row("kid", 0.5, 128), "value": math.nan})
    later = evaluating.work(workspace, "now", first["count"], SPECS)
    assert [(one["images_seen"], one["text"]) for one in later["rows"]] == [(128, "–")]
    plant_job(workspace, "training", kind="train")
    with pytest.raises(LabError, match="measures nothing"):
        evaluating.work(workspace, "training", 0, SPECS)


def test_what_new_patients_score() -> None:
    kept = {"unseen": [3.0, None, 1.0], "unseen_ncc": [0.5]}
    assert evaluating.unseen(kept, "psnr_psnr") == [3.0, 1.0]
    assert evaluating.unseen(kept, "memorisation_ncc") == [0.5]
    assert evaluating.unseen({}, "lpips_lpips") == []
    assert np.histogram(evaluating.unseen({}, "realism_percentile"), 10, (0, 100))[0].tolist() == [30] * 10


def test_damaged_details_keep_nothing_else_from_the_page(workspace: Workspace) -> None:
    damaged = {"pairs": [[1], None, [1, 2, "x", [0, 0], False, 1, True], *details()["pairs"]]}
    record = plant(workspace, metrics=[row("memorisation", 0.2, details=damaged), {"images_seen": None}])
    found = evaluating.copies(record, 12, 10)
    assert found is not None and len(found["pairs"]) == 2 and found["threshold"] is None
    assert evaluating.dressed({"images_seen": None}, SPECS)["text"] == "–"


def test_the_list_follows_the_files_and_reads_each_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    record = plant(workspace, metrics=[row("kid", 1.0, seen) for seen in (64, 128)])
    known = evaluating.Lines(workspace)
    (line,) = known.all()
    assert (line["id"], line["synthetic"], line["checkpoints"]) == (record.id, "drawn", 2)
    workspace.save("evaluations", record.model_copy(update={"id": "later", "synthetic": "another"}))
    (workspace.folder("evaluations", "damaged")).mkdir()
    assert {line["id"] for line in known.all()} == {record.id, "later"}
    assert [line["id"] for line in known.of("another")] == ["later"]
    monkeypatch.setattr(Workspace, "record", lambda *about: pytest.fail("read again"))
    assert len(known.all()) == 2
