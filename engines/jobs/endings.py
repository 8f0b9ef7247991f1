"""Words for jobs whose process ended without saying why."""

from __future__ import annotations

import signal

from engines.errors import LabError
from engines.jobs.store import TRAIN
from engines.records import JobRecord, JobState

EXIT_FAILED, EXIT_UNUSABLE, EXIT_DISK_FULL, EXIT_UNWRITTEN = 1, 2, 28, 74  # of engines.worker
# What is not lost of these kinds of job, and what to do if their process is killed again and again.
_KEPT = {
    TRAIN: ("the training goes on from its last checkpoint", "choose a smaller batch or size"),
    "compare": ("trainings that are done are not repeated", "choose fewer or smaller classifiers"),
}
_NOTHING_KEPT = ("the job starts over; nothing half-made was kept", "choose fewer or smaller images")
_CRASHES = {
    getattr(signal, name): words
    for name, words in {
        "SIGSEGV": "a segmentation fault",
        "SIGBUS": "a bus error",
        "SIGABRT": "an abort",
        "SIGFPE": "an arithmetic fault",
        "SIGILL": "an illegal instruction",
    }.items()
    if hasattr(signal, name)
}


def ending(record: JobRecord, exit_code: int | None, asked: bool = False) -> tuple[JobState, LabError]:
    """The state and the words for a job whose process is gone; `asked`: the researcher had it ended.

    `exit_code` is None where nobody saw the end: the app was not running, or the process was not its child.
    """
    again = _advice(record)
    code = 0 if exit_code is None else exit_code
    if code == EXIT_DISK_FULL:
        return "failed", LabError(
            "The disk is full.", "The end of the job could not be written.", f"Free some space. {again}"
        )
    if code == EXIT_UNWRITTEN:
        return "failed", LabError(
            "The end of the job could not be written.",
            "The job's folder cannot be written.",
            f"Check the disk and its permissions. {again}",
        )
    if record.state == "queued" and exit_code is not None and code >= 0:
        return "failed", not_started(f"Its process ended at once with code {code}.")
    if asked:
        return "interrupted", LabError("The job was ended at your request.", "It did not react to Stop.", again)
    crash = _CRASHES.get(signal.Signals(-code)) if -code in {s.value for s in signal.Signals} else None
    if crash or code in (139, 3221225477):  # the same as a shell and as Windows report it
        why = f"{crash or 'a segmentation fault'}, most often in a driver or a library; worker.log has its last lines"
        return "interrupted", LabError("The job's process crashed.", f"It was {why}.", again)
    if code in (-9, -15, 137):
        return "interrupted", LabError(
            "The job's process was killed.",
            "Somebody ended it, or the system did because the memory ran out.",
            f"{again} If it comes back, {_kept(record)[1]}.",
        )
    why = f"It ended with code {code}." if code else "The computer or Phantom Lab was restarted, or it was ended."
    return "interrupted", LabError("The job's process is gone.", why, again)


def not_started(why: str) -> LabError:
    return LabError(
        "The job could not be started.",
        why,
        "Look into worker.log in the job's folder; `phantom-lab doctor` checks the installation.",
    )


def _advice(record: JobRecord) -> str:
    return f"Press Resume: {_kept(record)[0]}."


def _kept(record: JobRecord) -> tuple[str, str]:
    return _KEPT.get(record.kind, _NOTHING_KEPT)
