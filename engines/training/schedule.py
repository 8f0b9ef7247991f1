"""How the learning rates change over a run: a pure function of the images seen, so that nothing need be remembered."""

from __future__ import annotations

import math

from engines.methods.base import MethodOptions


def rate(options: MethodOptions, images_seen: int) -> float:
    """The share of the learning rates that a step at `images_seen` uses, from 0 to 1.

    A linear rise over `warm_up_kimg`, times a cosine from 1 to `decay_to` that ends at `decay_kimg`.
    """
    kimg = images_seen / 1000
    risen = min(1.0, kimg / options.warm_up_kimg) if options.warm_up_kimg else 1.0
    if not options.decay_kimg:
        return risen
    way = min(1.0, kimg / options.decay_kimg)
    return risen * (options.decay_to + (1 - options.decay_to) * (1 + math.cos(math.pi * way)) / 2)
