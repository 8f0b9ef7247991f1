"""The engine thread: takes jobs from a queue on disk, gives each a process, watches it, and tells how it stands.

It lives in the app's process and imports nothing heavy: the page never waits for a computation, and a computation
never ends with the page.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any

from engines.errors import LabError, explain
from engines.jobs import control, description, endings, process, store
from engines.jobs.active import Lane
from engines.jobs.dispatch import Dispatcher
from engines.jobs.launchers import LocalLauncher
from engines.jobs.lock import WorkspaceLock
from engines.jobs.spares import Spares
from engines.records import ENDED_STATES, LIVE_STATES, JobRecord
from engines.workspace import Workspace

TICK_S = 1.0
NOT_RESPONDING_S = 60.0
WAITING_VERBS = ("up", "down", "hold", "release", "remove")

log = logging.getLogger("phantom_lab.engine")


class EngineThread:
    """One per workspace. `start` takes the workspace's lock; every other method may be called from any thread.

    `spare` keeps a warm worker in reserve: None means where the computer has the memory for it.
    """

    def __init__(
        self,
        workspace: Workspace,
        launcher: LocalLauncher | None = None,
        spare: bool | None = None,
        not_responding_s: float = NOT_RESPONDING_S,
    ) -> None:
        self.workspace = workspace
        self._launcher = launcher or LocalLauncher()
        self._spares = Spares(self._launcher, spare, self._wake_up)
        self._jobs = Dispatcher(workspace, self._launcher, self._spares, self._lane, not_responding_s, self._wake_up)
        self._workspace_lock = WorkspaceLock(workspace.path)
        self._keys: dict[str, str] = {}  # client key -> job
        self._description: dict[str, Any] | None = None
        self._lock = threading.RLock()
        self._news = threading.Condition()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)

    # Life

    def start(self) -> EngineThread:
        """Take over the workspace: adopt jobs that still run, mark those that died. Raises LabError if it is taken."""
        self._workspace_lock.acquire()
        self._description = description.recall()
        with self._lock:
            self._keys = {record.client_key: record.id for record in self._jobs.reconcile() if record.client_key}
        self._thread.start()
        return self

    def close(self) -> None:
        """Let go of the workspace; running jobs run on, and the next engine adopts them."""
        self._closing = True
        self._wake_up()
        if self._thread.is_alive():
            self._thread.join()
        self._spares.close()
        self._workspace_lock.release()

    def __enter__(self) -> EngineThread:
        return self.start()

    def __exit__(self, *fault: object) -> None:
        self.close()

    # Asking

    def submit(self, kind: str, parameters: dict[str, Any], title: str = "", client_key: str = "") -> str:
        """Queue a job and return its id; the same `client_key` again returns the same job. Raises LabError."""
        known = (self._description or {}).get("tasks")
        if known and kind not in known:
            raise LabError(f"This engine has no job “{kind[:40]}”.", "", f"It has: {', '.join(sorted(known))}.")
        with self._lock:
            earlier = self._keys.get(client_key, "") if client_key else ""
            if earlier and self.workspace.job_folder(earlier).exists():
                return earlier
            try:
                record = store.create(self.workspace, kind, parameters, title, client_key)
                self._jobs.order.append(record.id)
            except OSError as error:
                raise explain(error) from error
            if client_key:
                self._keys[client_key] = record.id
        self._wake_up()
        return record.id

    def act(self, id: str, verb: str) -> None:
        """Do to a job what a page asks: pause resume stop discard sample_now checkpoint_now, for waiting ones also
        up down hold release remove, and kill for one that does not react. Raises LabError if it makes no sense now.
        """
        if verb not in (*control.VERBS, *WAITING_VERBS, "kill"):
            raise LabError(f"A job cannot be asked to “{verb[:40]}”.", "", "Reload the page.")
        try:
            with self._lock:
                self._act(id, verb)
        except OSError as error:
            raise explain(error) from error
        self._wake_up()

    def _act(self, id: str, verb: str) -> None:
        if verb == "discard" and id in self._jobs.unwritten and id not in self._jobs.active:
            self._jobs.forget(id, self.workspace.job_folder(id))
            return
        folder = store.find(self.workspace, id)
        running = self._jobs.active.get(id)
        if verb in WAITING_VERBS:
            self._jobs.rearrange(id, folder, verb)
        elif running is not None and verb == "kill":
            running.kill()
        elif running is not None:
            try:
                control.request(folder, verb)
            except OSError:  # Stop must be sure, also on a full disk: a signal asks for the same
                if verb != "stop":
                    raise
                running.signal_stop()
        elif verb == "resume":
            self._jobs.requeue(id, folder)
        elif verb == "stop" and id in self._jobs.order.ids:
            self._jobs.rearrange(id, folder, "remove")
        elif verb == "discard":
            if process.alive((record := store.read(folder)).pid, record.pid_started):
                control.request(folder, verb)  # started by hand: its own process sees it; the folder goes next start
            else:
                self._jobs.forget(id, folder)
        elif verb not in ("stop", "kill"):
            raise LabError("This job is not running.", f"It is {self.job(id).state}.", "Start or resume it first.")

    # Looking

    def job(self, id: str) -> JobRecord:
        """How a job stands, as a page shows it. Raises LabError if there is none of that id."""
        if (unwritten := self._jobs.unwritten.get(id)) is not None:
            return unwritten
        if (running := self._jobs.active.get(id)) is not None:
            return running.seen(self._jobs.not_responding_s)
        record = store.read(store.find(self.workspace, id))
        if record.state in LIVE_STATES and not process.alive(record.pid, record.pid_started):
            state, error = endings.ending(record, None)  # a job started by hand whose process is gone
            return record.model_copy(update={"state": state, "error": error.as_dict()})
        return record

    def active(self) -> list[JobRecord]:
        """Jobs that have a process, the one that holds the device first."""
        running = sorted(tuple(self._jobs.active.values()), key=lambda job: job.lane != "device")
        return [record for job in running if (record := self._glance(job.id)) is not None]

    def queued(self) -> list[JobRecord]:
        """Waiting jobs in their order; a held one carries `held`."""
        order = self._jobs.order
        found = [(id, self._glance(id)) for id in order.ids if id not in self._jobs.active]
        return [record.model_copy(update={"held": order.held(id)}) for id, record in found if record is not None]

    def jobs(self) -> list[JobRecord]:
        """Every job of the workspace, oldest first within runs and others."""
        ids = [folder.name for folder in store.folders(self.workspace)]
        ids += [id for id in tuple(self._jobs.unwritten) if id not in ids]
        return [record for id in ids if (record := self._glance(id)) is not None]

    def wait(self, id: str, timeout_s: float | None = None) -> JobRecord:
        """Wait until a job has ended; its record then, or as it stands after the time."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            record = self.job(id)
            ended = record.state in ENDED_STATES and id not in self._jobs.active
            if ended or (until is not None and time.monotonic() >= until):
                return record
            with self._news:
                self._news.wait(0.5)

    def describe(self) -> dict[str, Any]:
        """What the engine can do: remembered, said by the spare, or asked of a new process (seconds).

        Raises LabError if the engine does not start.
        """
        if self._description is None:
            try:
                self._learn(self._launcher.describe())
            except Exception as error:
                raise LabError(
                    "The engine does not start.",
                    f"{type(error).__name__} when asked what it can do.",
                    "Run `phantom-lab doctor`: it checks the installation.",
                ) from error
        assert self._description is not None
        return self._description

    @property
    def keeps_spare(self) -> bool:
        """Whether a warm worker is kept in reserve on this computer."""
        return self._spares.wanted

    @property
    def spare_ready(self) -> bool:
        """Whether a warm worker waits: the next training shows its first numbers at once."""
        return self._spares.ready

    def _glance(self, id: str) -> JobRecord | None:
        with suppress(LabError):
            return self.job(id)
        return None

    # The loop

    def _wake_up(self) -> None:
        self._wake.set()

    def _loop(self) -> None:
        while not self._closing:
            self._wake.clear()
            try:
                with self._lock:
                    self._jobs.tick()
                if (spare := self._spares.spare) is not None and spare.description and self._description is None:
                    self._learn(spare.description)
            except Exception:  # whatever it was, the other jobs must go on
                log.exception("The engine met an error and goes on")
            with self._news:
                self._news.notify_all()
            self._wake.wait(TICK_S)

    def _learn(self, said: dict[str, Any]) -> None:
        self._description = said
        description.remember(said)

    def _lane(self, kind: str) -> Lane:
        """Beside which others a job works; one of a kind that is not known yet is taken to need the device."""
        if kind in store.PASSING:
            return "passing"
        task = ((self._description or {}).get("tasks") or {}).get(kind) or {}
        return "device" if task.get("gpu", True) else "beside"
