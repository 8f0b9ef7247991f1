"""LaTeX tables keep to LaTeX's syntax and to an A4 page, and their captions say how the numbers were made."""

from __future__ import annotations

import re
from typing import Any

import pytest

from engines.classifiers import intervals
from engines.workspace import Workspace
from lab import classified_tables
from tests.lab.planted_comparison import ABOUT, plant

MEASURES = ABOUT["measures"]
COMMANDS = {
    "addlinespace", "begin", "bottomrule", "caption", "cdot", "centering", "end", "geq", "ldots", "leq", "midrule",
    "multicolumn", "pm", "small", "textasciicircum", "textasciitilde", "textbackslash", "textbar", "textgreater",
    "textit", "textless", "times", "toprule",
}  # fmt: skip


def assert_compiles(source: str) -> None:
    """What LaTeX would stop at: groups and environments that do not match, rows of another width, signs unescaped."""
    text = "\n".join(line for line in source.splitlines() if not line.startswith("%"))
    assert set(re.findall(r"\\([A-Za-z]+)", text)) <= COMMANDS
    assert not set(re.findall(r"\\([^A-Za-z\s])", text)) - set(r"\&%$#_{}")
    opened = []
    for verb, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if verb == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened
    plain = re.sub(r"\\[\\&%$#_{}]", "", text)  # without escaped signs and row ends
    depth = 0
    for sign in re.sub(r"[^{}]", "", plain):
        depth += 1 if sign == "{" else -1
        assert depth >= 0
    assert depth == 0 and not re.search(r"[#%~^]", plain)
    assert re.fullmatch(r"([^$]|\$(-|\\[a-z]+)\$)*", plain) and "_" not in plain
    for tabular in re.findall(r"\\begin\{tabular\}\{@\{\}(l+)@\{\}\}(.*?)\\end\{tabular\}", text, re.S):
        columns, rows = len(tabular[0]), [line for line in tabular[1].splitlines() if line.endswith(r"\\")]
        assert rows
        for row in rows:
            found = re.match(r"\\multicolumn\{(\d+)\}", row)
            cells = len(re.findall(r"(?<!\\)&", row)) + 1
            assert (int(found[1]) if found else cells) == columns
            assert not row.lstrip().startswith(("[", "*"))  # which the \\ before would take as its own


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A comparison's record; no test changes it."""
    return plant(Workspace.open(tmp_path_factory.mktemp("tables") / "lab"))


def many(record: Any, classifiers: int = 8, arms: int = 6) -> Any:
    """A planted comparison made large, its lines those of the planted one over and over."""
    titles = [
        {"key": f"c{n}", "title": f"Logistic regression on features {n}", "options": {}} for n in range(classifiers)
    ]
    sets = [{**record.arms[min(n, 1)], "name": f"a{n}" if n else "real"} for n in range(arms)]
    lines = [
        {**record.summary[2 * min(n, 1)], "classifier": one["key"], "arm": arm["name"], "n_patients": 12}
        for n, arm in enumerate(sets)
        for one in titles
    ]
    return record.model_copy(update={"classifiers": titles, "arms": sets, "summary": lines})


@pytest.mark.parametrize(("classifiers", "arms"), [(1, 1), (2, 3), (8, 6), (14, 11), (1, 30)])
def test_tables_of_any_size_compile_and_lose_no_row(planted: Any, classifiers: int, arms: int) -> None:
    record = many(planted, classifiers, arms)
    latex = classified_tables.as_latex(record, MEASURES, list(MEASURES))
    assert_compiles(latex)
    tables = [table for table in latex.split("\\begin{table}")[1:] if "Set & Diff" not in table]
    for head in ("AUROC", "Accuracy", "Brier score"):
        of = [table for table in tables if re.search(rf"& {head}\b", table)]
        rows = [row for table in of for row in re.findall(r"^[A-Z]+ & .*", table, re.M)]
        assert len(rows) == classifiers * arms, head
    differences = latex.split("Set & Difference")[1:]
    assert sum(len(re.findall(r"^[A-Z]+ & ", part, re.M)) for part in differences) == classifiers * (arms - 1)


def test_tables_fit_a_page(planted: Any) -> None:
    record = many(planted, 14, 6)
    wide = {**MEASURES, "long": {"title": "Calibration error of ten bins", "better": "lower"}}
    lines = [{**one, "measures": {**one["measures"], "long": one["measures"]["auroc"]}} for one in record.summary]
    record = record.model_copy(update={"summary": lines})
    latex = classified_tables.as_latex(record, wide, list(wide))
    for table in re.findall(r"\\toprule(.*?)\\bottomrule", latex, re.S):
        rows = [line.removesuffix(r" \\") for line in table.splitlines() if " & " in line]
        columns = zip(*(re.sub(r"[{}$]", "", row).split(" & ") for row in rows), strict=True)
        taken = sum(max(classified_tables._ems(cell) for cell in column) + 1.34 for column in columns) - 1.34
        assert taken <= 35.5
        assert len(table.splitlines()) <= 42


@pytest.mark.parametrize(
    ("changes", "patients", "words"),
    [
        ({}, 12, ("24 real images of 12 patients", "bootstrap of test patients (1,000 resamples)", "jackknife",
                  "mean of 2 trainings (seeds), each without another share of the training patients")),
        ({"train_varies": False}, 12, ("(1,000 resamples), scatter of the seeds.",)),
        ({"seeds": 1}, 12, ("one training (seed), tested", "other trainings are not in them")),
        ({"positive": ""}, 12, ("“Masses”, means over the classes: mean of",)),
        ({}, 0, ("24 real images (patients unknown, each image counted as one)", "bootstrap of test images")),
        ({}, None, ("tested on 24 real images. In brackets",)),  # older comparisons did not count them
    ],
)  # fmt: skip
def test_a_caption_says_how_the_numbers_were_made(
    planted: Any, changes: dict[str, Any], patients: int | None, words: tuple[str, ...]
) -> None:
    record = planted.model_copy(update=changes)
    lines = [{**one, "n_patients": patients} for one in record.summary]
    said = classified_tables.caption(record.model_copy(update={"summary": lines}))
    assert all(one in said for one in words), said
    assert classified_tables.RESAMPLES == intervals.RESAMPLES
    holm = classified_tables.differences_caption(record, MEASURES)
    assert (
        f"Differences in {'AUROC' if record.positive else 'Balanced accuracy'}" in holm
        and "p after Holm" in holm
        and "unadjusted 95 % intervals" in holm
    )


def test_a_column_has_the_digits_that_its_widest_interval_supports() -> None:
    narrow, broad = {"value": 0.7113, "low": 0.7012, "high": 0.7214}, {"value": 0.5, "low": 0.3, "high": 0.7}
    assert classified_tables._even([narrow, broad, {}]) == ["0.71 [0.70, 0.72]", "0.50 [0.30, 0.70]", "–"]
    assert classified_tables._even([narrow]) == ["0.711 [0.701, 0.721]"]


@pytest.mark.parametrize(  # by the widths of Computer Modern's letters (Knuth's cmr10)
    ("text", "true_em"), [("0.74 [0.68, 0.80]", 6.84), ("no difference seen", 7.71), ("Balanced", 3.99)]
)
def test_widths_are_rather_too_large(text: str, true_em: float) -> None:
    assert true_em <= classified_tables._ems(text) < 1.15 * true_em


def test_letters_go_on_after_z() -> None:
    assert [classified_tables._letter(n) for n in (0, 25, 26, 27)] == ["A", "Z", "AA", "BB"]
