"""The job `latents`: draws what a page asks of the latent spaces of runs, until nobody has asked for a while.

The page appends lines to requests.jsonl in the job's folder; each answer is a sheet and a small JSON file beside it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from engines.jobs import events
from engines.jobs.context import JobContext
from engines.options import Options, option
from engines.tasks.base import TaskSpec
from engines.tasks.latent_pictures import FOLDER, Painter, Request, understood

REQUESTS = "requests.jsonl"
LOOK_EVERY_S = 0.004  # while somebody drags
LOOK_SELDOM_S = 0.03  # while somebody looks at what was drawn
DRAGGING_S = 3.0


class LatentsParameters(Options):
    """How long to wait for a page that asks nothing."""

    idle_s: float = option(
        120.0,
        "Ends after",
        "The work ends when nothing was asked for so long.",
        too_low="Coming back to the page takes two seconds each time.",
        too_high="The network keeps its memory for nothing.",
        unit="seconds",
        ge=0,
        le=3600,
    )


class Inbox:
    """The requests of a folder, as they come."""

    def __init__(self, path: Path) -> None:
        self._path, self._cursor = path, 0

    def newest(self) -> list[Request]:
        """What was asked since the last call; of one view of one client only the newest: a drag asks for many."""
        cursor, lines = events.read_since(self._path, self._cursor)
        while cursor != self._cursor:  # a long log comes in parts
            self._cursor = cursor
            cursor, more = events.read_since(self._path, cursor)
            lines += more
        asked = [request for line in lines if (request := understood(json.loads(line))) is not None]
        return list({(request.client, request.view): request for request in asked}.values())


def run(parameters: LatentsParameters, context: JobContext) -> dict[str, Any]:
    """Answer until nothing was asked for `idle_s`. Raises JobStopped if the job is stopped."""
    (context.folder / FOLDER).mkdir(exist_ok=True)
    painter, inbox = Painter(context.workspace, context.folder / FOLDER), Inbox(context.folder / REQUESTS)
    asked_at, answered = time.monotonic(), 0
    while True:
        context.check()
        requests = inbox.newest()
        for request in requests:
            painter.answer(request)
        if requests:
            asked_at, answered = time.monotonic(), answered + len(requests)
            continue
        idle_s = time.monotonic() - asked_at
        if idle_s >= parameters.idle_s:
            return {"answered": answered}
        time.sleep(LOOK_EVERY_S if idle_s < DRAGGING_S else LOOK_SELDOM_S)


TASK = TaskSpec(
    name="latents",
    title="Latent space",
    summary="Draws what the Explore tab's latent space shows, while it is looked at. Makes nothing that is kept.",
    parameters=LatentsParameters,
    run=run,
)
