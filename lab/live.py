"""What the page reads every second: the state of the queue and of the job at work, from files, at almost no cost."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engines import files
from engines.errors import LabError
from engines.jobs.store import PASSING
from engines.records import ENDED_STATES, LIVE_STATES
from engines.workspace import ID_PATTERN, Workspace
from lab.engine import Engine

JOB_FILE, EVENTS_FILE = "job.json", "events.jsonl"
STATE_LIVES_S = 0.4  # pages that ask within this time share one reading
TAIL_BYTES = 16 * 1024  # holds several hundred metrics lines
QUEUE_SHOWN = 6
SILENT_S = 60.0
FIELDS = ("images_seen", "epoch", "images_per_s", "memory_bytes")


@dataclass
class _Known:
    """A job.json as last read, and the version of the file that it was."""

    version: tuple[int, int]
    job: dict[str, Any]


class JobReader:
    """Reads job.json files again only when they changed; an unreadable one is left out."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._known: dict[Path, _Known] = {}

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs, those of trainings too, in no particular order; not those that only serve an open page."""
        found: dict[Path, _Known] = {}
        for kind in ("runs", "jobs"):
            for folder in (self.workspace.path / kind).iterdir():
                if ID_PATTERN.fullmatch(folder.name) and (known := self._read(folder / JOB_FILE)):
                    if known.job.get("kind") in PASSING:
                        continue
                    found[folder / JOB_FILE] = known
        self._known = found
        return [known.job for known in found.values()]

    def _read(self, path: Path) -> _Known | None:
        try:
            status = path.stat()
            version = (status.st_mtime_ns, status.st_size)
            known = self._known.get(path)
            if known is not None and known.version == version:
                return known
            job = files.read_json(path)
            return _Known(version, {**job, "folder": path.parent})
        except Exception:  # one damaged or vanishing folder never hides the others
            return None


def newest_numbers(events: Path) -> dict[str, Any]:
    """The last known images seen, epoch, speed and memory of a run, from the end of its event log."""
    try:
        with open(events, "rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            lines = file.read().split(b"\n")[:-1]
    except OSError:
        return {}
    found: dict[str, Any] = {}
    for line in reversed(lines):
        if b'"metrics"' not in line and b'"progress"' not in line:
            continue
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the first line of the tail may be cut
        for name in (*FIELDS, "memory_total_bytes"):
            if name not in found and event.get(name) is not None:
                found[name] = event[name]
        if event.get("kind") == "metrics":
            break
    return found


def _seconds(stamp: Any) -> float:
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        return 0.0


def _order(job: dict[str, Any]) -> tuple[float, str]:
    return _seconds(job.get("created")), str(job.get("id"))


def _worth_showing(jobs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The job for the strip: the training at work, else any work, else the last one that ended."""
    live = [job for job in jobs if job.get("state") in LIVE_STATES]
    if live:
        return min(live, key=lambda job: (job.get("kind") != "train", *_order(job)))
    ended = [job for job in jobs if job.get("state") in ENDED_STATES]
    return max(ended, key=lambda job: _seconds(job.get("ended") or job.get("created")), default=None)


def _line(job: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "kind", "title", "state", "progress", "eta_s")
    return {name: _short(job.get(name)) for name in names}


def _short(value: Any) -> Any:
    return value[:80] if isinstance(value, str) else value


def _silent(job: dict[str, Any]) -> bool:
    heartbeat = job.get("heartbeat")
    return job.get("state") in LIVE_STATES and isinstance(heartbeat, float) and time.time() - heartbeat > SILENT_S


def describe_active(job: dict[str, Any], now: float) -> dict[str, Any]:
    """The job of the strip, with its newest numbers and the time of day it ends (seconds since 1970)."""
    numbers = newest_numbers(Path(job["folder"]) / EVENTS_FILE) if job.get("kind") == "train" else {}
    eta_s = job.get("eta_s")
    running = job.get("state") == "running" and isinstance(eta_s, int | float)
    error = job.get("error")
    return {
        **_line(job),
        **{name: numbers.get(name) for name in (*FIELDS, "memory_total_bytes")},
        "ends_at": round(now + float(eta_s or 0)) if running else None,
        "ended": _seconds(job.get("ended")) if job.get("ended") else None,
        "message": str(job.get("message") or "")[:160],
        "error": {key: str(text)[:300] for key, text in error.items()} if isinstance(error, dict) else None,
    }


class LiveState:
    """The answer of /lab/state: under 2 kB, and shared by all pages that ask at about the same time.

    `engine` knows more of a job than its file says (a process that died, an end that no full disk would take); the
    viewer has none.
    """

    def __init__(self, workspace: Workspace, build: str, device: Callable[[], str], engine: Engine | None) -> None:
        self.workspace, self.build, self.device, self.engine = workspace, build, device, engine
        self._reader = JobReader(workspace)
        self._lock = threading.Lock()
        self._made_at = -1e9
        self._made: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """The state now, or as it was less than half a second ago."""
        with self._lock:
            if time.monotonic() - self._made_at > STATE_LIVES_S:
                self._made = self._make()
                self._made_at = time.monotonic()
            return self._made

    def _make(self) -> dict[str, Any]:
        jobs = self._reader.jobs()
        waiting = self._waiting(jobs)
        busy = [job for job in jobs if job.get("state") in LIVE_STATES]
        ended = max((_seconds(job["ended"]) for job in jobs if job.get("ended")), default=0.0)
        active = self._active(jobs)
        shown = f"{active['id']}-{active['state']}" if active else ""
        return {
            "workspace": self.workspace.path.name[:60],
            "device": self.device(),
            "build": self.build,
            "queue": [_line(job) for job in waiting[:QUEUE_SHOWN]],
            "queue_count": len(waiting),
            "busy_count": len(busy),
            # Changes whenever a job starts, ends or changes its state, or a catalogue or set appears: the page's lists
            # are then read again.
            "pulse": f"{len(jobs)}.{len(waiting)}.{len(busy)}.{ended:.0f}.{self._made_things()}.{shown}",
            "active": active,
        }

    def _made_things(self) -> int:
        """How many catalogues and image sets there are; one appears before the job that makes it has ended."""
        kinds = ("catalogues", "image_sets")
        return sum(1 for kind in kinds for _ in (self.workspace.path / kind).glob("[!.]*"))

    def _waiting(self, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if self.engine is not None:
            return [record.model_dump(mode="json") for record in self.engine.queued() if record.kind not in PASSING]
        return sorted((job for job in jobs if job.get("state") == "queued"), key=_order)

    def _active(self, jobs: list[dict[str, Any]]) -> dict[str, Any] | None:
        chosen = _worth_showing(jobs)
        if chosen is None:
            return None
        if self.engine is not None:
            with suppress(LabError):
                chosen = {**self.engine.job(chosen["id"]).model_dump(mode="json"), "folder": chosen["folder"]}
        elif _silent(chosen):
            chosen = {**chosen, "message": "No sign of life for more than a minute.", "eta_s": None}
        return describe_active(chosen, time.time())
