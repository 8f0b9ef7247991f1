"""Our loop against the textbook loop, with the same networks, in one process and taking turns.

    python tests/benchmarks/bench_loop.py [--preset as_published] [--rounds 6] [--steps 4] [--threads N]
                                          [--float32] [--levers]

Textbook: a DataLoader over PNG files, NCHW, float32, plain upsampling, usual Adam, the generator run twice a step,
and two `.item()` per step: how nearly every published GAN script does it. Ours: what `train` does after its probe. The
machine's busy moments hit both, since they take turns; the ratio of the medians and of the best rounds is printed, and
the ratio of processor time, which other programs disturb least.
"""

from __future__ import annotations

import argparse
import dataclasses
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
from engines.training.feed import Batch, Data, Feed
from engines.training.state import TrainState
from engines.training.step import Choices, Means, run_step

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


def probed(options: Any, feed: Feed, machine: device.Device, threads: int) -> tuple[Choices, dict[str, Any]]:
    """What the probe of a training would choose here, and what it measured."""
    networks = METHOD.build(options, NetSpec(1))
    state = TrainState.new(networks, machine.torch)
    guess = perf.guess(machine, threads)
    return perf.probe(state.networks.nets, METHOD.phases(options), feed, options.batch, machine, guess)


def ours(options: Any, feed: Feed, choices: Choices, layout: torch.memory_format) -> Callable[[int], None]:
    """The steps of training/loop.py: returns a function that runs so many."""
    state = TrainState.new(METHOD.build(options, NetSpec(1)), torch.device("cpu"))
    phases, means = METHOD.phases(options), Means()
    perf.apply(state.networks.nets, choices)
    for net in state.networks.nets.values():
        net.to(memory_format=layout)

    def run(steps: int) -> None:
        for _ in range(steps):
            torch.manual_seed(order.step_seed(0, 0, state.images_seen))
            batch = feed.batch(0, state.images_seen, options.batch)
            if layout is torch.contiguous_format:
                batch = Batch(batch.real.contiguous(), batch.labels)
            counters = (state.batches, state.images_seen)
            run_step(state.networks.nets, state.optimizers, phases, [batch], *counters, choices, means)
            state.images_seen += options.batch
            state.batches += 1
        means.read()

    return run


def levers(options: Any, feed: Feed, choices: Choices) -> dict[str, Callable[[int], None]]:
    """Our loop without one lever each: what is lost is what the lever gives."""
    last, fresh = torch.channels_last, options.model_copy(update={"reuse_fakes": False})
    without = {
        "without channels last": ours(options, feed, choices, torch.contiguous_format),
        "without reused fakes": ours(fresh, feed, choices, last),
        "the other upsampling": ours(options, feed, dataclasses.replace(choices, fold=not choices.fold), last),
    }
    if choices.bf16:
        without["without bfloat16"] = ours(options, feed, dataclasses.replace(choices, bf16=False), last)
    return without


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="as_published")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=device.cores())
    parser.add_argument("--float32", action="store_true", help="as on a processor without bfloat16 units")
    parser.add_argument("--levers", action="store_true", help="also without one lever each")
    chosen = parser.parse_args()
    machine = device.find("cpu")
    torch.set_num_threads(chosen.threads)
    options = METHOD.choose(chosen.preset, {"r1_gamma": 0.0})  # the textbook has no penalty
    images = np.random.default_rng(0).integers(0, 256, (COUNT, options.size, options.size, 1), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for index, image in enumerate(images):
            Image.fromarray(image[..., 0]).save(Path(folder) / f"{index:04d}.png")
        feed = Feed(Data.of(images), options.size, False, machine)
        choices, measured = probed(options, feed, machine, chosen.threads)
        if chosen.float32:
            choices = dataclasses.replace(choices, bf16=False)
        runners: dict[str, Callable[[int], None]] = {
            "textbook": textbook(options, Path(folder)),
            "ours": ours(options, feed, choices, torch.channels_last),
            **(levers(options, feed, choices) if chosen.levers else {}),
        }
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
        "choices": choices.words,
        "probe": measured,
        "images_per_s": speeds,
        "ratio_median": round(statistics.median(wall["textbook"]) / statistics.median(wall["ours"]), 2),
        "ratio_best": round(min(wall["textbook"]) / min(wall["ours"]), 2),
        "ratio_cpu_time": round(sum(cpu["textbook"]) / sum(cpu["ours"]), 2),
        "levers": {
            name: round(statistics.median(times) / statistics.median(wall["ours"]), 2)
            for name, times in wall.items()
            if name not in ("textbook", "ours")
        },
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
