"""The table of a comparison as CSV, LaTeX and Markdown: every text from the workspace is escaped for its format."""

from __future__ import annotations

import csv
import io
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from string import ascii_uppercase
from typing import Any

from engines import files
from engines.records import ComparisonRecord
from lab import classifying, numbers
from lab.numbers import finite

Measures = Mapping[str, Mapping[str, Any]]
COLUMNS = (
    "classifier", "classifier_title", "arm", "arm_title", "protocol", "tested", "n_real", "n_synthetic", "copies",
    "n_test", "n_patients", "seeds", "measure", "value", "low", "high", "sd_seeds", "about", "difference",
    "difference_low", "difference_high", "p", "p_holm", "compared", "least_detectable", "verdict",
)  # fmt: skip
LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "×": r"$\times$", "−": r"$-$", "–": "--", "—": "---", "“": "``",
    "”": "''", "≥": r"$\geq$", "≤": r"$\leq$", "·": r"$\cdot$", "±": r"$\pm$", "…": r"\ldots{}",
    "[": "{[}", "]": "{]}", "*": "{*}",
}  # fmt: skip
RESAMPLES = 1000  # of the engine's bootstrap
# What fits an A4 page of LaTeX's article, in em and lines of \small: in 12 points, where the least does.
PAGE_EM, PAGE_LINES, CAPTION_EM = 35.5, 38, 30
BLOCK_LINES = 1.5  # a classifier's name with the rule above it
SET_EM, GAP_EM = 1.5, 1.34  # the column of letters, and the room between two columns
HEAD = 14  # signs in a line of a column's head
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~$&])")


def titles(record: ComparisonRecord) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Titles of the classifiers by key, their mean among them, and the arms by name."""
    classifiers = {str(one["key"]): str(one["title"]) for one in record.classifiers}
    classifiers[classifying.OVERALL] = classifying.overall_title(record)
    return classifiers, {str(arm["name"]): arm for arm in record.arms}


def lines_of(record: ComparisonRecord) -> list[dict[str, Any]]:
    """The summary classifier by classifier: the engine tells it in the order in which it was trained."""
    keys = [str(one["key"]) for one in record.classifiers]
    return sorted(record.summary, key=lambda line: keys.index(line["classifier"]) if line["classifier"] in keys else -1)


def rows_of(record: ComparisonRecord) -> Iterator[dict[str, Any]]:
    """One row for each classifier, arm and measure: everything that is known, numbers as they are."""
    classifiers, arms = titles(record)
    for line in [*lines_of(record), *classifying.overall(record)]:
        arm = arms.get(line["arm"], {})
        about = {
            **{name: line.get(name) for name in ("classifier", "arm", "protocol", "tested")},
            **{name: line.get(name) for name in ("n_test", "n_patients", "seeds")},
            **{name: arm.get(name) for name in ("n_real", "n_synthetic", "copies")},
            "classifier_title": classifiers.get(line["classifier"], ""), "arm_title": arm.get("title", ""),
        }  # fmt: skip
        for measure in line.get("measures") or line.get("differences") or {}:
            found = (line.get("measures") or {}).get(measure, {})
            gap = (line.get("differences") or {}).get(measure, {})
            between = {f"difference_{end}": gap.get(end) for end in ("low", "high")}
            judged = {name: gap.get(name) for name in ("p", "p_holm", "compared", "least_detectable", "verdict")}
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
    for line in [*lines_of(record), *classifying.overall(record)]:
        gap = (line.get("differences") or {}).get(name)
        values = [classifying.in_words((line.get("measures") or {}).get(one, {})) for one in shown]
        said = [classifying.signed(gap), str(gap.get("verdict", ""))] if gap else ["–", "–"]
        title = str(arms.get(line["arm"], {}).get("title", line["arm"]))
        rows.append([classifiers.get(line["classifier"], line["classifier"]), title, *values, *said])
    return header, rows


def patients(record: ComparisonRecord) -> int | None:
    """How many patients the real test images are of; 0 if unknown, None where it was not counted."""
    counts = [line.get("n_patients") for line in record.summary if line.get("tested") == "real"]
    return max((count for count in counts if isinstance(count, int)), default=None)


def caption(record: ComparisonRecord) -> str:
    """What the table is, to be read alone: how often trained, on what tested, how the intervals are made."""
    positive = f", class of interest “{record.positive}”" if record.positive else ", means over the classes"
    seeds = f"mean of {record.seeds} trainings (seeds)" if record.seeds > 1 else "one training (seed)"
    varied = record.train_varies and record.seeds > 1
    people, known = "", patients(record)
    if known is not None:
        people = f" of {known:,} patients" if known else " (patients unknown, each image counted as one)"
    tests = sorted({int(line["n_test"]) for line in record.summary if line.get("tested") == "real"})
    asked = f"{', '.join(f'{count:,}' for count in tests)} real images{people}" if tests else "synthetic images"
    over = "scatter of the trainings by delete-a-group jackknife" if varied else "scatter of the seeds"
    scatter = f", {over}" if record.seeds > 1 else "; other trainings are not in them"
    done = "" if classifying.is_whole(record) else " Stopped before its end: fewer trainings than were asked for."
    units = "images" if known == 0 else "patients"
    left = ", each without another share of the training patients" if varied else ""
    return (
        f"Classifiers on “{record.name}”{positive}: {seeds}{left}, tested on {asked}. In brackets 95 % intervals: "
        f"bootstrap of test {units} ({RESAMPLES:,} resamples){scatter}.{done}"
    )


def differences_caption(record: ComparisonRecord, measures: Measures) -> str:
    """What the verdicts rest on."""
    name = classifying.title_of(classifying.primary(record), measures)
    return (
        f"Differences in {name} from training on real images alone, paired by test image and training, with unadjusted "
        "95 % intervals; p after Holm over all classifiers and training sets (of the means over classifiers: over the "
        "training sets), verdicts by p < 0.05. “No difference seen” is not “no difference”."
    )


def as_latex(record: ComparisonRecord, measures: Measures, chosen: Sequence[str]) -> str:
    """Tables that need no package but booktabs, each within an A4 page: measures first, differences last.

    Training sets are letters in them, which the caption explains: their names would take half of the width.
    """
    lines, name = lines_of(record), classifying.primary(record)
    letters = {str(arm["name"]): _letter(n) for n, arm in enumerate(record.arms)}
    known = [one for one in chosen if any(one in (line.get("measures") or {}) for line in lines)]
    heads = [re.sub(r" \(.*", "", classifying.title_of(one, measures)) for one in known]
    columns = [_even([(line.get("measures") or {}).get(one, {}) for line in lines]) for one in known]
    legend = "; ".join(f"{letters[str(arm['name'])]}, {arm['title']}" for arm in record.arms)
    rows = [_place(record, line, letters) for line in lines]
    made, about = [], f"{caption(record)} Training sets: {legend}."
    for start, end in _groups(heads, columns):
        made += _tables(about, rows, heads[start:end], columns[start:end])
        about = f"Classifiers on “{record.name}”, continued: {', '.join(heads[end:])}."
    judged = [*classifying.overall(record), *lines]
    gaps = [(line, (line.get("differences") or {}).get(name)) for line in judged]
    told = [(line, gap) for line, gap in gaps if gap]
    if told:
        heads = ["Difference", "p (Holm)", "Would miss", "Verdict"]
        columns = [
            [classifying.signed(gap) for _, gap in told],
            [classifying.p_words(gap.get("p_holm")).removeprefix("p").removeprefix(" = ").strip() for _, gap in told],
            [classifying.in_words({"value": gap.get("least_detectable")}) for _, gap in told],
            [str(gap.get("verdict", "")) for _, gap in told],
        ]
        rows = [_place(record, line, letters) for line, _ in told]
        missed = "Would miss: a smaller true difference is seen in under 80 % of cases, among so many."
        about = f"{differences_caption(record, measures)} {missed} Training sets: {legend}."
        made += _tables(about, rows, heads, columns)
    return "\n".join(["% needs \\usepackage{booktabs}; each table fits an A4 page of article", *made])


def _letter(place: int) -> str:
    """A, B, … Z, AA, BB, …"""
    return ascii_uppercase[place % 26] * (place // 26 + 1)


def _place(record: ComparisonRecord, line: Mapping[str, Any], letters: Mapping[str, str]) -> tuple[str, str]:
    """The classifier of a row, and the letter of its training set."""
    return titles(record)[0].get(line["classifier"], line["classifier"]), letters.get(str(line["arm"]), "?")


def _even(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """A column of values with their intervals, all in as many digits as the widest interval supports."""
    ends = [[finite(one.get(end)) for end in ("value", "low", "high")] for one in found]
    known = [[number for number in one if number is not None] for one in ends]
    digits = max(min((numbers.digits_for(one[2] - one[1]) for one in known if len(one) == 3), default=3), 2)
    texts = [[f"{number:.{digits}f}" for number in one] for one in known]
    return ["–" if not one else one[0] if len(one) < 3 else f"{one[0]} [{one[1]}, {one[2]}]" for one in texts]


def _wrapped(head: str) -> list[str]:
    return textwrap.wrap(head, HEAD) or [""]


def _width(head: str, column: Sequence[str]) -> float:
    """Of a column with its gap, in em."""
    return max(map(_ems, [*_wrapped(head), *column])) + GAP_EM


def _groups(heads: Sequence[str], columns: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """From which to which column each table goes: as many as fit the width."""
    widths = [_width(head, column) for head, column in zip(heads, columns, strict=True)]
    start = 0
    while start < len(widths):
        end = start + 1
        while end < len(widths) and SET_EM + sum(widths[start : end + 1]) <= PAGE_EM:
            end += 1
        yield start, end
        start = end


def _tables(
    about: str, rows: Sequence[tuple[str, str]], heads: Sequence[str], columns: Sequence[Sequence[str]]
) -> list[str]:
    """These columns as tables of at most a page's height; a classifier stands above its training sets."""
    cells = list(zip(rows, zip(*columns, strict=True), strict=True))
    pages: list[list[str]] = []
    head = list(zip_longest(["Set"], *map(_wrapped, heads), fillvalue=""))
    room = 0.0
    for classifier, block in groupby(cells, key=lambda row: row[0][0]):
        body = [" & ".join([letter, *map(latex, texts)]) + r" \\" for (_, letter), texts in block]
        if len(body) + BLOCK_LINES > room:
            room = PAGE_LINES - len(head) - (0 if pages else _ems(about) / CAPTION_EM)
            pages.append([])
        room -= len(body) + BLOCK_LINES
        title = rf"\multicolumn{{{len(heads) + 1}}}{{@{{}}l}}{{\textit{{{latex(classifier)}}}}} \\"
        pages[-1] += ["\\midrule", title, *body]
    made = []
    for number, page in enumerate(pages):
        text = about if number == 0 else f"Continued: {', '.join(heads)}."
        made += [
            "\\begin{table}", "\\centering", "\\small", f"\\caption{{{latex(text)}}}",
            f"\\begin{{tabular}}{{@{{}}l{'l' * len(heads)}@{{}}}}", "\\toprule",
            *(" & ".join(map(latex, line)) + r" \\" for line in head),
            *page, "\\bottomrule", "\\end{tabular}", "\\end{table}", "",
        ]  # fmt: skip
    return made


def _ems(text: str) -> float:
    """About how wide a text is in Computer Modern, in em; rather too wide than too narrow."""
    width = 0.0
    for sign in text:
        small = 0.28 if sign in ".,:;()[]|il'’" else 0.5
        width += 0.78 if sign.isupper() or sign in "+−<>=×mw–" else 0.34 if sign == " " else small
    return width


def latex(text: str) -> str:
    """Text as LaTeX prints it; control characters and line ends become spaces, and cannot end a row."""
    return "".join(LATEX.get(sign, sign if sign.isprintable() else " ") for sign in text)


def as_markdown(record: ComparisonRecord, measures: Measures, chosen: Sequence[str]) -> str:
    """A table of GitHub's kind, with its caption above."""
    header, rows = wide(record, measures, chosen)
    about = f"{caption(record)} {differences_caption(record, measures)}"
    lines = [markdown(about), "", _line(header), _line(["---"] * len(header), plain=True)]
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
