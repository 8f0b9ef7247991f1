"""How fast pictures are inspected and made canonical: `python tests/benchmarks/bench_curation.py [FOLDER OF IMAGES]`.

CPU milliseconds per picture for each step on a synthetic 4800 x 3000 16-bit film and, with a folder, pictures per
second through the pool (two processes on two cores, decoding in the sandbox included).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engines.curation.canonical import canonical, find_crop, to_depth
from engines.curation.inspection import inspect_file, inspect_pixels
from engines.curation.pool import Pool
from engines.curation.proxy import make_proxy
from engines.curation.segment import segment
from engines.curation.shape import judge

ROUNDS = 20


def film(height: int = 4800, width: int = 3000) -> np.ndarray[Any, Any]:
    """A soft half-ellipse with coarse texture on a noisy dark background."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    depth = np.clip(1 - (x / (0.7 * width)) ** 2 - ((y - height / 2) / (0.4 * height)) ** 2, 0, 1)
    noise = np.random.default_rng(0).random((height, width), dtype=np.float32)
    return (300 + 100 * noise + 40000 * depth**0.3 * (0.8 + 0.2 * noise)).astype(np.uint16)


def timed(name: str, work: Callable[[], object]) -> None:
    work()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(ROUNDS):
        work()
    cpu_ms, wall_ms = ((now - start) / ROUNDS * 1e3 for now, start in
                       ((time.process_time(), cpu), (time.perf_counter(), wall)))  # fmt: skip
    print(f"{name:36s} {cpu_ms:8.1f} ms CPU {wall_ms:8.1f} ms wall")


def main() -> None:
    pixels = film()
    proxy = make_proxy(pixels)
    found = segment(proxy.values)
    assert found is not None
    crop = find_crop(found, proxy)
    timed("proxy", lambda: make_proxy(pixels))
    timed("segment", lambda: segment(proxy.values))
    timed("judge", lambda: judge(found))
    timed("decision (the three above)", lambda: judge(segment(make_proxy(pixels).values)))
    timed("inspection (with thumbnail, outline)", lambda: inspect_pixels(pixels))
    timed("canonical 256", lambda: to_depth(canonical(pixels, 256, crop, flip=True, blank=True), 16, True, "as stored"))
    if len(sys.argv) > 1:
        paths = sorted(path for path in Path(sys.argv[1]).iterdir() if path.suffix in (".pgm", ".png"))
        for workers in (1, 2):
            with Pool(workers) as pool:
                list(pool.map(inspect_file, paths[:16], lambda: None))  # processes are up
                start = time.perf_counter()
                count = sum(1 for _ in pool.map(inspect_file, paths, lambda: None))
                print(f"{workers} process(es): {count / (time.perf_counter() - start):.1f} pictures/s of {count}")


if __name__ == "__main__":
    main()
