"""Clusters: planted kinds are found by every feature, the same seed finds the same, and small sets are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from engines.curation.clusters import cluster, describe, prepare, row_of, visual_words
from engines.errors import LabError

KINDS, EACH = 3, 12


def planted(side: int = 64) -> np.ndarray[Any, Any]:
    """[36, side, side, 1] uint8: a fine chequer, dots and soft clouds, twelve of each, in turn."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:side, :side]
    made = []
    for n in range(KINDS * EACH):
        kind, dust = n % KINDS, rng.normal(0, 4, (side, side))
        if kind == 0:
            picture = 120 + 45 * (np.sin(x / 1.5 + rng.uniform(0, 9)) + np.sin(y / 1.5))
        elif kind == 1:
            seeds = (rng.random((side, side)) < 0.01).astype(float)
            picture = 40 + 2500 * ndimage.gaussian_filter(seeds, 1.5)
        else:
            picture = 120 + 900 * ndimage.gaussian_filter(rng.normal(size=(side, side)), 8)
        made.append(np.clip(picture + dust, 0, 255).astype(np.uint8)[..., None])
    return np.stack(made)


def quiet(fraction: float, words: str) -> None:
    assert 0 <= fraction < 1 and words


def agreement(clusters: np.ndarray[Any, Any]) -> float:
    """Share of pictures that lie in the cluster where most of their kind lie, if kinds have clusters of their own."""
    kinds = np.arange(len(clusters)) % KINDS
    homes = [np.bincount(clusters[kinds == kind]).argmax() for kind in range(KINDS)]
    assert len(set(homes)) == KINDS
    return float(np.mean([clusters[n] == homes[n % KINDS] for n in range(len(clusters))]))


@pytest.mark.parametrize("features", ["sift", "texture"])
def test_planted_kinds_are_found_and_the_silhouette_finds_how_many(features: Any) -> None:
    images = planted()
    rows = describe(images.__getitem__, len(images), features, 0, quiet)
    found = cluster(rows, None, 0)
    assert rows.any(axis=1).all() and found.k == KINDS == max(found.silhouettes, key=lambda k: found.silhouettes[k])
    assert agreement(found.clusters) >= 0.95
    assert sorted(found.silhouettes) == list(range(2, 11))
    assert sum(found.sizes.values()) == len(images)
    assert list(found.sizes.values()) == sorted(found.sizes.values(), reverse=True)


def test_pixels_tell_bright_halves_apart() -> None:
    images = np.zeros((20, 40, 40, 3), np.uint16)
    images[::2, :, :20] = 40000
    images[1::2, :, 20:] = 40000
    images += np.random.default_rng(0).integers(0, 9000, images.shape, dtype=np.uint16)
    rows = describe(images.__getitem__, 20, "pixels", 0, quiet)
    found = cluster(rows, None, 0)
    assert found.k == 2 and len(set(found.clusters[::2])) == 1 and found.clusters[0] != found.clusters[1]
    assert found.silhouettes[2] > 0.25


@pytest.mark.long
def test_the_same_seed_finds_the_same_and_k_may_be_given() -> None:
    images = planted()
    first, second = (describe(images.__getitem__, len(images), "sift", 7, quiet) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    a, b = cluster(first, 4, 7), cluster(second, 4, 7)
    assert a.k == 4 and set(a.clusters) == {1, 2, 3, 4}
    np.testing.assert_array_equal(a.clusters, b.clusters)
    assert 12 in cluster(first, 12, 7).silhouettes


def test_samples_go_from_the_most_typical_to_the_least() -> None:
    rows = np.concatenate([np.linspace(0, 1, 30)[:, None] ** 2, np.full((10, 1), 9.0)])
    found = cluster(rows, 2, 0)
    members = found.spread(1, 5)
    assert len(members) == 5 and list(found.distances[members]) == sorted(found.distances[members])
    assert found.distances[members[-1]] == found.distances[:30].max()
    assert len(found.spread(2, 12)) == 10


def test_blank_pictures_have_no_words_and_a_set_of_them_is_refused() -> None:
    images = planted()[:6]
    images[2] = 0
    assert visual_words(images.__getitem__, 6, 0).any(axis=1).tolist() == [True, True, False, True, True, True]
    with pytest.raises(LabError, match="No picture has a keypoint"):
        visual_words(np.zeros((3, 64, 64, 1), np.uint8).__getitem__, 3, 0)
    for rows in (np.zeros((5, 2)), np.eye(2)):
        with pytest.raises(LabError, match="too few different pictures"):
            cluster(rows, None, 0)
    with pytest.raises(LabError, match="too few different pictures"):
        cluster(np.eye(4), 5, 0)


def test_pictures_are_reduced_and_stretched() -> None:
    picture = np.linspace(1000, 3000, 300 * 200).astype(np.uint16).reshape(300, 200, 1)
    ready = prepare(picture)
    assert ready.shape == (128, 85) and ready.min() == 0 and ready.max() == 1
    assert row_of([picture, np.zeros((50, 50, 3), np.uint8)]).shape == (96, 192, 3)
