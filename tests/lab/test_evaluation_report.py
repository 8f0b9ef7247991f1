"""The report: one file with its own Plotly and the whole protocol, in which nothing of the workspace is markup."""

from __future__ import annotations

import re

from engines.workspace import Workspace
from lab import evaluating, evaluation_report, evaluation_scorecard, figures
from tests.lab.planted_evaluation import SPECS, plant, row

CRITERIA = [{**criterion._asdict(), "facts": []} for criterion in evaluation_scorecard.CRITERIA]
HOSTILE = "</script><img src=x onerror=alert(1)>"


def bare(page: str) -> str:
    """The page without Plotly's own code."""
    return re.sub(r"<script[^>]*>.*?</script>", "", page, flags=re.DOTALL)


def test_it_holds_numbers_protocol_and_plotly(workspace: Workspace) -> None:
    page = evaluation_report.page(plant(workspace, parameters={"seed": 7, "count": 6}), SPECS, CRITERIA)
    assert "0.30 [0.20, 0.40] dB" in page and "real against real" not in bare(page).split("<table>")[0]
    for words in ("mias", "hash of mias", "area", "8 real and 6 synthetic", "seed = 7", "numpy", "Not assessed."):
        assert words in bare(page), words
    assert page.count("Plotly.newPlot") == 1 and len(page) > 1_000_000
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", page)  # nothing is fetched


def test_nothing_of_the_workspace_becomes_markup(workspace: Workspace) -> None:
    specs = {"kid": {**SPECS["kid"], "title": HOSTILE, "unit": HOSTILE, "source": HOSTILE}}
    rows = [row("kid", value, seen, extractor=HOSTILE, warnings=[HOSTILE]) for seen, value in ((64, 1.0), (128, 0.4))]
    record = plant(
        workspace, metrics=rows, warnings=[HOSTILE], resizer=HOSTILE, parameters={HOSTILE: HOSTILE},
        parents={HOSTILE: HOSTILE}, not_measured=[{"name": "fid", "title": HOSTILE, "what": HOSTILE}],
    )  # fmt: skip
    hostile = [{**CRITERIA[0], "name": HOSTILE, "facts": [HOSTILE]}]
    page = evaluation_report.page(record.model_copy(update={"versions": {HOSTILE: HOSTILE}}), specs, hostile)
    assert HOSTILE not in page and "<img" not in bare(page)
    assert "Over training" in page and "Not measured" in page


def test_rows_that_cannot_be_drawn_are_left_out_of_the_figures(workspace: Workspace) -> None:
    record = plant(workspace, metrics=[row("kid", 1.0, baseline=None), row("psnr", 1.0) | {"value": None}])
    page = evaluation_report.page(record, SPECS, CRITERIA)
    assert "Plotly.newPlot" not in page and "KID" in page


def test_every_band_of_real_images_is_drawn_and_has_room(workspace: Workspace) -> None:
    rows = [evaluating.dressed(row(name, value), SPECS) for name, value in (("kid", 3.0), ("psnr", -1.0))]
    shapes = figures.beside_baseline(rows).to_dict()["layout"]
    bands = [shape for shape in shapes["shapes"] if shape["type"] == "rect"]
    assert [(band["x0"], band["x1"], band["xref"]) for band in bands] == [(0.4, 0.6, "x"), (0.4, 0.6, "x2")]
    for axis, (low, high) in (("xaxis", (0.4, 3.1)), ("xaxis2", (-1.1, 0.6))):
        assert shapes[axis]["range"][0] < low and shapes[axis]["range"][1] > high
