"""How fast pictures are inspected and made canonical.

`OMP_NUM_THREADS=1 python tests/benchmarks/bench_curation.py [FOLDER OF IMAGES]` prints
CPU milliseconds per picture for each step on a synthetic 4800 x 3000 16-bit film, against Otsu, connected parts and
their properties at full resolution; the same film as a JPEG 2000 DICOM, decoded whole and reduced; and, with a folder,
pictures per second through the pool (decoding in the sandbox included).
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, generate_uid
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops

from engines.curation.canonical import canonical, find_crop, to_depth
from engines.curation.inspection import inspect_file, inspect_pixels
from engines.curation.pool import Pool, cores
from engines.curation.proxy import make_proxy
from engines.curation.segment import segment
from engines.curation.shape import judge
from engines.readers import base
from engines.readers.base import Picture
from engines.records import Source

ROUNDS = 20


def film(height: int = 4800, width: int = 3000) -> np.ndarray[Any, Any]:
    """A soft half-ellipse with coarse texture on a noisy dark background."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    depth = np.clip(1 - (x / (0.7 * width)) ** 2 - ((y - height / 2) / (0.4 * height)) ** 2, 0, 1)
    noise = np.random.default_rng(0).random((height, width), dtype=np.float32)
    return (300 + 100 * noise + 40000 * depth**0.3 * (0.8 + 0.2 * noise)).astype(np.uint16)


def timed(name: str, work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Print and give CPU milliseconds of one call."""
    work()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(rounds):
        work()
    cpu_ms, wall_ms = ((now - start) / rounds * 1e3 for now, start in
                       ((time.process_time(), cpu), (time.perf_counter(), wall)))  # fmt: skip
    print(f"{name:44s} {cpu_ms:8.1f} ms CPU {wall_ms:8.1f} ms wall")
    return cpu_ms


def full_resolution(pixels: np.ndarray[Any, Any]) -> Any:
    """What is usually written: Otsu's threshold, connected parts, and of the largest its box, area and shape."""
    parts = label(pixels > threshold_otsu(pixels))
    largest = max(regionprops(parts), key=lambda part: part.area)
    return largest.bbox, largest.area, largest.solidity, largest.eccentricity


def box_only(pixels: np.ndarray[Any, Any]) -> Any:
    parts = label(pixels > threshold_otsu(pixels))
    return max(regionprops(parts), key=lambda part: part.area).bbox


def as_jpeg_2000(pixels: np.ndarray[Any, Any], path: Path) -> None:
    """Write a grey 16-bit picture as a DICOM with lossless JPEG 2000."""
    code = io.BytesIO()
    Image.fromarray(pixels).save(code, "JPEG2000", irreversible=False, num_resolutions=6, no_jp2=True)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.2"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = encapsulate([code.getvalue()])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path, enforce_file_format=True)


def triage_of_jpeg_2000(pixels: np.ndarray[Any, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.dcm"
        as_jpeg_2000(pixels, path)
        whole = timed("JPEG 2000: whole decode and inspection", lambda: inspect_file(path, whole_read), 2)
        quick = timed("JPEG 2000: reduced decode and inspection", lambda: inspect_file(path, read), 5)
        seen = [inspect_file(path, one) for one in (whole_read, read)]
    boxes = [(one.crop.x, one.crop.y, one.crop.width, one.crop.height) for one in seen if one.crop]
    print(
        f"{whole / quick:.0f} times faster; confidence {[round(one.shape.confidence, 3) for one in seen]}, box {boxes}"
    )


def read(path: Source | Path, least_side: int = 0) -> Picture:
    assert isinstance(path, Path)
    return base.read(path, least_side=least_side)


def whole_read(path: Source | Path, least_side: int = 0) -> Picture:
    return read(path)


def pool_speed(folder: Path) -> None:
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".pgm", ".png", ".dcm"))
    for workers in sorted({1, cores()}):
        with Pool(workers) as pool:
            list(pool.map(inspect_file, paths[:16], lambda: None))  # processes are up
            start = time.perf_counter()
            count = sum(1 for _ in pool.map(inspect_file, paths, lambda: None))
            print(f"{workers} process(es): {count / (time.perf_counter() - start):.1f} pictures/s of {count}")


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
    ours = timed("analysis (with thumbnail, outline, hash)", lambda: inspect_pixels(pixels))
    theirs = timed("full resolution: Otsu, label, regionprops", lambda: full_resolution(pixels), 2)
    box = timed("full resolution: the same, box only", lambda: box_only(pixels), 2)
    print(
        f"analysis: {ours:.1f} ms CPU (bar: 50), {theirs / ours:.0f} times faster (bar: 25); box only {box / ours:.0f}"
    )
    timed("canonical 256", lambda: to_depth(canonical(pixels, 256, crop, flip=True, blank=True), 16, True, "as stored"))
    triage_of_jpeg_2000(pixels)
    if len(sys.argv) > 1:
        pool_speed(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
