"""Places in the latent space: seeds, points between them, and an endless map of them that one can move over.

A place is a seed, or a point on the way between two places. Ways are arcs, as White 2016 ("Sampling generative
networks", arXiv:1609.04468) proposes: a straight line between two Gaussian latents passes nearer to the origin than
either, where the generator never learned to draw. Changed: arcs of the directions, with a length that goes evenly
from one to the other, so that the ends are exact whatever their lengths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from engines.errors import LabError
from engines.training import order, samples
from engines.training.generation import SEED_BITS

DEEPEST = 8  # arcs between arcs: a map's place has two, a strip over it three, and so on
DIGITS = 4  # of a position on the map: what a mouse can tell apart, and 0.1 * 10 is a seed again
PARALLEL = 1e-4  # sine of an angle at which no arc is told apart from a line


class Mix(BaseModel):
    """The place on the way from one to another: `at` 0 is the first, 1 the second."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: Place
    second: Place
    at: float = Field(ge=0, le=1)


Place = Annotated[int, Field(ge=0, lt=2**SEED_BITS)] | Mix


def way(first: Place, second: Place, at: float) -> Place:
    """A place on the way between two; the ends are those themselves."""
    if at == 0 or first == second:
        return first
    return second if at == 1 else Mix(first=first, second=second, at=at)


def strip(first: Place, second: Place, count: int) -> list[Place]:
    """So many places from one to the other, both included, evenly along the arc."""
    return [way(first, second, n / (count - 1)) for n in range(count)]


@lru_cache(maxsize=4096)
def seed_at(seed: int, column: int, row: int) -> int:
    """The seed at a crossing of the map; it alone makes its image again from the same checkpoint."""
    return order.own_seed(seed, f"place {column} {row}") >> (63 - SEED_BITS)


def place_at(seed: int, x: float, y: float) -> Place:
    """The place at a position of the map: a seed at whole numbers, between two or four of them elsewhere."""
    x, y = round(x, DIGITS), round(y, DIGITS)
    column, row = math.floor(x), math.floor(y)
    across, down = round(x - column, DIGITS), round(y - row, DIGITS)
    above = way(seed_at(seed, column, row), seed_at(seed, column + 1, row), across)
    if not down:
        return above
    return way(above, way(seed_at(seed, column, row + 1), seed_at(seed, column + 1, row + 1), across), down)


def grid(seed: int, x: float, y: float, step: float, columns: int, rows: int) -> list[Place]:
    """The places of a map's window row by row: its first at (x, y), the others `step` seeds apart."""
    return [place_at(seed, x + column * step, y + row * step) for row in range(rows) for column in range(columns)]


@lru_cache(maxsize=64)
def _of_seed(seed: int, dim: int) -> Tensor:
    """The latent [dim] of a seed; a drag asks for the same ones again and again. Never changed in place."""
    return samples.fixed_latents(1, dim, seed)[0]


def shares(first: Tensor, second: Tensor, at: float) -> tuple[float, float]:
    """What of two latents [L] to add up for the place on the way between them; (1, 0) and (0, 1) at its ends."""
    first, second = first.double(), second.double()
    lengths = float(first.norm()), float(second.norm())
    cosine = float(first @ second) / max(lengths[0] * lengths[1], 1e-12)
    angle = math.acos(min(max(cosine, -1.0), 1.0))
    if math.sin(angle) < PARALLEL:
        return 1 - at, at
    length = (1 - at) * lengths[0] + at * lengths[1]
    ways = math.sin((1 - at) * angle) / math.sin(angle), math.sin(at * angle) / math.sin(angle)
    return ways[0] * length / lengths[0], ways[1] * length / lengths[1]


def latent(place: Place, dim: int, depth: int = DEEPEST) -> tuple[Tensor, dict[int, float]]:
    """The latent [dim] of a place, and the weights of the seeds that it is the sum of.

    Raises LabError where arcs between arcs go too deep.
    """
    if isinstance(place, int):
        return _of_seed(place, dim), {place: 1.0}
    if not depth:
        raise LabError(
            "This image lies between too many others.",
            f"At most {DEEPEST} ways can be laid over one another.",
            "Begin a new strip at a seed.",
        )
    first, of_first = latent(place.first, dim, depth - 1)
    second, of_second = latent(place.second, dim, depth - 1)
    near, far = shares(first, second, place.at)
    seeds = [*of_first, *(seed for seed in of_second if seed not in of_first)]
    weights = {seed: near * of_first.get(seed, 0.0) + far * of_second.get(seed, 0.0) for seed in seeds}
    return near * first + far * second, weights


def latents(places: Sequence[Place], dim: int) -> tuple[Tensor, list[dict[int, float]]]:
    """Latents [N, dim] of places, and the weights of the seeds of each."""
    found = [latent(place, dim) for place in places]
    return torch.stack([row for row, _ in found]), [weights for _, weights in found]
