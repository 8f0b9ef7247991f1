"""What a study printed beside what came out here: for a comparison of its classifiers on its kinds of training sets."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engines import files
from engines.errors import LabError
from engines.records import ComparisonRecord
from engines.workspace import Workspace
from lab import classified_tables, classifying
from lab.classified_tables import Measures
from lab.numbers import finite

Studies = Mapping[str, Mapping[str, Any]]  # as the engine describes them (engines/classifiers/studies.py)
Methods = Mapping[str, frozenset[str]]  # synthetic set -> the methods that drew it, where that is known
INTEREST, OTHER = " of interest", " of other"
MADE = {"published.csv": "text/csv; charset=utf-8", "published.md": "text/markdown; charset=utf-8"}
COLUMNS = (
    "study", "classifier", "arm", "measure", "printed", "printed_note", "printed_test", "here", "low", "high",
    "seeds", "n_real", "n_synthetic", "n_test",
)  # fmt: skip
PRINTED = (
    "Printed numbers are of single trainings, without an interval, on images that were not divided by patient. They "
    "are no mark to be reached: other images, or another choice of them, give other numbers, and a difference between "
    "the two speaks against neither."
)


def methods_of(workspace: Workspace, record: ComparisonRecord) -> dict[str, frozenset[str]]:
    """Which methods drew each synthetic set; sets made elsewhere, or whose run is gone, are left out."""
    found = {}
    for id in record.synthetic:
        try:
            parents = workspace.image_set(id).record.parents
            runs = [name.split("/")[1] for name in parents if name.startswith("runs/")]
            if runs:
                found[id] = frozenset(str(workspace.run(run).method) for run in runs)
        except LabError:
            continue
    return found


def told(record: ComparisonRecord, studies: Studies, measures: Measures, methods: Methods) -> list[dict[str, Any]]:
    """Each study that has a classifier and a training set in this comparison: its columns, rows and what must be known.

    A row's `cells` have, by column, what was `printed` and the `value` here with its interval as `text`; a value of one
    class has no interval where the record keeps none. `missing` says why nothing came out here.
    """
    found = []
    for name, study in studies.items():
        rows = list(_rows(record, study, methods))
        if rows:
            names = list(dict.fromkeys(column for row in rows for column in row["cells"]))
            columns = [{"name": column, "title": _title(column, record, measures)} for column in names]
            about = {"name": name, "title": study["title"], "citation": study["citation"]}
            found.append({**about, "notes": _notes(record, study, rows), "columns": columns, "rows": rows})
    return found


def _rows(record: ComparisonRecord, study: Mapping[str, Any], methods: Methods) -> Iterator[dict[str, Any]]:
    classifiers, _ = classified_tables.titles(record)
    lines = {(line["classifier"], line["arm"]): line for line in record.summary}
    refused = {(one.get("classifier"), one.get("arm")): one for one in record.not_done}
    tuned = {one.get("classifier") for one in record.tuned}
    drawers = frozenset(method for one in study["published"] for method in one["methods"])
    for one in study["published"]:
        key = one["classifier"]
        if key not in classifiers or one["tuned"] not in (None, key in tuned):
            continue
        for arm in record.arms:
            drew = methods.get(str(arm.get("source", "")), frozenset()) & drawers
            if arm["name"].partition(":")[0] != one["arm"] or (drew and not drew & set(one["methods"] or drew)):
                continue
            line = lines.get((key, arm["name"]), {})
            why = refused.get((key, arm["name"]))
            missing = f"{why.get('what', '')} {why.get('why', '')}".strip() if why else "" if line else "Not trained."
            source = f"synthetic images of a {one['source']}" if one["source"] else ""
            yield {
                "classifier": key, "classifier_title": classifiers[key], "arm": arm["name"], "arm_title": arm["title"],
                "note": "; ".join(text for text in (source, one["variant"]) if text), "test": one["test"],
                "amounts": _amounts(arm, study["numbers"]),
                "n_real": arm.get("n_real"), "n_synthetic": arm.get("n_synthetic"), "n_test": arm.get("n_test") or 0,
                "seeds": line.get("seeds"), "missing": missing,
                "cells": {name: _cell(printed, name, line, record) for name, printed in one["values"].items()},
            }  # fmt: skip


def _amounts(arm: Mapping[str, Any], numbers: Mapping[str, Any]) -> str:
    """Synthetic images added here and in print, in a phase where these differ; the names of other arms say theirs."""
    phase = arm["name"].partition(":")[0].removeprefix("phase-")
    if phase == arm["name"] or not phase.isdigit() or "phase_step" not in numbers:
        return ""
    here, printed = int(arm.get("n_synthetic") or 0), int(phase) * int(numbers["phase_step"])
    return f"here + {here:,}, printed + {printed:,}" if here != printed else ""


def _cell(printed: float, name: str, line: Mapping[str, Any], record: ComparisonRecord) -> dict[str, Any]:
    ours = _here(name, line, record)
    kept = {end: finite(ours.get(end)) for end in ("value", "low", "high")}
    # As many digits as were printed: two, or more where they say something.
    shown = f"{printed:.2f}" if round(printed, 2) == printed else f"{printed:g}"
    return {"printed": printed, "printed_text": shown, **kept, "text": classifying.in_words(ours)}


def _here(name: str, line: Mapping[str, Any], record: ComparisonRecord) -> Mapping[str, Any]:
    """Ours of a measure: with two classes, the other one's recall is the specificity, which has an interval."""
    measures = line.get("measures") or {}
    base = name.removesuffix(INTEREST).removesuffix(OTHER)
    if name == base:
        return dict(measures.get(base, {}))
    if not record.positive or len(record.classes) != 2:
        return {}
    if name.endswith(INTEREST):
        return dict(measures.get(base, {}))
    if base == "recall":
        return dict(measures.get("specificity", {}))
    other = next(n for n, label in enumerate(record.classes) if label != record.positive)
    classes = line.get("classes") or []
    return {"value": classes[other].get(base)} if other < len(classes) else {}


def _title(name: str, record: ComparisonRecord, measures: Measures) -> str:
    base = name.removesuffix(INTEREST).removesuffix(OTHER)
    # "Recall (sensitivity)" of the other class would be the specificity: the plain word fits either.
    title = classifying.title_of(base, measures) if base == name else base.capitalize()
    if base == name:
        return title
    if not record.positive or len(record.classes) != 2:
        return f"{title} of {'its class of interest' if name.endswith(INTEREST) else 'its other class'}"
    other = next(label for label in record.classes if label != record.positive)
    return f"{title} of “{record.positive if name.endswith(INTEREST) else other}”"


def _notes(record: ComparisonRecord, study: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What must be known before the two are looked at side by side."""
    mean = f"the mean of {record.seeds} trainings with a 95 % interval" if record.seeds > 1 else "one training"
    people = ", each without some of the patients," if record.train_varies else ""
    notes = [
        f"{study['data']}.", PRINTED,
        f"Here stands {mean}{people} on “{record.name}”. Where no interval stands, the record keeps none.",
    ]  # fmt: skip
    changed = [key for key in (record.parameters.get("options") or {}) if key in study["classifiers"]]
    if changed:
        titles, _ = classified_tables.titles(record)
        notes.append(f"With options other than the study's: {', '.join(titles.get(key, key) for key in changed)}.")
    given = {name: record.parameters.get(name) for name in study["numbers"]}
    other = [f"{name} {value} (study: {study['numbers'][name]})" for name, value in given.items() if value is not None
             and value != study["numbers"][name]]  # fmt: skip
    if other:
        notes.append(f"With other amounts than the study's: {', '.join(other)}.".replace("_", " "))
    return [*notes, *study["differs"]]


def wide(study: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a study's table; each measure has what was printed, then what came out here."""
    heads = [f"{one['title']}: {which}" for one in study["columns"] for which in ("printed", "here")]
    header = ["Classifier", "Training set here", "Printed", *heads, "Asked about"]
    rows = []
    for row in study["rows"]:
        cells: list[str] = []
        for column in study["columns"]:
            one = row["cells"].get(column["name"])
            cells += [one["printed_text"], "not trained" if row["missing"] else one["text"]] if one else ["–", "–"]
        asked = f"printed: {row['test']}; here: {row['n_test']:,} images"
        note = "; ".join(text for text in (row["amounts"], row["note"]) if text)
        rows.append([row["classifier_title"], row["arm_title"], note or "–", *cells, asked])
    return header, rows


def section(found: Sequence[Mapping[str, Any]]) -> str:
    """HTML for the report, "" where no study fits; everything is escaped."""
    parts = []
    for study in found:
        header, rows = wide(study)
        head = "".join(f"<th>{html.escape(text)}</th>" for text in header)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in (f"{study['citation']}.", *study["notes"]))
        table = f'<table class="said"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        parts.append(f"<h2>{html.escape(study['title'])}: printed and here</h2><ul>{notes}</ul>{table}")
    return "".join(parts)


def as_markdown(found: Sequence[Mapping[str, Any]]) -> str:
    """A heading, the notes and a table for each study."""
    lines = []
    for study in found:
        header, rows = wide(study)
        lines += [f"## {classified_tables.markdown(study['title'])}: printed and here", ""]
        lines += [*(f"- {classified_tables.markdown(note)}" for note in (f"{study['citation']}.", *study["notes"])), ""]
        for row in (header, ["---"] * len(header), *rows):
            escaped = row if row[0] == "---" else [classified_tables.markdown(cell) for cell in row]
            lines.append(f"| {' | '.join(escaped)} |")
        lines.append("")
    return "\n".join(lines)


def as_csv(found: Sequence[Mapping[str, Any]]) -> str:
    """One line for each printed number."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for study in found:
        for row in study["rows"]:
            for name, cell in row["cells"].items():
                line = {
                    **row, "study": study["name"], "measure": name, "printed": cell["printed"], "here": cell["value"],
                    "printed_note": "; ".join(text for text in (row["amounts"], row["note"]) if text),
                    "printed_test": row["test"], "low": cell["low"], "high": cell["high"],
                }  # fmt: skip
                writer.writerow([_safe(line.get(column)) for column in COLUMNS])
    return written.getvalue()


def _safe(value: Any) -> Any:
    """Text that a spreadsheet program would run as a formula is marked as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(files.FORMULA_STARTS) else value


WRITERS = {"published.csv": as_csv, "published.md": as_markdown}
