"""Places in the latent space: exact ends, lengths as those of Gaussian latents, and a map that hangs together."""

from __future__ import annotations

import pytest
import torch

from engines.errors import LabError
from engines.training import latents
from engines.training.latents import Mix
from engines.training.samples import fixed_latents

DIM = 64


@pytest.mark.parametrize("dim", [1, 2, 16, 4096])
def test_the_ends_of_a_way_are_the_seeds_themselves(dim: int) -> None:
    first, second = fixed_latents(1, dim, 3), fixed_latents(1, dim, 4)
    for at, end in ((0.0, first), (1.0, second)):
        row, weights = latents.latent(Mix(first=3, second=4, at=at), dim)
        assert torch.equal(row, end[0])
        assert weights == {3: 1 - at, 4: at}


def test_lengths_go_evenly_from_one_end_to_the_other() -> None:
    first, second = (float(fixed_latents(1, DIM, seed).norm()) for seed in (3, 4))
    rows, _ = latents.latents(latents.strip(3, 4, 9), DIM)
    wanted = torch.linspace(first, second, 9)
    torch.testing.assert_close(rows.norm(dim=1), wanted, rtol=1e-5, atol=1e-5)
    straight = 0.5 * (fixed_latents(1, DIM, 3) + fixed_latents(1, DIM, 4))
    assert float(straight.norm()) < 0.85 * float(wanted[4]), "what an arc is for"


def test_steps_along_an_arc_are_of_one_angle() -> None:
    rows, _ = latents.latents(latents.strip(7, 8, 6), DIM)
    cosines = torch.cosine_similarity(rows[1:], rows[:-1])
    torch.testing.assert_close(cosines, cosines[:1].expand(5), rtol=1e-5, atol=1e-5)


def test_opposite_and_equal_latents_have_a_way_too() -> None:
    one = fixed_latents(1, DIM, 1)[0]
    for other in (one, -one):
        near, far = latents.shares(one, other, 0.25)
        assert (near, far) == pytest.approx((0.75, 0.25))


def test_the_map_shows_seeds_at_whole_numbers_and_is_one_piece() -> None:
    assert latents.place_at(0, 2, -3) == latents.seed_at(0, 2, -3)
    seeds = {latents.seed_at(map, x, y) for map in (0, 1) for x in range(-5, 5) for y in range(-5, 5)}
    assert len(seeds) == 200 and all(0 <= seed < 2**53 for seed in seeds)
    assert latents.place_at(0, 10 * 0.1, 30 * 0.1) == latents.seed_at(0, 1, 3), "arithmetic noise is no place"
    # Across a crossing nothing jumps
    for x, y in ((1.0, 0.4), (0.4, 1.0), (1.0, 1.0)):
        before, _ = latents.latent(latents.place_at(0, x - 1e-4, y - 1e-4), DIM)
        after, _ = latents.latent(latents.place_at(0, x + 1e-4, y + 1e-4), DIM)
        assert float((before - after).norm()) < 0.01
    window = latents.grid(0, -1, 0, 0.5, 3, 2)
    assert window[0] == latents.seed_at(0, -1, 0) and window[2] == latents.seed_at(0, 0, 0)
    assert len(window) == 6 and isinstance(window[4], Mix)


def test_latents_on_the_map_are_as_long_as_random_ones() -> None:
    rows, _ = latents.latents(latents.grid(5, 0, 0, 0.37, 12, 12), DIM)
    lengths = rows.norm(dim=1) / DIM**0.5
    assert 0.75 < float(lengths.min()) and float(lengths.max()) < 1.25


def test_weights_say_what_a_place_is_the_sum_of() -> None:
    place = latents.place_at(0, 0.3, 0.6)
    row, weights = latents.latent(place, DIM)
    assert len(weights) == 4
    again = sum(weight * fixed_latents(1, DIM, seed)[0] for seed, weight in weights.items())
    torch.testing.assert_close(row, again)
    shared = Mix(first=Mix(first=1, second=2, at=0.5), second=Mix(first=2, second=3, at=0.5), at=0.5)
    row, weights = latents.latent(shared, DIM)
    assert set(weights) == {1, 2, 3} and weights[2] > max(weights[1], weights[3])
    torch.testing.assert_close(row, sum(weight * fixed_latents(1, DIM, seed)[0] for seed, weight in weights.items()))


def test_a_place_too_deep_is_refused_in_words() -> None:
    place: latents.Place = 1
    for n in range(latents.DEEPEST + 1):
        place = Mix(first=place, second=n + 2, at=0.5)
    with pytest.raises(LabError, match="between too many"):
        latents.latent(place, DIM)
    with pytest.raises(ValueError):
        Mix(first=-1, second=2, at=0.5)
