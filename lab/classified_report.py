"""A comparison as one HTML file: verdicts, tables, figures and all that a methods section needs; no image."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engines.records import ComparisonRecord
from lab import classified_drawing, classified_figures, classified_tables, classifying, words
from lab.evaluation_report import STYLE as BASE

FILE = "report.html"
STYLE = (
    f"{BASE}td:nth-child(n){{white-space:normal}}.range{{white-space:nowrap;font-size:12px}}"
    ".group{padding-top:14px;color:#1a1e25;font-weight:600}ul{margin:4px 0;padding-left:18px}"
    ".confusion{display:inline-table;width:auto;margin:0 28px 14px 0}.confusion caption{text-align:left;color:#566070}"
    f"{classified_drawing.STYLE}"
)
STATES = {"closed": "In order", "open": "Take care", "unknown": "Not known", "note": "To know"}
HOW = (
    "Values are means over the trainings with 95 % intervals: test patients are drawn anew with all their images "
    "(bootstrap by patient), and the scatter of the trainings is added where each of them left out other training "
    "patients (delete-a-group jackknife). Differences are paired on the same test images; p values are adjusted by "
    "Holm's method over all classifiers and training sets of this comparison (where the mean over the classifiers is "
    "judged: over the training sets), for each measure by itself. Intervals "
    "are not adjusted: one of many may leave out zero by chance, and is then no verdict. McNemar's test (which takes "
    "images of one patient as independent) and DeLong's (which does not) compare the mean probabilities of the "
    "trainings, speak of these trained classifiers only, and decide no verdict."
)
INTERVAL = re.compile(r"([+−]?[\d.,]+) (\[[^\]]*\])")


def page(record: ComparisonRecord, measures: classified_tables.Measures, curves: Any = (), published: str = "") -> str:
    """The whole file; `curves` as curves.json has them, `published` as HTML: what a study printed beside it.

    Everything that comes from the workspace is escaped.
    """
    chosen = [name for name in classifying.MAIN if name in measures] or list(classifying.MAIN)
    gone = "" if classifying.is_whole(record) else "This comparison was stopped: fewer trainings than were asked for."
    notes = [gone, *record.warnings]
    parts = [
        f"<h1>Classifiers on “{_text(record.name)}”</h1>",
        f'<p class="dim">{_text(words.NAME)} · {_text(words.NOT_FOR_DIAGNOSIS)}</p>',
        *(f'<p class="warn">{_text(note)}</p>' for note in notes if note),
        *(f"<p>{_text(sentence)}</p>" for sentence in classifying.headline(record, measures)),
        f"<h2>Methods</h2><p>{_text(methods(record, measures))}</p><p>{HOW}</p>",
        "<h2>What could make it untrue</h2>",
        _guards(record),
        "<h2>Results</h2>",
        _results(record, measures, chosen),
        "<h2>Differences</h2>",
        classified_figures.forest(record, measures),
        _said(record, measures),
        _headed("Phases", classified_figures.phases(record, measures)),
        _headed("Curves", classified_figures.curves(record, curves)),
        "<h2>Confusion, mean over the trainings</h2>",
        *_confusions(record),
        published,
        _refused(record),
        "<h2>Settings</h2><dl>",
        *(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in protocol(record)),
        "</dl>",
    ]
    head = f'<meta charset="utf-8"><title>Classifiers on {_text(record.name)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def methods(record: ComparisonRecord, measures: classified_tables.Measures) -> str:
    """What was done, as a methods section says it."""
    trained = ", ".join(str(one["title"]) for one in record.classifiers)
    arms = "; ".join(
        f"{arm['title']} ({_images(arm)}, tested on {arm['n_test']:,} {arm['tested']} images)" for arm in record.arms
    )
    seeds = f"{record.seeds} training{'s' * (record.seeds != 1)}"
    each = f"{100 / record.seeds:.0f} % of the training patients and synthetic images"
    share = f", each leaving out another {each}" if record.train_varies else ""
    test = f"the real set “{record.test}”" if record.test else f"patients of “{record.real}” that nothing learned from"
    people = classified_tables.patients(record)
    known = f", of {people:,} patients" if people else ", of unknown patients: each counts as one of its own"
    asked = "" if people is None else known  # older records did not count them
    left = f" {len(record.leaks)} test images were found in what was learned from." if record.leaks else ""
    tuned = (
        f" Options were searched on validation patients for {len(record.tuned)} classifiers." if record.tuned else ""
    )
    return (
        f"{trained} told {' from '.join(record.classes)}, with {seeds} for each training set{share}. Training sets: "
        f"{arms}. Test images are {test}{asked}.{left}{tuned}"
    )


def _images(arm: Mapping[str, Any]) -> str:
    parts = [f"{arm['n_real']:,} real"] if arm["n_real"] else []
    parts += [f"{arm['n_synthetic']:,} synthetic of “{arm['source']}”"] if arm["n_synthetic"] else []
    parts += [f"{arm['copies']} augmented copies of each"] if arm.get("copies") else []
    return ", ".join(parts) or "no images"


def protocol(record: ComparisonRecord) -> list[tuple[str, str]]:
    """How the numbers were made, line by line."""
    kept = ("real", "synthetic", "test", "classifiers")
    given = {name: value for name, value in record.parameters.items() if name not in kept}
    hashes = [f"{name}: {digest[:16] or 'unknown'}" for name, digest in record.parents.items()]
    return [
        ("Compared", f"{record.created} (UTC)"),
        ("Real images", record.real),
        ("Synthetic images", ", ".join(record.synthetic) or "none"),
        ("Test images", record.test or "a part of the real images"),
        ("Classes", ", ".join(record.classes)),
        ("Class of interest", record.positive or "none: means over the classes"),
        *((f"Options of {one['title']}", _plain(one.get("options", {}))) for one in record.classifiers),
        ("Parameters", _plain(given)),
        ("Trainings", f"{len(record.rows):,} of {record.cells:,}"),
        ("SHA-256 of the pixels", ", ".join(hashes) or "not recorded"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in record.versions.items())),
        ("Comparison", record.id),
    ]


def _headed(title: str, drawn: str) -> str:
    return f"<h2>{title}</h2>{drawn}" if drawn else ""


def _plain(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in given.items() if value not in ("", [], {})) or "none"


def _text(value: Any) -> str:
    return html.escape(str(value))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "said") -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{_value(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _results(record: ComparisonRecord, measures: classified_tables.Measures, chosen: Sequence[str]) -> str:
    """Every measure with its interval; a classifier stands above its training sets."""
    header, rows = classified_tables.wide(record, measures, chosen)
    head = "".join(f"<th>{_text(name)}</th>" for name in header[1:-2])
    body, before = [], None
    for row in rows:
        if row[0] != before:
            body.append(f'<tr><th class="group" colspan="{len(header) - 3}">{_text(row[0])}</th></tr>')
        before = row[0]
        body.append("<tr>" + "".join(f"<td>{_value(cell)}</td>" for cell in row[1:-2]) + "</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _value(cell: str) -> str:
    """A cell's text; an interval alone stands below its value, so that many measures fit beside one another."""
    found = INTERVAL.fullmatch(cell)
    return f'{_text(found[1])}<br><span class="dim range">{_text(found[2])}</span>' if found else _text(cell)


def _guards(record: ComparisonRecord) -> str:
    lines = [
        f"<dt>{STATES.get(str(one.get('state')), STATES['unknown'])}</dt>"
        f"<dd><b>{_text(one.get('title', ''))}.</b> {_text(one.get('text', ''))}</dd>"
        for one in record.guards
    ]
    leaks = [
        f"<li>{_text(leak.get('item', ''))}: {_text(leak.get('kind', ''))} as {_text(leak.get('other_item', ''))}, "
        f"{_text(leak.get('other_part', ''))}</li>"
        for leak in record.leaks
    ]
    listed = f"<details><summary>{len(leaks)} leaks by name</summary><ul>{''.join(leaks)}</ul></details>"
    return f"<dl>{''.join(lines)}</dl>{listed if leaks else ''}"


def _said(record: ComparisonRecord, measures: classified_tables.Measures) -> str:
    """Each verdict on the measure that words go by, with the published tests beside it."""
    classifiers, arms = classified_tables.titles(record)
    name, rows = classifying.primary(record), []
    for line in [*classifying.overall(record), *classified_tables.lines_of(record)]:
        found = (line.get("differences") or {}).get(name)
        if found:
            said = classifying.judged(found, classifying.title_of(name, measures))
            title = str(arms.get(line["arm"], {}).get("title", line["arm"]))
            tests = published(line.get("published_tests") or {})
            rows.append([classifiers.get(line["classifier"], line["classifier"]), title, said, tests])
    if not rows:
        return "<p>No training set stands beside training on real images alone.</p>"
    return _table(["Classifier", "Training set", "Verdict", "Published tests"], rows)


def published(tests: Mapping[str, Any]) -> str:
    """McNemar's and DeLong's tests in words."""
    parts = []
    if mcnemar := tests.get("mcnemar"):
        parts.append(f"McNemar {mcnemar.get('b')} against {mcnemar.get('c')}, {classifying.p_words(mcnemar.get('p'))}")
    if delong := tests.get("delong"):
        gap = classifying.signed({"value": delong.get("difference")})
        parts.append(f"DeLong {gap}, {classifying.p_words(delong.get('p'))}")
    return "; ".join(parts) or "–"


def _confusions(record: ComparisonRecord) -> list[str]:
    classifiers, arms = classified_tables.titles(record)
    drawn = []
    for line in classified_tables.lines_of(record):
        table = line.get("confusion") or []
        title = str(arms.get(line["arm"], {}).get("title", line["arm"]))
        name = f"{classifiers.get(line['classifier'], line['classifier'])}: {title}"
        heads = "".join(f"<th>called {_text(one)}</th>" for one in record.classes)
        rows = "".join(
            f"<tr><td>{_text(label)}</td>" + "".join(f"<td>{_text(f'{count:g}')}</td>" for count in counts) + "</tr>"
            for label, counts in zip(record.classes, table, strict=False)
        )
        drawn.append(
            f'<table class="confusion"><caption>{_text(name)}</caption><tr><th></th>{heads}</tr>{rows}</table>'
        )
    return drawn


def _refused(record: ComparisonRecord) -> str:
    lines = []
    for one in record.not_done:
        said = " ".join(one.get(name, "") for name in ("what", "why", "advice"))
        lines.append(f"<dt>{_text(one.get('classifier', ''))}, {_text(one.get('arm', ''))}</dt><dd>{_text(said)}</dd>")
    return f"<h2>Not trained</h2><dl>{''.join(lines)}</dl>" if lines else ""
