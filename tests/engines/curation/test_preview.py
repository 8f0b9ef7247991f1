"""The preview: pictures before and after, of the images that are hardest for a step, without making a set."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines.curation import analysis
from engines.curation.analysis import analyse_catalogue, read_analysis
from engines.errors import LabError
from engines.jobs import control
from engines.jobs.context import JobContext, JobStopped
from engines.tasks.preview import TASK, PreviewParameters
from engines.workspace import Workspace

pytestmark = pytest.mark.usefixtures("here")

Draw = Callable[..., np.ndarray[Any, Any]]
MakeCatalogue = Callable[..., str]


@pytest.fixture
def id(workspace: Workspace, context: JobContext, draw: Draw, make_catalogue: MakeCatalogue) -> str:
    """Whole breasts, one with a label that touches it, one with a label beside it, one cut, one broken file."""
    films = [draw("right", seed=1), draw("left", label="touching"), draw("left", label="beside"), draw("left", seed=4)]
    id = make_catalogue([*films, draw("left", cut="nipple"), b"broken"])
    analyse_catalogue(workspace, id, context)
    return id


def shown(id: str, context: JobContext, **choices: Any) -> list[dict[str, str]]:
    result = TASK.run(PreviewParameters(catalogue=id, **choices), context)
    assert json.loads(json.dumps(result)) == result
    rows: list[dict[str, str]] = result["rows"]
    return rows


def pixels(context: JobContext, name: str) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO((context.folder / name).read_bytes())).convert("L")).astype(int)


def test_a_step_is_shown_on_its_hardest_images_first(id: str, context: JobContext) -> None:
    rows = shown(id, context, step="background", curate={"shape_confidence": 0.5})
    assert [row["item"] for row in rows][:2] == ["000002", "000003"]
    assert "000005" not in {row["item"] for row in rows}, "only what would be kept"
    assert rows[0]["title"] == "Label and background removal" and "label touches" in rows[0]["note"]
    before, after = (pixels(context, rows[0][when]) for when in ("before", "after"))
    assert before.shape == after.shape and max(before.shape) <= 320
    assert (before > 230).sum() > 500 > (after > 230).sum(), "the label is gone"


def test_all_steps_together_end_in_the_picture_of_the_set(id: str, context: JobContext) -> None:
    rows = shown(id, context, curate={"size": 64}, count=2)
    assert len(rows) == 2 and {row["step"] for row in rows} == {"chain"}
    assert pixels(context, rows[0]["after"]).shape == (64, 64)
    assert pixels(context, rows[0]["before"]).shape[0] == 320


def test_each_step_of_one_image(id: str, context: JobContext) -> None:
    rows = shown(id, context, item="000001", curate={"steps": {"blur": {"sigma": 3}}})
    assert [row["step"] for row in rows] == ["crop", "background", "flip", "resize", "blur", "rgb", "intensity"]
    flip = next(row for row in rows if row["step"] == "flip")
    before, after = (pixels(context, flip[when]) for when in ("before", "after"))
    assert np.abs(before[:, ::-1] - after).mean() < 3 < np.abs(before - after).mean()
    assert "mirrored" in flip["note"]


def test_a_step_that_is_off_is_shown_as_if_on(id: str, context: JobContext) -> None:
    rows = shown(id, context, step="clahe", count=3)
    assert len(rows) == 3 and all("changes greys" in row["note"] for row in rows)
    for step in ("crop", "flip", "window"):
        assert shown(id, context, step=step, curate={"crop": False, "flip": False}), step


def test_measured_steps_put_the_most_doubtful_first(id: str, context: JobContext) -> None:
    rows = shown(id, context, step="window", curate={"steps": {"window": {"centre": 20, "width": 30}}})
    shares = [int(row["note"].split("%")[0].split()[-1]) for row in rows]
    assert shares == sorted(shares, reverse=True) and shares[0] > 0


def test_a_preview_needs_no_finished_analysis(
    workspace: Workspace,
    context: JobContext,
    draw: Draw,
    make_catalogue: MakeCatalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    id = make_catalogue([draw("left", seed=n) for n in range(4)])
    with pytest.raises(LabError, match="not been looked at"):
        shown(id, context)
    seen: list[Any] = []
    look = analysis.inspect_file

    def stopping(source: Any, read: Any) -> Any:
        seen.append(source)
        if len(seen) == 2:
            control.request(context.folder, "stop")
        return look(source, read)

    monkeypatch.setattr(analysis, "inspect_file", stopping)
    with pytest.raises(JobStopped):
        analyse_catalogue(workspace, id, context)
    assert context.take("stop")
    assert {row["item"] for row in shown(id, context)} == {"000001", "000002"}


def test_wrong_requests_are_refused_in_words(id: str, workspace: Workspace, context: JobContext) -> None:
    for choices, words in (
        ({"step": "sharpen"}, "no step"),
        ({"item": "999999"}, "no image"),
        ({"item": "000006"}, "no image"),
        ({"curate": {"size": 7}}, "cannot be tried"),
    ):
        with pytest.raises(LabError, match=words):
            shown(id, context, **choices)
    assert len(read_analysis(workspace, id)) == 6 and workspace.ids("image_sets") == []
    control.request(context.folder, "stop")
    with pytest.raises(JobStopped):
        shown(id, context)
