"""How fast and how exact the metrics are: `python tests/benchmarks/bench_metrics.py [--images 32] [--threads 2]`.

Against torch-fidelity in the same run, turn by turn, since the machine may be busy: ratios count, seconds only tell
their size. Random weights: speed does not depend on them. Printed: Fréchet algebra at 500 and 5,000 images of 2,048
features; images/s of the FID's network (fp32 on both sides); a second evaluation of the same images from the cache.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from engines.extractors import inception, texture
from engines.extractors.base import loaded
from engines.metrics.features import described_by
from engines.metrics.frechet import frechet_distance

Array = np.ndarray[Any, np.dtype[Any]]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def compare(name: str, rounds: int, theirs: Callable[[], Any], ours: Callable[[], Any], **more: Any) -> None:
    """Both a round at a time, so that what disturbs one disturbs the other; of processor seconds too."""
    theirs_s, ours_s, theirs_cpu, ours_cpu = [], [], [], []
    for _ in range(rounds):
        for work, wall, processor in ((theirs, theirs_s, theirs_cpu), (ours, ours_s, ours_cpu)):
            before = time.process_time()
            wall.append(timed(work)[0])
            processor.append(time.process_time() - before)
    report(
        name,
        theirs_s,
        ours_s,
        ratio_of_processor_time=round(float(np.median(theirs_cpu) / np.median(ours_cpu)), 2),
        **more,
    )


def report(name: str, theirs: list[float], ours: list[float], **more: Any) -> None:
    ratios = sorted(a / b for a, b in zip(theirs, ours, strict=True))
    line = {
        "what": name,
        "theirs_s": round(float(np.median(theirs)), 4),
        "ours_s": round(float(np.median(ours)), 4),
        "ratio_median": round(float(np.median(ratios)), 2),
        "ratio_least": round(ratios[0], 2),
        "ratio_of_best": round(min(theirs) / min(ours), 2),
        **more,
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


def frechet(count: int, rounds: int) -> None:
    """Only the algebra: torch-fidelity's covariances are made beforehand, ours are part of the time."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(2048, 2048)) / 45
    features = [np.maximum(generator.normal(shift, 1, (count, 2048)) @ mixing, 0) for shift in (0.0, 0.1)]
    statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in features]
    theirs = lambda: fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]  # noqa: E731
    ours = lambda: frechet_distance(*features)  # noqa: E731
    difference = abs(ours() / theirs() - 1)
    compare(f"Fréchet, {count} images", rounds, theirs, ours, relative_difference=float(f"{difference:.1e}"))


def random_weights(folder: Path) -> Path:
    path = folder / "fid_inception-random.pth"
    read, fill = torch.load, FeatureExtractorInceptionV3.load_state_dict
    torch.load, FeatureExtractorInceptionV3.load_state_dict = (lambda *_, **__: {}), (lambda *_: None)
    try:
        network = FeatureExtractorInceptionV3("random", ["2048"], feature_extractor_weights_path="none")
    finally:
        torch.load, FeatureExtractorInceptionV3.load_state_dict = read, fill
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    torch.save(network.state_dict(), path)
    return path


def extraction(folder: Path, count: int, rounds: int) -> None:
    path = random_weights(folder)
    stock = FeatureExtractorInceptionV3("stock", ["2048"], feature_extractor_weights_path=str(path))
    ours = loaded(inception.EXTRACTOR, folder)
    images = np.random.default_rng(0).integers(0, 256, (count, 128, 128, 1), np.uint8)
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2).expand(-1, 3, -1, -1).contiguous()

    def theirs() -> Any:
        with torch.inference_mode():
            return torch.cat([stock(part)[0] for part in tensor.split(ours.batch)]).numpy()

    mine = lambda: described_by(ours, images, None, lambda fraction: None)  # noqa: E731
    expected = theirs()
    difference = np.abs(mine() - expected).max() / np.abs(expected).mean()
    compare(f"Inception, {count} images", rounds, theirs, mine, difference=float(f"{difference:.1e}"))
    for ready, pixels in ((ours, images), (loaded(texture.EXTRACTOR, None), images)):
        run = lambda: described_by(ready, pixels, folder / "cache", lambda fraction: None)  # noqa: B023, E731
        first = timed(run)[0]
        report(f"second evaluation, {ready.id.split('-')[0]}", [first] * rounds, [timed(run)[0] for _ in range(rounds)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--large", action="store_true", help="also 5,000 images: minutes")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    frechet(500, chosen.rounds)
    if chosen.large:
        frechet(5000, 2)
    with tempfile.TemporaryDirectory() as folder:
        extraction(Path(folder), chosen.images, chosen.rounds)


if __name__ == "__main__":
    main()
