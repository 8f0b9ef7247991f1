"""What the Explore tab shows of an evaluation: its rows in words, the best checkpoint, copies, and what is at work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from engines import files
from engines.errors import LabError
from engines.jobs import events
from engines.records import LIVE_STATES, EvaluationRecord, JobRecord
from engines.workspace import Workspace
from lab import numbers
from lab.evaluation_scorecard import in_plain_words
from lab.numbers import finite

Row = Mapping[str, Any]
SHOWN = (
    "images_seen", "name", "value", "low", "high", "n_real", "n_synthetic", "extractor", "baseline", "baseline_low",
    "baseline_high", "warnings", "scale",
)  # fmt: skip
OF_SPEC = ("unit", "better", "light", "legacy", "summary", "source")
BESIDE = ("nearest", "flagged", "index", "distance")  # columns of the table of images that no histogram is drawn of
METRICS_FILE, IMAGES_FILE, RECORD_FILE = "metrics.csv", "images.csv", "record.json"


def in_words(row: Row, prefix: str = "") -> str:
    """A row's value with its interval, or with `prefix` its baseline's."""
    names = (prefix, f"{prefix}_low", f"{prefix}_high") if prefix else ("value", "low", "high")
    value, low, high = (finite(row.get(name)) for name in names)
    if value is None or low is None or high is None:
        return "–"
    return numbers.with_interval(value, low, high)


def dressed(row: Row, specs: Mapping[str, Row]) -> dict[str, Any]:
    """A row as the page shows it: without its details, with the metric's title, words, and numbers as texts."""
    spec = specs.get(str(row.get("name")), {})
    plain: dict[str, Any] = events.finite({name: row.get(name) for name in SHOWN})
    about = {name: spec.get(name, "") for name in OF_SPEC}
    texts = {"text": in_words(row), "baseline_text": in_words(row, "baseline")}
    texts["said"] = in_plain_words(row, str(spec.get("better", "lower")))
    return {**plain, **about, "title": spec.get("title", row.get("name")), **texts}


def best_checkpoint(rows: Sequence[Row], better: str) -> dict[str, Any] | None:
    """Images seen at the checkpoint with the best value, and at those whose intervals overlap its own (`rivals`).

    None with fewer than two checkpoints. For "near_baseline" the best value is the one nearest to the baseline.
    """
    measured = [row for row in rows if isinstance(row.get("images_seen"), int) and in_words(row) != "–"]
    if len(measured) < 2:
        return None

    def badness(row: Row) -> float:
        if better == "near_baseline":
            return abs(float(row["value"]) - (finite(row.get("baseline")) or 0.0))
        return -float(row["value"]) if better == "higher" else float(row["value"])

    first = min(measured, key=badness)
    rivals = [
        row["images_seen"]
        for row in measured
        if row is not first and row["low"] <= first["high"] and first["low"] <= row["high"]
    ]
    return {"images_seen": first["images_seen"], "rivals": sorted(rivals)}


def bests(rows: Iterable[Row], specs: Mapping[str, Row]) -> dict[str, Any]:
    """The best checkpoint by each metric that was measured at several; legacy metrics rank nothing."""
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(str(row.get("name")), []).append(row)
    found = {
        name: best_checkpoint(own, str(specs.get(name, {}).get("better", "lower")))
        for name, own in by_name.items()
        if not specs.get(name, {}).get("legacy")
    }
    return {name: best for name, best in found.items() if best}


def newest_row(record: EvaluationRecord, name: str) -> Row | None:
    """A metric's row of the newest checkpoint: the one whose images were kept."""
    newest = max((row.get("images_seen") or 0 for row in record.metrics), default=0)
    return next(
        (row for row in record.metrics if row.get("name") == name and (row.get("images_seen") or 0) == newest), None
    )


def moved(shift: Sequence[float], flipped: bool, scale: float, height: int, width: int) -> str:
    """How a synthetic image was moved to lie over its match, in words; shift down and right in parts of the side."""
    words = ["mirrored"] if flipped else []
    if percent := round(100 * (scale - 1)):
        words.append(f"{'enlarged' if percent > 0 else 'shrunk'} by {abs(percent)} %")
    down, right = round(shift[0] * height), round(shift[1] * width)
    steps = [f"{abs(down)} px {'down' if down > 0 else 'up'}"] if down else []
    steps += [f"{abs(right)} px {'right' if right > 0 else 'left'}"] if right else []
    return ", ".join([*words, *([f"moved {' and '.join(steps)}"] if steps else [])]) or "as it is"


def pairs_of(details: Row) -> list[dict[str, Any]]:
    """The lines of the copy detector's list by name; one of another form is left out."""
    pairs = []
    for found in details.get("pairs") or []:
        with suppress(TypeError, ValueError):
            index, real, ncc, (down, right), flipped, scale, flagged = found
            pairs.append(
                {
                    "index": int(index), "real": int(real), "ncc": float(ncc), "shift": [float(down), float(right)],
                    "flipped": bool(flipped), "scale": float(scale) or 1.0, "flagged": bool(flagged),
                }
            )  # fmt: skip
    return pairs


def copies(record: EvaluationRecord, height: int, width: int) -> dict[str, Any] | None:
    """What the gallery of copies shows, None if copies were not looked for at the newest checkpoint."""
    row = newest_row(record, "memorisation")
    if row is None:
        return None
    details = row.get("details") or {}
    pairs = sorted(pairs_of(details), key=lambda pair: (not pair["flagged"], -pair["ncc"]))
    by_features = details.get("by_features") or {}
    said = {name: details.get(name) for name in ("threshold", "nominal_rate", "calibrated_on", "calibrated_images")}
    return {
        **events.finite(said),
        **events.finite({name: row.get(name) for name in ("value", "low", "high", "n_synthetic", "warnings")}),
        "by_features": events.finite(by_features),
        "pairs": [
            {**pair, "words": moved(pair["shift"], pair["flipped"], pair["scale"], height, width)} for pair in pairs
        ],
    }


def columns(names: Iterable[str], record: EvaluationRecord, specs: Mapping[str, Row]) -> list[dict[str, str]]:
    """The numbers of single images that a histogram can be drawn of: column, metric, title and unit."""
    found = []
    measured = {str(row.get("name")) for row in record.metrics}
    for column in names:
        metric = max((name for name in measured if column.startswith(f"{name}_")), key=len, default="")
        part = column[len(metric) + 1 :]
        if metric and part not in BESIDE:
            spec = specs.get(metric, {})
            title = {"memorisation": "NCC to the nearest real"}.get(metric, str(spec.get("title", metric)))
            found.append({"name": column, "metric": metric, "title": title, "unit": str(spec.get("unit", ""))})
    return found


def unseen(details: Row, column: str) -> list[float]:
    """What real images of new patients score in a column, where the metric kept it.

    Among themselves their percentiles are spread evenly, whatever they are: so realism keeps none.
    """
    if column == "realism_percentile":
        return [(n + 0.5) / 3 for n in range(300)]
    names = (f"unseen_{column.rpartition('_')[2]}", "unseen")
    kept: list[Any] = next((details[name] for name in names if isinstance(details.get(name), list)), [])
    return [number for value in kept if (number := finite(value)) is not None]


class Lines:
    """One line for each measurement, for lists; a record is read again only when its file has changed.

    Records of long trainings hold megabytes, and the page asks for the list whenever any job starts or ends.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._known: dict[str, tuple[int, dict[str, Any]]] = {}

    def all(self) -> list[dict[str, Any]]:
        """All readable measurements, newest first."""
        found: dict[str, tuple[int, dict[str, Any]]] = {}
        for id in reversed(self.workspace.ids("evaluations")):
            with suppress(OSError, LabError):
                file = self.workspace.folder("evaluations", id) / RECORD_FILE
                changed_ns, known = file.stat().st_mtime_ns, self._known.get(id)
                found[id] = known if known and known[0] == changed_ns else (changed_ns, self._line(id))
        self._known = found
        return [line for _, line in found.values()]

    def of(self, id: str) -> list[dict[str, Any]]:
        """The measurements of a run or set, newest first."""
        return [line for line in self.all() if line["synthetic"] == id]

    def _line(self, id: str) -> dict[str, Any]:
        record: EvaluationRecord = self.workspace.record("evaluations", id)
        seen = {row.get("images_seen") for row in record.metrics}
        names = ("id", "created", "synthetic", "real", "held_out", "extractor")
        return {**{name: getattr(record, name) for name in names}, "checkpoints": len(seen - {None})}


def at_work(workspace: Workspace, of: str) -> str:
    """The job that measures a run or set now, or waits to; the newest of several, "" if there is none."""
    found = ""
    for id in workspace.ids("jobs"):
        try:
            job = JobRecord.model_validate(files.read_json(workspace.folder("jobs", id) / "job.json"))
        except (OSError, LabError, ValueError):
            continue
        mine = job.kind == "evaluate" and job.parameters.get("synthetic") == of
        if mine and (job.state in LIVE_STATES or job.state == "queued"):
            found = id
    return found


def work(workspace: Workspace, id: str, since: int, specs: Mapping[str, Row]) -> dict[str, Any]:
    """How a measuring job stands, with the rows that came after the first `since`. Raises LabError without one."""
    folder = workspace.folder("jobs", id)
    job = JobRecord.model_validate(files.read_json(folder / "job.json"))
    if job.kind != "evaluate":
        raise LabError("This job measures nothing.", "", "Reload the page.")
    rows = events.read(folder, "evaluation")
    shown = {"id", "state", "progress", "message", "eta_s", "error"}
    return {
        **job.model_dump(include=shown),
        "evaluation": str((job.result or {}).get("id", "")),
        "rows": [dressed(row, specs) for row in rows[max(0, since) :]],
        "count": len(rows),
        "best": bests(rows, specs),
    }
