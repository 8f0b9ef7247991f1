"""Near-duplicates: a short fingerprint of a picture's content, and groups of pictures whose fingerprints agree.

The fingerprint must be taken from the canonical crop. Of whole films it describes the black beside the breast, and all
mammograms collide; what remains alike in the crops, the outline, is taken out by ranking the greys inside it.
"""

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.fft import dctn
from scipy.stats import rankdata

from engines.resize import resize

# Bits of 64 that may differ. Calibrated on mini-MIAS (7,140 pairs of different breasts, the nearest 10 bits apart) and
# on 1,296 CBIS-DDSM mass patches (839,160 pairs, the nearest 11 apart): no two different pictures group, while copies
# that were rescaled, blurred, brightened, noisy or JPEG-compressed do in 91 % (films, each copy cropped anew) and
# 99 % (patches). tests/benchmarks/bench_duplicates.py measures it.
DISTANCE = 8

_SIDE = 32
_SEEN_SIDE = 256  # more detail than this never reaches the 32 × 32 picture
_DARK = 0.05  # of the brightest: the background beside a breast
_OUTSIDE = -0.2  # in ranks 0..1: a step at the outline, but a smaller one than the greys inside span
_BLOCK = 4_000_000  # candidate pairs held at once


def _low_frequencies() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of 64 coefficients by rising frequency; the first ten describe only shape and shading."""
    order = sorted((row + column, row, column) for row in range(_SIDE) for column in range(_SIDE))[10:74]
    return np.array([row for _, row, _ in order]), np.array([column for _, _, column in order])


_ROWS, _COLUMNS = _low_frequencies()


def perceptual_hash(crop: npt.NDArray[np.generic]) -> str:
    """A 64-bit fingerprint, as 16 hex digits, of a canonical crop (H,W), (H,W,1) or (H,W,3) of any depth or float.

    Signs of low DCT frequencies, as in pHash (Zauner, Implementation and Benchmarking of Perceptual Image Hash
    Functions, 2010). Changed: margins are cut off, greys become ranks (so that exposure does not count), and the
    lowest frequencies are left out, since all breasts share them.
    """
    small, inside = ranks(crop)
    # Sums of equal values leave dust of either sign; it must not become bits.
    bits = dctn(np.where(inside, small, _OUTSIDE), norm="ortho")[_ROWS, _COLUMNS] > 1e-4
    return np.packbits(bits).tobytes().hex()


def ranks(crop: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """A crop without margins on 32 × 32 pixels, its greys as ranks in 0..1, and which of them are not background."""
    step = max(1, max(crop.shape[:2]) // _SEEN_SIDE)
    seen = np.nan_to_num(np.asarray(crop[::step, ::step], dtype=np.float32))
    if seen.ndim == 3:
        seen = seen[..., 0] if seen.shape[2] == 1 else seen[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)
    small = resize(_without_margins(seen - seen.min()), _SIDE)
    inside = small > _DARK * small.max()
    ranked = np.zeros_like(small)
    if inside.any():
        ranked[inside] = (rankdata(small[inside]) - 0.5) / inside.sum()
    return ranked, inside


def _without_margins(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    bright = ndimage.binary_opening(picture > _DARK * picture.max())
    if not bright.any():
        return picture
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def pairs(hashes: list[str], distance: int = DISTANCE) -> npt.NDArray[np.intp]:
    """All pairs [P, 2], first < second, of fingerprints that differ in at most `distance` bits; empty ones match none.

    Exact: the 64 bits are cut into so many bands that a pair must agree in one of them but for a single bit, and only
    pictures that do are compared (multi-index hashing; Norouzi, Punjani and Fleet, CVPR 2012). Equal fingerprints are
    chained, each with the next, not paired all with all: a thousand blank pictures give 999 pairs.
    """
    places = np.array([n for n, text in enumerate(hashes) if text], dtype=np.intp)
    if len(places) < 2:
        return np.empty((0, 2), dtype=np.intp)
    values = np.array([int(hashes[n], 16) for n in places], dtype=np.uint64)
    order = np.argsort(values, kind="stable")
    same = np.flatnonzero(values[order[1:]] == values[order[:-1]])
    chained = np.stack([places[order[same]], places[order[same + 1]]], axis=1)
    unique, first = np.unique(values, return_index=True)
    near = places[first[_near(unique, distance)]].reshape(-1, 2)
    return np.unique(np.sort(np.concatenate([chained, near]), axis=1), axis=0)


def groups(hashes: list[str], distance: int = DISTANCE) -> list[list[int]]:
    """Positions of near-duplicates, two or more in a group, in rising order; an empty text belongs to no group.

    A group holds what is linked by pairs within `distance` bits, so its ends may be further apart than that.
    """
    return joined(pairs(hashes, distance), len(hashes))


def joined(links: npt.NDArray[np.intp], count: int) -> list[list[int]]:
    """Connected groups of two or more among `count` positions, from pairs [P, 2]."""
    leader = list(range(count))

    def find(n: int) -> int:
        while leader[n] != n:
            leader[n] = leader[leader[n]]
            n = leader[n]
        return n

    for a, b in links.tolist():
        low, high = sorted((find(a), find(b)))
        leader[high] = low
    members: dict[int, list[int]] = {}
    for n in sorted(set(links.ravel().tolist())):
        members.setdefault(find(n), []).append(n)
    return list(members.values())


def _near(values: npt.NDArray[np.uint64], distance: int) -> npt.NDArray[np.intp]:
    """Pairs [P, 2] of positions, first < second, of distinct values that differ in at most `distance` bits."""
    bands = max(1, distance // 2 + 1)
    edges = np.linspace(0, 64, bands + 1).astype(int)
    found = [np.empty((0, 2), dtype=np.intp)]
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        keys = (values >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        for flip in [0, *(1 << bit for bit in range(high - low))]:
            wanted = keys ^ np.uint64(flip)
            start, end = np.searchsorted(ordered, wanted, "left"), np.searchsorted(ordered, wanted, "right")
            found.extend(_compared(values, order, start, end, distance))
    return np.unique(np.concatenate(found), axis=0)


def _compared(
    values: npt.NDArray[np.uint64],
    order: npt.NDArray[np.intp],
    start: npt.NDArray[np.intp],
    end: npt.NDArray[np.intp],
    distance: int,
) -> list[npt.NDArray[np.intp]]:
    """Compare every value with the candidates order[start:end] of its band, a bounded number of pairs at a time."""
    counts = end - start
    totals = np.cumsum(counts)
    found, begin = [], 0
    while begin < len(values):
        before = totals[begin - 1] if begin else 0
        stop = max(begin + 1, int(np.searchsorted(totals, before + _BLOCK, "right")))
        some = counts[begin:stop]
        first = np.repeat(np.arange(begin, stop), some)
        within = np.arange(len(first)) - np.repeat(np.cumsum(some) - some, some)
        second = order[np.repeat(start[begin:stop], some) + within]
        close = np.bitwise_count(values[first] ^ values[second]) <= distance
        close &= first < second
        found.append(np.stack([first[close], second[close]], axis=1))
        begin = stop
    return found
