"""Which candidates are kept: filters, intent, quarantine, hand, rank and threshold, each with its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from engines.curation.choosing import QUARANTINED, choose, left_out_in_words, nothing_kept
from engines.curation.parameters import CurateParameters
from engines.errors import LabError
from engines.tasks.curate import PRESETS, TASK

Rows = list[dict[str, str]]
About = dict[str, dict[str, str]]


def rows(*scores: float, **reasons: str) -> Rows:
    """Candidates a, b, c, … with these scores."""
    names = "abcdefgh"[: len(scores)]
    return [
        {"item": name, "label": "normal", "shape_confidence": str(score), "reason": reasons.get(name, "")}
        for name, score in zip(names, scores, strict=True)
    ]


def kept(candidates: Rows, about: About | None = None, verdicts: Any = None, **choices: Any) -> tuple[str, list[str]]:
    """The items that are kept, in one word, and the reasons of the others."""
    clusters = choices.pop("of_clusters", None)
    parameters = CurateParameters(catalogue="x", **choices)
    decided = choose(candidates, parameters, verdicts or {}, about or {}, clusters)
    return "".join(row["item"] for row in decided if row["kept"]), [r["reason"] for r in decided if not r["kept"]]


def test_filters_take_whole_values_and_parts_of_joined_ones() -> None:
    about = {
        "a": {"abnormality": "mass", "pathology": "MALIGNANT"},
        "b": {"abnormality": "calcification; mass", "pathology": "BENIGN"},
        "c": {"abnormality": "calcification", "pathology": "MALIGNANT"},
        "d": {"abnormality": "", "pathology": "MALIGNANT"},
    }
    candidates = rows(0.9, 0.9, 0.9, 0.9)
    masses, why = kept(candidates, about, where={"abnormality": ["mass"]})
    assert masses == "ab"
    assert why == ["abnormality “calcification” not chosen", "abnormality not known"]
    both = {"abnormality": ["mass", "calcification"], "pathology": ["MALIGNANT"]}
    assert kept(candidates, about, where=both)[0] == "ac"
    assert kept(candidates, about, where={"abnormality": []})[0] == "abcd", "an empty filter is none"
    assert kept(candidates, about, {"c": ("accept", "")}, where={"abnormality": ["mass"]})[0] == "ab"
    with pytest.raises(LabError, match="knows no"):
        kept(candidates, about, where={"colour_of_hair": ["brown"]})
    with pytest.raises(LabError) as caught:
        kept(candidates, about, where={"pathology": ["typo"]})
    assert "BENIGN, MALIGNANT" in caught.value.why


def test_raw_and_processed_pictures_are_never_mixed() -> None:
    about = {name: {"intent": "FOR PROCESSING"} for name in "abc"} | {
        name: {"intent": "FOR PRESENTATION"} for name in "de"
    }
    candidates = rows(0.9, 0.9, 0.9, 0.9, 0.9, 0.9)
    most, why = kept(candidates, about)
    assert most == "abcf", "the commoner kind, and what does not say"
    assert why == ["FOR PRESENTATION: this set holds FOR PROCESSING only"] * 2
    assert kept(candidates, about, intent="FOR PRESENTATION")[0] == "def"
    assert kept(candidates, about, {"d": ("accept", "")})[0] == "abcf", "not even by hand"
    del about["c"]
    assert kept(candidates, about)[0] == "cdef", "processed ones if there are as many of both"
    label = [{**row, "label": "mass"} if row["item"] in "de" else row for row in candidates]
    assert kept(label, about, classes=["mass"])[0] == "de", "only what passes the filters counts"


def test_burned_in_text_waits_for_a_person() -> None:
    about = {"a": {"burned_in": "YES"}, "b": {"burned_in": "NO"}, "c": {"burned_in": "YES"}}
    assert kept(rows(0.9, 0.9, 0.9), about) == ("b", [QUARANTINED] * 2)
    accepted = {"c": ("accept", "no text")}
    assert kept(rows(0.9, 0.9, 0.9), about, accepted)[0] == "bc"
    assert kept(rows(0.99, 0.5, 0.9), about, keep_best=1)[0] == "b", "quarantined images take no place"
    decided = choose(rows(0.9, 0.9, 0.9), CurateParameters(catalogue="x"), {}, about)
    assert left_out_in_words(decided) == [
        "2 images say that text is burned into them and were left out until accepted by hand."
    ]


def test_rank_share_and_floor() -> None:
    candidates = rows(0.9, 0.2, 0.8, 0.7, 0.6, 0.1)
    assert kept(candidates, keep_best=3)[0] == "acd"
    assert kept(candidates, keep_best=3)[1][-1] == "not among the best 3"
    assert kept(candidates, keep_share=0.5)[0] == "acd" == kept(candidates, keep_share=0.5, keep_best=5)[0]
    assert kept(candidates, keep_share=0.01)[0] == "a", "at least one"
    assert kept(candidates, keep_best=5, keep_above=0.65) == ("acd", ["not among the best 5 above 0.65"] * 3)
    by_hand = {"b": ("accept", ""), "a": ("reject", "blurred")}
    assert kept(candidates, verdicts=by_hand, keep_best=2) == (
        "bc",
        ["rejected by hand: blurred", *["not among the best 2"] * 3],
    )
    assert kept(candidates, keep_best=3, where={"label": ["normal"]})[0] == "acd"


def test_the_threshold_keeps_the_sentence_of_the_score() -> None:
    candidates = rows(0.9, 0.5, 0.0, b="cut off below", c="could not be read: This file is empty.")
    assert kept(candidates) == ("a", ["below 0.75: cut off below", "could not be read: This file is empty."])


def test_clusters() -> None:
    numbers = {"a": 1, "b": 2, "c": 1}
    candidates = rows(0.9, 0.9, 0.9, 0.9)
    chosen, why = kept(candidates, of_clusters=numbers, clustering="c", clusters=[1])
    assert chosen == "ac" and why == ["cluster 2 not chosen", "in no cluster of this clustering"]


def test_nothing_kept_names_the_commonest_reason() -> None:
    parameters = CurateParameters(catalogue="x", classes=["mass"])
    error = nothing_kept(parameters, choose(rows(0.9, 0.8), parameters, {}))
    assert error.why == "2 of 2: class not chosen."
    strict = CurateParameters(catalogue="x", shape_confidence=0.95)
    assert "0.90" in nothing_kept(strict, choose(rows(0.9, 0.8), strict, {})).why


def test_presets_are_parameters() -> None:
    assert list(TASK.presets) == ["standard", "as_rahali_2025", "permissive", "patches"]
    for preset in PRESETS.values():
        CurateParameters(catalogue="x", **preset.changes)
    candidates = rows(0.99, 0.98, 0.97, 0.96, 0.95, 0.94)
    assert kept(candidates, **PRESETS["as_rahali_2025"].changes)[0] == "ab", "about a third of however good a set"
    assert "never published" in PRESETS["as_rahali_2025"].summary
