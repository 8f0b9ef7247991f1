"""The second look: copies that are cut differently are found, other pictures that come close are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from engines.curation.duplicates import DISTANCE, pairs, perceptual_hash
from engines.curation.likeness import FAR, LIKE, like_pairs, likeness


def breasts(count: int, seed: int = 3) -> list[np.ndarray[Any, Any]]:
    """Half-ellipses on black with tissue of their own."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:128, 0:128] / 128
    made = []
    for _ in range(count):
        tissue = sum(ndimage.gaussian_filter(rng.normal(size=(128, 128)), s) * s for s in (6, 12, 20))
        made.append(np.where((x / 0.8) ** 2 + ((y - 0.5) / 0.48) ** 2 < 1, np.clip(120 + 40 * tissue, 30, 255), 0))
    return made


def test_a_copy_that_lost_rows_is_found_where_the_fingerprint_alone_gives_up() -> None:
    originals = breasts(40)
    copies = [ndimage.gaussian_filter(picture[6:-3, : 128 - 4], 1.5) for picture in originals]
    both = [*originals, *copies]
    hashes = [perceptual_hash(picture) for picture in both]
    right = {(n, n + 40) for n in range(40)}
    alone = {tuple(pair) for pair in pairs(hashes).tolist()}
    looked = {tuple(pair) for pair in like_pairs(hashes, both.__getitem__).tolist()}
    assert looked <= right and len(looked & right) > len(alone & right)
    assert len(looked & right) >= 36


def test_likeness_is_one_for_the_same_and_low_for_others() -> None:
    a, b = breasts(2)
    assert likeness(a, a) == pytest.approx(1)
    assert likeness(a, 0.7 * a + 20 * (a > 0)) > LIKE
    assert likeness(a, a[3:, :-5]) > LIKE
    assert likeness(a, b) < 0.6
    assert likeness(a, np.zeros((9, 9))) == 0


def test_fingerprints_that_are_fairly_close_by_chance_are_not_enough() -> None:
    pictures = breasts(4)
    hashes = ["0" * 16, "0000000000000fff", "ffffffff00000000", ""]
    assert pairs(hashes, FAR).tolist() == [[0, 1]] and not len(pairs(hashes, DISTANCE))
    assert len(like_pairs(hashes, pictures.__getitem__)) == 0
    pictures[1] = pictures[0] * 0.9
    assert like_pairs(hashes, pictures.__getitem__).tolist() == [[0, 1]]


def test_the_look_can_be_stopped() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        like_pairs(["0" * 16, "0" * 13 + "fff"], breasts(2).__getitem__, stop)
