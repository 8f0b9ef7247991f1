"""What the page asks of the engine thread; lab code knows this shape only, so that tests can put another behind it."""

from __future__ import annotations

from typing import Any, Protocol

from engines.records import JobRecord


class Engine(Protocol):
    """The queue of jobs, as the page sees it; `engines.jobs.queue.EngineThread` is one."""

    def submit(self, kind: str, parameters: dict[str, Any], title: str = "", client_key: str = "") -> str:
        """Queue a job and return its id; the same `client_key` again returns the first id. Raises LabError."""

    def act(self, id: str, verb: str) -> None:
        """Do to a job what a page asks: pause resume stop discard sample_now checkpoint_now, for waiting ones also
        up down hold release remove. Raises LabError if it makes no sense now."""

    def job(self, id: str) -> JobRecord:
        """How a job stands. Raises LabError if there is none of that id."""

    def queued(self) -> list[JobRecord]:
        """Waiting jobs in their order."""
