"""Metrics in the midst of a training: kept as one evaluation, gone on with after a resume, without a trace in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from engines.jobs import events
from engines.tasks.train import run
from engines.training import checkpoints
from engines.workspace import Workspace
from tests.engines.tasks.test_train import context_of, make_set, parameters

MEASURED = {"measure_every_images": 16, "measure_with": "light", "measure_count": 50}


def weights_of(workspace: Workspace, name: str) -> dict[str, Any]:
    newest = checkpoints.choose(workspace.folder("runs", name), "latest")
    return safetensors.torch.load((newest.folder / "state.safetensors").read_bytes())


@pytest.mark.long
def test_measuring_leaves_no_trace_in_the_training(workspace: Workspace) -> None:
    make_set(workspace)
    averaged = {"ema_half_life_kimg": 0.01}
    plain = parameters(images=24)
    watched = parameters(images=24, **{**MEASURED, "measure_with": "ftd"})
    plain.options.update(averaged)
    watched.options.update(averaged)
    run(plain, context_of(workspace, "plain"))
    run(watched, context_of(workspace, "watched"))
    one, other = weights_of(workspace, "plain"), weights_of(workspace, "watched")
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.long
def test_numbers_grow_with_the_run_into_one_evaluation(workspace: Workspace) -> None:
    make_set(workspace)
    run(parameters(images=20, **MEASURED), context_of(workspace))
    record = workspace.record("evaluations", "run-live")
    assert {row["name"] for row in record.metrics} == {"ftd", "kid", "swd", "grey_emd", "ms_ssim"}
    assert {row["images_seen"] for row in record.metrics} == {16} and record.synthetic == "run"
    run(parameters(images=36, **MEASURED), context_of(workspace))
    record = workspace.record("evaluations", "run-live")
    assert [row["images_seen"] for row in record.metrics] == [16] * 5 + [32] * 5
    told = list(events.read(workspace.folder("runs", "run"), "evaluation"))
    assert len(told) == 10 and all(np.isfinite(event["value"]) and event["n_synthetic"] == 50 for event in told)
    reported = list(events.read(workspace.folder("runs", "run"), "metrics"))[-1]
    assert reported["ftd"] > 0, "the chart has it too"


def test_a_set_too_small_to_measure_is_still_trained_on(workspace: Workspace) -> None:
    make_set(workspace, items=20)
    result = run(parameters(images=36, **MEASURED), context_of(workspace))
    assert result["state"] == "done"
    told = [event["text"] for event in events.read(workspace.folder("runs", "run"), "warning")]
    assert sum("too few real" in text for text in told) == 1 and not workspace.records("evaluations")
