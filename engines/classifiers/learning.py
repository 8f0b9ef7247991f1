"""The loop in which the networks among the classifiers learn: epochs of shuffled batches, Adam, cross-entropy."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engines import device
from engines.classifiers.base import Array, Fitting
from engines.classifiers.checks import class_weights
from engines.errors import LabError

Feed = Callable[[Array], Tensor]  # image numbers [B] -> what the network takes, on the device

_SPEAK_EVERY_S = 0.2  # a step on kept features takes less than a millisecond


@dataclass(frozen=True)
class Plan:
    """How long and how fast a network learns. `patience` 0: all epochs are run, and the last counts.

    `threads` of the processor, 0 for all: steps of a few milliseconds are quicker on one, since several wait for one
    another at each layer, and for very long when another program holds one of them up.
    """

    epochs: int
    learning_rate: float
    batch: int
    balanced: bool = False
    patience: int = 0
    weight_decay: float = 0.0
    threads: int = 0
    autocast: bool = False  # bfloat16 where a GPU has it; never on a processor


@contextmanager
def seeded(seed: int, threads: int = 0) -> Iterator[None]:
    """Torch's random numbers begin at `seed` and are put back afterwards; so are its ways of computing.

    `threads` of the processor are used, 0 for all.
    """
    place = device.find()
    # Exact on a processor, where it costs next to nothing; a GPU may choose its kernels by timing.
    with device.numerics(place, exact=place.kind == "cpu", threads=threads or place.cores), torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def learn(
    network: nn.Module,
    feed: Feed,
    plan: Plan,
    fitting: Fitting,
    place: device.Device,
    validation_feed: Feed | None = None,
) -> None:
    """Train `network`, which gives logits [B, K], on the training images of `fitting`; call it inside `seeded`.

    The order of images depends on the seed alone. With `patience`, the weights of the epoch with the least log loss on
    the validation images are the ones kept. Raises LabError when the loss is no longer a number.
    """
    labels = torch.from_numpy(np.asarray(fitting.train.labels, np.int64)).to(place.torch)
    weights = class_weights(fitting.train.labels, len(fitting.classes)) if plan.balanced else None
    criterion = nn.CrossEntropyLoss(None if weights is None else torch.tensor(weights, dtype=torch.float32)).to(
        place.torch
    )
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learning, plan.learning_rate, weight_decay=plan.weight_decay, fused=True)
    shuffler = torch.Generator().manual_seed(fitting.seed)
    batches = math.ceil(len(labels) / plan.batch)
    best, best_state, waited, spoken = math.inf, None, 0, 0.0

    for epoch in range(plan.epochs):
        network.train()
        order = torch.randperm(len(labels), generator=shuffler)
        last = torch.zeros((), device=place.torch)
        # Split evenly: a last batch of one image would have no variance to normalise by.
        for n, batch in enumerate(torch.tensor_split(order, batches)):
            with torch.autocast("cuda", torch.bfloat16, enabled=plan.autocast and place.kind == "cuda" and place.bf16):
                loss = criterion(network(feed(batch.numpy())), labels[batch.to(place.torch)])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            last = loss.detach()
            if time.monotonic() - spoken > _SPEAK_EVERY_S:
                fitting.progress((epoch + (n + 1) / batches) / plan.epochs)
                spoken = time.monotonic()
        if not torch.isfinite(last):
            raise LabError(
                "The classifier's training broke: its loss is no longer a number.",
                f"It happened in epoch {epoch + 1}, with the learning rate {plan.learning_rate:g}.",
                "Choose a smaller learning rate.",
            )
        if not (plan.patience or fitting.epoch):
            continue

        # Look at the validation images.
        found = _log_loss(network, validation_feed, fitting) if validation_feed else float(last)
        if fitting.epoch:
            fitting.epoch(epoch + 1, found)
        if plan.patience and validation_feed:
            waited = 0 if found < best else waited + 1
            if found < best:
                best, best_state = found, copy.deepcopy(network.state_dict())
            if waited >= plan.patience:
                break
    if best_state is not None:
        network.load_state_dict(best_state)
    network.eval()


def _log_loss(network: nn.Module, feed: Feed, fitting: Fitting) -> float:
    assert fitting.validation is not None
    labels = torch.from_numpy(np.asarray(fitting.validation.labels, np.int64))
    return float(nn.functional.cross_entropy(logits_of(network, feed, len(labels)), labels))


def logits_of(
    network: nn.Module, feed: Feed, count: int, progress: Callable[[float], None] = lambda fraction: None
) -> Tensor:
    """Logits [N, K] float64 on the processor, in batches."""
    network.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, count, 128):
            chosen = np.arange(start, min(start + 128, count))
            parts.append(network(feed(chosen)).double().cpu())
            progress((start + len(chosen)) / count)
    return torch.cat(parts)


def probabilities_of(logits: Tensor) -> Array:
    """Softmax [N, K] float64 of logits."""
    return np.asarray(torch.softmax(logits.double(), dim=1).numpy())
