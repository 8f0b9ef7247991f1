"""Figures of a report stand for the record's numbers, survive damaged files and carry no markup of the workspace."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from engines import files
from engines.workspace import Workspace
from lab import classified_drawing, classified_figures
from lab.classified_drawing import Axes
from tests.lab.planted_comparison import ABOUT, ID, plant

MEASURES = ABOUT["measures"]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """A comparison's record and its curves; no test changes them."""
    workspace = Workspace.open(tmp_path_factory.mktemp("figures") / "lab")
    record = plant(workspace, more=True)
    return record, files.read_json(workspace.folder("comparisons", ID) / "curves.json")


def figures(drawn: str) -> list[Any]:
    """The SVG of each figure, read by a strict reader."""
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", drawn, re.S)]


def texts(figure: Any) -> list[str]:
    return [str(node.text) for node in figure.iter("text")]


def test_curves_of_every_classifier_with_their_area(planted: tuple[Any, Any]) -> None:
    record, kept = planted
    drawn = classified_figures.curves(record, kept)
    assert "malignant against benign" in drawn and "the others" not in drawn
    first, second = figures(drawn)
    lines = list(first.iter("polyline"))
    assert len(lines) == 2 * len(record.arms) == 10
    assert lines[0].get("stroke") == classified_drawing.REAL and not lines[0].get("stroke-dasharray")
    looks = {(line.get("stroke"), line.get("stroke-dasharray")) for line in lines}
    assert len(looks) == 5
    words = texts(first)
    assert words[0] == "Logistic regression on Texture" and texts(second)[0] == "Small CNN"
    assert {"Real (TRTR)", "AUROC 0.70 [0.64, 0.76]", "AUROC 0.78 [0.72, 0.84]", "recall", "precision"} <= set(words)
    # The planted curve goes from corner to corner of the left chart
    points = [tuple(map(float, point.split(","))) for point in lines[0].get("points").split()]
    axes = Axes(46, 30, 220, 220)
    assert points[0] == (axes.x(0), axes.y(0)) and points[-1] == (axes.x(1), axes.y(1))


def test_every_class_has_its_own_figures(planted: tuple[Any, Any]) -> None:
    record, kept = planted
    classes = ["normal", "<b>", "cyst"]
    summary = [{**line, "classes": [{"images": 8, "auroc": 0.6 + k / 10} for k in range(3)]} for line in record.summary]
    record = record.model_copy(update={"classes": classes, "positive": "", "summary": summary})
    lines = [{**one, "class": k} for one in kept for k in range(3)]
    drawn = classified_figures.curves(record, lines)
    assert re.findall(r"<h3>(.*?)</h3>", drawn) == [
        f"{name} against the others" for name in ("normal", "&lt;b&gt;", "cyst")
    ]
    assert len(figures(drawn)) == 3 * 2 and "AUROC 0.700" in drawn and "AUROC 0.70 [" not in drawn
    interest = classified_figures.curves(record.model_copy(update={"positive": "cyst"}), lines)
    assert interest.index("cyst against") < interest.index("normal against") and "AUROC 0.70 [0.64, 0.76]" in interest


@pytest.mark.parametrize(
    "lines",
    [
        [], None, {}, "curves", [1, None], [{"classifier": "cnn_small", "arm": "real"}],
        [{"classifier": "cnn_small", "arm": "real", "roc": {"x": [0, "a", None], "y": [0, 1]}}],
        [{"classifier": "cnn_small", "arm": "real", "class": 7, "roc": {"x": [0, 1], "y": [0, 1]}}],
    ],
)  # fmt: skip
def test_without_curves_there_is_no_figure(planted: tuple[Any, Any], lines: Any) -> None:
    assert classified_figures.curves(planted[0], lines) == ""


def test_differences_stand_where_they_are(planted: tuple[Any, Any]) -> None:
    record, _ = planted
    (figure,) = figures(classified_figures.forest(record, MEASURES))
    dots = [float(dot.get("cx")) for dot in figure.iter("circle")]
    words = texts(figure)
    assert (
        len(dots) == 9
        and "Mean of 2 classifiers" in words
        and "+0.040 [+0.010, +0.070] helps" in words
        and "helps →" in words
    )
    zero = float(next(figure.iter("line")).get("x1"))
    right = [said.split("] ")[1] for said in words if "] " in said]
    assert right[:3] == ["no difference seen"] * 3, "means over the classifiers come first"
    assert right[3:] == [
        "no difference seen",
        "helps",
        "no difference seen",
        "hurts",
        "cannot be told",
        "no difference seen",
    ]
    assert dots[6] - zero == pytest.approx(zero - dots[3], abs=0.2) and dots[6] < zero  # −0.04 and +0.04
    assert dots[7] == pytest.approx(zero, abs=0.1)
    nothing = record.model_copy(update={"summary": record.summary[:2], "overall": []})
    assert classified_figures.forest(nothing, MEASURES) == ""


def test_phases_go_from_real_alone_onwards(planted: tuple[Any, Any]) -> None:
    record, _ = planted
    (figure,) = figures(classified_figures.phases(record, MEASURES))
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in figure.iter("circle")]
    first = dots[:3]  # of the first classifier: 0.70, 0.74 and 0.78 with 0, 4 and 8 synthetic images
    assert first == sorted(first) and [y for _, y in first] == sorted((y for _, y in first), reverse=True)
    assert first[1][0] - first[0][0] == pytest.approx(first[2][0] - first[1][0], abs=0.2) and len(dots) == 6
    assert {"0", "4", "8", "synthetic images added", "AUROC", "Small CNN"} <= set(texts(figure))
    arms = [{**arm, "protocol": "mixed"} if arm["protocol"] == "phases" else arm for arm in record.arms]
    assert classified_figures.phases(record.model_copy(update={"arms": arms}), MEASURES) == ""


def test_ticks_are_round_and_within() -> None:
    assert classified_drawing.ticks(0, 1, 5) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert classified_drawing.ticks(-0.073, 0.073, 4) == [-0.05, 0, 0.05]
    assert classified_drawing.ticks(3, 3, 4) == [3]


def test_thirty_training_sets_look_unlike() -> None:
    assert len({classified_drawing.look_of_arm(place) for place in range(31)}) == 31
    assert len({classified_drawing.look_of_classifier(place) for place in range(25)}) == 25
