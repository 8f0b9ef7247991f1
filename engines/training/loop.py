"""The one training loop. Methods say what a step is (their phases); everything else happens here, in this order."""

from __future__ import annotations

from typing import Any

import torch

from engines.device import numerics
from engines.jobs.context import JobContext
from engines.training import order
from engines.training.feed import Data
from engines.training.plan import Plan
from engines.training.schedule import rate
from engines.training.session import Measure, Session
from engines.training.step import run_step


def train(plan: Plan, data: Data, context: JobContext, measure: Measure | None = None) -> dict[str, Any]:
    """Train on an image set in the run folder of `context`, or go on where it stopped.

    `measure` takes images seen and `plan.measure_count` images [N, H, W, C], and gives numbers by name to report.
    Returns the counters and last losses. Raises LabError with advice, and JobStopped when Discard was asked; after
    Stop the run has been saved.
    """
    # Set up: the data on the device, the networks, and what an earlier sitting left behind.
    session = Session(plan, data, context, measure)
    options, feed = plan.options, session.feed
    half_life_images = options.ema_half_life_kimg * 1000
    with session.closing(), numerics(session.device, plan.exact, session.crowd.threads):
        session.take_up()

        # At the end of the budget the state is kept; if it turns out to be broken, the run goes back and goes on.
        while not session.stopped and not (plan.budget.met(session.state) and session.keep_all()):
            state = session.state

            # Fetch: the order and all random numbers of a step follow from the seed and the images seen.
            torch.manual_seed(order.step_seed(plan.seed, state.stream, state.images_seen))
            batch = feed.batch(plan.seed, state.images_seen, options.batch)

            # Update the networks, phase by phase.
            run_step(
                state.nets, state.optimizers, session.phases, batch.parts(plan.parts), state.batches,
                state.images_seen, session.choices, session.means, rate(options, state.images_seen),
            )  # fmt: skip
            state.images_seen += options.batch
            state.batches += 1

            # Move the average of the generator's weights.
            if half_life_images:
                state.update_average(options.batch, half_life_images)

            # Tick about once a second: losses and guards; after the first loss, what could wait for it.
            if session.tick_is_due():
                if not session.report():
                    session.roll_back()
                    continue
                session.sheets.first()
                session.probe()
                session.crowd.make_room()

            # Save a checkpoint now and then, at the very step that is due: a crash costs one interval, not more.
            if session.checkpoint_is_due() and not session.checkpoint():
                session.roll_back()
                continue

            # Draw a sample sheet.
            if session.sheets.is_due(session.state):
                session.sheet()

            # Measure how good the images are.
            session.measure_if_due()

            # Do what the page asks: pause, stop, discard, sample now, checkpoint now.
            session.obey()

        session.last_sheet()
    return session.outcome()
