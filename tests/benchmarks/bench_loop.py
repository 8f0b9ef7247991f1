"""Our loop against the textbook loop, with the same networks, in one process and taking turns.

    python tests/benchmarks/bench_loop.py [--preset as_published] [--rounds 6] [--steps 4] [--threads N]

Textbook: a DataLoader over PNG files, NCHW, float32, plain upsampling, usual Adam, the generator run twice a step,
and two `.item()` per step: how nearly every published GAN script does it. Ours: what `train` does after its probe. The
machine's busy moments hit both, since they take turns; the ratio of the medians and of the best rounds is printed, and
the ratio of processor time, which other programs disturb least.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engines import device
from engines.methods.base import NetSpec, draw_latents
from engines.methods.custom_gan import METHOD
from engines.training import order, perf
from engines.training.pixels import Pixels
from engines.training.state import TrainState
from engines.training.step import Means, run_step

COUNT = 256


class Files(Dataset[torch.Tensor]):
    """PNG files, decoded each time."""

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(folder.glob("*.png"))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self.paths[index]) as picture:
            pixels = np.asarray(picture, dtype=np.float32)
        return torch.from_numpy(pixels)[None] / 127.5 - 1


def textbook(options: Any, folder: Path) -> Callable[[int], None]:
    """The usual script: returns a function that runs so many steps."""
    networks = METHOD.build(options, NetSpec(1))
    generator, discriminator = networks.nets["generator"], networks.nets["discriminator"]
    adams = {
        name: torch.optim.Adam(
            networks.nets[name].parameters(), lr=settings.learning_rate, betas=(settings.beta1, 0.999)
        )
        for name, settings in networks.optimizers.items()
    }

    def batches() -> Iterator[torch.Tensor]:
        while True:
            yield from DataLoader(Files(folder), options.batch, shuffle=True, drop_last=True)

    source = batches()
    losses: list[tuple[float, float]] = []

    def run(steps: int) -> None:
        for _ in range(steps):
            real = next(source)
            ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
            adams["discriminator"].zero_grad()
            fake = generator(draw_latents(len(real), options.latent_dim, real)).detach()
            d_loss = 0.5 * (
                F.binary_cross_entropy_with_logits(discriminator(real), ones)
                + F.binary_cross_entropy_with_logits(discriminator(fake), zeros)
            )
            d_loss.backward()
            adams["discriminator"].step()
            adams["generator"].zero_grad()
            verdicts = discriminator(generator(draw_latents(len(real), options.latent_dim, real)))
            g_loss = F.binary_cross_entropy_with_logits(verdicts, ones)
            g_loss.backward()
            adams["generator"].step()
            losses.append((d_loss.item(), g_loss.item()))

    return run


def ours(options: Any, images: np.ndarray[Any, Any], machine: device.Device, threads: int) -> tuple[Any, Any]:
    """The steps of training/loop.py with the choices of its probe; also returns what the probe measured."""
    pixels = Pixels(images, options.size, machine)
    state = TrainState.new(METHOD.build(options, NetSpec(1)), machine.torch)
    phases, means = METHOD.phases(options), Means()
    real = pixels.batch(np.arange(options.batch))
    choices, measured = perf.probe(state.networks.nets, phases, real, machine, perf.guess(machine, threads))
    perf.apply(state.networks.nets, choices)

    def run(steps: int) -> None:
        for _ in range(steps):
            torch.manual_seed(order.step_seed(0, 0, state.images_seen))
            real = pixels.batch(order.indexes(0, state.images_seen, options.batch, pixels.count))
            arguments = (state.networks.nets, state.optimizers, phases, real, state.batches, state.images_seen)
            run_step(*arguments, choices, means)
            state.images_seen += options.batch
            state.batches += 1
        means.read()

    return run, {"choices": choices.words, **measured}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="as_published")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=device.cores())
    chosen = parser.parse_args()
    machine = device.find("cpu")
    torch.set_num_threads(chosen.threads)
    options = METHOD.choose(chosen.preset, {"r1_gamma": 0.0})  # the textbook has no penalty
    images = np.random.default_rng(0).integers(0, 256, (COUNT, options.size, options.size, 1), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for index, image in enumerate(images):
            Image.fromarray(image[..., 0]).save(Path(folder) / f"{index:04d}.png")
        fast, probed = ours(options, images, machine, chosen.threads)
        runners: dict[str, Callable[[int], None]] = {"textbook": textbook(options, Path(folder)), "ours": fast}
        wall: dict[str, list[float]] = {name: [] for name in runners}
        cpu: dict[str, list[float]] = {name: [] for name in runners}
        for round_number in range(chosen.rounds + 1):
            for name, run in runners.items():
                wall_began, cpu_began = time.perf_counter(), time.process_time()
                run(chosen.steps)
                if round_number:  # the first round builds kernels
                    wall[name].append(time.perf_counter() - wall_began)
                    cpu[name].append(time.process_time() - cpu_began)
    images_per_round = chosen.steps * options.batch
    speeds = {name: round(images_per_round / statistics.median(times), 1) for name, times in wall.items()}
    report = {
        "device": machine.as_dict(),
        "preset": chosen.preset,
        "threads": chosen.threads,
        "probe": probed,
        "images_per_s": speeds,
        "ratio_median": round(statistics.median(wall["textbook"]) / statistics.median(wall["ours"]), 2),
        "ratio_best": round(min(wall["textbook"]) / min(wall["ours"]), 2),
        "ratio_cpu_time": round(sum(cpu["textbook"]) / sum(cpu["ours"]), 2),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
