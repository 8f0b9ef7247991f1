"""A training that takes a second: a tiny method with everything that makes resuming hard, and 64 drawn images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engines.jobs.context import JobContext
from engines.methods.base import Adam, MethodSpec, NetSpec, Networks, Phase, Preset, Step, draw_latents, plain_sample
from engines.methods.blocks import UpConv, logistic_d_loss, non_saturating_g_loss
from engines.methods.custom_gan import METHOD, Options
from engines.methods.penalties import r1_penalty
from engines.training.feed import Data
from engines.training.plan import Budget, Plan
from engines.workspace import Workspace


class TinyGenerator(nn.Module):
    """Latents [B, 8] -> 8x8 -> three upsamplings -> [B, C, 64, 64]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(8, 4 * 64)
        self.body = nn.Sequential(
            UpConv(4, 4), nn.BatchNorm2d(4), nn.ReLU(), UpConv(4, 4), nn.ReLU(), UpConv(4, channels)
        )

    def forward(self, latents: Tensor) -> Tensor:
        return torch.tanh(self.body(self.dense(latents).view(-1, 4, 8, 8)).float())


def tiny_discriminator(channels: int) -> nn.Module:
    blocks = [nn.Conv2d(channels, 4, 3, stride=4, padding=1), nn.LeakyReLU(0.2), nn.Dropout(0.3)]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(4 * 16 * 16, 1), nn.Flatten(0))


def tiny_build(options: Options, spec: NetSpec) -> Networks:
    nets = {"generator": TinyGenerator(spec.channels), "discriminator": tiny_discriminator(spec.channels)}
    settings = Adam(options.learning_rate_g, options.beta1, options.beta2)
    return Networks(nets, dict.fromkeys(nets, settings), latent_dim=8)


def tiny_phases(options: Options) -> list[Phase]:
    def judge(step: Step) -> Tensor:
        fake = step.nets["generator"](draw_latents(len(step.real), 8, step.real))
        step.kept["fake"] = fake
        loss = logistic_d_loss(step.nets["discriminator"](step.real), step.nets["discriminator"](fake.detach()))
        step.report("d_loss", loss)
        return loss

    def penalise(step: Step) -> Tensor:
        return r1_penalty(step.nets["discriminator"], step.real)

    def deceive(step: Step) -> Tensor:
        loss = non_saturating_g_loss(step.nets["discriminator"](step.kept["fake"]))
        step.report("g_loss", loss)
        return loss

    return [
        Phase("judge", ("discriminator",), judge),
        Phase("penalise", ("discriminator",), penalise, every=3),
        Phase("deceive", ("generator",), deceive, frozen=("discriminator",)),
    ]


TINY = MethodSpec(
    name="tiny", title="Tiny", summary="For tests.", good_for="Tests.", source="None.", cost="light", options=Options,
    presets={"plain": Preset("Plain", "", {})}, build=tiny_build, phases=tiny_phases, sample=plain_sample,
)  # fmt: skip

PlanMaker = Callable[..., Plan]


@pytest.fixture
def tiny_plan() -> PlanMaker:
    """Make a plan of so many images; other settings by name, those of the method under `options`."""

    def make(images: int, options: dict[str, Any] | None = None, **changes: Any) -> Plan:
        settings = {
            "size": 64,
            "batch": 8,
            "learning_rate_g": 1e-3,
            "learning_rate_d": 1e-3,
            "ema_half_life_kimg": 0.05,
        }
        chosen = Options.model_validate({**settings, "flip": True, **(options or {})})
        plan = Plan(TINY, chosen, "plain", channels=1, seed=3, budget=Budget(images=images))
        plan = dataclasses.replace(plan, exact=True, device="cpu", threads=1)
        plan = dataclasses.replace(plan, sheet_columns=2, sheet_rows=2, milestones=0)
        return dataclasses.replace(plan, **changes)

    return make


@pytest.fixture
def quick_plan(tiny_plan: PlanMaker) -> PlanMaker:
    """The same with the real method's quick look."""

    def make(images: int, options: dict[str, Any] | None = None, **changes: Any) -> Plan:
        chosen = METHOD.choose("quick_look", {"batch": 4, **(options or {})})
        return dataclasses.replace(tiny_plan(images), method=METHOD, options=chosen, **changes)

    return make


@pytest.fixture(scope="session")
def discs() -> Data:
    """64 images [64, 32, 32, 1] uint8 of a bright disc at a random place."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:32, :32]
    centres, radii = random.uniform(8, 24, (64, 2)), random.uniform(4, 9, 64)
    images = [
        40 + 180 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / r**2)
        for (y, x), r in zip(centres, radii, strict=True)
    ]
    return Data.of(np.asarray(images, dtype=np.uint8)[..., None])


@pytest.fixture
def context_in(workspace: Workspace) -> Callable[[str], JobContext]:
    """A context for the run of that name; the same name goes on in the same folder."""

    def make(name: str) -> JobContext:
        return JobContext.detached(workspace, workspace.folder("runs", name))

    return make


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look for requests at every step, and tick at every step: tests wait for no clock."""
    monkeypatch.setattr("engines.training.session.OBEY_EVERY_S", 0.0)
    monkeypatch.setattr("engines.training.session.TICK_S", 0.0)
    monkeypatch.setattr("engines.training.session.PAUSED_LOOK_S", 0.001)
    yield


@pytest.fixture
def newest() -> Callable[[Path], dict[str, Tensor]]:
    """All tensors of a run's newest checkpoint, the averaged ones included."""
    import safetensors.torch

    def read(run_folder: Path) -> dict[str, Tensor]:
        folder = max((run_folder / "checkpoints").iterdir())
        state = safetensors.torch.load((folder / "state.safetensors").read_bytes())
        average = safetensors.torch.load((folder / "ema.safetensors").read_bytes())
        return {**state, **{f"average.{name}": value for name, value in average.items()}}

    return read
