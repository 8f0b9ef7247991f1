"""One worker that has its imports behind it, so that Start shows its first numbers at once.

It costs about 0.5 GB of memory and, when it starts, three seconds of one core (measured).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from engines import registry
from engines.jobs.launchers import LocalLauncher, Worker

LEAST_MEMORY_BYTES = 7.5 * 2**30  # what a computer sold with 8 GB reports
REST_S = 5.0  # imports must not fight the first batches of a job that has just started
MOST_FAILURES = 3  # in a row: then the installation is broken, and a job's own start will say how


class Spares:
    """Keeps a warm worker in reserve; `wanted` None means where the memory allows it."""

    def __init__(self, launcher: LocalLauncher, wanted: bool | None, changed: Callable[[], None]) -> None:
        enough: bool = psutil.virtual_memory().total >= LEAST_MEMORY_BYTES
        self.wanted = enough if wanted is None else wanted
        self._launcher, self._changed = launcher, changed
        self._spare: Worker | None = None
        self._code = ""
        self._failures = 0
        self._rested_at = 0.0

    @property
    def ready(self) -> bool:
        return self._spare is not None and self._spare.ready.is_set() and self._spare.exit_code() is None

    @property
    def spare(self) -> Worker | None:
        return self._spare

    def take(self) -> Worker | None:
        """The spare, ready or nearly so; None if there is none, or if the code has changed since it started."""
        spare, self._spare = self._spare, None
        self._rested_at = time.monotonic() + REST_S
        if spare is not None and (spare.exit_code() is not None or self._code != registry.code_version()):
            spare.dismiss()
            return None
        return spare

    def keep(self) -> None:
        """Start a spare if there should be one and there is none; called at every tick."""
        if self._spare is not None:
            if self._spare.exit_code() is None:
                self._failures = 0 if self._spare.ready.is_set() else self._failures
                return
            self._failures += 0 if self._spare.ready.is_set() else 1
            self._spare.dismiss()
            self._spare = None
            self._rested_at = time.monotonic() + REST_S
        if self.wanted and self._failures < MOST_FAILURES and time.monotonic() >= self._rested_at:
            self._code = registry.code_version()
            self._spare = self._launcher.start(warm=True, changed=self._changed)

    def close(self) -> None:
        self.wanted = False
        if self._spare is not None:
            self._spare.dismiss()
            self._spare = None
