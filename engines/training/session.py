"""Everything around the steps of a training: taking up, reporting, sheets, checkpoints, pause and stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from engines import files
from engines.device import find, used_memory_bytes
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.methods.base import parameter_count
from engines.training import checkpoints, guards, order, perf
from engines.training.crowd import Crowd
from engines.training.feed import Data, Feed
from engines.training.memory import is_out_of_memory, out_of_memory
from engines.training.plan import Plan
from engines.training.samples import Stored
from engines.training.sheet_distance import SheetDistance
from engines.training.sheets import Sheets
from engines.training.state import TrainState, all_finite
from engines.training.step import Choices, Means

TICK_S = 1.0
OBEY_EVERY_S = 0.2
Measure = Callable[[int, Stored], dict[str, float]]  # images seen, images [N, H, W, C] -> numbers by name
PAUSED_LOOK_S = 0.1


class Session:
    """One sitting of a training, from Start or Resume to its end; `state` is replaced by a roll-back."""

    def __init__(self, plan: Plan, data: Data, context: JobContext, measure: Measure | None = None) -> None:
        self.plan, self.context, self.measure = plan, context, measure
        self.device = find(plan.device)
        self.feed = Feed(data, plan.options.size, plan.options.flip, self.device)
        self.pixels = self.feed.pixels
        self.phases = plan.method.phases(plan.options)
        self.choices = (perf.fixed if plan.exact else perf.guess)(self.device, plan.threads)
        self.probed = plan.exact
        self.crowd = Crowd(self.choices.threads, plan.exact or plan.threads is not None or self.device.kind != "cpu")
        self.means = Means()
        self.state = self._start()
        self.guards = guards.Guards(self.state.histories)
        self.sheets = Sheets(plan, self.pixels, self.state.networks.latent_dim, context, self.feed.other)
        self.distance = SheetDistance(self.sheets.goals)
        self.numbers: dict[str, float] = {}  # of the last tick
        self.stopped, self.images_per_s = False, 0.0

    def _start(self) -> TrainState:
        """The state at image 0: a function of the seed."""
        torch.manual_seed(order.own_seed(self.plan.seed, "networks"))
        networks = self.plan.method.build(self.plan.options, self.plan.net_spec)
        return TrainState.new(networks, self.device.torch)

    # Taking up

    def take_up(self) -> None:
        """Go on from the newest whole checkpoint of the run, or begin."""
        files.sweep(self.context.folder / checkpoints.FOLDER, older_than_s=0)  # what a killed process left half-written
        checkpoint, damaged = checkpoints.newest_valid(self.context.folder)
        for broken in damaged:
            text = f"The checkpoint at {broken.images_seen:,} images is damaged and was passed over."
            self.warn(guards.Remark("damaged_checkpoint", text, "Nothing to do: the run goes on from an older one."))
        if checkpoint:
            self._load(checkpoint)
        else:
            self._begin_from_another()
            weights = sum(parameter_count(net) for net in self.state.networks.nets.values())
            size = 5 * 4 * weights  # float32: the weight, its average, two moments, and some room
            plan = self.plan
            files.require_space(self.context.folder, size * (plan.keep_checkpoints + plan.milestones + 1))
        self.sheets.take_up(self.state)
        perf.apply(self.state.networks.nets, self.choices)
        self._begin_clock()
        self._checkpoint_at, self._checkpoint_time = self.state.images_seen, self._tick_time
        self._milestones = self.plan.budget.milestones_passed(self.state, self.plan.milestones)
        self._ticks = 0

    def _begin_from_another(self) -> None:
        """Transfer: begin with the weights of an earlier training. Raises LabError if none of them fits."""
        if not self.plan.init_from:
            return
        taken, wanted = self.state.begin_from(self.plan.init_from.weights())
        if not taken:
            raise LabError(
                "No weight of the earlier run fits these networks.",
                f"It was trained by {self.plan.init_from.about['method']}, with other networks.",
                "Choose a run of the same method, or begin without one.",
            )
        text = f"Begun with {taken} of {wanted} tensors of an earlier run; the others were drawn anew."
        advice = "" if taken == wanted else "They differ in shape, as with another image size: that is as it should be."
        self.warn(guards.Remark("transfer", text, advice, severity="info"))

    def _load(self, checkpoint: checkpoints.Checkpoint) -> None:
        about = checkpoints.load(checkpoint, self.state)
        if self.plan.method.options.model_validate(about["options"]) != self.plan.options:
            raise LabError(
                "This run was trained with other options.",
                "Its checkpoint and its settings disagree.",
                "Start a new run with the options you want.",
            )
        self.guards = guards.Guards(self.state.histories)
        if about["device"] == self.device.name:
            self.choices, self.probed = Choices(**about["choices"]), about["probed"]

    def _begin_clock(self) -> None:
        self._tick_time = self._look_time = time.perf_counter()
        self._tick_images, self._aside_s = self.state.images_seen, 0.0

    # Reporting

    def tick_is_due(self) -> bool:
        """After the first step, so that a first loss shows at once; then about once a second."""
        return self._ticks == 0 or time.perf_counter() - self._tick_time >= TICK_S

    def report(self) -> bool:
        """Read the losses and tell them; False if they are no longer finite."""
        self.numbers = {**self.numbers, **self.means.read()}
        now, state = time.perf_counter(), self.state
        spent = now - self._tick_time
        self.images_per_s = (state.images_seen - self._tick_images) / max(spent - self._aside_s, 1e-9)
        state.trained_s += spent
        self._tick_time, self._tick_images, self._aside_s = now, state.images_seen, 0.0
        self._ticks += 1
        if not guards.all_finite(self.numbers):
            return False
        self.context.emit(
            "metrics",
            images_seen=state.images_seen,
            epoch=round(state.images_seen / self.pixels.count, 3),
            batches=state.batches,
            **{name: float(f"{value:.5g}") for name, value in self.numbers.items()},
            images_per_s=float(f"{self.images_per_s:.5g}"),
            memory_bytes=used_memory_bytes(self.device),
        )
        budget = self.plan.budget
        self.context.progress(
            budget.fraction(state),
            f"{state.images_seen / 1000:,.1f} thousand images seen",
            budget.eta_s(state, self.images_per_s),
        )
        for remark in self.guards.after_tick(self.numbers):
            self.warn(remark)
        self.sheets.raise_faults()
        return True

    def warn(self, remark: guards.Remark) -> None:
        self.context.emit("warning", images_seen=self.state.images_seen, **remark.__dict__)

    def probe(self) -> None:
        """Once, after the first loss is shown: find the fastest way to compute a step."""
        if self.probed:
            return
        with self._aside():
            nets, batch = self.state.nets, -(-self.plan.options.batch // self.plan.parts)
            self.choices, measured = perf.probe(nets, self.phases, self.feed, batch, self.device, self.choices)
            perf.apply(nets, self.choices)
            self.probed = True
        fraction = round(self.plan.budget.fraction(self.state), 4)
        self.context.emit("progress", fraction=fraction, message=f"Computing in {self.choices.words}.", probe=measured)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Time that is not spent on steps, and does not count in images per second."""
        began = time.perf_counter()
        yield
        self._aside_s += time.perf_counter() - began

    def sheet(self) -> None:
        """Draw the fixed latents, and judge their diversity."""
        with self._aside():
            images = self.sheets.draw(self.state, self.choices.bf16)
            distance = self.distance(images)
        self.numbers["sheet_distance"] = distance
        seen, real_diversity = self.state.images_seen, guards.diversity(self.sheets.goals)
        for remark in self.guards.after_sheet(images, real_diversity, distance, seen):
            self.warn(remark)

    def measure_if_due(self) -> None:
        if self.measure and self.sheets.measuring_is_due(self.state):
            with self._aside():
                self.numbers |= self.measure(self.state.images_seen, self.sheets.drawn(self.state))

    def last_sheet(self) -> None:
        """What the run ends with, unless it was stopped or that sheet is there."""
        if not self.stopped and self.sheets.last_images != self.state.images_seen:
            self.sheet()

    # Checkpoints

    def checkpoint_is_due(self) -> bool:
        plan, seen = self.plan, self.state.images_seen
        if self._milestones < plan.budget.milestones_passed(self.state, plan.milestones):
            return True
        if plan.checkpoint_every_images:
            return seen // plan.checkpoint_every_images > self._checkpoint_at // plan.checkpoint_every_images
        return time.perf_counter() - self._checkpoint_time >= plan.checkpoint_every_s

    def checkpoint(self) -> bool:
        """Save the state; False, and nothing saved, if a weight is no longer finite."""
        with self._aside():
            tensors = self.state.tensors()
            if not all_finite(tensors):
                return False
            self.sheets.settle(self.state)
            passed = self.plan.budget.milestones_passed(self.state, self.plan.milestones)
            about = {
                **self.plan.as_dict(),
                "choices": self.choices.__dict__,
                "probed": self.probed,
                "device": self.device.name,
                "dtype": str(self.pixels.dtype),
                "milestone": passed > self._milestones,
                "latent_dim": self.state.networks.latent_dim,
            }
            saved = checkpoints.save(self.context.folder, self.state, tensors, about)
            self._milestones = passed
            self._checkpoint_at, self._checkpoint_time = self.state.images_seen, time.perf_counter()
            self.context.emit(
                "checkpoint", images_seen=saved.images_seen, folder=f"{checkpoints.FOLDER}/{saved.folder.name}"
            )
            checkpoints.prune(self.context.folder, self.plan.keep_checkpoints)
        return True

    def roll_back(self) -> None:
        """Numbers are no longer finite: go back to the last good checkpoint, once; then raise LabError."""
        if self.state.stream:
            raise LabError(
                "The training ran out of bounds twice.",
                f"At {self.state.images_seen:,} images a loss or a weight was no longer a finite number, although the "
                "run had gone back to an earlier checkpoint before.",
                "Start a new run with lower learning rates (a half, then a quarter), or with an R1 penalty.",
            )
        lost_at, checkpoint = self.state.images_seen, checkpoints.newest_valid(self.context.folder)[0]
        self.state = self._start()
        if checkpoint:
            self._load(checkpoint)
        self.state.stream += 1
        self.choices = Choices(bf16=False, fold=self.choices.fold, threads=self.choices.threads)
        self.probed, self.means, self.numbers = True, Means(), {}
        perf.apply(self.state.networks.nets, self.choices)
        self.guards = guards.Guards(self.state.histories)
        self._begin_clock()
        self._checkpoint_at = self.sheets.last_images = self.state.images_seen
        self.warn(guards.rolled_back(lost_at, self.state.images_seen))

    # Control

    def obey(self) -> None:
        """Do what was asked; looks at most a few times a second. Raises JobStopped for Discard."""
        if time.perf_counter() - self._look_time < OBEY_EVERY_S:
            return
        self._look_time = time.perf_counter()
        self._obey_small()
        if self.context.take("stop"):
            self.keep_all()
            self.stopped = True  # also after a roll-back: what is saved then is the checkpoint gone back to
        elif self.context.take("pause"):
            self._pause()

    def _obey_small(self) -> None:
        if self.context.requested("discard"):
            self.context.check()
        if self.context.take("sample_now"):
            self.sheet()
        if self.context.take("checkpoint_now"):
            self.keep_all()

    def _pause(self) -> None:
        """Save, and stand still with everything in memory until Resume or Stop."""
        self.keep_all()
        self.context.state("paused")
        while True:
            self._obey_small()
            if self.context.take("stop"):
                self.stopped = True
                return
            if self.context.take("resume"):
                break
            time.sleep(PAUSED_LOOK_S)
        self.context.state("running")
        self._begin_clock()

    def keep_all(self) -> bool:
        """Report and save; False after a roll-back, since a state with broken numbers must not become a checkpoint."""
        kept = (not self.means.pending or self.report()) and self.checkpoint()
        if not kept:
            self.roll_back()
        return kept

    def outcome(self) -> dict[str, Any]:
        """What the task returns: where the run stands."""
        return {
            "state": "stopped" if self.stopped else "done",
            "images_seen": self.state.images_seen,
            "batches": self.state.batches,
            "epoch": round(self.state.images_seen / self.pixels.count, 3),
            "trained_s": round(self.state.trained_s, 1),
            "images_per_s": float(f"{self.images_per_s:.4g}"),
            "losses": {name: float(f"{value:.5g}") for name, value in self.numbers.items()},
            "computing": self.choices.words,
        }

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Wait for the sheets under way at the end, however it comes; explain a lack of memory."""
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            options = self.plan.options
            raise out_of_memory(error, self.device, options.batch, options.size) from error
        finally:
            self.sheets.close()
