"""A whole training in a second: what it leaves on disk, what it says, and what it does when things go wrong."""

from __future__ import annotations

import ast
import errno
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engines import files
from engines.errors import LabError
from engines.jobs import control, events
from engines.jobs.context import JobContext, JobStopped
from engines.methods.base import Phase
from engines.training import checkpoints
from engines.training.feed import Data
from engines.training.loop import train
from engines.training.plan import Budget

Contexts = Callable[[str], JobContext]
TRAINING = Path(__file__).resolve().parents[3] / "engines"


def test_a_run_leaves_sheets_checkpoints_and_events(tiny_plan: Any, discs: Data, context_in: Contexts) -> None:
    context = context_in("run")
    outcome = train(tiny_plan(48, sample_every_images=16), discs, context)
    assert outcome["state"] == "done" and outcome["images_seen"] == 48 and outcome["batches"] == 6
    assert np.isfinite(list(outcome["losses"].values())).all()
    metrics = events.read(context.folder, "metrics")
    assert [event["images_seen"] for event in metrics] == [8, 16, 24, 32, 40, 48]
    assert {"epoch", "batches", "g_loss", "d_loss", "images_per_s", "memory_bytes"} <= metrics[0].keys()
    sheets = events.read(context.folder, "sample")
    assert [event["images_seen"] for event in sheets] == [0, 16, 32, 48]
    for event in sheets:
        assert (event["columns"], event["rows"], event["tile"]) == (2, 2, 64)
    for file in ("reals.webp", *(event["file"] for event in sheets)):
        with Image.open(context.folder / file) as sheet:
            assert sheet.size == (128, 128)
    (saved,) = events.read(context.folder, "checkpoint")
    assert saved["folder"] == "checkpoints/00000048"
    assert sorted(path.name for path in (context.folder / saved["folder"]).iterdir()) == [
        "ema.safetensors", "sha256", "state.json", "state.safetensors",
    ]  # fmt: skip


def test_the_first_sheet_is_drawn_before_the_first_step(tiny_plan: Any, discs: Data, context_in: Contexts) -> None:
    train(tiny_plan(8), discs, context_in("one"))
    train(tiny_plan(8, {"learning_rate_g": 1e-7}), discs, context_in("two"))
    one, two = (context_in(name).folder / "samples" for name in ("one", "two"))
    assert (one / "00000000.webp").read_bytes() == (two / "00000000.webp").read_bytes()
    assert (one / "00000000.webp").read_bytes() != (one / "00000008.webp").read_bytes()


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint16), (3, np.uint8)])
def test_colour_and_sixteen_bits_train(
    channels: int, dtype: Any, tiny_plan: Any, discs: Data, context_in: Contexts
) -> None:
    images = np.repeat(discs.images, channels, axis=3).astype(dtype) * (257 if dtype == np.uint16 else 1)
    train(tiny_plan(16, channels=channels), Data.of(images), context_in("run"))
    about = checkpoints.found(context_in("run").folder)[0].about
    assert about["channels"] == channels and about["dtype"] == np.dtype(dtype).name


def test_the_probe_leaves_the_networks_alone(tiny_plan: Any, discs: Data, context_in: Contexts, newest: Any) -> None:
    """Fast mode on the same arithmetic as exact mode differs in nothing but what the probe may choose."""
    train(tiny_plan(16), discs, context_in("exact"))
    train(tiny_plan(16, exact=False), discs, context_in("fast"))
    about = checkpoints.found(context_in("fast").folder)[0].about
    assert about["probed"]
    exact, fast = newest(context_in("exact").folder), newest(context_in("fast").folder)
    assert all(torch.allclose(exact[name].float(), fast[name].float(), atol=0.02) for name in exact)
    said = [event for event in events.read(context_in("fast").folder, "progress") if "probe" in event]
    assert len(said) == 1 and said[0]["probe"]["took_s"] > 0


def test_checkpoints_are_thinned_but_for_stars_and_milestones(
    tiny_plan: Any, discs: Data, context_in: Contexts
) -> None:
    context = context_in("run")
    files.write_json(context.folder / "run.json", {"starred": [24]})
    train(tiny_plan(80, checkpoint_every_images=8, keep_checkpoints=2, milestones=2), discs, context)
    assert [found.images_seen for found in checkpoints.found(context.folder)] == [24, 40, 72, 80]


def test_discard_ends_without_writing(tiny_plan: Any, discs: Data, context_in: Contexts) -> None:
    context = context_in("run")
    control.request(context.folder, "discard")
    with pytest.raises(JobStopped) as stopped:
        train(tiny_plan(800), discs, context)
    assert stopped.value.discard and not (context.folder / "checkpoints").exists()


def test_minutes_end_a_run(tiny_plan: Any, discs: Data, context_in: Contexts) -> None:
    plan = tiny_plan(8, budget=Budget(seconds=1e-3))
    assert train(plan, discs, context_in("run"))["images_seen"] == 8


def poisoned(plan: Any, at: set[int], weights: bool = False) -> Any:
    """The plan with a generator loss that is not finite at these counts of images, each once."""
    import dataclasses

    def phases(options: Any) -> list[Phase]:
        *others, last = plan.method.phases(options)

        def loss(step: Any) -> torch.Tensor:
            value = last.loss(step)
            if step.images_seen in at:
                at.remove(step.images_seen)
                return value * float("nan")
            return value

        def hidden(step: Any) -> torch.Tensor:  # the reported loss is fine, the gradients are not
            return loss(step)

        poison = hidden if weights else reported(loss)
        return [*others, dataclasses.replace(last, loss=poison)]

    def reported(loss: Any) -> Any:
        def with_report(step: Any) -> torch.Tensor:
            value: torch.Tensor = loss(step)
            step.report("g_loss", value)
            return value

        return with_report

    return dataclasses.replace(plan, method=dataclasses.replace(plan.method, phases=phases))


@pytest.mark.parametrize("weights", [False, True])
def test_broken_numbers_roll_back_once(weights: bool, tiny_plan: Any, discs: Data, context_in: Contexts) -> None:
    context = context_in("run")
    plan = poisoned(tiny_plan(80, checkpoint_every_images=24), {40}, weights)
    outcome = train(plan, discs, context)
    (warning,) = events.read(context.folder, "warning")
    assert warning["name"] == "rolled_back" and "went back to 24 images" in warning["text"] and warning["advice"]
    assert outcome["images_seen"] == 80 and np.isfinite(list(outcome["losses"].values())).all()
    last = checkpoints.newest_valid(context.folder)[0]
    assert last and all(bool(value.isfinite().all()) for value in last.average().values())


def test_broken_numbers_before_any_checkpoint_start_over(tiny_plan: Any, discs: Data, context_in: Contexts) -> None:
    context = context_in("run")
    assert train(poisoned(tiny_plan(32), {8}), discs, context)["images_seen"] == 32
    assert "went back to 0 images" in events.read(context.folder, "warning")[0]["text"]


def test_broken_numbers_twice_end_with_advice(tiny_plan: Any, discs: Data, context_in: Contexts) -> None:
    context = context_in("run")
    with pytest.raises(LabError, match="out of bounds twice") as error:
        train(poisoned(tiny_plan(80, checkpoint_every_images=24), {40, 48}), discs, context)
    assert "lower learning rates" in error.value.advice
    last = checkpoints.newest_valid(context.folder)[0]
    assert last and last.images_seen == 48, "saved between the two faults"


@pytest.mark.parametrize(
    "fault",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        MemoryError(),
    ],
)
def test_out_of_memory_says_which_batch_to_try(
    fault: Exception, tiny_plan: Any, discs: Data, context_in: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = itertools.count()

    def step(*_: Any, **__: Any) -> None:
        if next(steps) == 1:
            raise fault

    monkeypatch.setattr("engines.training.loop.run_step", step)
    with pytest.raises(LabError, match="ran out of memory") as error:
        train(tiny_plan(80), discs, context_in("run"))
    assert "batch of 8 images of 64x64" in error.value.why and "a batch of 4" in error.value.advice


def test_other_faults_stay_what_they_are(
    tiny_plan: Any, discs: Data, context_in: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(*_: Any, **__: Any) -> None:
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr("engines.training.loop.run_step", step)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        train(tiny_plan(80), discs, context_in("run"))


def test_a_full_disk_keeps_the_last_good_checkpoint(
    tiny_plan: Any, discs: Data, context_in: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_in("run")
    write, written = files.write_bytes, itertools.count()

    def full(path: Path, data: bytes) -> None:
        if path.name == "state.safetensors" and next(written) == 1:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        write(path, data)

    monkeypatch.setattr(files, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        train(tiny_plan(80, checkpoint_every_images=16), discs, context)
    names = [path.name for path in (context.folder / "checkpoints").iterdir()]
    assert names == ["00000016"] and checkpoints.is_valid(checkpoints.found(context.folder)[0])


def test_a_small_disk_is_refused_at_the_start(
    tiny_plan: Any, discs: Data, context_in: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "free_bytes", lambda path: 2**20)
    with pytest.raises(LabError, match="not enough room"):
        train(tiny_plan(80), discs, context_in("run"))


def test_a_sheet_that_cannot_be_written_is_told(
    tiny_plan: Any, discs: Data, context_in: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = context_in("run")
    (context.folder / "samples").write_text("a file where a folder should be")
    with pytest.raises(LabError) as error:
        train(tiny_plan(8000), discs, context)
    assert error.value.advice


SYNCS = {"item", "tolist", "cpu", "numpy", "nonzero", "synchronize"}


@pytest.mark.parametrize("name", ["methods/custom_gan.py", "methods/blocks.py", "methods/base.py", "training/loop.py"])
def test_no_step_waits_for_the_device(name: str) -> None:
    """Nothing in a step reads a number back: losses are averaged on the device and read once per tick."""
    calls = [node for node in ast.walk(ast.parse((TRAINING / name).read_text())) if isinstance(node, ast.Call)]
    waiting = [call.func.attr for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in SYNCS]
    assert not waiting


def test_losses_are_read_once_per_tick(
    tiny_plan: Any, discs: Data, context_in: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engines.training.step import Means

    read, reads = Means.read, itertools.count()

    def counted(self: Means) -> dict[str, float]:
        next(reads)
        return read(self)

    monkeypatch.setattr(Means, "read", counted)
    monkeypatch.setattr("engines.training.session.TICK_S", 1e9)
    train(tiny_plan(80), discs, context_in("run"))
    assert next(reads) == 2, "the first loss at once, and what is left at the end"
