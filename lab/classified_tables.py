"""The table of a comparison as CSV, LaTeX and Markdown: every text from the workspace is escaped for its format."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from engines import files
from engines.records import ComparisonRecord
from lab import classifying

Measures = Mapping[str, Mapping[str, Any]]
COLUMNS = (
    "classifier", "classifier_title", "arm", "arm_title", "protocol", "tested", "n_real", "n_synthetic", "copies",
    "n_test", "seeds", "measure", "value", "low", "high", "sd_seeds", "about", "difference", "difference_low",
    "difference_high", "p", "p_holm", "least_detectable", "verdict",
)  # fmt: skip
LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "×": r"$\times$", "−": r"$-$", "–": "--", "—": "---", "“": "``",
    "”": "''", "≥": r"$\geq$", "≤": r"$\leq$", "·": r"$\cdot$", "[": "{[}", "]": "{]}",
}  # fmt: skip
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~$&])")


def titles(record: ComparisonRecord) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Titles of the classifiers by key, and the arms by name."""
    classifiers = {str(one["key"]): str(one["title"]) for one in record.classifiers}
    return classifiers, {str(arm["name"]): arm for arm in record.arms}


def lines_of(record: ComparisonRecord) -> list[dict[str, Any]]:
    """The summary classifier by classifier: the engine tells it in the order in which it was trained."""
    keys = [str(one["key"]) for one in record.classifiers]
    return sorted(record.summary, key=lambda line: keys.index(line["classifier"]) if line["classifier"] in keys else -1)


def rows_of(record: ComparisonRecord) -> Iterator[dict[str, Any]]:
    """One row for each classifier, arm and measure: everything that is known, numbers as they are."""
    classifiers, arms = titles(record)
    for line in lines_of(record):
        arm = arms.get(line["arm"], {})
        about = {
            **{name: line.get(name) for name in ("classifier", "arm", "protocol", "tested", "n_test", "seeds")},
            **{name: arm.get(name) for name in ("n_real", "n_synthetic", "copies")},
            "classifier_title": classifiers.get(line["classifier"], ""), "arm_title": arm.get("title", ""),
        }  # fmt: skip
        for measure, found in (line.get("measures") or {}).items():
            gap = (line.get("differences") or {}).get(measure, {})
            between = {f"difference_{end}": gap.get(end) for end in ("low", "high")}
            judged = {name: gap.get(name) for name in ("p", "p_holm", "least_detectable", "verdict")}
            yield {**about, "measure": measure, **found, "difference": gap.get("value"), **between, **judged}


def as_csv(record: ComparisonRecord, measures: Measures, chosen: Sequence[str]) -> str:
    """All measures, whatever is chosen: a table to compute with."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows_of(record):
        writer.writerow([_cell(row.get(column)) for column in COLUMNS])
    return written.getvalue()


def _cell(value: Any) -> Any:
    """Text that a spreadsheet program would run as a formula is marked as text, as files.write_csv does."""
    if value is None:
        return ""
    return "'" + value if isinstance(value, str) and value.lstrip("'").startswith(files.FORMULA_STARTS) else value


def wide(record: ComparisonRecord, measures: Measures, chosen: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the printed table: a classifier on a training set, its measures, and the verdict."""
    classifiers, arms = titles(record)
    name = classifying.primary(record)
    known = {measure for line in record.summary for measure in line.get("measures") or {}}
    shown = [measure for measure in chosen if measure in known]
    better = {"higher": "↑", "lower": "↓"}
    arrows = [better.get(str(measures.get(one, {}).get("better", "")), "") for one in shown]
    heads = [f"{classifying.title_of(one, measures)} {arrow}".strip() for one, arrow in zip(shown, arrows, strict=True)]
    header = ["Classifier", "Training set", *heads, f"Difference in {classifying.title_of(name, measures)}", "Verdict"]
    rows = []
    for line in lines_of(record):
        gap = (line.get("differences") or {}).get(name)
        values = [classifying.in_words((line.get("measures") or {}).get(one, {})) for one in shown]
        said = [classifying.signed(gap), str(gap.get("verdict", ""))] if gap else ["–", "–"]
        title = str(arms.get(line["arm"], {}).get("title", line["arm"]))
        rows.append([classifiers.get(line["classifier"], line["classifier"]), title, *values, *said])
    return header, rows


def caption(record: ComparisonRecord, measures: Measures) -> str:
    """What the table is, in one paragraph that makes it readable alone."""
    positive = f" of “{record.positive}”" if record.positive else ""
    people = "; each training leaves other patients out" if record.train_varies else ""
    tests = sorted({int(line["n_test"]) for line in record.summary if line.get("tested") == "real"})
    asked = f"{', '.join(f'{count:,}' for count in tests)} real images" if tests else "synthetic images"
    done = "" if classifying.is_whole(record) else " Stopped before its end: fewer trainings than were asked for."
    return (
        f"Classifiers on “{record.name}”{positive}: mean of {record.seeds} trainings{people}, tested on {asked}, with "
        "95 % intervals over test patients and trainings. Differences are from training on real images alone; verdicts "
        f"by p < 0.05 after Holm. “No difference seen” is not “no difference”.{done}"
    )


def as_latex(record: ComparisonRecord, measures: Measures, chosen: Sequence[str]) -> str:
    """A table that needs no package but booktabs."""
    header, rows = wide(record, measures, chosen)
    header = [head.replace(" ↑", "").replace(" ↓", "") for head in header]
    lines = [
        "% needs \\usepackage{booktabs}", "\\begin{table}", "\\centering", "\\footnotesize",
        f"\\caption{{{latex(caption(record, measures))}}}",
        f"\\begin{{tabular}}{{ll{'r' * (len(header) - 3)}l}}", "\\toprule",
        " & ".join(latex(head) for head in header) + r" \\", "\\midrule",
    ]  # fmt: skip
    before = None
    for row in rows:
        # The classifier stands once; only rows that follow one another belong together.
        cells = [latex(row[0]) if row[0] != before else "", *(latex(cell) for cell in row[1:])]
        if before is not None and row[0] != before:
            lines.append("\\addlinespace")
        before = row[0]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", "\\end{table}", ""])


def latex(text: str) -> str:
    """Text as LaTeX prints it; control characters and line ends become spaces, and cannot end a row."""
    return "".join(LATEX.get(sign, sign if sign.isprintable() else " ") for sign in text)


def as_markdown(record: ComparisonRecord, measures: Measures, chosen: Sequence[str]) -> str:
    """A table of GitHub's kind, with its caption above."""
    header, rows = wide(record, measures, chosen)
    lines = [markdown(caption(record, measures)), "", _line(header), _line(["---"] * len(header), plain=True)]
    return "\n".join([*lines, *(_line(row) for row in rows), ""])


def _line(cells: Sequence[str], plain: bool = False) -> str:
    return f"| {' | '.join(cell if plain else markdown(cell) for cell in cells)} |"


def markdown(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no link, no new column, no new line."""
    flat = "".join(sign if sign.isprintable() else " " for sign in text)
    return MARKDOWN.sub(r"\\\1", flat)


WRITERS: dict[str, Callable[[ComparisonRecord, Measures, Sequence[str]], str]] = {
    "table.csv": as_csv,
    "table.tex": as_latex,
    "table.md": as_markdown,
}
