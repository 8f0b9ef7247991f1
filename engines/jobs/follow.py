"""Run a job in a worker process from a terminal, and watch it the way the page does: by its folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from engines.errors import LabError
from engines.jobs import control, store
from engines.jobs.launchers import COMMAND, ROOT
from engines.records import JobRecord

POLL_S = 0.2


def run(folder: Path, quiet: bool = False) -> dict[str, Any]:
    """Run the job of a folder to its end and return its result; Ctrl-C asks it to stop and save.

    Raises LabError with the job's own words if it failed.
    """
    if not (folder / "job.json").exists():
        raise LabError(
            "This folder holds no job.", "There is no job.json in it.", "Name a folder below runs/ or jobs/."
        )
    with open(folder / "worker.log", "ab") as log:
        worker = subprocess.Popen([*COMMAND, str(folder)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as bar:
        row = bar.add_task("starting", total=1.0)
        while worker.poll() is None:
            try:
                worker.wait(POLL_S)
            except subprocess.TimeoutExpired:
                job = store.read(folder)
                bar.update(row, completed=job.progress, description=job.message or job.kind)
            except KeyboardInterrupt:
                control.request(folder, "stop")
    return _outcome(store.read(folder), worker.returncode)


def _outcome(job: JobRecord, exit_code: int) -> dict[str, Any]:
    if job.error:
        raise LabError(**job.error)
    if job.state not in ("done", "stopped"):
        raise LabError(
            "The work ended without a word.",
            f"The worker process ended with code {exit_code}.",
            "Look at worker.log in the job's folder; a killed process often means that memory ran out.",
        )
    return {**(job.result or {"id": job.id}), "state": job.state}


def describe() -> dict[str, Any]:
    """What the engine can do, asked of a worker process. Raises LabError if it cannot start."""
    said = subprocess.run([*COMMAND, "--describe"], capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL)
    if said.returncode:
        raise LabError(
            "The engine does not start.",
            said.stderr.strip().split("\n")[-1][:300],
            f"Install it anew for {sys.executable}.",
        )
    described: dict[str, Any] = json.loads(said.stdout.strip().split("\n")[-1])
    return described
