"""A job whose process lives: watched by number and start time, started by this app or adopted from an earlier one."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engines.jobs import control, process, store
from engines.jobs.launchers import Worker
from engines.records import ENDED_STATES, JobRecord

# Of "device" and "beside" one job works at a time; of "passing" as many as there are pages that want one.
Lane = Literal["device", "beside", "passing"]


@dataclass
class Active:
    """One live job. Beats are timed on this process's own clock: setting the computer's clock kills nobody."""

    id: str
    folder: Path
    lane: Lane
    pid: int
    pid_started: float
    worker: Worker | None = None  # None: adopted, not a child of this process
    killed: bool = False
    _beat: float | None = None
    _beat_seen: float = field(default_factory=time.monotonic)

    def ended(self) -> bool:
        if self.worker is not None:
            return self.worker.exit_code() is not None
        return not process.alive(self.pid, self.pid_started)

    def exit_code(self) -> int | None:
        return self.worker.exit_code() if self.worker is not None else None

    def listen(self, record: JobRecord) -> None:
        """Note a heartbeat if there is a new one."""
        if record.heartbeat != self._beat:
            self._beat, self._beat_seen = record.heartbeat, time.monotonic()

    def silent_s(self) -> float:
        return time.monotonic() - self._beat_seen

    def asked_to_end(self) -> bool:
        return control.requested(self.folder, "stop") or control.requested(self.folder, "discard")

    def signal_stop(self) -> None:
        """Ask for stop-and-save without a file (POSIX; elsewhere the signal would end the process at once)."""
        if os.name == "posix" and process.alive(self.pid, self.pid_started):
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        self.killed = True
        process.end(self.pid, self.pid_started)

    def seen(self, not_responding_s: float) -> JobRecord:
        """The record as a page shows it: with what was asked but not yet done, and whether the job still reacts.

        Only the worker writes the file while it lives, so that this stays a view.
        """
        # Requests first: a worker answers one in the record before it removes the request.
        ending, pausing = self.asked_to_end(), control.requested(self.folder, "pause")
        record = store.read(self.folder)
        if record.state in ENDED_STATES:
            return record
        state, message = record.state, record.message
        if state == "queued":
            state, message = "running", "Starting."
        if ending:
            state = "stopping"
        elif state == "running" and pausing:
            state = "pausing"
        responding = self.silent_s() < not_responding_s
        if not responding:
            message = f"Not responding for {self.silent_s():.0f} s. Stop ends it; the last checkpoint is kept."
        return record.model_copy(update={"state": state, "message": message, "responding": responding})


def adopt(folder: Path, lane: Lane) -> Active | None:
    """The live job of a folder, if its process still runs on this computer."""
    record = store.read(folder)
    if record.pid is None or record.pid_started is None or not process.alive(record.pid, record.pid_started):
        return None
    return Active(record.id, folder, lane, record.pid, record.pid_started)
