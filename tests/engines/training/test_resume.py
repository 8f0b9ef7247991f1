"""A training that stops and goes on ends with the very bits of one that never stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engines.errors import LabError
from engines.jobs import control, events
from engines.jobs.context import JobContext
from engines.training import checkpoints
from engines.training.feed import Data
from engines.training.loop import train

Contexts = Callable[[str], JobContext]
Newest = Callable[[Path], dict[str, Tensor]]
STEPS = 14


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def unbroken(tiny_plan: Any, discs: Data, context_in: Contexts, newest: Newest) -> dict[str, Tensor]:
    context = context_in("unbroken")
    train(tiny_plan(STEPS * 8), discs, context)
    return newest(context.folder)


@pytest.mark.parametrize("stops", [(1,), (3,), (7, 8), (2, 5, 11, 13)])
def test_stopped_runs_end_like_unbroken_ones(
    stops: tuple[int, ...], tiny_plan: Any, discs: Data, context_in: Contexts, newest: Newest, unbroken: Any
) -> None:
    """The stops lie around the lazy penalty (every 3rd step) and the end of the epoch (8 steps); with sheets at all."""
    for steps in (*stops, STEPS):
        train(tiny_plan(steps * 8, sample_every_images=8), discs, context_in("stopped"))
    assert same(newest(context_in("stopped").folder), unbroken)


def test_another_seed_ends_elsewhere(
    tiny_plan: Any, discs: Data, context_in: Contexts, newest: Newest, unbroken: Any
) -> None:
    train(tiny_plan(STEPS * 8, seed=4), discs, context_in("other"))
    assert not same(newest(context_in("other").folder), unbroken)


def test_pause_sample_and_stop_leave_no_trace(
    tiny_plan: Any, discs: Data, context_in: Contexts, newest: Newest, unbroken: Any
) -> None:
    class Visitor(JobContext):
        """Presses buttons at certain counts of images."""

        def emit(self, kind: str, **fields: Any) -> None:
            super().emit(kind, **fields)
            if kind == "metrics" and fields["images_seen"] == 16:
                control.request(self.folder, "sample_now")
                control.request(self.folder, "pause")
            if kind == "state" and fields["state"] == "paused":
                control.request(self.folder, "sample_now")
                control.request(self.folder, "checkpoint_now")
                control.request(self.folder, "resume")
            if kind == "metrics" and fields["images_seen"] == 40:
                control.request(self.folder, "stop")

    plain = context_in("visited")
    visitor = Visitor(plain.workspace, plain.folder, plain.job, attached=False)
    outcome = train(tiny_plan(STEPS * 8), discs, visitor)
    assert outcome["state"] == "stopped" and outcome["images_seen"] == 40
    states = [event["state"] for event in events.read(plain.folder, "state")]
    assert states == ["pausing", "paused", "running", "stopping"]
    assert {event["images_seen"] for event in events.read(plain.folder, "sample")} == {0, 16}
    train(tiny_plan(STEPS * 8), discs, plain)
    assert same(newest(plain.folder), unbroken)


def test_a_damaged_checkpoint_falls_back_to_the_older_one(
    tiny_plan: Any, discs: Data, context_in: Contexts, newest: Newest, unbroken: Any
) -> None:
    context = context_in("damaged")
    train(tiny_plan(5 * 8), discs, context)
    train(tiny_plan(9 * 8), discs, context)
    victim = context.folder / "checkpoints" / "00000072" / "state.safetensors"
    data = bytearray(victim.read_bytes())
    data[-1] ^= 1
    victim.write_bytes(bytes(data))
    assert checkpoints.newest_valid(context.folder)[0].images_seen == 40  # type: ignore[union-attr]
    train(tiny_plan(STEPS * 8), discs, context)
    assert same(newest(context.folder), unbroken)
    assert [event["name"] for event in events.read(context.folder, "warning")] == ["damaged_checkpoint"]


def test_a_half_written_checkpoint_is_never_seen(tiny_plan: Any, discs: Data, context_in: Contexts) -> None:
    context = context_in("half")
    train(tiny_plan(8), discs, context)
    (context.folder / "checkpoints" / ".part-1234-00000016").mkdir()
    (context.folder / "checkpoints" / "00000024").mkdir()
    found, damaged = checkpoints.newest_valid(context.folder)
    assert found and found.images_seen == 8 and [broken.images_seen for broken in damaged] == [24]
    assert train(tiny_plan(16), discs, context)["images_seen"] == 16
    assert sorted(path.name for path in (context.folder / "checkpoints").iterdir()) == [
        "00000008",
        "00000016",
        "00000024",
    ]


def test_other_options_are_refused(tiny_plan: Any, discs: Data, context_in: Contexts) -> None:
    train(tiny_plan(8), discs, context_in("run"))
    with pytest.raises(LabError, match="other options"):
        train(tiny_plan(16, {"dropout": 0.5}), discs, context_in("run"))


@pytest.mark.long
def test_the_real_method_resumes_exactly(quick_plan: Any, discs: Data, context_in: Contexts, newest: Newest) -> None:
    train(quick_plan(16, {"r1_every": 3}), discs, context_in("straight"))
    for images in (8, 16):
        train(quick_plan(images, {"r1_every": 3}), discs, context_in("resumed"))
    assert same(newest(context_in("straight").folder), newest(context_in("resumed").folder))
