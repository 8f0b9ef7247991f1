"""A few steps of a training, forgotten afterwards: how fast it will be, and how much memory it takes."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from engines.device import find, free_memory_bytes, numerics, used_memory_bytes
from engines.jobs.context import JobContext
from engines.training import order, perf
from engines.training.feed import Data, Feed
from engines.training.memory import is_out_of_memory, out_of_memory
from engines.training.plan import Plan
from engines.training.state import TrainState
from engines.training.step import Means, run_step

TIMED_S = 4.0
FEWEST_STEPS = 2


@dataclass(frozen=True)
class Trial:
    """What was measured; `memory_bytes` is what this process holds with networks, optimisers, images and one step."""

    images_per_s: float
    steps: int
    memory_bytes: int
    memory_free_bytes: int
    device: str
    computing: str


def try_out(plan: Plan, data: Data, context: JobContext) -> Trial:
    """Take steps for some seconds. Raises LabError, with advice, where they do not fit into memory."""
    device = find(plan.device)
    options = plan.options
    choices = (perf.fixed if plan.exact else perf.guess)(device, plan.threads)
    try:
        with numerics(device, plan.exact, choices.threads):
            torch.manual_seed(order.own_seed(plan.seed, "trial"))
            feed = Feed(data, options.size, options.flip, device)
            networks = plan.method.build(options, plan.net_spec)
            state, phases, means = TrainState.new(networks, device.torch), plan.method.phases(options), Means()
            perf.apply(networks.nets, choices)

            def step() -> None:
                batch = feed.batch(plan.seed, state.images_seen, options.batch)
                run_step(
                    state.nets, state.optimizers, phases, batch.parts(plan.parts), state.batches,
                    state.images_seen, choices, means,
                )  # fmt: skip
                state.images_seen += options.batch
                state.batches += 1

            context.progress(0.1, "Building the networks, and a first step")
            step()
            means.read()  # waits for the device
            if not plan.exact:
                context.progress(0.3, "Looking for the fastest way to compute")
                choices, _ = perf.probe(state.nets, phases, feed, options.batch, device, choices)
                perf.apply(networks.nets, choices)
            context.progress(0.6, "Taking steps by the clock")
            first, began = state.batches, time.perf_counter()
            while state.batches < first + FEWEST_STEPS or time.perf_counter() - began < TIMED_S:
                context.check()
                step()
                means.read()
            spent_s = time.perf_counter() - began
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise out_of_memory(error, device, options.batch, options.size) from error
    steps = state.batches - first
    return Trial(
        images_per_s=float(f"{steps * options.batch / spent_s:.3g}"),
        steps=steps,
        memory_bytes=used_memory_bytes(device),
        memory_free_bytes=free_memory_bytes(device),
        device=device.name,
        computing=choices.words,
    )
