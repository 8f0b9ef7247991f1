"""The Classify tab's list: comparisons at work and done, each by what it compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engines import files
from engines.errors import LabError
from engines.records import JobRecord
from engines.workspace import Workspace
from lab import classifying
from lab.components import cards

STATES = {"queued": "waiting", "failed": "failed", "interrupted": "interrupted"}
WITHOUT_SYNTHETIC = frozenset({"real", "augmented"})


def listed(workspace: Workspace, lines: classifying.Lines, chosen: str) -> str:
    """Comparisons at work and done, newest first; one that has just ended is taken for its job."""
    names = {record.id: record.name for record in workspace.records("image_sets")}
    items = []
    for job in classifying.jobs(workspace):
        asked = job.parameters
        size = _size(len(asked.get("classifiers", ())), arms_of(asked), asked.get("seeds", 1))
        items.append({
            "id": f"jobs/{job.id}", "title": title_of(asked.get("synthetic") or (), names), "state": job.state,
            "text": f"{STATES.get(job.state, 'at work')} · {_time(job.created)}, {size}",
            "hint": _hint(asked, names, job.id),
        })  # fmt: skip
    for line in lines.all():
        size = _size(line["classifiers"], line["arms"], line["seeds"])
        done = "" if line["whole"] else f" · stopped at {line['rows']} of {line['cells']}"
        counted = ", ".join(f"{line[name]} {word}" for name, word in SIZE.items())
        items.append({
            "id": f"comparisons/{line['id']}", "title": title_of(line["synthetic"], names),
            "text": f"{_time(line['created'])}, {size}{done}", "hint": _hint(line, names, line["id"], counted),
        })  # fmt: skip
    if chosen.startswith("jobs/") and chosen not in [item["id"] for item in items]:
        chosen = f"comparisons/{came_of(workspace, chosen.removeprefix('jobs/'))}"
    empty = "No comparison yet. Choose images and classifiers, then press Compare."
    return cards.value(items, chosen, empty, "Comparisons")


SIZE = {"classifiers": "classifiers", "arms": "training sets", "seeds": "seeds"}


def _size(*counts: int) -> str:
    return "\u00a0×\u00a0".join(str(count) for count in counts)  # one word for the line's end


def title_of(synthetic: Sequence[str], names: Mapping[str, str]) -> str:
    """What tells comparisons apart: the synthetic sets."""
    return ", ".join(names.get(id, id) for id in synthetic) or "Real images only"


def arms_of(asked: Mapping[str, Any]) -> int:
    """How many training sets a comparison will have."""
    sets = len(asked.get("synthetic") or ())
    found = 1
    for protocol in asked.get("protocols") or ():
        if protocol != "real":
            once = 1 if protocol in WITHOUT_SYNTHETIC else sets
            found += once * (int(asked.get("phases") or 1) if protocol == "phases" else 1)
    return found


def _hint(about: Mapping[str, Any], names: Mapping[str, str], id: str, size: str = "") -> str:
    real, test = str(about.get("real", "")), str(about.get("test") or "")
    rows = [
        f"Real images: {names.get(real, real)}",
        f"Test images: {names.get(test, test)}" if test and test != real else "",
        f"Synthetic images: {title_of(about.get('synthetic') or (), names)}",
        f"Class of interest: {about['positive']}" if about.get("positive") else "",
        size,
        id,
    ]
    return "\n".join(row for row in rows if row)


def _time(created: str) -> str:
    """When, by this computer's clock: 2026-01-31 14:05."""
    try:
        return f"{datetime.fromisoformat(created).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return created[:16]


def came_of(workspace: Workspace, job: str) -> str:
    """Id of the comparison that a job made, "" if it made none."""
    try:
        found = JobRecord.model_validate(files.read_json(workspace.folder("jobs", job) / "job.json"))
    except (OSError, LabError, ValueError):
        return ""
    return str((found.result or {}).get("id", ""))
