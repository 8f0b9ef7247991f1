"""Starts what waits, watches what runs, and writes how a job ended when its process could not.

No threads and no clocks of its own: the engine thread calls it under its lock. Two writers never meet on a job.json:
the worker writes it while it lives, this before and after.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engines import files
from engines.errors import LabError, explain
from engines.jobs import active, control, endings, events, process, store
from engines.jobs.active import Active, Lane
from engines.jobs.context import LOG_FILE
from engines.jobs.launchers import LocalLauncher, Worker
from engines.jobs.order import Order
from engines.jobs.spares import Spares
from engines.records import ENDED_STATES, KINDS, JobRecord, JobState, now
from engines.workspace import Workspace

LEFTOVER_AGE_S = 86_400.0  # an unfinished folder this old belongs to no living job


class Dispatcher:
    """The jobs of one workspace: `order` waits, `active` runs, `unwritten` are ends that the disk did not take yet."""

    def __init__(
        self,
        workspace: Workspace,
        launcher: LocalLauncher,
        spares: Spares,
        lane: Callable[[str], Lane],
        not_responding_s: float,
        changed: Callable[[], None],
    ) -> None:
        self.workspace, self.launcher, self.spares = workspace, launcher, spares
        self.not_responding_s = not_responding_s
        self.order = Order(workspace.path)
        self.active: dict[str, Active] = {}
        self.unwritten: dict[str, JobRecord] = {}
        self._lane, self._changed = lane, changed

    def tick(self) -> None:
        for job in list(self.active.values()):
            self._watch(job)
        for record in list(self.unwritten.values()):
            self._settle(record)
        self._start_next()
        self.spares.keep()

    def reconcile(self) -> list[JobRecord]:
        """After a start: adopt jobs that still run, mark those that died, and line up those that wait."""
        records = []
        waiting: list[str] = []
        for folder in store.folders(self.workspace):
            record = store.read(folder)
            records.append(record)
            if store.damaged(record):
                continue
            if record.state in ENDED_STATES:
                if store.discarded(folder) or record.kind in store.PASSING:
                    self.forget(record.id, folder)
            elif (adopted := active.adopt(folder, self._lane(record.kind))) is not None:
                self.active[record.id] = adopted
            elif record.kind in store.PASSING:
                self.forget(record.id, folder)
            elif record.state == "queued":
                waiting.append(record.id)
            elif not _elsewhere(record):
                self._end(folder, record, *endings.ending(record, None))
        kept = [id for id in self.order.ids if id in waiting]
        self.order.replace(kept + [id for id in waiting if id not in kept])
        if not self.active:
            self._sweep()
        return records

    def rearrange(self, id: str, folder: Path, verb: str) -> None:
        """Move, hold, release or remove a waiting job. Raises LabError if it does not wait."""
        if id not in self.order.ids:
            raise LabError("This job is not waiting.", f"It is {store.read(folder).state}.", "Reload the page.")
        if verb in ("up", "down"):
            self.order.move(id, -1 if verb == "up" else 1)
        elif verb in ("hold", "release"):
            self.order.hold(id, verb == "hold")
        else:
            record = store.read(folder)
            self.order.remove(id)
            if record.started is None:  # it never ran: there is nothing in its folder to keep
                self.forget(id, folder)
            elif not store.damaged(record):
                self._write_state(folder, record.model_copy(update={"state": "stopped", "ended": now()}))

    def requeue(self, id: str, folder: Path) -> None:
        """Line an interrupted, stopped or failed job up again, in its own folder. Raises LabError for any other."""
        if (record := self.unwritten.get(id)) is not None:
            self._settle(record)
        record = store.read(folder)
        if store.damaged(record):
            raise LabError(**(record.error or {"what": "The job's record is damaged."}))
        if record.state in ("queued", "done"):
            raise LabError("This job cannot be resumed.", f"It is {record.state}.", "Start a new one instead.")
        if process.alive(record.pid, record.pid_started):
            raise LabError("This job is still running.", "Its process is alive.", "Wait a moment, or stop it first.")
        control.clear(folder)
        files.repair_jsonl(folder / events.FILE)
        fresh: dict[str, Any] = {"state": "queued", "pid": None, "pid_started": None, "heartbeat": None, "eta_s": None}
        fresh |= {"ended": None, "error": None, "message": ""}
        self._write_state(folder, record.model_copy(update=fresh))
        self.order.append(id)

    def forget(self, id: str, folder: Path) -> None:
        """Remove a job that has no process, with its folder and nothing else."""
        self.order.remove(id)
        self.unwritten.pop(id, None)
        if folder.exists():
            store.remove(self.workspace, folder)

    def _watch(self, job: Active) -> None:
        if not job.ended():
            record = store.read(job.folder)
            job.listen(record)
            if job.silent_s() >= self.not_responding_s and (job.asked_to_end() or record.state == "stopping"):
                job.kill()
            return
        self._conclude(job)
        self.active.pop(job.id, None)

    def _conclude(self, job: Active) -> None:
        record = store.read(job.folder)
        if not job.folder.exists():
            self.unwritten[job.id] = record  # it says that the folder is missing; shown until the app ends
        elif store.discarded(job.folder) or (job.lane == "passing" and record.state in ("done", "stopped")):
            del self.active[job.id]  # first, so that nobody misses the folder of a live job
            self.forget(job.id, job.folder)
        elif record.state == "queued" and job.worker is not None and job.worker.warm and not job.killed:
            self.order.append(job.id, first=True)  # the spare died before it took the job up: a new worker will
        elif record.state not in ENDED_STATES:
            self._end(job.folder, record, *endings.ending(record, job.exit_code(), job.killed))

    def _start_next(self) -> None:
        busy = {job.lane for job in self.active.values()} - {"passing"}
        for id in self.order.ids:
            folder = self.workspace.job_folder(id)
            record = store.read(folder)
            lane = self._lane(record.kind)
            if record.state != "queued":  # gone, damaged, or ended by hand
                self.order.remove(id)
            elif not self.order.held(id) and lane not in busy:
                self._launch(folder, record, lane)
                busy |= {lane} - {"passing"}

    def _launch(self, folder: Path, record: JobRecord, lane: Lane) -> None:
        try:
            worker = self._assign(folder, record, lane)
        except Exception as error:
            self.order.remove(record.id)
            self._end(folder, record, "failed", explain(error))
            return
        identity = worker.identity
        if identity is not None:
            self.active[record.id] = Active(record.id, folder, lane, identity.pid, identity.started, worker)
        self.order.remove(record.id)

    def _assign(self, folder: Path, record: JobRecord, lane: Lane) -> Worker:
        """Hand the folder to the spare, or to a new worker. Its process is written down before it knows the job, so
        that an app that dies in between can never start the job twice.
        """
        if lane != "beside" and (spare := self.spares.take()) is not None:
            try:
                self._name_worker(folder, record, spare)
                spare.assign(folder)
                return spare
            except BrokenPipeError:
                spare.dismiss()  # it died a moment ago; a new one takes the job
        try:
            worker = self.launcher.start(warm=False, changed=self._changed, log=folder / LOG_FILE)
        except OSError as error:
            raise endings.not_started(explain(error).why) from error
        try:
            self._name_worker(folder, record, worker)
            worker.assign(folder)
        except BaseException as error:
            worker.dismiss()
            if isinstance(error, BrokenPipeError):
                raise endings.not_started("Its process ended at once.") from error
            raise
        return worker

    def _name_worker(self, folder: Path, record: JobRecord, worker: Worker) -> None:
        if worker.identity is None:
            raise BrokenPipeError("the worker ended at once")
        named = {"pid": worker.identity.pid, "pid_started": worker.identity.started, "heartbeat": None}
        store.write(folder, record.model_copy(update=named))

    def _end(self, folder: Path, record: JobRecord, state: JobState, error: LabError) -> None:
        """Record an end that the job's own process could not; on a full disk it is kept and tried again."""
        fields: dict[str, Any] = {"state": state, "error": error.as_dict(), "ended": now(), "eta_s": None}
        self._settle(record.model_copy(update=fields), folder)

    def _settle(self, record: JobRecord, folder: Path | None = None) -> None:
        folder = folder or self.workspace.job_folder(record.id)
        if store.damaged(record):
            return
        try:
            files.repair_jsonl(folder / events.FILE)
            if record.error:
                events.append(folder, "error", **record.error)
            self._write_state(folder, record)
            files.sweep(folder, older_than_s=0)  # its process is gone: what it had half-written is nobody's
        except OSError:
            self.unwritten[record.id] = record
        else:
            self.unwritten.pop(record.id, None)

    def _write_state(self, folder: Path, record: JobRecord) -> None:
        store.write(folder, record)
        events.append(folder, "state", state=record.state)

    def _sweep(self) -> None:
        for kind in KINDS:
            for path in (self.workspace.path / kind).glob(f"{files.TEMPORARY}*"):
                if time.time() - path.stat().st_mtime > LEFTOVER_AGE_S:
                    files.remove_folder(path)


def _elsewhere(record: JobRecord) -> bool:
    """Whether another computer's process gave a sign of life lately: a workspace may lie on a shared drive."""
    host = (record.model_extra or {}).get("host", process.host())
    return host != process.host() and record.heartbeat is not None and abs(time.time() - record.heartbeat) < 60
