"""An estimate takes real steps, says what the training would, and leaves no run behind."""

from __future__ import annotations

from typing import Any

import pytest

from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.tasks.training_plan import TrainParameters
from engines.tasks.trial import run
from engines.workspace import Workspace
from tests.engines.tasks.test_train import QUICK, SMALL, make_set


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.training.trial.TIMED_S", 0.05)


def estimate(workspace: Workspace, **changes: Any) -> dict[str, Any]:
    context = JobContext.detached(workspace, workspace.folder("jobs", "trial"))
    return run(TrainParameters.model_validate({"image_set": "blobs", "options": SMALL, **QUICK, **changes}), context)


def test_time_and_images_follow_from_the_measured_speed(workspace: Workspace) -> None:
    make_set(workspace)
    by_images = estimate(workspace, images=6400)
    assert by_images["images"] == pytest.approx(6400, rel=0.05) and by_images["epochs"] == pytest.approx(100, rel=0.05)
    assert by_images["seconds"] == pytest.approx(6400 / by_images["images_per_s"], abs=1)
    by_time = estimate(workspace, minutes=2.0)
    assert by_time["seconds"] == 120 and by_time["images"] == pytest.approx(120 * by_time["images_per_s"], abs=1)
    assert by_time["memory_bytes"] > 10**8 and by_time["steps"] >= 2
    assert not list(workspace.folder("runs", "any").parent.glob("*/checkpoints"))


def test_what_cannot_be_trained_is_refused(workspace: Workspace) -> None:
    make_set(workspace, items=5)
    with pytest.raises(LabError, match="too few images"):
        estimate(workspace)


def test_a_lack_of_memory_is_said_in_words(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    make_set(workspace)

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes.")

    monkeypatch.setattr("engines.training.trial.run_step", refuse)
    with pytest.raises(LabError, match="ran out of memory") as error:
        estimate(workspace)
    assert "batch of 2" in error.value.advice
