"""From a catalogue of drawn films to an image set: analysis, choice, pixels, tables, and failures on the way."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines import files
from engines.curation.analysis import COLUMNS, SIDE_DIFFERS, is_current, read_analysis
from engines.curation.parameters import CurateParameters
from engines.curation.pipeline import CANDIDATE_COLUMNS, analyse_catalogue, make_image_set
from engines.decisions import record_decision
from engines.errors import LabError
from engines.jobs import control
from engines.jobs.context import JobContext, JobStopped
from engines.resize import RESIZER
from engines.tasks.curate import TASK
from engines.workspace import Workspace

pytestmark = pytest.mark.usefixtures("here")

Draw = Callable[..., np.ndarray[Any, Any]]
MakeCatalogue = Callable[..., str]


def films(draw: Draw) -> list[np.ndarray[Any, Any]]:
    """Three whole breasts of both sides, two that are cut at the nipple, and an empty film."""
    cut = [draw("left", cut="nipple", seed=seed) for seed in (4, 5)]
    return [draw("left", seed=1), draw("right", seed=2), draw("left", seed=3), *cut, np.full((400, 300), 9, np.uint8)]


def curated(ws: Workspace, context: JobContext, id: str, **choices: Any) -> Any:
    record = make_image_set(ws, id, CurateParameters(catalogue=id, size=48, **choices), context)
    return ws.image_set(record.id)


def test_analysis_has_a_row_an_outline_and_a_thumbnail_for_every_image(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue
) -> None:
    id = make_catalogue([*films(draw), b"not a picture"], sides=["L", "L", "", "", "", "", ""])
    summary = analyse_catalogue(workspace, id, context)
    assert summary == {"items": 7, "unreadable": 1, "side_conflicts": 1}
    folder = workspace.folder("catalogues", id) / "analysis"
    rows = read_analysis(workspace, id)
    assert list(rows[0]) == list(COLUMNS)
    assert [row["found_side"] for row in rows] == ["left", "right", "left", "left", "left", "", ""]
    assert [row["flipped"] for row in rows] == ["0", "1", "0", "0", "0", "0", "0"]
    assert SIDE_DIFFERS in rows[1]["reason"] and SIDE_DIFFERS not in rows[0]["reason"]
    assert rows[5]["reason"] == "no breast found" and rows[6]["reason"].startswith("could not be read: ")
    outlines = files.read_jsonl(folder / "outlines.jsonl")
    assert [line["item"] for line in outlines] == [f"{n:06d}" for n in range(1, 7)]
    assert 8 <= len(outlines[0]["outline"]) <= 64
    with Image.open(folder / "thumbnails" / "000001.webp") as seen:
        assert seen.size == (192, 256)
    assert is_current(workspace, id)
    files.write_csv(folder.parent / "items.csv", [{"item": "000001"}], ["item"])
    assert not is_current(workspace, id)


def test_a_set_holds_the_whole_breasts_all_turned_the_same_way(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue
) -> None:
    id = make_catalogue(films(draw), labels=["normal", "mass", "normal", "mass", "mass", "mass"])
    made = curated(workspace, context, id)
    record = made.record
    assert (record.items, record.kept, record.rejected, record.channels, record.dtype) == (3, 3, 3, 1, "uint8")
    assert record.classes == {"mass": 1, "normal": 2} and record.patients == 3 and record.origin == "real"
    assert record.parents == {f"catalogues/{id}": "0" * 64}
    assert record.resizer == RESIZER and record.intensity == "as stored: 8-bit values unchanged"
    assert record.content_sha256 == files.sha256_file(made.folder / "images.npy")
    assert made.images.shape == (3, 48, 48, 1) and made.images.dtype == np.uint8
    np.testing.assert_allclose(made.images[0].astype(int), made.images[1].astype(int), atol=14)
    assert [row["item"] for row in made.items] == ["000001", "000002", "000003"]
    assert [row["flipped"] for row in made.items] == ["0", "1", "0"]
    candidates = files.read_csv(made.folder / "curation.csv")
    assert list(candidates[0]) == list(CANDIDATE_COLUMNS)
    assert [row["kept"] for row in candidates] == ["1", "1", "1", "0", "0", "0"]
    assert candidates[3]["reason"].startswith("below 0.75: cut off at the nipple")
    with Image.open(made.folder / "thumbnails" / "000002.webp") as seen:
        assert seen.size == (48, 48)


def test_verdicts_by_hand_override_the_score(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue
) -> None:
    id = make_catalogue(films(draw))
    home = workspace.folder("catalogues", id)
    record_decision(home, "000004", "accept", "rare", client="a", seq=1)
    record_decision(home, "000001", "reject", client="a", seq=2)
    choices: tuple[tuple[dict[str, Any], list[str]], ...] = (
        ({"shape_confidence": 0.0}, ["000002", "000003", "000004", "000005", "000006"]),
        ({"keep_best": 1}, ["000004"]),
        ({}, ["000002", "000003", "000004"]),
    )
    for chosen, expected in choices:
        made = curated(workspace, context, id, **chosen)
        assert [row["item"] for row in made.items] == expected
    candidates = {row["item"]: row for row in files.read_csv(made.folder / "curation.csv")}
    assert candidates["000004"]["reason"] == "accepted by hand: rare"
    assert candidates["000001"]["reason"] == "rejected by hand"
    assert (made.folder / "decisions.jsonl").read_bytes() == (home / "decisions.jsonl").read_bytes()


def test_keep_best_takes_the_highest_scores(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue
) -> None:
    id = make_catalogue(films(draw))
    made = curated(workspace, context, id, keep_best=4)
    scores = {row["item"]: float(row["shape_confidence"]) for row in read_analysis(workspace, id)}
    kept = {row["item"] for row in made.items}
    assert len(kept) == 4
    assert min(scores[item] for item in kept) >= max(scores[item] for item in scores.keys() - kept)


def test_classes_and_split_by_patient(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue
) -> None:
    pictures = [draw("left", seed=seed) for seed in range(12)]
    labels = ["mass", "normal", "other"] * 4
    patients = [f"p{index // 2}" for index in range(12)]
    id = make_catalogue(pictures, labels=labels, patients=patients)
    made = curated(workspace, context, id, classes=["mass", "normal"], split="70/20/10", seed=3)
    assert Counter(row["label"] for row in made.items) == {"mass": 4, "normal": 4}
    parts = {(row["patient"], row["split"]) for row in made.items}
    assert len(parts) == len({row["patient"] for row in made.items})
    assert {"train"} < {part for _, part in parts} <= {"train", "validation", "test"}
    again = curated(workspace, context, id, classes=["normal", "mass"], split="70/20/10", seed=3)
    assert again.items == made.items and again.record.content_sha256 == made.record.content_sha256
    with pytest.raises(LabError, match="no class"):
        curated(workspace, context, id, classes=["typo"])


def test_16_bit_originals_make_a_16_bit_set_over_the_full_range(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue
) -> None:
    deep = [draw("left", seed=seed).astype(np.uint16) * 257 for seed in range(2)]
    made = curated(workspace, context, make_catalogue(deep, bits=16))
    assert made.record.dtype == "uint16" and made.record.intensity == "as stored: 16-bit values unchanged"
    assert made.images.max() > 40_000 and len(np.unique(made.images)) > 600


def test_files_that_vanish_or_break_between_analysis_and_set_are_left_out_with_the_reason(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue, tmp_path: Path
) -> None:
    id = make_catalogue([draw("left", seed=seed) for seed in range(4)])
    analyse_catalogue(workspace, id, context)
    (tmp_path / "originals" / "1.png").unlink()
    (tmp_path / "originals" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    made = curated(workspace, context, id)
    assert made.record.items == 2 and made.record.rejected == 2 and made.images.shape[0] == 2
    assert [row["item"] for row in made.items] == ["000002", "000004"]
    assert made.images[1].max() > 100
    candidates = files.read_csv(made.folder / "curation.csv")
    assert [row["kept"] for row in candidates] == ["0", "1", "0", "1"]
    assert candidates[0]["reason"].startswith("could not be read: ")
    assert sorted(path.name for path in (made.folder / "thumbnails").iterdir()) == ["000002.webp", "000004.webp"]
    assert not (made.folder / "shorter.npy").exists()
    for path in (tmp_path / "originals").iterdir():
        path.unlink()
    with pytest.raises(LabError, match="None of the chosen images could be read"):
        curated(workspace, context, id)


def test_originals_are_only_read(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue, tmp_path: Path
) -> None:
    id = make_catalogue(films(draw))

    def state() -> dict[str, tuple[str, int]]:
        paths = sorted((tmp_path / "originals").iterdir())
        return {p.name: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in paths}

    before = state()
    made = curated(workspace, context, id)
    assert state() == before
    text = "".join(path.read_text() for path in made.folder.glob("*.csv")) + (made.folder / "record.json").read_text()
    assert str(tmp_path) not in text, "paths can hold names"


def test_a_stop_leaves_no_half_made_set_and_no_half_made_analysis(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue
) -> None:
    id = make_catalogue(films(draw))
    control.request(context.folder, "stop")
    with pytest.raises(JobStopped):
        curated(workspace, context, id)
    assert workspace.ids("image_sets") == [] and not list((workspace.path / "image_sets").iterdir())
    assert not (workspace.folder("catalogues", id) / "analysis").exists()
    assert context.take("stop")
    assert curated(workspace, context, id).record.items == 3


def test_nothing_kept_says_what_to_do(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue
) -> None:
    id = make_catalogue([draw("left", cut="nipple")])
    with pytest.raises(LabError) as caught:
        curated(workspace, context, id, shape_confidence=0.99)
    assert "0.99" in caught.value.why and "0" in caught.value.advice
    assert workspace.ids("image_sets") == []


def test_colour_patches_go_through_with_everything_off(
    workspace: Workspace, context: JobContext, make_catalogue: MakeCatalogue
) -> None:
    rng = np.random.default_rng(0)
    patches = [rng.integers(0, 255, (50, 34 + 8 * n, 3), dtype=np.uint8) for n in range(3)]
    id = make_catalogue(patches)
    plain: dict[str, Any] = {"shape_confidence": 0.0, "crop": False, "flip": False}
    assert curated(workspace, context, id, **plain).images.shape == (3, 48, 48, 3)
    assert curated(workspace, context, id, **plain, channels="grey").images.shape == (3, 48, 48, 1)
    assert curated(workspace, context, id, shape_confidence=0.0).images.shape == (3, 48, 48, 3)
    assert "colour picture" in read_analysis(workspace, id)[0]["reason"]


def test_the_task_reports_what_the_command_line_prints(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue
) -> None:
    id = make_catalogue(films(draw))
    result = TASK.run(TASK.parameters(catalogue=id, size=32, name="Whole breasts"), context)
    assert json.loads(json.dumps(result)) == result
    assert {k: result[k] for k in ("items", "kept", "rejected", "size", "channels")} == {
        "items": 3, "kept": 3, "rejected": 3, "size": 32, "channels": 1,
    }  # fmt: skip
    assert workspace.image_set(result["id"]).record.name == "Whole breasts"
