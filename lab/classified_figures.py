"""The figures of a comparison's report: ROC and precision-recall curves, differences, phases."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from engines.records import ComparisonRecord
from lab import classified_tables, classifying
from lab.classified_drawing import (
    GREY,
    INK,
    LINE,
    PALE,
    WRAP,
    Axes,
    Look,
    figure,
    keys,
    line,
    look_of_arm,
    look_of_classifier,
    text,
    ticks,
)
from lab.numbers import finite

Row = Mapping[str, Any]

PLOT, ROW = 220, 24  # the side of a curve's chart, and the height of a row of differences
FOREST = (290, 580)  # from where to where differences are drawn
CURVES = (
    "Left: ROC, mean height of the seeds; the dashed line is a coin. Right: precision and recall of the mean score "
    "of the seeds, whose area is therefore not quite the mean AUPRC of the seeds; the dashed line is the share of "
    "positives among the real test images. "
)
WITH_INTERVAL = "AUROC: mean of the seeds with its 95 % interval."
WITHOUT_INTERVAL = "AUROC: mean of the seeds of this class against the others, without an interval."


# Curves: a figure for each classifier, and for each class where there are several of them.


def curves(record: ComparisonRecord, lines: Any) -> str:
    """ROC and precision-recall of every classifier, a line for each training set; "" where none were kept."""
    kept = [one for one in lines if isinstance(one, dict)] if isinstance(lines, list) else []
    interest = record.classes.index(record.positive) if record.positive in record.classes else None
    labels = [n for n in range(len(record.classes)) if any(one.get("class", interest) == n for one in kept)]
    drawn = []
    for label in sorted(labels, key=lambda label: (label != interest, label)):
        of = [one for one in kept if one.get("class", interest) == label]
        made = [_curves(record, str(one["key"]), label, of, label == interest) for one in record.classifiers]
        if any(made):
            others = record.classes[1 - label] if len(record.classes) == 2 else "the others"
            title = f"{record.classes[label]} against {others}"
            about = CURVES + (WITH_INTERVAL if label == interest else WITHOUT_INTERVAL)
            drawn += [f'<h3>{html.escape(title)}</h3><p class="dim">{html.escape(about)}</p>', *made]
    return "".join(drawn)


def _curves(record: ComparisonRecord, classifier: str, label: int, lines: Sequence[Row], interest: bool) -> str:
    titles, _ = classified_tables.titles(record)
    left, right = Axes(46, 30, PLOT, PLOT), Axes(322, 30, PLOT, PLOT)
    drawn, entries = [], []
    summary = {one["arm"]: one for one in record.summary if one.get("classifier") == classifier}
    for place, arm in enumerate(_real_first(record.arms)):
        found = next((one for one in lines if (one.get("classifier"), one.get("arm")) == (classifier, arm["name"])), {})
        shown = look_of_arm(place)
        roc = _path(left, found.get("roc"), shown)
        if roc:
            drawn += [roc, _path(right, found.get("precision_recall"), shown)]
            entries.append((shown, str(arm["title"]), _auroc(summary.get(arm["name"], {}), label, interest)))
    if not entries:
        return ""
    share = _share(summary.values(), label)
    chance = [line((left.x(0), left.y(0)), (left.x(1), left.y(1)), GREY, 1, "3 3")]
    chance += [line((right.x(0), right.y(share)), (right.x(1), right.y(share)), GREY, 1, "3 3")] if share else []
    frames = left.frame("false positive rate", "true positive rate") + right.frame("recall", "precision")
    legend, end = keys(entries, 42)
    name = titles.get(classifier, classifier)
    nodes = [text(0, 14, name, "head"), *frames, *chance, *drawn, *legend]
    return figure(f"ROC and precision-recall of {name}", max(PLOT + 70, end), nodes)


def _real_first(arms: Sequence[Row]) -> list[Row]:
    return sorted(arms, key=lambda arm: arm.get("name") != classifying.REFERENCE)


def _path(axes: Axes, curve: Any, look: Look) -> str:
    """A curve as one line; "" for one that is damaged or has no points."""
    kept = curve if isinstance(curve, dict) else {}
    pairs = [(finite(x), finite(y)) for x, y in zip(kept.get("x") or (), kept.get("y") or (), strict=False)]
    points = [f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in pairs if x is not None and y is not None]
    colour, dash = look
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    drawn = f'<polyline fill="none" stroke="{colour}" stroke-width="1.7"{dashed} points="{" ".join(points)}"/>'
    return drawn if len(points) > 1 else ""


def _auroc(summed: Row, label: int, interest: bool) -> str:
    """With its interval where the class is the one of interest; of other classes only the mean is known."""
    of_class = (summed.get("classes") or [])[label : label + 1]
    found = (summed.get("measures") or {}).get("auroc") if interest else {"value": (of_class or [{}])[0].get("auroc")}
    return f"AUROC {classifying.in_words(found)}" if found else ""


def _share(summed: Iterable[Row], label: int) -> float:
    """The share of a class among the real test images; 0 where it is not known."""
    for one in summed:
        counts = [finite(of.get("images")) or 0 for of in one.get("classes") or []]
        if one.get("tested") == "real" and label < len(counts) and sum(counts):
            return counts[label] / sum(counts)
    return 0.0


# Differences from real images alone.


def forest(record: ComparisonRecord, measures: classified_tables.Measures) -> str:
    """Differences of the measure that words go by, with their intervals, on one axis; "" where nothing is compared."""
    name, rows = classifying.primary(record), []
    for one in [*classifying.overall(record), *classified_tables.lines_of(record)]:
        found = (one.get("differences") or {}).get(name) or {}
        ends = [end for key in ("low", "value", "high") if (end := finite(found.get(key))) is not None]
        if len(ends) == 3:
            rows.append((one, ends, found))
    if not rows:
        return ""
    far = max(abs(end) for _, ends, _ in rows for end in ends) * 1.08 or 1.0
    titles, arms = classified_tables.titles(record)
    colours = {arm["name"]: look_of_arm(place)[0] for place, arm in enumerate(_real_first(record.arms))}
    axes = Axes(FOREST[0], 22, FOREST[1] - FOREST[0], 0, (-far, far))
    drawn, y, before = [], axes.top, None
    for one, ends, found in rows:
        if one["classifier"] != before:
            drawn.append(text(0, y + 16, titles.get(one["classifier"], one["classifier"]), "head"))
            before, y = one["classifier"], y + ROW
        names = textwrap.wrap(str(arms.get(one["arm"], {}).get("title", one["arm"])), WRAP)[:2]
        drawn += [text(12, y + 16 + LINE * n, words) for n, words in enumerate(names)]
        drawn += _difference(axes, y, ends, found, colours.get(one["arm"], INK))
        y += ROW + LINE * (len(names) - 1)
    better = measures.get(name, {}).get("better", "higher") == "higher"
    drawn.insert(0, line((axes.x(0), axes.top), (axes.x(0), y), INK))
    drawn += [text(axes.left, 14, "← hurts" if better else "← helps", "dim")]
    drawn += [text(FOREST[1], 14, "helps →" if better else "hurts →", "dim", "end")]
    for value in ticks(-far, far, 4):
        drawn.append(line((axes.x(value), y), (axes.x(value), y + 4)))
        drawn.append(text(axes.x(value), y + 17, f"{value:+g}".replace("-", "−") if value else "0", "dim", "middle"))
    measured = classifying.title_of(name, measures)
    caption = (
        f"Difference in {measured} from training on real images alone, with the 95 % interval of each comparison by "
        "itself; p and the verdict are adjusted for all of them. Grey: a difference within it would mostly be missed."
    )
    return figure(f"Differences in {measured}", y + 26, drawn, caption)


def _difference(axes: Axes, y: float, ends: Sequence[float], found: Row, colour: str) -> list[str]:
    low, value, high = ends
    middle, drawn = y + ROW / 2, []
    least = finite(found.get("least_detectable"))
    if least is not None:
        far = min(least, axes.x_ends[1])
        start, end = axes.x(-far), axes.x(far)
        about = f'x="{start:.1f}" y="{y + 5:.1f}" width="{end - start:.1f}" height="{ROW - 10}" fill="{PALE}"'
        drawn.append(f"<rect {about}/>")
    said = f"{classifying.signed(found)} {found.get('verdict', '')}"
    return [
        *drawn, line((axes.x(low), middle), (axes.x(high), middle), colour, 2),
        f'<circle cx="{axes.x(value):.1f}" cy="{middle:.1f}" r="4" fill="{colour}"/>',
        text(FOREST[1] + 10, middle + 4, said, "dim"),
    ]  # fmt: skip


# Phases: the measure against the number of synthetic images added.


def phases(record: ComparisonRecord, measures: classified_tables.Measures) -> str:
    """A figure for each synthetic set that was added in phases; "" without any."""
    sources = dict.fromkeys(str(arm.get("source")) for arm in record.arms if arm.get("protocol") == "phases")
    return "".join(_phases(record, measures, source) for source in sources)


def _phases(record: ComparisonRecord, measures: classified_tables.Measures, source: str) -> str:
    name = classifying.primary(record)
    added = {
        arm["name"]: int(arm.get("n_synthetic") or 0)
        for arm in record.arms
        if arm["name"] == classifying.REFERENCE or (arm.get("protocol") == "phases" and arm.get("source") == source)
    }
    found: dict[str, list[tuple[int, float, float, float]]] = {str(one["key"]): [] for one in record.classifiers}
    for one in record.summary:
        of = (one.get("measures") or {}).get(name, {})
        value, low, high = (finite(of.get(key)) for key in ("value", "low", "high"))
        if one["arm"] in added and one["classifier"] in found and value is not None:
            bar = (value if low is None else low, value if high is None else high)
            found[one["classifier"]].append((added[one["arm"]], value, *bar))
    numbers = [number for points in found.values() for point in points for number in point[1:]]
    most = max(added.values())
    if not numbers or not most:
        return ""
    room = 0.06 * (max(numbers) - min(numbers)) or 0.05
    ends = max(0.0, min(numbers) - room), min(float(measures.get(name, {}).get("upper", 1)), max(numbers) + room)
    axes = Axes(52, 12, 480, 280, (-0.04 * most, 1.04 * most), ends)
    measured = classifying.title_of(name, measures)
    some = sorted(set(added.values()))
    drawn = axes.frame("synthetic images added", measured, some if len(some) <= 8 else ticks(0, most, 6))
    titles, _ = classified_tables.titles(record)
    entries = []
    for place, (key, points) in enumerate(found.items()):
        if points:
            # Side by side, else the bars of ten classifiers would cover one another.
            look = look_of_classifier(place)
            drawn += _phase_line(axes, sorted(points), look, 4 * (place - (len(found) - 1) / 2))
            entries.append((look, titles[key], ""))
    legend, end = keys(entries, 26)
    caption = (
        f"{measured} against the number of synthetic images of “{source}” added; 0 is training on real images alone. "
        "Bars are 95 % intervals: that two overlap does not mean that nothing differs, since differences are paired."
    )
    return figure(f"Phases of {source}", max(344, end), [*drawn, *legend], caption)


def _phase_line(axes: Axes, points: Sequence[tuple[int, float, float, float]], look: Look, aside: float) -> list[str]:
    colour, dash = look
    at = [(axes.x(count) + aside, axes.y(value)) for count, value, _, _ in points]
    drawn = [line(start, end, colour, 1.7, dash) for start, end in pairwise(at)]
    for (x, y), (_, _, low, high) in zip(at, points, strict=True):
        drawn.append(line((x, axes.y(low)), (x, axes.y(high)), colour))
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{colour}"/>')
    return drawn
