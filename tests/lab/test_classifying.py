"""What the Classify tab says of a comparison: verdicts with what they rest on, what is whole, and jobs at work."""

from __future__ import annotations

from typing import Any

import pytest

from engines.errors import LabError
from engines.jobs import events
from engines.workspace import Workspace
from lab import classifying
from tests.lab.planted_comparison import ABOUT, ARMS, CLASSIFIERS, ID, SEEDS, arms_of, plant, plant_job

MEASURES = ABOUT["measures"]


def gap(**changes: Any) -> dict[str, Any]:
    found = {"value": 0.0421, "low": 0.0113, "high": 0.0731, "p_holm": 0.0004, "least_detectable": 0.05, "seeds": 5}
    return {**found, "about": "other training patients", "verdict": "helps", **changes}


def test_a_verdict_stands_with_all_that_it_rests_on() -> None:
    said = classifying.judged(gap(), "AUROC")
    assert said == (
        "helps: AUROC +0.042 [+0.011, +0.073]; p < 0.001 after Holm; a difference under 0.050 would mostly be missed "
        "(about other training patients)"
    )
    assert "−0.04" in classifying.judged(gap(value=-0.04, verdict="hurts"), "AUROC")
    assert "p = 0.34" in classifying.judged(gap(p_holm=0.341, verdict="no difference seen"), "AUROC")
    assert "hardly any" in classifying.judged(gap(least_detectable=3.0), "AUROC")


def test_an_interval_without_zero_beside_no_difference_says_why() -> None:
    found = gap(p=0.012, p_holm=0.192, compared=16, verdict="no difference seen")
    assert classifying.judged(found, "AUROC") == (
        "no difference seen: AUROC +0.042 [+0.011, +0.073]; p = 0.19 after Holm; the interval leaves out zero: alone "
        "it would count (p = 0.012), among 16 comparisons it does not; a difference under 0.050 would mostly be missed "
        "(about other training patients)"
    )
    below = {"value": -0.04, "low": -0.07, "high": -0.01}
    assert "among 16" in classifying.judged({**found, **below}, "AUROC")
    # Comparisons of before do not say of how many p is
    assert "among all comparisons it does not" in classifying.judged({**found, "compared": None}, "AUROC")


@pytest.mark.parametrize(
    "changes",
    [
        {"p": 0.0001},  # called: both agree
        {"p": 0.2, "p_holm": 0.9, "low": -0.01},  # not called: both agree
        {"p": 0.0625, "p_holm": 0.2},  # few patients that all agree: the sign test's p, and no interval's
        {"p": 0.01, "p_holm": 0.2, "low": None, "high": None},
    ],
)
def test_where_interval_and_verdict_agree_nothing_is_explained(changes: dict[str, Any]) -> None:
    assert "alone it would count" not in classifying.judged(gap(compared=16, **changes), "AUROC")


@pytest.mark.parametrize(("seeds", "why"), [(1, "one training says nothing of chance"), (5, "too little is known")])
def test_what_cannot_be_told_says_why(seeds: int, why: str) -> None:
    found = gap(seeds=seeds, p_holm=None, least_detectable=None, low=None, high=None, verdict="cannot be told")
    said = classifying.judged(found, "AUROC")
    assert said.startswith("cannot be told: AUROC +0.042; ") and why in said and "missed" not in said


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({"value": None, "low": None, "high": None}, "–"),
        ({"value": float("nan"), "low": 0.1, "high": 0.2}, "–"),
        ({"value": 0.71234, "low": 0.65, "high": 0.77}, "0.71 [0.65, 0.77]"),
        ({"value": 0.7, "low": None, "high": None}, "0.700"),
    ],
)
def test_values_in_words(found: dict[str, Any], text: str) -> None:
    assert classifying.in_words(found) == text


def test_no_difference_has_no_sign() -> None:
    assert classifying.signed({"value": -0.00001, "low": -0.02, "high": 0.02}) == "0.000 [−0.020, +0.020]"


def test_a_line_is_dressed_for_the_page(workspace: Workspace) -> None:
    record = plant(workspace)
    lines = [classifying.dressed(line, MEASURES) for line in record.summary]
    real, helps = lines[0], next(line for line in lines if line["arm"] == "phase-2")
    assert real["texts"]["auroc"].startswith("0.70 [") and real["said"] == {}
    assert helps["said"]["auroc"].startswith("helps: AUROC +0.04") and helps["differences"]["auroc"]["text"]


def test_the_whole_in_sentences(workspace: Workspace) -> None:
    record = plant(workspace)
    said = classifying.headline(record, MEASURES)
    assert said[0].startswith(
        "Phase 1: real + 4 synthetic: no difference seen, as the mean of 2 classifiers (AUROC +0.021 [−0.004, +0.046]; "
        "p = 0.16 after Holm; a difference under 0.040 would mostly be missed)."
    )
    assert said[0].endswith("One by one: no difference seen in 1, hurts 1 of 2 classifiers.")
    assert said[1].endswith("One by one: helps 1, cannot be told for 1 of 2 classifiers.")
    old = classifying.headline(record.model_copy(update={"overall": []}), MEASURES)
    assert old[1] == "Phase 2: real + 8 synthetic: helps 1, cannot be told for 1 of 2 classifiers."
    assert "“No difference seen” is not “no difference”" in said[2]
    once = [{**line, "differences": {"auroc": gap(seeds=1, verdict="cannot be told")}} for line in record.overall]
    said = classifying.headline(record.model_copy(update={"overall": once}), MEASURES)
    assert "; one training says nothing of chance)" in said[0] and "p =" not in said[0]
    refused = [{"classifier": one["key"], "arm": "phase-2"} for one in record.classifiers]
    without = [line for line in record.summary if line["arm"] != "phase-2"]
    missing = record.model_copy(update={"not_done": refused, "summary": without, "overall": record.overall[:1]})
    assert classifying.headline(missing, MEASURES)[1] == "Phase 2: real + 8 synthetic: not trained; the checks say why."
    assert classifying.headline(plant_alone(workspace), MEASURES) == []


def plant_alone(workspace: Workspace) -> Any:
    record = workspace.record("comparisons", ID)
    return record.model_copy(update={"summary": record.summary[:2]})


def test_what_is_left_to_train(workspace: Workspace) -> None:
    record = plant(workspace)
    assert classifying.is_whole(record)
    part = record.model_copy(update={"rows": record.rows[:5]})
    assert not classifying.is_whole(part)
    # What cannot be trained is not left to do: else “Continue” would stand there for ever
    gone = (CLASSIFIERS[1], ARMS[2])
    rows = [row for row in record.rows if (row["classifier"], row["arm"]) != gone]
    refused = [{"classifier": gone[0], "arm": gone[1], "what": "No.", "why": "", "advice": ""}]
    assert classifying.is_whole(record.model_copy(update={"rows": rows, "not_done": refused}))
    assert len(record.rows) == len(CLASSIFIERS) * len(ARMS) * SEEDS


def test_the_list_follows_the_files(workspace: Workspace) -> None:
    lines = classifying.Lines(workspace)
    assert lines.all() == []
    record = plant(workspace)
    (line,) = lines.all()
    assert (line["id"], line["rows"], line["whole"]) == (ID, 12, True)
    workspace.save("comparisons", record.model_copy(update={"rows": record.rows[:5]}))
    assert lines.all()[0]["whole"] is False


def test_jobs_at_work_and_one_that_failed_last(workspace: Workspace) -> None:
    plant_job(workspace, "a-1", state="failed")
    plant_job(workspace, "b-2", state="done")
    plant_job(workspace, "c-3", state="running")
    plant_job(workspace, "d-4", state="queued", kind="evaluate")
    plant_job(workspace, "e-5", state="interrupted")
    assert [job.id for job in classifying.jobs(workspace)] == ["e-5", "c-3"]


def begun(workspace: Workspace) -> None:
    """A job at work with a matrix, two trainings and one that was refused."""
    plant_job(workspace, "now", parameters={"real": "masses"})
    folder = workspace.folder("jobs", "now")
    classifiers = [{"key": "a", "title": "A", "name": "a", "options": {}}, {"key": "b", "title": "B", "name": "b"}]
    events.append(folder, "guard", name="apart", title="Apart", state="closed", text="Yes.")
    matrix = {"classifiers": classifiers, "arms": arms_of(8, 24, False), "seeds": 2, "classes": ["x", "y"]}
    events.append(folder, "matrix", **matrix, positive="y")
    for seed in range(2):
        events.append(folder, "cell", classifier="a", arm="real", seed=seed, metrics={"auroc": 0.7}, reused=False)
    text = "B, Phase 1: real + 4 synthetic: not trained. Too few images."
    refused = {"classifier": "b", "arm": "phase-1", "what": "Too few images.", "why": "", "advice": "Add some."}
    events.append(folder, "warning", text=text, advice="Add some.", refused=refused)
    events.append(folder, "warning", text="A was not tuned.", advice="")


def test_a_comparison_at_work(workspace: Workspace) -> None:
    plant(workspace)
    begun(workspace)
    found = classifying.work(workspace, "now", 0)
    assert found["name"] == "Masses" and found["count"] == len(found["rows"]) == 2 and not found["comparison"]
    assert found["matrix"]["seeds"] == 2 and found["guards"][0]["state"] == "closed"
    assert found["not_done"] == [
        {"classifier": "b", "arm": "phase-1", "what": "Too few images.", "why": "", "advice": "Add some."}
    ]
    assert [row["seed"] for row in classifying.work(workspace, "now", 1)["rows"]] == [1]
    assert classifying.work(workspace, "now", 99)["rows"] == []


def test_other_jobs_are_none_of_it(workspace: Workspace) -> None:
    plant_job(workspace, "other", kind="train")
    for id in ("other", "nobody"):
        with pytest.raises(LabError):
            classifying.work(workspace, id, 0)
