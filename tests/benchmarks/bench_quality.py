"""What methods reach in equal training time on real mass crops, with the yardsticks beside them.

    python tests/benchmarks/bench_quality.py DATA --weights FOLDER
        [--methods custom_gan:as_published,dcgan_plus:quick_look:flip=true] [--minutes 10] [--seeds 3] [--size 64]
        [--jobs 2] [--out FOLDER]

DATA holds `cbis-mass-roi/{train,val}` and `cbis-mass-roi-synthetic-cdcgan`. Every training has one thread and so many
minutes of processor time, `jobs` side by side; sheets and checkpoints count. Then 552 images of the newest checkpoint,
averaged weights, are compared with the 1,104 crops of `train` and the 192 of `val`:

- KID x 1000: unbiased, cubic kernel, on pooled MobileNetV2 features in float32 (not Inception: no published number).
- FTD: texture distance, as in engines/metrics. Coverage: share of train crops with an image inside their 5th neighbour.

A run whose result is in FOLDER already is not made again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
DRAWN = 552
# A mass crop has no side, so the methods of our own choice mirror; the published ones stay as published.
METHODS = "custom_gan:as_published,dcgan:version_3,dcgan_plus:quick_look:flip=true,fast_gan:quick_look:flip=true"


def crops(folder: Path, size: int) -> tuple[Array, list[str]]:
    """All PNG files below a folder as [N, size, size, 1] uint8 with their class folders."""
    from PIL import Image

    from engines.resize import resize_batch

    paths = sorted(folder.rglob("*.png"))
    images = [np.asarray(Image.open(path).convert("L"))[None, ..., None] for path in paths]
    return np.concatenate([resize_batch(image, size) for image in images]), [path.parent.name for path in paths]


def train(chosen: argparse.Namespace) -> None:
    """One training, in this process; writes images.npy and made.json."""
    from engines import registry
    from engines.jobs.context import JobContext
    from engines.training import checkpoints
    from engines.training.feed import Data
    from engines.training.generation import Sampler, item_seed
    from engines.training.loop import train
    from engines.training.plan import Budget, Plan
    from engines.workspace import Workspace

    name, preset, *changes = chosen.one.split(":")
    method = registry.load("methods")[name]
    options = method.choose(preset, {"size": chosen.size, **dict(change.split("=") for change in changes)})
    images, labels = crops(chosen.data / "cbis-mass-roi" / "train", chosen.size)
    data = Data.of(images, labels)
    workspace = Workspace.open(chosen.out / "workspace")

    class Clocked(JobContext):
        """Asks for the end of the training once the processor time is spent."""

        def take(self, verb: str) -> bool:
            return super().take(verb) or (verb == "stop" and time.process_time() > chosen.minutes * 60)

    folder = workspace.folder("runs", "run")
    folder.mkdir(parents=True, exist_ok=True)
    plain = JobContext.detached(workspace, folder)
    context = Clocked(plain.workspace, plain.folder, plain.job, attached=False)
    plan = Plan(
        method, options, preset, 1, seed=chosen.seed, budget=Budget(images=10**12), classes=data.classes, threads=1,
        device="cpu",
    )  # fmt: skip
    outcome = train(plan, data, context)
    spent_s = time.process_time()
    sampler = Sampler(checkpoints.choose(folder, "latest"))
    labels_drawn = [number % len(sampler.classes) for number in range(DRAWN)]
    drawn = sampler.images([item_seed(1, number) for number in range(DRAWN)], labels_drawn)
    np.save(chosen.out / "images.npy", np.concatenate(list(drawn)))
    about = {"method": chosen.one, "seed": chosen.seed, "cpu_s": round(spent_s), **outcome}
    (chosen.out / "made.json").write_text(json.dumps(about))


class Scorer:
    """Distances of a set to `train` and `val`; features are kept in `out`, so that a second look takes moments."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        from engines import registry
        from engines.extractors.base import loaded

        known = registry.load("extractors")
        self.cache = chosen.out / "features"
        self.deep, self.texture = (loaded(known[name], chosen.weights) for name in ("mobilenet_v2", "texture"))
        folder = chosen.data / "cbis-mass-roi"
        self.images = {name: crops(folder / name, chosen.size)[0] for name in ("train", "val")}
        self.real = {name: self.described(images) for name, images in self.images.items()}

    def described(self, images: Array) -> tuple[Array, Array]:
        """Network and texture features of a set."""
        from engines.metrics.features import described_by

        deep, texture = (
            described_by(extractor, images, self.cache, lambda fraction: None)
            for extractor in (self.deep, self.texture)
        )
        return deep, texture

    def __call__(self, images: Array) -> dict[str, float]:
        from engines.metrics.coverage import coverage
        from engines.metrics.ftd import distance
        from engines.metrics.kid import kernel_distance

        deep, texture = self.described(images)
        scores: dict[str, float] = {}
        for name, (real_deep, real_texture) in self.real.items():
            scores[f"kid_{name}"] = round(1000 * kernel_distance(real_deep, deep), 1)
            scores[f"ftd_{name}"] = round(distance(real_texture, texture), 1)
        scores["coverage"] = round(coverage(self.real["train"][0], deep), 3)
        return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", type=Path, required=True, help="a folder with MobileNetV2's")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("bench_quality"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        train(chosen)
        return

    waiting = [(method, seed) for seed in range(chosen.seeds) for method in chosen.methods.split(",") if method]
    running: list[subprocess.Popen[bytes]] = []
    for method, seed in waiting:
        out = chosen.out / f"{method.replace(':', '-')}-{seed}"
        if (out / "made.json").exists():
            continue
        out.mkdir(parents=True, exist_ok=True)
        while sum(process.poll() is None for process in running) >= chosen.jobs:
            time.sleep(1)
        given = ["--weights", str(chosen.weights), "--minutes", str(chosen.minutes), "--size", str(chosen.size)]
        command = [sys.executable, __file__, str(chosen.data), *given, "--one", method, "--seed", str(seed)]
        with open(out / "log.txt", "wb") as log:
            running.append(subprocess.Popen([*command, "--out", str(out)], stdout=log, stderr=log))
    for process in running:
        process.wait()

    score = Scorer(chosen)
    print(json.dumps({"set": "val against train", **score(score.images["val"])}))
    published, labels = crops(chosen.data / "cbis-mass-roi-synthetic-cdcgan", chosen.size)
    shares = {"benign": 579, "malignant": 525}  # as in train
    taken = np.concatenate([np.flatnonzero(np.asarray(labels) == name)[:count] for name, count in shares.items()])
    print(json.dumps({"set": "published C-DCGAN", **score(published[taken])}))
    for made in sorted(chosen.out.glob("*/made.json")):
        about = json.loads(made.read_text())
        scores = score(np.load(made.parent / "images.npy"))
        kept = {key: about[key] for key in ("method", "seed", "cpu_s", "images_seen")}
        print(json.dumps({**kept, **scores}), flush=True)


if __name__ == "__main__":
    main()
