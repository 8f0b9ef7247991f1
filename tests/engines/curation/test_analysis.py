"""The analysis of a catalogue: it grows, goes on after a stop, ends in order, and says what it makes of each image."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import files
from engines.curation import analysis
from engines.curation.analysis import COLUMNS, SIDE_DIFFERS, TURNED, analyse_catalogue, is_current, read_analysis
from engines.curation.inspection import Inspection, inspect_file, inspect_pixels
from engines.jobs import control
from engines.jobs.context import JobContext, JobStopped
from engines.jobs.lock import holding
from engines.readers.base import Picture
from engines.records import Source
from engines.workspace import Workspace

pytestmark = pytest.mark.usefixtures("here")

Draw = Callable[..., np.ndarray[Any, Any]]
MakeCatalogue = Callable[..., str]


def stopped_after(count: int, context: JobContext, monkeypatch: pytest.MonkeyPatch) -> list[Source]:
    """Let a stop come after that many images; gives the list of originals that are looked at."""
    seen: list[Source] = []

    def look(source: Source, read: Any) -> Inspection:
        seen.append(source)
        if len(seen) == count:
            control.request(context.folder, "stop")
        return inspect_file(source, read)

    monkeypatch.setattr(analysis, "inspect_file", look)
    return seen


def test_a_stopped_analysis_goes_on_where_it_stopped(
    workspace: Workspace,
    context: JobContext,
    draw: Draw,
    make_catalogue: MakeCatalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    id = make_catalogue([*(draw("left", seed=n) for n in range(5)), b"broken"])
    home = workspace.folder("catalogues", id)
    seen = stopped_after(3, context, monkeypatch)
    with pytest.raises(JobStopped):
        analyse_catalogue(workspace, id, context)
    assert not is_current(workspace, id) and not (home / "analysis").exists()
    assert len(read_analysis(workspace, id)) == 3, "what is there can be looked at"
    assert (home / "analysis.part" / "thumbnails" / "000003.webp").exists()
    with open(home / "analysis.part" / "curation.csv", "ab") as torn:
        torn.write(b"000004,normal,p3,,,0.9")  # the machine stopped within a row
    assert context.take("stop")
    summary = analyse_catalogue(workspace, id, context)
    assert summary == {"items": 6, "unreadable": 1, "side_conflicts": 0}
    assert len(seen) == 6, "nothing is looked at twice"
    rows = read_analysis(workspace, id)
    assert [row["item"] for row in rows] == [f"{n:06d}" for n in range(1, 7)]
    assert list(rows[0]) == list(COLUMNS)
    assert is_current(workspace, id) and not (home / "analysis.part").exists()


def test_a_half_made_analysis_of_another_table_is_not_taken_up(
    workspace: Workspace,
    context: JobContext,
    draw: Draw,
    make_catalogue: MakeCatalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    id = make_catalogue([draw("left", seed=n) for n in range(3)])
    home = workspace.folder("catalogues", id)
    seen = stopped_after(2, context, monkeypatch)
    with pytest.raises(JobStopped):
        analyse_catalogue(workspace, id, context)
    assert context.take("stop")
    items = files.read_csv(home / "items.csv")
    files.write_csv(home / "items.csv", [{**item, "label": "mass"} for item in items], list(items[0]))
    assert analyse_catalogue(workspace, id, context)["items"] == 3
    assert len(seen) == 5 and {row["label"] for row in read_analysis(workspace, id)} == {"mass"}


def test_a_spread_sample_comes_first_and_the_table_ends_in_order(
    workspace: Workspace, context: JobContext, make_catalogue: MakeCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "FIRST", 4)
    id = make_catalogue([np.full((40, 30), 9 + n, np.uint8) for n in range(12)])
    seen = stopped_after(99, context, monkeypatch)
    analyse_catalogue(workspace, id, context)
    assert [source.path.stem for source in seen[:4]] == ["1", "4", "7", "10"]
    assert [row["item"] for row in read_analysis(workspace, id)] == [f"{n:06d}" for n in range(1, 13)]


def test_two_jobs_never_analyse_one_catalogue_at_once(
    workspace: Workspace,
    context: JobContext,
    draw: Draw,
    make_catalogue: MakeCatalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    id = make_catalogue([draw("left")])
    expected = analyse_catalogue(workspace, id, context)
    home = workspace.folder("catalogues", id)
    analysed, waiting = home / "analysis", threading.Event()
    analysed.rename(home / "aside")
    monkeypatch.setattr(JobContext, "progress", lambda self, *_: waiting.set())
    found: list[dict[str, Any]] = []
    with holding(home / "analysis.lock") as mine:
        assert mine
        other = threading.Thread(target=lambda: found.append(analyse_catalogue(workspace, id, context)))
        other.start()
        assert waiting.wait(20)
        (home / "aside").rename(analysed)  # the first job is done
        other.join(20)
    assert found == [expected]


def test_items_and_sources_in_different_orders_are_joined(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue
) -> None:
    id = make_catalogue([draw("left"), draw("right"), draw("left")])
    home = workspace.folder("catalogues", id)
    sources = files.read_csv(home / "sources.csv")
    files.write_csv(home / "sources.csv", sources[1::-1], ["item", "path"])
    analyse_catalogue(workspace, id, context)
    rows = read_analysis(workspace, id)
    assert [row["found_side"] for row in rows] == ["left", "right", ""]
    assert rows[2]["reason"].startswith("could not be read: Its original is not in the list")


def test_boxes_of_a_reduced_decode_are_those_of_the_whole_picture(draw: Draw) -> None:
    small = draw("right", label="beside")
    large = np.kron(small, np.ones((4, 4), np.uint8))
    asked: list[int] = []

    def reading(pixels: np.ndarray[Any, Any], reduced: int) -> Callable[..., Picture]:
        def read(source: Any, least_side: int = 0) -> Picture:
            asked.append(least_side)
            return Picture(pixels, 8, reduced=reduced)

        return read

    whole, quick = (inspect_file(Path("x"), reading(*given)) for given in ((large, 1), (small, 4)))
    assert asked == [512, 512] and (quick.width, quick.height) == (whole.width, whole.height) == (1200, 1600)
    assert quick.side == whole.side == "right" and whole.crop is not None and quick.crop is not None
    for name in ("x", "y", "width", "height"):
        assert getattr(quick.crop, name) == pytest.approx(getattr(whole.crop, name), abs=24)
    assert quick.shape.confidence == pytest.approx(whole.shape.confidence, abs=0.05)
    assert whole.crop.veil.size == 0, "it would be sent between processes for nothing"


def test_disagreements_with_the_header_are_flagged(
    workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue
) -> None:
    id = make_catalogue([draw("left"), draw("right"), draw("left")], sides=["L", "R", "R"])
    home = workspace.folder("catalogues", id)
    items = files.read_csv(home / "items.csv")
    about = [("A\\F", "NO"), ("A\\FR", "YES"), ("", "")]
    changed = [{**item, "orientation": o, "burned_in": b} for item, (o, b) in zip(items, about, strict=True)]
    files.write_csv(home / "items.csv", changed, list(changed[0]))
    analyse_catalogue(workspace, id, context)
    rows = read_analysis(workspace, id)
    assert [TURNED in row["reason"] for row in rows] == [False, True, False]
    assert [SIDE_DIFFERS in row["reason"] for row in rows] == [False, False, True]
    assert ["orientation in doubt" in row["flags"] for row in rows] == [False, True, True]
    assert ["burned-in text" in row["flags"] for row in rows] == [False, True, False]


def test_flags_and_fingerprints(draw: Draw) -> None:
    left, right, other = draw("left", seed=1), draw("right", seed=1), draw("left", seed=1, cut="nipple")
    assert "1 label" in inspect_pixels(draw("left", label="beside")).flags
    assert "label touches" in inspect_pixels(draw("left", label="touching")).flags
    assert "cut off" in inspect_pixels(other).flags and "cut off" not in inspect_pixels(left).flags
    hashes = [int(inspect_pixels(film).hash, 16) for film in (left, right, other)]
    apart = [(hashes[0] ^ hash).bit_count() for hash in hashes]
    assert apart[1] <= 8 < apart[2], "turned it is the same picture"
