"""What the Classify tab shows of a comparison of classifiers: its lines in words, the list, and what is at work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from engines import files
from engines.errors import LabError
from engines.jobs import events
from engines.records import LIVE_STATES, ComparisonRecord, JobRecord
from engines.workspace import Workspace
from lab import numbers
from lab.numbers import finite

Row = Mapping[str, Any]
KIND = "compare"
CURVES_FILE, TEST_FILE, RECORD_FILE = "curves.json", "test.csv", "record.json"
REFERENCE = "real"
LEVEL = 0.05  # of p after Holm, as the engine judges
LARGEST_FREE = 0.95  # beyond, “a difference under 0.97 would be missed” says nothing that a reader could use
# Measures that stand in a table before somebody asks for more; the others are for those who look for them.
MAIN = ("accuracy", "balanced_accuracy", "precision", "recall", "specificity", "f1", "auroc", "brier")
OVERALL = ""  # stands for a classifier where a line is the mean over several
BROKEN = ("failed", "interrupted")
NO_DIFFERENCE, UNTOLD = "no difference seen", "cannot be told"
COUNTED = {NO_DIFFERENCE: "no difference seen in", UNTOLD: "cannot be told for"}


def primary(record: ComparisonRecord) -> str:
    """The measure that words go by: with a class of interest AUROC, else balanced accuracy."""
    return "auroc" if record.positive else "balanced_accuracy"


def in_words(found: Row) -> str:
    """A value with its interval, as many digits as that supports."""
    value, low, high = (finite(found.get(name)) for name in ("value", "low", "high"))
    if value is None:
        return "–"
    return numbers.with_interval(value, low, high) if low is not None and high is not None else f"{value:.3f}"


def signed(found: Row) -> str:
    """A difference with its interval: +0.042 [−0.010, +0.094]."""
    value, low, high = (finite(found.get(name)) for name in ("value", "low", "high"))
    if value is None:
        return "–"
    digits = numbers.digits_for(high - low) if low is not None and high is not None else 3
    shown = [_plus(number, digits) for number in (value, low, high) if number is not None]
    return shown[0] if len(shown) < 3 else f"{shown[0]} [{shown[1]}, {shown[2]}]"


def _plus(number: float, digits: int) -> str:
    text = f"{abs(number):.{digits}f}"
    return text if float(text) == 0 else f"{'+' if number > 0 else '−'}{text}"


def p_words(p: Any) -> str:
    """A p value as journals print it."""
    number = finite(p)
    if number is None:
        return "p unknown"
    return "p < 0.001" if number < 0.001 else f"p = {number:.3f}" if number < 0.1 else f"p = {number:.2f}"


def least(found: Row) -> str:
    """What difference would mostly be missed; "" where that is not known."""
    number = finite(found.get("least_detectable"))
    if number is None:
        return ""
    if number > LARGEST_FREE:
        return "hardly any difference could be seen"
    return f"a difference under {number:.{numbers.digits_of(number)}f} would mostly be missed"


def among(found: Row) -> str:
    """Why no difference is called beside an interval that leaves out zero; "" where that is not so.

    Intervals are of one comparison; p is of all of them (Holm), and the verdict goes by p.
    """
    low, high, p, adjusted = (finite(found.get(name)) for name in ("low", "high", "p", "p_holm"))
    if low is None or high is None or p is None or adjusted is None or low <= 0 <= high or not p < LEVEL <= adjusted:
        return ""
    count = finite(found.get("compared"))
    others = f"{count:.0f} comparisons" if count else "all comparisons"
    return f"the interval leaves out zero: alone it would count ({p_words(p)}), among {others} it does not"


def untold(found: Row) -> str:
    """Why nothing can be told of a difference."""
    return "one training says nothing of chance" if (finite(found.get("seeds")) or 0) < 2 else "too little is known"


def judged(found: Row, title: str) -> str:
    """A verdict with all that belongs to it: the difference, p, what would have been missed, and whom it speaks of."""
    verdict = str(found.get("verdict", UNTOLD))
    if verdict == UNTOLD:
        parts = [f"{title} {signed(found)}", untold(found)]
    else:
        parts = [f"{title} {signed(found)}", f"{p_words(found.get('p_holm'))} after Holm", among(found), least(found)]
    about = str(found.get("about", ""))
    return f"{verdict}: {'; '.join(part for part in parts if part)}{f' (about {about})' if about else ''}"


def dressed(line: Row, measures: Mapping[str, Row]) -> dict[str, Any]:
    """A line of the summary as the page shows it, its numbers as texts beside them."""
    shown: dict[str, Any] = events.finite(dict(line))
    shown["texts"] = {name: in_words(found) for name, found in (line.get("measures") or {}).items()}
    shown["said"] = {}
    for name, found in (line.get("differences") or {}).items():
        found = shown["differences"][name]
        found["text"] = signed(found)
        shown["said"][name] = judged(found, title_of(name, measures))
    return shown


def title_of(name: str, measures: Mapping[str, Row]) -> str:
    """A measure's title, from its name until the engine has said it."""
    return str(measures.get(name, {}).get("title") or name.replace("_", " ").capitalize())


def overall(record: ComparisonRecord) -> list[dict[str, Any]]:
    """The lines over all classifiers, shaped as those of one."""
    return [{**line, "classifier": OVERALL} for line in record.overall]


def overall_title(record: ComparisonRecord) -> str:
    """What stands for a classifier's title there."""
    return f"Mean of {max((len(line['classifiers']) for line in record.overall), default=0)} classifiers"


def headline(record: ComparisonRecord, measures: Mapping[str, Row]) -> list[str]:
    """What the whole comparison says, one sentence for each training set that is tested on real images."""
    name = primary(record)
    means = {line["arm"]: line for line in record.overall if name in (line.get("differences") or {})}
    sentences = []
    for arm in record.arms:
        verdicts = [
            str(line["differences"][name]["verdict"])
            for line in record.summary
            if line.get("arm") == arm["name"] and name in (line.get("differences") or {})
        ]
        if not verdicts:
            if _nowhere_trained(record, arm):
                sentences.append(f"{arm['title']}: not trained; the checks say why.")
            continue
        counted = ", ".join(f"{COUNTED.get(word, word)} {verdicts.count(word)}" for word in dict.fromkeys(verdicts))
        of = f"{len(verdicts)} classifier{'s' * (len(verdicts) > 1)}"
        mean = means.get(arm["name"])
        if mean:
            found, count = mean["differences"][name], len(mean["classifiers"])
            why = untold(found) if found["verdict"] == UNTOLD else f"{p_words(found.get('p_holm'))} after Holm"
            told = [f"{title_of(name, measures)} {signed(found)}", why]
            told += [least(found)] if found["verdict"] == NO_DIFFERENCE else []
            said = f"{found['verdict']}, as the mean of {count} classifiers ({'; '.join(one for one in told if one)})"
            sentences.append(f"{arm['title']}: {said}. One by one: {counted} of {of}.")
        else:
            sentences.append(f"{arm['title']}: {counted} of {of}.")
    if sentences:
        sentences.append(
            f"Judged by {title_of(name, measures)} against training on real images alone. “No difference seen” is not "
            "“no difference”, and a result speaks of this synthetic set and these test patients only."
        )
    return sentences


def _nowhere_trained(record: ComparisonRecord, arm: Row) -> bool:
    """Whether no classifier could be trained on a training set: it is missing from the table, and that must be said."""
    refused = {one.get("classifier") for one in record.not_done if one.get("arm") == arm["name"]}
    return bool(refused) and refused == {one["key"] for one in record.classifiers}


class Lines:
    """One line for each comparison, for lists; a record is read again only when its file has changed."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._known: dict[str, tuple[int, dict[str, Any]]] = {}

    def all(self) -> list[dict[str, Any]]:
        """All readable comparisons, newest first."""
        found: dict[str, tuple[int, dict[str, Any]]] = {}
        for id in reversed(self.workspace.ids("comparisons")):
            with suppress(OSError, LabError):
                file = self.workspace.folder("comparisons", id) / RECORD_FILE
                changed_ns, known = file.stat().st_mtime_ns, self._known.get(id)
                found[id] = known if known and known[0] == changed_ns else (changed_ns, self._line(id))
        self._known = found
        return [line for _, line in found.values()]

    def _line(self, id: str) -> dict[str, Any]:
        record: ComparisonRecord = self.workspace.record("comparisons", id)
        names = ("id", "name", "created", "real", "test", "synthetic", "positive", "seeds", "cells")
        counts = {"classifiers": len(record.classifiers), "arms": len(record.arms), "rows": len(record.rows)}
        return {**{name: getattr(record, name) for name in names}, **counts, "whole": is_whole(record)}


def is_whole(record: ComparisonRecord) -> bool:
    """Whether every cell that was asked for is there, or could not be trained: nothing is left to go on with."""
    refused = {(one.get("classifier"), one.get("arm")) for one in record.not_done}
    trained = [row for row in record.rows if (row.get("classifier"), row.get("arm")) not in refused]
    return len(trained) + len(refused) * record.seeds >= record.cells


def jobs(workspace: Workspace) -> list[JobRecord]:
    """Comparisons at work or waiting, newest first; and the newest of all if it came to nothing."""
    found: list[JobRecord] = []
    newest = True
    for id in reversed(workspace.ids("jobs")):
        try:
            job = JobRecord.model_validate(files.read_json(workspace.folder("jobs", id) / "job.json"))
        except (OSError, LabError, ValueError):
            continue
        if job.kind != KIND:
            continue
        if job.state in LIVE_STATES or job.state == "queued" or (newest and job.state in BROKEN):
            found.append(job)
        newest = False
    return found


def work(workspace: Workspace, id: str, since: int) -> dict[str, Any]:
    """How a comparing job stands, with the cells that came after the first `since`. Raises LabError without one."""
    folder = workspace.folder("jobs", id)
    try:
        job = JobRecord.model_validate(files.read_json(folder / "job.json"))
    except (OSError, ValueError) as error:
        raise LabError("There is no such job.", "", "Reload the page.") from error
    if job.kind != KIND:
        raise LabError("This job compares no classifiers.", "", "Reload the page.")
    told: dict[str, list[dict[str, Any]]] = {"matrix": [], "cell": [], "guard": [], "trial": [], "warning": []}
    for event in events.read(folder):
        if event.get("kind") in told:
            told[event["kind"]].append({name: value for name, value in event.items() if name != "kind"})
    matrix = told["matrix"][-1] if told["matrix"] else None
    return {
        **job.model_dump(include={"id", "state", "progress", "message", "eta_s", "error", "parameters"}),
        "name": name_of(workspace, job),
        "comparison": str((job.result or {}).get("id", "")),
        "matrix": matrix,
        "rows": told["cell"][max(0, since) :],
        "count": len(told["cell"]),
        "guards": told["guard"],
        "trials": told["trial"],
        "warnings": [str(one.get("text", "")) for one in told["warning"]],
        "not_done": refusals(told["warning"]),
    }


def name_of(workspace: Workspace, job: JobRecord) -> str:
    """The name of the real set that a job compares on; its id where the set is gone."""
    id = str(job.parameters.get("real", ""))
    try:
        return workspace.image_set(id).record.name
    except (OSError, LabError):
        return id or job.title


def refusals(warnings: Sequence[Row]) -> list[dict[str, str]]:
    """The cells that were told to be impossible, as the record will name them."""
    return [one["refused"] for one in warnings if isinstance(one.get("refused"), dict)]
