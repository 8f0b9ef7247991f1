"""Chooses how a step is computed, by trying: what is fast differs from machine to machine."""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from engines.device import Device
from engines.methods.base import MethodOptions, MethodSpec, NetSpec, Phase
from engines.methods.blocks import set_folding
from engines.training.feed import Batch, Feed
from engines.training.state import TrainState
from engines.training.step import Choices, Means, run_step

PROBE_S = 2.0
GIVE_UP_S = 5.0
PROBE_TURNS, MOST_TURNS = 3, 50
PROBE_IMAGES = 8  # of the batch on a CPU, so that every way gets its turns within the time
WORTH_IT = 1.1  # another way than the first guess must win by this much: a busy machine measures badly


def threads_for(device: Device) -> int:
    """All cores; on a GPU the processor only feeds it."""
    return device.cores if device.kind == "cpu" else min(device.cores, 4)


def fixed(device: Device, threads: int | None = None) -> Choices:
    """The choices of exact mode: float32, and nothing that depends on a clock."""
    return Choices(bf16=False, fold=True, threads=threads or threads_for(device))


def guess(device: Device, threads: int | None = None) -> Choices:
    """What to start with before the probe has run."""
    return Choices(bf16=device.bf16, fold=True, threads=threads or threads_for(device))


def apply(nets: Mapping[str, nn.Module], choices: Choices) -> None:
    for net in nets.values():
        set_folding(net, choices.fold)


def first_step(method: MethodSpec, options: MethodOptions, device: Device) -> None:
    """Take one step on black images and forget it: what is built at a first step is then there for a real one."""
    networks = method.build(options, NetSpec(channels=1))
    state = TrainState.new(networks, device.torch)
    choices = guess(device)
    apply(networks.nets, choices)
    black = torch.full((options.batch, 1, options.size, options.size), -1.0, device=device.torch)
    real = black.contiguous(memory_format=torch.channels_last)
    batch = Batch(real, torch.zeros(len(real), dtype=torch.int64, device=device.torch))
    run_step(networks.nets, state.optimizers, method.phases(options), [batch], 0, 0, choices, Means())


def probe(
    nets: Mapping[str, nn.Module], phases: list[Phase], feed: Feed, batch: int, device: Device, start: Choices
) -> tuple[Choices, dict[str, Any]]:
    """Time steps on copies of the networks for two seconds or so; returns the best choices and what was measured.

    The training is untouched: copies take the gradients, and the random numbers are put back. The ways take turns, so
    that a busy moment of the machine hits all of them, and the best time of each counts.
    """
    copies = copy.deepcopy(dict(nets))
    ways = [
        Choices(bf16, fold, start.threads)
        for bf16, fold in itertools.product((True, False) if device.bf16 else (False,), (True, False))
    ]
    times = dict.fromkeys(ways, float("inf"))
    cuda = device.kind == "cuda"
    began, turns = time.perf_counter(), 0
    with torch.random.fork_rng(devices=[0] if cuda else []):
        tried = feed.first(min(batch, PROBE_IMAGES) if device.kind == "cpu" else batch)
        for turn, way in itertools.product(range(MOST_TURNS), ways):
            taken = _time_step(copies, phases, tried, way, cuda)
            spent_s = time.perf_counter() - began
            if turn:  # the first turn builds kernels and is not counted
                times[way] = min(times[way], taken)
            if way == ways[-1]:
                turns = turn
            if spent_s > GIVE_UP_S or (turns >= PROBE_TURNS and spent_s > PROBE_S):
                break
    # A machine that is too busy for a fair comparison keeps the guess.
    fair = turns >= 1
    best = min(ways, key=lambda way: times[way] * (1.0 if way == start else WORTH_IT)) if fair else start
    images = len(tried.real)
    measured = {
        f"{'bfloat16' if way.bf16 else 'float32'}, {'folded' if way.fold else 'plain'}": round(images / taken, 1)
        for way, taken in times.items()
        if taken < float("inf")
    }
    spent_s = round(time.perf_counter() - began, 2)
    return best, {"images_per_s": measured, "took_s": spent_s, "batch": images, "fair": fair}


def _time_step(nets: dict[str, nn.Module], phases: list[Phase], tried: Batch, way: Choices, cuda: bool) -> float:
    apply(nets, way)
    if cuda:
        torch.cuda.synchronize()
    began = time.perf_counter()
    run_step(nets, {}, phases, [tried], batches=1, images_seen=0, choices=way, means=Means())
    if cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began
