"""Classes, pairs of classes, parts of a batch, schedules, and the weights of an earlier run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engines import device
from engines.errors import LabError
from engines.jobs import events
from engines.jobs.context import JobContext
from engines.methods.base import Networks, Phase, RMSprop
from engines.methods.custom_gan import Options
from engines.training import checkpoints, schedule
from engines.training.feed import Data, Feed
from engines.training.loop import train
from engines.training.optimizers import make_optimizer
from engines.training.plan import Budget
from engines.training.session import Session

Contexts = Callable[[str], JobContext]
Newest = Callable[[Path], dict[str, Tensor]]


def numbered(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Images [count, 64, 64, 1] whose grey is their number."""
    return np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 64, 64, 1), np.uint8)


def numbers(images: Tensor) -> list[int]:
    return [round(value) for value in ((images[:, 0, 0, 0] + 1) * 127.5).tolist()]


def test_labels_follow_their_images() -> None:
    data = Data.of(numbered(20), ["odd" if number % 2 else "even" for number in range(20)])
    assert data.classes == ("even", "odd") and data.counts == {"even": 10, "odd": 10}
    feed = Feed(data, 64, False, device.find("cpu"))
    seen: list[int] = []
    for start in range(0, 40, 8):
        batch = feed.batch(3, start, 8)
        assert [number % 2 for number in numbers(batch.real)] == batch.labels.tolist()
        seen += numbers(batch.real)
    assert sorted(seen) == sorted([*range(20), *range(20)]), "every epoch shows every image once"


def test_one_class_alone() -> None:
    data = Data.of(numbered(9), ["a", "b", "b"] * 3).only("a")
    assert data.classes == ("a",) and data.images[:, 0, 0, 0].tolist() == [0, 3, 6] and not data.labels.any()


def test_a_translation_is_fed_from_both_classes_in_orders_of_their_own() -> None:
    data = Data.of(numbered(30), ["a"] * 20 + ["b"] * 10).translating("a", "b")
    assert data.classes == ("b", "a") and data.other is not None
    feed = Feed(data, 64, False, device.find("cpu"))
    batches = [feed.batch(0, start, 10) for start in (0, 10)]
    assert sorted(number for batch in batches for number in numbers(batch.real)) == list(range(20))
    for batch in batches:
        assert batch.other is not None and sorted(numbers(batch.other)) == list(range(20, 30))
    again = feed.batch(0, 10, 10)
    assert torch.equal(again.real, batches[1].real), "the order follows from the seed and the images seen"


def test_a_batch_in_parts_gives_the_gradients_of_the_whole(
    discs: Data, context_in: Contexts, newest: Newest, tiny_plan: Any
) -> None:
    """Without batch statistics, dropout and random latents between them, parts add up to the very same update."""
    plan = tiny_plan(8)

    def judged(step: Any) -> Tensor:
        loss = (step.nets["discriminator"](step.real) - 1).square().mean()
        step.report("d_loss", loss)
        return loss

    def build(options: Options, spec: Any) -> Networks:
        networks = plan.method.build(options, spec)
        networks.nets["discriminator"] = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3, 4, 1), torch.nn.Flatten(), torch.nn.Linear(4 * 256, 1)
        )
        return networks

    method = dataclasses.replace(
        plan.method, build=build, phases=lambda options: [Phase("judge", ("discriminator",), judged)]
    )
    for name, parts in (("whole", 1), ("thirds", 3)):
        train(dataclasses.replace(plan, method=method, parts=parts), discs, context_in(name))
    whole, thirds = (newest(context_in(name).folder) for name in ("whole", "thirds"))
    for key, value in whole.items():
        torch.testing.assert_close(thirds[key], value, rtol=1e-4, atol=1e-6)


def test_the_real_method_trains_in_parts(discs: Data, context_in: Contexts, quick_plan: Any) -> None:
    outcome = train(quick_plan(16, parts=2), discs, context_in("run"))
    assert outcome["images_seen"] == 16 and np.isfinite(list(outcome["losses"].values())).all()


def test_rates_rise_and_fall() -> None:
    options = Options(warm_up_kimg=10, decay_kimg=100, decay_to=0.1)
    rates = [schedule.rate(options, images) for images in (0, 5_000, 10_000, 50_000, 100_000, 10**9)]
    assert rates[0] == 0 and rates[1] == pytest.approx(0.5, rel=0.02) and rates[-1] == rates[-2] == pytest.approx(0.1)
    assert rates[3] == pytest.approx(0.55) and rates[2] > rates[3] > rates[4]
    assert schedule.rate(Options(), 123) == 1.0


def test_a_rate_of_nothing_changes_nothing(discs: Data, context_in: Contexts, newest: Newest, tiny_plan: Any) -> None:
    """The first step of a warm-up has a learning rate of 0."""
    train(tiny_plan(8, {"warm_up_kimg": 1.0}), discs, context_in("warm"))
    train(tiny_plan(8), discs, context_in("cold"))
    start = Session(tiny_plan(8), discs, context_in("start")).state.tensors()
    warm, cold = (newest(context_in(name).folder) for name in ("warm", "cold"))
    for key in ("discriminator.0.weight", "generator.dense.weight"):
        assert torch.equal(warm[key], start[key]) and not torch.equal(cold[key], start[key])


def test_rmsprop_is_pytorchs() -> None:
    torch.manual_seed(1)
    ours, theirs = torch.nn.Linear(4, 2), torch.nn.Linear(4, 2)
    theirs.load_state_dict(ours.state_dict())
    mine, reference = make_optimizer(ours.parameters(), RMSprop(0.01)), torch.optim.RMSprop(theirs.parameters(), 0.01)
    for _ in range(5):
        given = torch.randn(8, 4)
        for net in (ours, theirs):
            net.zero_grad()
            net(given).square().mean().backward()
        mine.step()
        reference.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


def test_a_run_begins_with_the_weights_of_another(
    discs: Data, context_in: Contexts, newest: Newest, tiny_plan: Any
) -> None:
    train(tiny_plan(24), discs, context_in("first"))
    origin = checkpoints.choose(context_in("first").folder, "latest")
    # A rate of nothing: what the second run holds after its first step is what it began with.
    train(tiny_plan(8, {"warm_up_kimg": 1.0}, init_from=origin), discs, context_in("second"))
    first, second = (newest(context_in(name).folder) for name in ("first", "second"))
    assert torch.equal(first["discriminator.0.weight"], second["discriminator.0.weight"])
    (event,) = events.read(context_in("second").folder, "warning")
    assert event["name"] == "transfer" and event["severity"] == "info"


def test_weights_of_other_networks_are_taken_where_they_fit(
    discs: Data, context_in: Contexts, quick_plan: Any, tiny_plan: Any
) -> None:
    small = {"width": 0.1, "latent_dim": 8}
    train(quick_plan(4, small), discs, context_in("small"))
    origin = checkpoints.choose(context_in("small").folder, "latest")
    train(quick_plan(4, {**small, "size": 128}, init_from=origin), discs, context_in("large"))
    (event,) = events.read(context_in("large").folder, "warning")
    assert "were drawn anew" in event["text"] and event["advice"]
    with pytest.raises(LabError, match="No weight of the earlier run fits"):
        train(dataclasses.replace(tiny_plan(8), init_from=origin, budget=Budget(images=8)), discs, context_in("other"))
