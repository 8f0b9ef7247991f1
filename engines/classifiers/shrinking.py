"""Images made small for a classifier, once each: a comparison trains dozens of classifiers on the same images."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from engines.classifiers.base import Array
from engines.metrics.features import keys_of
from engines.resize import resize_batch

MOST_BYTES = 200_000_000
_kept: OrderedDict[tuple[bytes, int], Array] = OrderedDict()  # by content and side, the last used last
_size_bytes = 0


def shrunk(images: Array, side: int) -> Array:
    """Images [N, H, W, C] as [N, side, side, C], by the lab's resizer; what was made small lately is not made again.

    Images that are small already come back as they are.
    """
    global _size_bytes
    if images.shape[1:3] == (side, side) or side > min(images.shape[1:3]):
        return resize_batch(images, side)
    result = np.empty((len(images), side, side, images.shape[3]), images.dtype)
    for n, key in enumerate(keys_of(images)):
        small = _kept.get((key, side))
        if small is None:
            small = resize_batch(images[n : n + 1], side)[0]
            _kept[key, side] = small
            _size_bytes += small.nbytes
        else:
            _kept.move_to_end((key, side))
        result[n] = small
        while _size_bytes > MOST_BYTES:
            _size_bytes -= _kept.popitem(last=False)[1].nbytes
    return result
