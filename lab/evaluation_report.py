"""An evaluation as one HTML file: scores, Plotly's figures and the protocol, to read without a network; no image."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engines.records import EvaluationRecord
from lab import evaluating, evaluation_scorecard, words

FILE = "report.html"
STYLE = """body{font:14px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;color:#1a1e25;max-width:1180px;
margin:32px auto;padding:0 20px}h1{font-size:22px;margin:0 0 4px}h2{font-size:16px;margin:32px 0 8px}
td:nth-child(-n+4){white-space:nowrap}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;vertical-align:top;
padding:5px 10px 5px 0;border-bottom:1px solid #d5dae1}th{color:#566070;font-weight:500}.dim{color:#566070}
.warn{color:#8a6400}dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px}dt{color:#566070}dd{margin:0}"""
HOW_TO_READ = (
    "Each value stands beside what real images of different patients reach among themselves, at the same sizes. "
    "Intervals are 95 %. The scale is 1 where the synthetic images are as near to the real ones as real images are to "
    "one another, and 0 for noise. Values better than the real baseline are no success: look for copies."
)


def protocol(record: EvaluationRecord) -> list[tuple[str, str]]:
    """How the numbers were made, line by line."""
    sizes = sorted({(row["n_real"], row["n_synthetic"]) for row in record.metrics})
    hashes = [f"{name}: {digest[:16] or 'unknown'}" for name, digest in record.parents.items()]
    given = {name: value for name, value in record.parameters.items() if name not in ("real", "synthetic", "held_out")}
    return [
        ("Measured", f"{record.created} (UTC)"),
        ("Synthetic images", record.synthetic),
        ("Real images", record.real),
        ("Held-out real images", record.held_out or "none"),
        ("Sizes", ", ".join(f"{real:,} real and {synthetic:,} synthetic" for real, synthetic in sizes)),
        ("Features", record.extractor or "each metric's own"),
        ("Resizer", record.resizer or "none"),
        ("Seed", str(record.parameters.get("seed", 0))),
        ("Parameters", ", ".join(f"{name} = {_plain(value)}" for name, value in given.items())),
        ("SHA-256 of the pixels", ", ".join(hashes) or "not recorded"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in record.versions.items())),
        ("Measurement", record.id),
    ]


def page(record: EvaluationRecord, specs: Mapping[str, Any], criteria: Sequence[Mapping[str, Any]]) -> str:
    """The whole file; `criteria` are those of the scorecard. Everything that comes from the workspace is escaped."""
    rows = [evaluating.dressed(row, specs) for row in record.metrics]
    newest = max((row["images_seen"] or 0 for row in rows), default=0)
    current = [row for row in rows if (row["images_seen"] or 0) == newest]
    at = f" at {newest:,} images seen" if newest else ""
    drawn = _figures(rows, current)
    parts = [
        f"<h1>Quality of “{_text(record.synthetic)}”{at}</h1>",
        f'<p class="dim">{_text(words.NAME)} · {_text(words.NOT_FOR_DIAGNOSIS)}</p><p>{HOW_TO_READ}</p>',
        *(f'<p class="warn">{_text(warning)}</p>' for warning in record.warnings),
        "<h2>Scores</h2>",
        _table(current),
        *drawn,
        f'<h2>Scorecard</h2><p class="dim">After {evaluation_scorecard.SOURCE}.</p><dl>',
        *(_criterion(criterion, current) for criterion in criteria),
        "</dl>",
        _not_measured(record.not_measured),
        "<h2>Protocol</h2><dl>",
        *(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in protocol(record)),
        "</dl><h2>Sources of the metrics</h2><dl>",
        *(f"<dt>{_text(row['title'])}</dt><dd>{_text(row['source'])}</dd>" for row in current),
        "</dl>",
    ]
    head = f'<meta charset="utf-8"><title>Quality of {_text(record.synthetic)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _plain(value: Any) -> str:
    return " ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _text(value: Any) -> str:
    return html.escape(str(value))


def _table(rows: Iterable[Mapping[str, Any]]) -> str:
    names = ("Metric", "Synthetic [95 %]", "Real against real", "Scale", "Real", "Synthetic", "Features and warnings")
    lines = []
    for row in rows:
        scale = f"{row['scale']:.2f}" if row["scale"] is not None else "–"
        title = row["title"] + (" (legacy)" if row["legacy"] else "")
        warnings = "".join(f'<br><span class="warn">{_text(warning)}</span>' for warning in row["warnings"] or [])
        texts = [title, f"{row['text']} {row['unit']}", row["baseline_text"], scale]
        cells = [_text(text) for text in [*texts, f"{row['n_real']:,}", f"{row['n_synthetic']:,}"]]
        cells.append(f"{_text(row['extractor'])}{warnings}")
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _criterion(criterion: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    said = "<br>".join(_text(line) for line in evaluation_scorecard.lines(criterion, rows))
    return f"<dt>{_text(criterion['name'])}</dt><dd><em>{_text(criterion['question'])}</em><br>{said}</dd>"


def _not_measured(refused: Sequence[Mapping[str, str]]) -> str:
    lines = [
        f"<dt>{_text(one.get('title', ''))}</dt><dd>"
        f"{_text(' '.join(one.get(name, '') for name in ('what', 'why', 'advice')))}</dd>"
        for one in refused
    ]
    return f"<h2>Not measured</h2><dl>{''.join(lines)}</dl>" if lines else ""


def _figures(rows: Sequence[Mapping[str, Any]], current: Sequence[Mapping[str, Any]]) -> list[str]:
    """The figures as HTML: over the checkpoints where there are several, else each value beside its baseline."""
    from lab import figures  # Plotly takes its time to load, and only this file needs it

    usable = [row for row in rows if row["text"] != "–" and row["baseline_text"] != "–"]
    names = list(dict.fromkeys(row["name"] for row in usable))
    several = {row["images_seen"] for row in usable if row["images_seen"] is not None}
    made = []
    if len(several) > 1:
        for name in names:
            own = sorted((row for row in usable if row["name"] == name), key=lambda row: row["images_seen"])
            made.append(figures.by_checkpoint(own, _text(own[0]["title"]), _text(own[0]["unit"])))
    elif usable:
        made.append(figures.beside_baseline([{**row, "title": _text(row["title"])} for row in usable]))
    parts = ["<h2>Over training</h2>" if len(several) > 1 else "<h2>Beside the real baseline</h2>"] if made else []
    for n, figure in enumerate(made):
        parts.append(figure.to_html(full_html=False, include_plotlyjs=n == 0, config={"displaylogo": False}))
    return parts
