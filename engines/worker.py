"""One job in a process of its own: `python -m engines.worker JOB_FOLDER`.

A fault of a driver, a crash or a kill ends this process only; what it held of the GPU comes back with it. With
`--spare` it imports what takes long, says that it is ready, and waits for a folder on its standard input; `--wait` is
the same without the imports. `--describe` prints what the engine can do. Exit codes: 0 done or stopped, 1 failed and
recorded, 2 the job cannot be run, 28 its end could not be written because the disk is full, 74 for another reason.
"""

from __future__ import annotations

import argparse
import errno
import faulthandler
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines import files, registry
from engines.errors import LabError, explain, trace
from engines.jobs import process, store
from engines.jobs.context import JOB_FILE, LOG_FILE, JobContext, JobStopped
from engines.jobs.endings import EXIT_DISK_FULL, EXIT_FAILED, EXIT_UNUSABLE, EXIT_UNWRITTEN
from engines.jobs.events import FILE as EVENTS_FILE
from engines.records import JobRecord, now
from engines.workspace import Workspace

if TYPE_CHECKING:
    from engines.tasks.base import TaskSpec

Tasks = Mapping[str, "TaskSpec"]

# Jobs that never open a file from outside: what their errors quote is ours, and helps to find a fault.
_QUOTED = frozenset({"train", "generate", "evaluate", "export", "demo"})


def main(arguments: Sequence[str] | None = None, tasks: Tasks | None = None) -> int:
    """Run one job, now or when told to; `tasks` stands in for the registry in tests."""
    parser = argparse.ArgumentParser(prog="engines.worker", description="Runs one Phantom Lab job.")
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("folder", nargs="?", type=Path, help="the job's folder")
    way.add_argument("--spare", action="store_true", help="import everything first, then wait for a folder")
    way.add_argument("--wait", action="store_true", help="wait for a folder")
    way.add_argument("--describe", action="store_true", help="print what the engine can do as JSON")
    chosen = parser.parse_args(arguments)
    if chosen.describe:
        _say(registry.describe())
        return 0
    if chosen.folder:
        return run(chosen.folder.resolve(), tasks)
    if chosen.spare:
        _warm_up(registry.load("tasks") if tasks is None else tasks)
        _say({"ready": True, "description": None if tasks is not None else registry.describe()})
    else:
        _say({"ready": True, "description": None})
    line = sys.stdin.readline()
    if not line:  # whoever started this is gone: a spare never outlives its app
        return 0
    folder = Path(json.loads(line))
    _redirect(folder)
    return run(folder, tasks)


def _say(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=True, separators=(",", ":")), flush=True)


def _warm_up(tasks: Tasks) -> None:
    """Do what the first job would wait for. What fails here fails again, with its words, in the job itself."""
    import PIL.Image

    PIL.Image.init()
    for task in tasks.values():
        if task.warm_up is not None:
            with suppress(Exception):
                task.warm_up()


def _redirect(folder: Path) -> None:
    """Everything printed from here on goes to the job's log, and nothing waits for input."""
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((log, 1), (log, 2), (nothing, 0)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)


def run(folder: Path, tasks: Tasks | None = None) -> int:
    """Run the job of a folder to its end and write that end into job.json; returns the exit code."""
    faulthandler.enable()
    try:
        context = claim(folder)
    except (LabError, OSError, ValueError) as error:
        print(trace(error, quoting=False), explain(error), sep="\n", file=sys.stderr)
        return EXIT_UNUSABLE
    _listen(context)
    with context.reporting():
        state, result, fault = _work(context, tasks)
    _deafen()
    try:
        context.finish(state, result, fault)
    except OSError as error:
        print(trace(error, quoting=False), file=sys.stderr)
        return EXIT_DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else EXIT_UNWRITTEN
    return EXIT_FAILED if state == "failed" else 0


def claim(folder: Path) -> JobContext:
    """Make the job this process's own. Raises LabError if another living process works on it."""
    job = JobRecord.model_validate(files.read_json(folder / JOB_FILE))
    me = process.this_process()
    if job.pid != me.pid and process.alive(job.pid, job.pid_started):
        raise LabError("Another process works on this job.", f"Process {job.pid} is alive.", "Wait until it has ended.")
    files.repair_jsonl(folder / EVENTS_FILE)
    mine = {"pid": me.pid, "pid_started": me.started, "host": me.host, "started": now()}
    job = job.model_copy(update={**mine, "ended": None, "result": None, "error": None, "message": ""})
    context = JobContext(Workspace.open(folder.parent.parent, create=False), folder, job)
    context.state("running")
    return context


def _work(context: JobContext, tasks: Tasks | None) -> tuple[Any, dict[str, Any] | None, LabError | None]:
    """The state in which the task ended, with its result or its error."""
    try:
        spec = _task(context.job.kind, tasks)
        parameters = spec.parameters.model_validate(store.parameters(context.folder, context.job))
        context.check()
        result = spec.run(parameters, context)
        json.dumps(result)  # a result that JSON cannot say is the task's fault, not the writer's
        stopped = context.stop_taken or result.get("state") == "stopped"
        return ("stopped" if stopped else "done"), result, None
    except (JobStopped, KeyboardInterrupt):
        return "stopped", None, None
    except BaseException as error:
        print(trace(error, context.job.kind in _QUOTED), file=sys.stderr)
        return "failed", None, explain(error)


def _task(kind: str, tasks: Tasks | None) -> TaskSpec:
    """The task of a kind; its own file is tried first, since importing all of them takes seconds."""
    if tasks is None:
        try:
            spec = getattr(importlib.import_module(f"engines.tasks.{kind}"), "TASK", None)
        except ModuleNotFoundError as error:
            if error.name != f"engines.tasks.{kind}":
                raise
            spec = None
        if spec is not None and spec.name == kind:
            return spec  # type: ignore[no-any-return]
        tasks = registry.load("tasks")
    if kind not in tasks:
        raise LabError(f"This engine has no job “{kind}”.", "", f"It has: {', '.join(sorted(tasks))}.")
    return tasks[kind]


def _signals() -> list[signal.Signals]:
    names = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")  # the last is Windows' way to end a process group
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _deafen() -> None:
    """The work is over: nothing may now break into the writing of its end."""
    for number in _signals():
        signal.signal(number, signal.SIG_IGN)


def _listen(context: JobContext) -> None:
    """SIGTERM, Ctrl-C and a closed terminal mean stop and save; the second time, stop at once."""

    def stop(number: int, frame: object) -> None:
        if context.requested("stop"):
            raise JobStopped()
        context.signalled("stop")

    for number in _signals():
        signal.signal(number, stop)

    def thread_fault(fault: threading.ExceptHookArgs) -> None:
        error = fault.exc_value or RuntimeError(fault.exc_type.__name__)
        print(trace(error, context.job.kind in _QUOTED), file=sys.stderr)
        words = explain(error)
        context.emit("warning", name="background", text=words.what, advice=words.advice, severity="warning")

    threading.excepthook = thread_fault


if __name__ == "__main__":
    sys.exit(main())
