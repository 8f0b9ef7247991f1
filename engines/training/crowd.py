"""Leaves the cores to other programs that they use anyway.

The threads of a step wait for one another: with one core taken by another program, two threads on two cores ran at 0.3
of their speed, and one thread at 0.75 (the slowest of them sets the pace, and the others burn their core waiting). So a
training on a processor takes as many threads as there are free cores, and more again when there are.
"""

from __future__ import annotations

import time
from collections import deque

import psutil
import torch

LOOKS = 3  # in a row, about a second apart, must agree: one moment's work of another program is no reason


class Crowd:
    """What other programs take of the cores, and the number of threads that is left.

    `most` is the number of threads to take when nothing else runs; `fixed` keeps it (exact mode, where the number of
    threads decides the order of sums; a number that the user chose; a GPU).
    """

    def __init__(self, most: int, fixed: bool) -> None:
        self.most, self.fixed = most, fixed
        self.threads = most
        self._fits: deque[int] = deque(maxlen=LOOKS)
        self._before = self._read()

    def make_room(self) -> None:
        """Called about once a second: compute with as many threads as there are cores that nobody else uses."""
        if self.fixed or self.most < 2:
            return
        now = self._read()
        seconds, total, own = (after - before for after, before in zip(now, self._before, strict=True))
        self._before = now
        if seconds > 0:
            self.see((total - own) / seconds)

    def see(self, others: float) -> None:
        """Take in how many cores others kept busy in the last second."""
        cores = psutil.cpu_count() or self.most
        self._fits.append(max(1, min(self.most, round(cores - max(0.0, others)))))
        if len(self._fits) == LOOKS and len(set(self._fits)) == 1 and self._fits[0] != self.threads:
            self.threads = self._fits[0]
            torch.set_num_threads(self.threads)

    def _read(self) -> tuple[float, float, float]:
        """Clock, busy seconds of all cores, and this process's share of them."""
        times = psutil.cpu_times()
        waiting = (
            times.idle + getattr(times, "iowait", 0.0) + getattr(times, "guest", 0.0) + getattr(times, "steal", 0.0)
        )
        return time.perf_counter(), sum(times) - waiting, time.process_time()
