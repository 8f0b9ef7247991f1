"""Every method, found by scanning: it trains, goes on to the bit, draws finite and varied images, and learns.

A new file in engines/methods is tested the day it is written: by default on grey images of 64 pixels, and whether it
learns only where that takes seconds. With `-m long`, as CI does, on every other kind of image too.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engines import registry
from engines.jobs import events
from engines.jobs.context import JobContext
from engines.methods.base import MethodSpec
from engines.training import checkpoints
from engines.training.feed import Data
from engines.training.generation import Sampler
from engines.training.loop import train
from engines.training.plan import Budget, Plan

METHODS: dict[str, MethodSpec] = registry.load("methods")
KINDS = [(1, 64), pytest.param(1, 128, marks=pytest.mark.long), pytest.param(3, 64, marks=pytest.mark.long)]
BATCH, STEPS = 4, 7
LEARNING_STEPS = 150
LEARNERS = [
    name if method.cost == "light" else pytest.param(name, marks=pytest.mark.long) for name, method in METHODS.items()
]

Contexts = Callable[[str], JobContext]
Newest = Callable[[Path], dict[str, Tensor]]


def pictures(channels: int, count: int = 48) -> Data:
    """Soft discs at random places on a grainy ground; half of them, a class of its own, are small and bright."""
    chance = np.random.default_rng(5)
    rows, columns = np.mgrid[:64, :64]
    images = []
    for number in range(count):
        y, x = chance.uniform(20, 44, 2)
        radius, light = (5, 200) if number % 2 else (12, 110)
        disc = light * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * radius**2))
        images.append(30 + disc + chance.normal(0, 6, (64, 64)))
    grey = np.asarray(images).clip(0, 255).astype(np.uint8)[..., None]
    tints = np.asarray([1.0, 0.8, 0.6][:channels])
    return Data.of((grey * tints).astype(np.uint8), ["small" if number % 2 else "large" for number in range(count)])


def made(method: MethodSpec, channels: int, size: int, steps: int, **changes: Any) -> tuple[Plan, Data]:
    """A plan of so many steps of the tiny preset, and what it learns from."""
    data = pictures(channels)
    if method.translates:
        data = data.translating("large", "small")
    options = method.choose("tiny", {"size": size, **changes})
    budget = Budget(images=steps * options.batch)
    plan = Plan(method, options, "tiny", 3 if channels == 3 else 1, seed=1, budget=budget, classes=data.classes)
    plan = dataclasses.replace(plan, exact=True, device="cpu", threads=1)
    plan = dataclasses.replace(plan, sheet_columns=4, sheet_rows=2, milestones=0)
    return plan, data


def drawn(folder: Path, which: str, data: Data, count: int = 32) -> np.ndarray[Any, np.dtype[Any]]:
    sampler = Sampler(checkpoints.choose(folder, which))
    if sampler.method.translates:
        return np.concatenate(list(sampler.translated(data.images[:count])))
    labels = [number % len(sampler.classes) for number in range(count)]
    return np.concatenate(list(sampler.images(range(count), labels)))


def distance(images: np.ndarray[Any, np.dtype[Any]], reals: np.ndarray[Any, np.dtype[Any]]) -> float:
    """Unbiased squared MMD with a cubic kernel (as in KID) on block means and spreads."""

    def features(stack: np.ndarray[Any, np.dtype[Any]]) -> Tensor:
        pixels = torch.from_numpy(stack.astype(np.float32)).permute(0, 3, 1, 2).mean(dim=1) / 255
        blocks = pixels.unflatten(2, (8, -1)).unflatten(1, (8, -1))
        means, spreads = blocks.mean(dim=(2, 4)), blocks.std(dim=(2, 4))
        return torch.cat([means.flatten(1), spreads.flatten(1)], dim=1).double()

    def kernel(one: Tensor, other: Tensor) -> Tensor:
        return (one @ other.T / one.shape[1] + 1) ** 3

    x, y = features(images), features(reals)
    within = [(kernel(z, z).sum() - kernel(z, z).trace()) / (len(z) * (len(z) - 1)) for z in (x, y)]
    return float(within[0] + within[1] - 2 * kernel(x, y).mean())


@pytest.mark.parametrize(("channels", "size"), KINDS)
@pytest.mark.parametrize("name", METHODS)
def test_goes_on_to_the_bit(name: str, channels: int, size: int, context_in: Contexts, newest: Newest) -> None:
    """Stopped at three random points and resumed, it ends with the very weights of an unbroken training."""
    method = METHODS[name]
    plan, data = made(method, channels, size, STEPS, batch=BATCH)
    train(plan, data, context_in("unbroken"))
    for steps in (*sorted(random.Random(f"{name} {channels} {size}").sample(range(1, STEPS), 3)), STEPS):
        part, _ = made(method, channels, size, steps, batch=BATCH)
        outcome = train(part, data, context_in("stopped"))
    assert outcome["losses"] and all(np.isfinite(value) for value in outcome["losses"].values())
    one, other = (newest(context_in(run).folder) for run in ("unbroken", "stopped"))
    assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
    images = drawn(context_in("unbroken").folder, "latest", data, 6)
    assert images.shape == (6, size, size, channels) and images.std() > 0
    assert list(events.read(context_in("unbroken").folder, "sample"))


@pytest.mark.parametrize(("channels", "size"), KINDS)
@pytest.mark.parametrize("name", LEARNERS)
def test_learns(name: str, channels: int, size: int, context_in: Contexts) -> None:
    """Its images come nearer to the reals than those of the untrained generator, and differ from one another."""
    plan, data = made(METHODS[name], channels, size, LEARNING_STEPS)
    context = context_in("run")
    train(plan, data, context)
    untrained = context_in("untrained")
    # One step, as near to untrained as a checkpoint can be.
    train(dataclasses.replace(plan, budget=Budget(images=1)), data, untrained)
    reals = data.other if data.other is not None else data.images
    before, after = (distance(drawn(folder, "latest", data), reals) for folder in (untrained.folder, context.folder))
    images = drawn(context.folder, "latest", data)
    assert after < before, f"{before:.4f} -> {after:.4f}"
    assert np.isfinite(after) and images.std(axis=0).mean() > 0.5


@pytest.mark.parametrize("name", METHODS)
def test_says_what_it_is(name: str) -> None:
    method = METHODS[name]
    assert method.name == name and "tiny" in method.presets and next(iter(method.presets)) != "tiny"
    assert method.summary.endswith(".") and method.good_for.endswith(".") and method.source
    assert {64, 128} <= set(method.sizes)
    for preset in method.presets:
        method.choose(preset, {})
    for field, info in method.options.model_fields.items():
        assert info.title and info.description, f"{field} has no words"
    limits = method.limits
    assert limits.fewest_images <= limits.recommended_images and (limits.fewest_classes > 1) == method.conditional
