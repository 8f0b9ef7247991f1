"""Comparisons and their files: for the owner only, nothing else of the disk, every text escaped for its format."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engines.jobs import description
from engines.workspace import Workspace
from lab import classified_report, classified_routes, classified_tables
from tests.lab.planted_comparison import ABOUT, ID, plant, plant_job
from tests.lab.test_classified_tables import assert_compiles
from tests.lab.test_media import Role

READ = (
    "/comparisons", f"/comparison/{ID}", "/classifying/now", f"/comparison/{ID}/download/table.csv",
    f"/comparison/{ID}/download/table.tex", f"/comparison/{ID}/download/table.md",
    f"/comparison/{ID}/download/report.html", f"/comparison/{ID}/download/record.json",
    f"/comparison/{ID}/download/test.csv", f"/comparison/{ID}/download/curves.json",
)  # fmt: skip
MEASURES = ABOUT["measures"]
EVIL = "<script>alert(1)</script> \\input{/etc/passwd} | [x](javascript:1) & 5 % of $1_000 #~^ \n\\\\ \\hline"


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(description, "recall", lambda: {"tasks": {"compare": {"about": ABOUT}}})
    app = FastAPI()
    app.include_router(classified_routes.make(workspace))
    app.add_middleware(Role)
    return TestClient(app)


@pytest.mark.parametrize("path", READ)
def test_the_owner_reads_and_nobody_else(client: TestClient, workspace: Workspace, path: str) -> None:
    plant(workspace)
    plant_job(workspace, "now")
    assert client.get(path).status_code == 200
    for role in ("viewer", "reader", ""):
        refused = client.get(path, headers={"role": role})
        assert refused.status_code == 403 and refused.json()["error"] == "This is a read-only view."


def test_every_route_is_in_the_matrix(workspace: Workspace) -> None:
    for route in classified_routes.make(workspace).routes:
        form = re.sub(r"\{[^}]+\}", "[^/]+", route.path)  # type: ignore[attr-defined]
        assert any(re.fullmatch(form, path) for path in READ), route.path  # type: ignore[attr-defined]
        assert route.methods == {"GET"}  # type: ignore[attr-defined]


def test_the_whole_of_a_comparison(client: TestClient, workspace: Workspace) -> None:
    plant(workspace)
    whole = client.get(f"/comparison/{ID}").json()
    assert whole["primary"] == "auroc" and whole["whole"] and whole["described"] and not whole["live"]
    assert len(whole["rows"]) == 12 and len(whole["summary"]) == len(whole["curves"]) == 6
    assert whole["summary"][0]["texts"]["auroc"] and len(whole["headline"]) == 3
    assert {"table.csv", "table.tex", "table.md", "report.html", "record.json", "test.csv"} <= set(whole["files"])
    listed = client.get("/comparisons").json()
    assert [one["id"] for one in listed["comparisons"]] == [ID] and listed["jobs"] == []


def test_numbers_stay_when_the_curves_are_gone(client: TestClient, workspace: Workspace) -> None:
    plant(workspace)
    (workspace.folder("comparisons", ID) / "curves.json").unlink()
    whole = client.get(f"/comparison/{ID}").json()
    assert whole["curves"] == [] and "curves.json" not in whole["files"] and whole["rows"]


@pytest.mark.parametrize(
    "path",
    [
        "nobody", "..", "nobody/download/table.csv", "nobody/download/report.html", f"{ID}/download/job.json",
        f"{ID}/download/..%2Frecord.json", f"{ID}/download/cells", f"{ID}/download/0000.npz",
        "..%2fimage_sets%2fmasses/download/record.json",
    ],
)  # fmt: skip
def test_nothing_beyond_the_bounds(client: TestClient, workspace: Workspace, path: str) -> None:
    plant(workspace)
    assert client.get(f"/comparison/{path}").status_code == 404
    assert client.get("/classifying/nobody").status_code == 404


def download(client: TestClient, name: str, more: str = "") -> str:
    answer = client.get(f"/comparison/{ID}/download/{name}{more}")
    assert f'attachment; filename="{ID}-{name}"' in answer.headers["content-disposition"]
    return answer.text


def test_the_table_to_compute_with(client: TestClient, workspace: Workspace) -> None:
    record = plant(workspace)
    rows = list(csv.DictReader(io.StringIO(download(client, "table.csv"))))
    assert len(rows) == 6 * 4 + 2 * 4
    mean = rows[-1]
    assert mean["classifier_title"] == "Mean of 2 classifiers" and mean["value"] == "" and mean["difference"] == "0.021"
    row = next(one for one in rows if one["arm"] == "phase-2" and one["classifier"].startswith("logistic"))
    line = next(one for one in record.summary if one["arm"] == "phase-2")
    assert float(row["value"]) == line["measures"][row["measure"]]["value"]
    assert row["verdict"] == "helps" and float(row["p_holm"]) == 0.04 and row["n_synthetic"] == "8"
    assert [one["verdict"] for one in rows if one["arm"] == "real"] == [""] * 8


def test_the_printed_tables_hold_what_is_chosen(client: TestClient, workspace: Workspace) -> None:
    plant(workspace)
    latex = download(client, "table.tex", "?measures=auroc,accuracy,nothing")
    values, gaps = latex.split("\\end{table}")[:2]
    body = [line for line in values.splitlines() if line.endswith(r"\\")]
    assert body[0] == r"Set & AUROC & Accuracy \\" and "nothing" not in latex
    assert [line[0] for line in body[1:]] == ["\\", "A", "B", "C"] * 2  # a classifier stands over its training sets
    assert body[2] == r"A & 0.70 {[}0.64, 0.76{]} & 0.60 {[}0.54, 0.66{]} \\"
    assert "B, Phase 1: real + 4 synthetic" in values
    assert r"C & +0.040 {[}+0.010, +0.070{]} & 0.040 & 0.050 & helps \\" in gaps
    markdown = download(client, "table.md", "?measures=auroc")
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(lines) == 10 and all(line.count("|") == 6 for line in lines)
    assert "no difference" in markdown and "Brier" not in markdown


def evil(workspace: Workspace) -> Any:
    record = plant(workspace)
    classifiers = [{**one, "title": EVIL} for one in record.classifiers]
    arms = [{**arm, "title": f"={EVIL}"} for arm in record.arms]
    guards = [{"name": "x", "title": EVIL, "state": "open", "text": EVIL}]
    refused = [{"classifier": EVIL, "arm": EVIL, "what": EVIL, "why": EVIL, "advice": EVIL}]
    leaks = [dict.fromkeys(("kind", "item", "part", "other_item", "other_part"), EVIL)]
    changes = {"name": EVIL, "classifiers": classifiers, "arms": arms, "guards": guards, "not_done": refused}
    return record.model_copy(update={**changes, "leaks": leaks, "warnings": [EVIL], "parameters": {EVIL: EVIL}})


def test_names_cannot_break_out_of_a_table(workspace: Workspace) -> None:
    record = evil(workspace)
    latex = classified_tables.as_latex(record, MEASURES, ["auroc"])
    assert r"\input" not in latex and "\\hline" not in latex and r"\textbackslash{}input\{" in latex
    assert_compiles(latex)
    markdown = classified_tables.as_markdown(record, MEASURES, ["auroc"])
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(lines) == 10 and all(len(re.findall(r"(?<!\\)\|", line)) == 6 for line in lines)
    assert not re.search(r"(?<!\\)\](\(|\[)", markdown) and not re.search(r"(?<!\\)<", markdown)
    rows = list(csv.DictReader(io.StringIO(classified_tables.as_csv(record, MEASURES, []))))
    assert all(row["arm_title"].startswith("'=") for row in rows) and rows[0]["classifier_title"] == EVIL


def test_the_report_says_what_a_methods_section_needs(client: TestClient, workspace: Workspace) -> None:
    plant(workspace, more=True)
    page = download(client, "report.html")
    for words in (
        "Logistic regression on Texture, Small CNN told benign from malignant", "2 trainings",
        "tested on 24 real images",
        "tested on 8 synthetic images", "delete-a-group jackknife", "Holm", "hash of masses", "learning_rate = 0.016",
        "of 12 patients", "Intervals are not adjusted", "against benign", "would mostly be missed",
        "McNemar 4 against 2", "Enough test images", "not “no difference”", "<svg",
        "Difference in AUROC from training", "synthetic images added", "AUROC 0.74 [0.68, 0.80]",
    ):  # fmt: skip
        assert words in page, words
    assert not re.search(r"(src|href)=", page) and "http://" not in page and "https://" not in page


def test_the_report_escapes_everything(workspace: Workspace) -> None:
    page = classified_report.page(evil(workspace), MEASURES)
    assert "<script" not in page and "&lt;script&gt;" in page


def test_a_comparison_that_was_stopped_says_so(workspace: Workspace) -> None:
    record = plant(workspace)
    stopped = record.model_copy(update={"rows": record.rows[:3], "summary": record.summary[:2]})
    assert "was stopped" in classified_report.page(stopped, MEASURES)
    assert "Stopped before its end" in classified_tables.as_markdown(stopped, MEASURES, ["auroc"])
    nothing = record.model_copy(update={"rows": [], "summary": [], "overall": []})
    assert "No training set stands beside" in classified_report.page(nothing, MEASURES)
