"""A worker that knows the test tasks only: `python worker_for_tests.py (--spare | --wait | FOLDER)`."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from engines import files, worker
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.options import Options, option
from engines.tasks.base import TaskSpec


class Parameters(Options):
    """What the test tasks can be told."""

    steps: int = option(10**9, "Steps", "How often to look whether somebody asks for something.", ge=0)
    text: str = option("", "Text", "Anything.")


def count(parameters: Parameters, context: JobContext) -> dict[str, Any]:
    """Count up, writing a small product at every step, until told otherwise."""
    look = threading.Event()
    for step in range(1, parameters.steps + 1):
        context.pause_point()
        files.write_json(context.folder / "product.json", {"step": step, "text": parameters.text})
        context.emit("metrics", images_seen=step)
        context.progress(step / parameters.steps, f"step {step}")
        if context.take("sample_now"):
            context.emit("sample", images_seen=step)
        if parameters.steps > 1000:
            look.wait(0.02)
    return {"steps": parameters.steps}


def fail(parameters: Parameters, context: JobContext) -> dict[str, Any]:
    """Fail in the way that `text` names."""

    class OutOfMemoryError(RuntimeError):
        """Stands for torch's, which is known by its name."""

    def missing() -> None:
        open("/nowhere/JANE-DOE/scan.png", "rb")

    def full() -> None:
        raise OSError(28, "No space left on device", str(context.folder / "samples.webp"))

    def gpu() -> None:
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")

    def memory() -> None:
        raise MemoryError

    def known() -> None:
        raise LabError("The images are too few.", "3 of 50.", "Add more.")

    def unknown() -> None:
        raise KeyError("PATIENT-4711")

    def crash() -> None:
        faulthandler._sigsegv()

    def leave() -> None:
        os._exit(3)

    def give_up() -> None:
        sys.exit(4)

    def full_at_the_end() -> None:
        def refuse(*_: object) -> None:
            raise OSError(28, "No space left on device")

        files.write_json = refuse  # type: ignore[assignment]

    def nothing_json() -> None:
        raise TypeError("not JSON")

    def thread() -> None:
        def work() -> None:
            raise ValueError("in a thread")

        helper = threading.Thread(target=work)
        helper.start()
        helper.join()

    ways: dict[str, Callable[[], None]] = {
        way.__name__: way
        for way in (
            missing, full, gpu, memory, known, unknown, crash, leave, give_up, full_at_the_end, nothing_json, thread,
        )
    }  # fmt: skip
    ways[parameters.text]()
    return {}


def latents(parameters: Parameters, context: JobContext) -> dict[str, Any]:
    """Stands for a job that serves an open page: counts, or fails where it is told to."""
    return fail(parameters, context) if parameters.text else count(parameters, context)


def deaf(parameters: Parameters, context: JobContext) -> dict[str, Any]:
    """Never look whether anybody asks for anything."""
    context.emit("metrics", images_seen=1)
    while True:
        signal.pause()


TASKS = {
    name: TaskSpec(name, name, "For tests.", Parameters, run, gpu)
    for name, run, gpu in (
        *(("count", count, True), ("train", count, True), ("fail", fail, True), ("deaf", deaf, True)),
        ("latents", latents, False),
    )
}

if __name__ == "__main__":
    sys.exit(worker.main(tasks=TASKS))
