"""When a run's sample sheets are due, and drawing them."""

from __future__ import annotations

import copy
import time
from typing import Any

import numpy as np
import torch
from torch import nn

from engines.errors import explain
from engines.jobs.context import JobContext
from engines.training import order, samples
from engines.training.averaging import settle_norms
from engines.training.checkpoints import DIGITS
from engines.training.pixels import Pixels, to_stored
from engines.training.plan import Plan
from engines.training.state import TrainState

AUTO_IMAGES = 200  # a sheet by the clock comes at multiples of this, or of the set where that is smaller
AUTO_S = 10.0
AUTO_SHARE = 0.02  # of the time trained so far: a run of a week keeps some hundred sheets, not a million
AUTO_COST = 25  # times the cost of a sheet that must lie between two


class Sheets:
    """Fixed latents drawn by the averaged generator. Nothing here takes a random number from the training."""

    def __init__(
        self, plan: Plan, pixels: Pixels, latent_dim: int, context: JobContext, goal: Pixels | None = None
    ) -> None:
        self.plan, self.pixels, self.context = plan, pixels, context
        self.columns, self.rows = samples.fitting(plan.sheet_columns, plan.sheet_rows, plan.options.size)
        count = self.columns * self.rows
        shown = samples.shown_reals(pixels, count, order.own_seed(plan.seed, "reals"))
        self.reals = to_stored(shown, pixels.dtype)
        # What its images should look like: those of a translation like reals of the class that they are turned into.
        goals = samples.shown_reals(goal, count, order.own_seed(plan.seed, "goals")) if goal else None
        self.goals = to_stored(goals, pixels.dtype) if goals is not None else self.reals
        # A translation shows the same images before and after; where classes are learned, each has rows of its own.
        latents = samples.fixed_latents(count, latent_dim, order.own_seed(plan.seed, "sheet"))
        self.inputs = shown if plan.method.translates else latents
        rows = torch.arange(len(self.inputs)) // self.columns
        self.labels = rows % (len(plan.classes) if plan.method.conditional else 1)
        self.last_images, self._last_s, self._cost_s = 0, time.perf_counter(), 0.0
        self._first: nn.Module | None = None
        self._writer = samples.Writer()

    def take_up(self, state: TrainState) -> None:
        """Note where the run stands; at its start keep the generator as it is before the first step."""
        self.last_images = state.images_seen
        self._first = copy.deepcopy(_generator(state)) if state.images_seen == 0 else None

    def is_due(self, state: TrainState) -> bool:
        seen, every = state.images_seen, self.plan.sample_every_images
        if every:
            return seen // every > self.last_images // every
        every = min(self.pixels.count, AUTO_IMAGES)
        if seen // every == self.last_images // every:
            return False
        pause_s = max(AUTO_S, AUTO_SHARE * state.trained_s, AUTO_COST * self._cost_s)
        return time.perf_counter() - self._last_s >= pause_s

    def first(self) -> None:
        """Once: the reals, and what the generator drew before its first step."""
        reals = self.context.folder / "reals.webp"
        if self._first is not None:
            if not reals.exists():
                self._writer.put(reals, self.reals, self.columns, lambda: None)
            self._put(self._first, 0, bf16=False)
            self._first = None

    def draw(self, state: TrainState, bf16: bool) -> np.ndarray[Any, np.dtype[Any]]:
        """Draw a sheet and hand it to the writer; returns its images [N, H, W, C]."""
        self.settle(state)
        self.last_images, self._last_s = state.images_seen, time.perf_counter()
        return self._put(_generator(state), state.images_seen, bf16)

    def measuring_is_due(self, state: TrainState) -> bool:
        """At multiples of images seen, and by these alone: a resumed run measures where an unbroken one does."""
        seen, every = state.images_seen, self.plan.measure_every_images
        return bool(every) and seen // every > (seen - self.plan.options.batch) // every

    def drawn(self, state: TrainState) -> samples.Stored:
        """Images [measure_count, H, W, C] to measure: always of the same latents, in float32."""
        self.settle(state)
        count, seed, method = self.plan.measure_count, order.own_seed(self.plan.seed, "measure"), self.plan.method
        latents = samples.fixed_latents(count, state.networks.latent_dim, seed)
        inputs = samples.shown_reals(self.pixels, count, seed) if method.translates else latents
        labels = torch.arange(len(inputs)) % (len(self.plan.classes) if method.conditional else 1)
        return samples.draw(method.sample, _generator(state), inputs, labels, self.pixels.dtype)

    def settle(self, state: TrainState) -> None:
        """Make what is sampled from ready for it: the average with norms of its own, or without one the weights."""
        if self.plan.options.ema_half_life_kimg:
            settle_norms(_generator(state), self.plan.method, state.networks.latent_dim, len(self.plan.classes))
        else:
            state.copy_average()

    def _put(self, generator: nn.Module, images_seen: int, bf16: bool) -> np.ndarray[Any, np.dtype[Any]]:
        began = time.perf_counter()
        with torch.autocast(self.pixels.device.type, torch.bfloat16, enabled=bf16):
            images = samples.draw(self.plan.method.sample, generator, self.inputs, self.labels, self.pixels.dtype)
        self._cost_s = time.perf_counter() - began
        file = f"samples/{images_seen:0{DIGITS}d}.webp"
        size = {"columns": self.columns, "rows": self.rows, "tile": self.plan.options.size}

        def written() -> None:
            self.context.emit("sample", images_seen=images_seen, file=file, **size)

        self._writer.put(self.context.folder / file, images, self.columns, written)
        return images

    def raise_faults(self) -> None:
        """Raise LabError if a sheet could not be written: a full disk is better known at once."""
        for fault in self._writer.faults():
            raise explain(fault) from fault

    def close(self) -> None:
        self._writer.close()


def _generator(state: TrainState) -> nn.Module:
    return state.average[state.networks.averaged[0]]
