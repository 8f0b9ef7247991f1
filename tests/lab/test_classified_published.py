"""What studies printed beside ours: the right rows for each training set, ours with intervals, and what is unlike."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engines import registry
from engines.classifiers.studies import STUDIES
from engines.jobs import description
from engines.records import ComparisonRecord
from engines.workspace import Workspace
from lab import classified_published, classified_routes
from tests.lab.planted_comparison import ABOUT, CLASSIFIERS, ID, SYNTHETIC, plant
from tests.lab.test_media import Role

MEASURES = ABOUT["measures"]
KEYS = {CLASSIFIERS[0]: "logistic_regression:james_2024", CLASSIFIERS[1]: "cnn_small:james_2024"}


@pytest.fixture(scope="module")
def studies() -> dict[str, Any]:
    found: dict[str, Any] = {name: registry._plain(study) for name, study in STUDIES.items()}
    return found


def renamed(workspace: Workspace, keys: dict[str, str], **arms: str) -> ComparisonRecord:
    """The planted comparison as a study's: other keys of its classifiers, other names of its training sets."""
    record = plant(workspace).model_dump()
    for one in record["classifiers"]:
        one["key"] = keys[one["key"]]
    for line in record["summary"]:
        line["classifier"] = keys[line["classifier"]]
        line["arm"] = arms.get(line["arm"].replace("-", "_"), line["arm"])
        line["measures"] |= {name: dict(line["measures"]["accuracy"]) for name in ("precision", "recall")}
        line["measures"]["specificity"] = {"value": 0.61, "low": 0.5, "high": 0.7}
    for arm in record["arms"]:
        arm["name"] = arms.get(arm["name"].replace("-", "_"), arm["name"])
    record["tuned"] = []
    return ComparisonRecord.model_validate(record)


def told(record: ComparisonRecord, studies: dict[str, Any], methods: Any = None) -> list[dict[str, Any]]:
    return classified_published.told(record, studies, MEASURES, methods or {})


def test_a_study_stands_beside_its_classifiers_and_training_sets(workspace: Workspace, studies: dict[str, Any]) -> None:
    record = renamed(workspace, KEYS)
    (study,) = told(record, studies)
    assert study["name"] == "james_2024" and len(study["rows"]) == 6
    rows = {(row["classifier"], row["arm"]): row for row in study["rows"]}
    before = rows[KEYS[CLASSIFIERS[0]], "real"]["cells"]
    ours = record.summary[0]["measures"]["recall"]
    assert before["recall of interest"]["printed"] == 0.22
    assert before["recall of interest"]["value"] == ours["value"] and "[" in before["recall of interest"]["text"]
    # The other class's recall is the specificity, with its interval; its precision has none.
    assert before["recall of other"]["value"] == 0.61 and before["recall of other"]["low"] == 0.5
    assert before["precision of other"]["value"] == 0.7 and before["precision of other"]["low"] is None
    assert rows[KEYS[CLASSIFIERS[1]], "phase-2"]["cells"]["recall of interest"]["printed"] == 0.88
    titles = [column["title"] for column in study["columns"]]
    assert "Recall of “malignant”" in titles and "Precision of “benign”" in titles
    assert "no mark to be reached" in " ".join(study["notes"]) and "3,000 benign" in study["notes"][0]


def test_other_options_and_amounts_are_said(workspace: Workspace, studies: dict[str, Any]) -> None:
    record = renamed(workspace, KEYS)
    record.parameters |= {"phase_step": 4, "options": {KEYS[CLASSIFIERS[1]]: {"epochs": 2}}}
    (study,) = told(record, studies)
    said = " ".join(study["notes"])
    rows = {row["arm"]: row["amounts"] for row in study["rows"]}
    assert rows == {"real": "", "phase-1": "here + 4, printed + 520", "phase-2": "here + 8, printed + 1,040"}
    assert "here + 8, printed + 1,040" in classified_published.as_markdown([study])
    assert "phase step 4 (study: 520)" in said and "options other than the study's: Small CNN" in said


def test_no_study_stands_beside_what_is_none(workspace: Workspace, studies: dict[str, Any]) -> None:
    assert told(plant(workspace), studies) == []
    assert classified_published.section([]) == ""


def test_each_of_two_generators_has_its_own_rows(workspace: Workspace, studies: dict[str, Any]) -> None:
    keys = {CLASSIFIERS[0]: "resnet18_frozen:chi_2018", CLASSIFIERS[1]: "cnn_small"}
    record = renamed(workspace, keys, phase_1="mixed-1", phase_2="synthetic_to_real:other")

    def of(methods: dict[str, frozenset[str]]) -> list[tuple[str, float]]:
        (study,) = told(record, studies, methods)
        return [(row["arm"].partition(":")[0], row["cells"]["accuracy"]["printed"]) for row in study["rows"]]

    assert of({SYNTHETIC: frozenset({"cycle_gan"})}) == [
        ("real", 0.682),
        ("synthetic_to_real", 0.513),
        ("mixed-1", 0.695),
    ]
    assert of({SYNTHETIC: frozenset({"dcgan_plus"})})[1:] == [("synthetic_to_real", 0.471), ("mixed-1", 0.731)]
    assert len(of({})) == len(of({SYNTHETIC: frozenset({"r3_gan"})})) == 5, "of neither kind: both are shown"


def test_tuned_and_untuned_are_told_apart(workspace: Workspace, studies: dict[str, Any]) -> None:
    keys = {CLASSIFIERS[0]: "vgg16:al_bouhairi", CLASSIFIERS[1]: "cnn_small:al_bouhairi"}
    record = renamed(workspace, keys)

    def small() -> list[float]:
        (study,) = told(record, studies)
        return [row["cells"]["auroc"]["printed"] for row in study["rows"] if row["classifier"].startswith("cnn")]

    assert small() == [0.49]
    record.tuned = [{"classifier": "cnn_small:al_bouhairi"}]
    assert small() == [0.50]


def test_what_was_not_trained_says_why(workspace: Workspace, studies: dict[str, Any]) -> None:
    record = renamed(workspace, KEYS)
    record.not_done = [
        {"classifier": KEYS[CLASSIFIERS[1]], "arm": "real", "what": "No weights.", "why": "<b>", "advice": ""}
    ]
    record.summary = [
        line for line in record.summary if (line["classifier"], line["arm"]) != (KEYS[CLASSIFIERS[1]], "real")
    ]
    found = told(record, studies)
    (row,) = [row for row in found[0]["rows"] if row["missing"]]
    assert row["arm"] == "real" and row["missing"] == "No weights. <b>"
    assert "not trained" in classified_published.as_markdown(found)


def test_files_and_the_page_have_it(
    workspace: Workspace, studies: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    about = {**ABOUT, "studies": studies}
    monkeypatch.setattr(description, "recall", lambda: {"tasks": {"compare": {"about": about}}})
    record = renamed(workspace, KEYS)
    record.name = "<script>alert(1)</script> | x"
    workspace.save("comparisons", record)
    app = FastAPI()
    app.include_router(classified_routes.make(workspace))
    app.add_middleware(Role)
    client = TestClient(app)
    (study,) = client.get(f"/comparison/{ID}").json()["published"]
    assert len(study["rows"]) == 6
    rows = list(csv.DictReader(io.StringIO(client.get(f"/comparison/{ID}/download/published.csv").text)))
    assert len(rows) == 12 and rows[0]["printed"] == "0.34" and float(rows[0]["high"]) > float(rows[0]["low"])
    assert "\\<script\\>" in client.get(f"/comparison/{ID}/download/published.md").text
    shown = classified_published.section([study])
    assert "<script>" not in shown and "printed and here" in shown and "0.34" in shown
    assert "James 2024: printed and here" in client.get(f"/comparison/{ID}/download/report.html").text
    assert client.get(f"/comparison/{ID}/download/published.md", headers={"role": "viewer"}).status_code == 403
