"""What a task knows of the world: where to report, and whether somebody wants it to pause or stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engines import files
from engines.errors import LabError
from engines.jobs import control, events
from engines.records import JobRecord, JobState, now
from engines.workspace import Workspace

JOB_FILE = "job.json"
LOG_FILE = "worker.log"
WRITE_EVERY_S = 1.0  # job.json carries news at most this late
HEARTBEAT_EVERY_S = 4.0  # and a sign of life at least this often
PROGRESS_EVENT_EVERY_S = 0.5
_ANSWERS: dict[str, JobState] = {"pause": "pausing", "stop": "stopping"}


class JobStopped(BaseException):
    """Stop or Discard was asked for. Not an Exception, so that `except Exception` around one file cannot eat it."""

    def __init__(self, discard: bool = False) -> None:
        super().__init__("discarded" if discard else "stopped")
        self.discard = discard


class JobContext:
    """Handed to a task: progress and events outwards, requests inwards. All methods may be called from any thread."""

    def __init__(self, workspace: Workspace, folder: Path, job: JobRecord, attached: bool = True) -> None:
        self.workspace, self.folder, self.job = workspace, folder, job
        self._attached = attached  # writes job.json; a detached context keeps its state to itself
        self.stop_taken = False  # the task consumed a stop: however it ends now, it was stopped
        self._lock = threading.RLock()
        self._news = False
        self._ending = threading.Event()
        self._signalled: set[str] = set()
        self._progress_told = (-1.0, "", 0.0)  # fraction, message, time of the last progress event

    @classmethod
    def detached(cls, workspace: Workspace, folder: Path) -> JobContext:
        """A context without a job, for tests and direct calls: events and control work in `folder`, made if missing."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(workspace, folder, JobRecord(id=folder.name, kind="detached", state="running"), attached=False)

    # Outwards

    def progress(self, fraction: float, message: str = "", eta_s: float | None = None) -> None:
        """Say how far the work is, 0 to 1; cheap enough for every image. An empty message leaves the last one."""
        fraction = min(max(float(fraction), 0.0), 1.0)
        with self._lock:
            self.job.progress, self.job.eta_s = round(fraction, 4), None if eta_s is None else round(eta_s, 1)
            self.job.message = message or self.job.message
            self._news = True
            told, told_message, told_at = self._progress_told
            moved = fraction - told >= 0.01 or fraction < told or self.job.message != told_message
            if not moved or time.monotonic() - told_at < PROGRESS_EVENT_EVERY_S:
                return
            self._progress_told = (fraction, self.job.message, time.monotonic())
            self.emit("progress", fraction=self.job.progress, message=self.job.message, eta_s=self.job.eta_s)

    def emit(self, kind: str, **fields: Any) -> None:
        """Append an event; NaN and infinities become null. Checkpoint and state events reach the disk at once."""
        with self._lock:
            events.append(self.folder, kind, **fields)

    def state(self, name: JobState) -> None:
        """Change the job's state, visible at once in job.json and as an event."""
        with self._lock:
            self.job.state = name
            self.emit("state", state=name)
            self._save()

    # Inwards

    def requested(self, verb: str) -> bool:
        """Whether that was asked; the request stays."""
        return verb in self._signalled or control.requested(self.folder, verb)

    def take(self, verb: str) -> bool:
        """Whether that was asked; the request is consumed, and job.json says so before it is gone."""
        if verb in _ANSWERS and self.job.state == "running" and self.requested(verb):
            self.state(_ANSWERS[verb])
        signalled = verb in self._signalled
        self._signalled.discard(verb)
        taken = control.take(self.folder, verb) or signalled
        self.stop_taken = self.stop_taken or (taken and verb == "stop")
        return taken

    def check(self) -> None:
        """Raise JobStopped if somebody wants this job to stop or to be discarded."""
        if self.requested("discard"):
            raise JobStopped(discard=True)
        if self.requested("stop"):
            raise JobStopped()

    def pause_point(self) -> None:
        """`check`, and honour Pause by waiting here; for tasks that have nothing to save before a pause."""
        self.check()
        if self.take("pause"):
            self.wait_for_resume()

    def wait_for_resume(self) -> None:
        """Stand still in state `paused` until Resume; raises JobStopped if the job is to end instead."""
        self.state("paused")
        while not self.take("resume"):
            self.check()
            self._ending.wait(0.2)
        self.state("running")

    def signalled(self, verb: str) -> None:
        """Note a request that came as a signal; a signal handler may call this, so it touches no file and no lock."""
        self._signalled.add(verb)

    # The job's own record; the worker calls these

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Keep job.json fresh from a thread of its own, so that no step of the work ever waits for the disk."""
        thread = threading.Thread(target=self._report, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ending.set()
            thread.join()

    def finish(self, state: JobState, result: dict[str, Any] | None = None, error: LabError | None = None) -> None:
        """Write the end of the job: its event, then its state in job.json. Raises OSError if the latter fails."""
        with self._lock:
            self.job.state, self.job.ended, self.job.eta_s = state, now(), None
            self.job.result, self.job.error = events.finite(result), error.as_dict() if error else None
            if state == "done":
                self.job.progress = 1.0
            with suppress(OSError):  # the log may be lost on a full disk; job.json is what counts
                if error:
                    self.emit("error", **error.as_dict())
                self.emit("done" if state == "done" else "state", state=state)
            self._write()

    def _report(self) -> None:
        written = time.monotonic()
        while not self._ending.wait(WRITE_EVERY_S):
            if self._news or time.monotonic() - written >= HEARTBEAT_EVERY_S:
                with self._lock:
                    self._save()
                written = time.monotonic()

    def _save(self) -> None:
        """Write job.json, or try again with the next heartbeat: a full disk must surface where data are at stake."""
        try:
            self._write()
        except OSError:
            self._news = True

    def _write(self) -> None:
        if not self._attached:
            return
        self.job.heartbeat = round(time.time(), 3)
        files.write_json(self.folder / JOB_FILE, self.job.model_dump(mode="json"))
        self._news = False
