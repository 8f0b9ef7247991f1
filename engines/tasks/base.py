"""What a kind of job is: a name, a parameters model and a function that does the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engines.jobs.context import JobContext
from engines.options import Options


@dataclass(frozen=True)
class Preset:
    """A named choice of parameters; `changes` holds what differs from the defaults."""

    title: str
    summary: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class TaskSpec:
    """One kind of job; a task file ends with `TASK = TaskSpec(...)`.

    `run(parameters, context)` returns a JSON-able dict: what the command line prints. It reports through the context
    and raises LabError for anything a researcher can act on. `gpu` tasks wait for the device; the others run beside.
    `warm_up` is what a spare worker does in advance, so that this task's first result comes sooner. `presets` are good
    starting points, the usual one first. `about` holds further words that forms and tables need, as plain values.
    """

    name: str
    title: str
    summary: str
    parameters: type[Options]
    run: Callable[[Any, JobContext], dict[str, Any]]
    gpu: bool = False
    warm_up: Callable[[], None] | None = None
    presets: Mapping[str, Preset] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
