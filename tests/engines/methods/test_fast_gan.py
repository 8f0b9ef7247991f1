"""FastGAN has the published layers and settings, and its parts do what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.base import NetSpec, Networks, Step, parameter_count
from engines.methods.fast_gan import (
    METHOD,
    Discriminator,
    Gate,
    Generator,
    Noise,
    Options,
    build,
    difference,
    hinge,
    phases,
    quarters,
)

SMALL = {"size": 64, "width": 0.0625, "latent_dim": 8, "batch": 2}


def made(**changes: Any) -> tuple[Options, Networks]:
    options = METHOD.choose("standard", {**SMALL, **changes})
    assert isinstance(options, Options)
    return options, build(options, NetSpec(1))


def norm(channels: int) -> int:
    return 2 * channels


def down(inputs: int, outputs: int) -> int:
    return 16 * inputs * outputs + 9 * outputs**2 + inputs * outputs + 3 * norm(outputs)


def test_parameters_of_the_published_networks_at_256_pixels() -> None:
    nets = build(cast(Options, METHOD.choose("best", {})), NetSpec(3)).nets
    # Every gated convolution has twice the outputs; blocks of 8, 32 and 128 have a second one and two shares of noise.
    first = 256 * 2048 * 16 + norm(2048)
    ups = (
        (9 * 1024 * 1024 + 9 * 512 * 1024 + 2 * norm(1024) + 2)  # 8
        + (9 * 512 * 512 + norm(512))  # 16
        + (9 * 256 * 256 + 9 * 128 * 256 + 2 * norm(256) + 2)  # 32
        + (9 * 128 * 256 + norm(256))  # 64
        + (9 * 128 * 128 + 9 * 64 * 128 + 2 * norm(128) + 2)  # 128
        + (9 * 64 * 64 + norm(64))  # 256
    )
    # 4 -> 64, 8 -> 128, 16 -> 256: a convolution of 4x4, then one of 1x1
    excitations = 16 * 1024 * 128 + 128**2 + 16 * 512 * 64 + 64**2 + 16 * 256 * 32 + 32**2
    assert parameter_count(nets["generator"]) == first + ups + excitations + 9 * 32 * 3 + 64 * 3 == 29_127_846

    large = 9 * 3 * 16 + down(16, 32) + down(32, 64) + down(64, 128) + down(128, 128) + down(128, 256)
    large += 256 * 512 + norm(512) + 16 * 512
    small = 16 * (3 * 32 + 32 * 64 + 64 * 128 + 128 * 128) + norm(64) + 2 * norm(128) + 16 * 128
    shared = 9 * (128 * 128 + 64 * 128 + 64 * 64 + 32 * 3) + 2 * norm(128) + norm(64)
    decoders = 9 * (256 * 256 + 128 * 256) + 2 * norm(256) + 2 * shared
    assert parameter_count(nets["discriminator"]) == large + small + decoders == 3_928_624


@pytest.mark.parametrize("blocks", ["published", "lite"])
@pytest.mark.parametrize("size", METHOD.sizes)
def test_every_size(size: int, blocks: str) -> None:
    options, networks = made(size=size, blocks=blocks)
    generator, discriminator = (networks.nets[name].eval() for name in ("generator", "discriminator"))
    assert isinstance(generator, Generator) and isinstance(discriminator, Discriminator)
    small = min(128, size // 2)
    with torch.inference_mode():
        images, little = generator.pictures(torch.randn(2, 8))
        assert images.shape == (2, 1, size, size) and little.shape == (2, 1, small, small) and images.abs().max() <= 1
        torch.testing.assert_close(
            METHOD.sample(generator, torch.ones(1, 8), torch.zeros(1)), generator(torch.ones(1, 8))
        )
        verdicts, of_16, of_8 = discriminator(images, little)
        assert verdicts.shape == (2, 50) and of_16.shape[2:] == (16, 16) and of_8.shape[2:] == (8, 8)
        for redrawn in (discriminator.whole(of_8), discriminator.part(quarters(of_16, torch.tensor([0, 3])))):
            assert redrawn.shape == little.shape
    assert sum(isinstance(module, Noise) for module in generator.modules()) == (
        0 if blocks == "lite" else 2 * sum(side <= size for side in (8, 32, 128, 512))
    )
    assert set(generator.excitations) == {str(side) for side in (64, 128, 256, 512) if side <= size}
    assert build(options, NetSpec(3)).nets["generator"](torch.randn(2, 8)).shape == (2, 3, size, size)


def test_large_maps_are_multiplied_by_what_small_ones_say() -> None:
    generator = made()[1].nets["generator"].eval()
    assert isinstance(generator, Generator) and generator(torch.randn(1, 8)).abs().max() > 0
    generator.excitations["64"].register_forward_hook(lambda _module, given, out: torch.zeros_like(out))
    assert generator(torch.randn(1, 8)).abs().max() == 0
    seen: list[Tensor] = []
    generator.excitations["64"].register_forward_hook(lambda _module, given, out: seen.append(given[0]))
    generator(torch.randn(1, 8))
    assert seen[0].shape[2:] == (4, 4)


def test_the_gate_is_the_linear_unit_and_keeps_the_layout() -> None:
    features = torch.randn(2, 6, 4, 4).contiguous(memory_format=torch.channels_last).requires_grad_(True)
    (slope,) = torch.autograd.grad(Gate()(features).square().sum(), features)
    (expected,) = torch.autograd.grad(F.glu(features, dim=1).square().sum(), features)
    torch.testing.assert_close(Gate()(features), F.glu(features, dim=1))
    torch.testing.assert_close(slope, expected)
    assert slope.is_contiguous(memory_format=torch.channels_last)


def test_noise_is_fresh_in_training_and_still_in_drawing() -> None:
    noise, flat = Noise(4), torch.zeros(2, 3, 4, 4)
    assert torch.equal(noise(flat), flat), "none at first"
    nn.init.constant_(noise.share, 0.5)
    first, second = noise(flat), noise(flat)
    assert not torch.equal(first, second) and not torch.equal(first[0], first[1])
    assert torch.equal(first[:, 0], first[:, 1]), "the same for all channels"
    state = torch.get_rng_state()
    torch.testing.assert_close(noise.eval()(flat)[1, 2], noise.still[0, 0] / 2)
    assert torch.equal(torch.get_rng_state(), state)


def test_hinge() -> None:
    verdicts = torch.tensor([[-1.0, 0.0], [0.9, 3.0]])
    torch.testing.assert_close(hinge(verdicts, soft=False), torch.tensor((2 + 1 + 0.1 + 0) / 4))
    soft = torch.stack([hinge(torch.zeros(1), soft=True) for _ in range(200)])
    assert 0.8 <= soft.min() < 0.82 and 0.98 < soft.max() <= 1


def test_quarters_and_differences() -> None:
    image = torch.arange(32.0).view(2, 1, 4, 4)
    corners = [image[:, :, y : y + 2, x : x + 2] for y in (0, 2) for x in (0, 2)]
    for first in range(4):
        chosen = quarters(image, torch.tensor([first, 3 - first]))
        assert torch.equal(chosen[0], corners[first][0]) and torch.equal(chosen[1], corners[3 - first][1])
    assert difference(image, image) == 0 and difference(image + 2, image) == 2
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    torch.testing.assert_close(
        difference(image[0, 0, 0, 0] + board[None, None], torch.zeros(8, 8)), torch.tensor(1 / 3)
    )


def stepped(changes: dict[str, Any], alone: bool = True) -> tuple[Step, Networks, dict[str, Tensor]]:
    """One run of both losses, with the gradients of the discriminator's."""
    options, networks = made(**changes)
    reports: dict[str, Tensor] = {}
    real = torch.rand(2, 1, 64, 64) * 2 - 1
    step = Step(networks.nets, real, 0, reports.__setitem__, torch.zeros(2, dtype=torch.int64), alone=alone)
    discriminating, generating = phases(options)
    discriminating.loss(step).backward()
    assert (len(step.kept) == 2) == alone
    generating.loss(step).backward()
    assert not step.kept
    return step, networks, reports


@pytest.mark.parametrize("alone", [True, False])
def test_both_networks_learn_and_say_how(alone: bool) -> None:
    step, networks, reports = stepped({"augment": "adaptive"}, alone)
    assert reports.keys() == {"d_loss", "critic_gap", "redraw_loss", "g_loss", "augment_strength"}
    for name in ("generator", "discriminator"):
        silent = [key for key, weight in step.nets[name].named_parameters() if weight.grad is None]
        assert not silent
    assert networks.averaged == ("generator",) and set(networks.optimizers) == {"generator", "discriminator"}


def test_redrawing_can_be_switched_off() -> None:
    step, _, reports = stepped({"redraw": 0.0, "augment": "none"})
    assert "redraw_loss" not in reports and "augment" not in step.nets
    discriminator = step.nets["discriminator"]
    assert isinstance(discriminator, Discriminator)
    assert all(weight.grad is None for weight in discriminator.whole.parameters())
    assert all(weight.grad is not None for weight in discriminator.judge_small.parameters())


def test_the_losses_are_the_hinge_game(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts put in by hand: reals 0.5 and 2, fakes -3 and 1."""
    options, networks = made(soft_margin=False, redraw=0.0, augment="none")
    verdicts = iter([torch.tensor([[0.5], [2.0]]), torch.tensor([[-3.0], [1.0]]), torch.tensor([[-3.0], [1.0]])])
    judge: Callable[..., Any] = lambda images, small: (next(verdicts), images, small)  # noqa: E731
    monkeypatch.setattr(networks.nets["discriminator"], "forward", judge)
    reports: dict[str, Tensor] = {}
    step = Step(networks.nets, torch.zeros(2, 1, 64, 64), 0, reports.__setitem__, torch.zeros(2, dtype=torch.int64))
    discriminating, generating = phases(options)
    assert discriminating.loss(step) == (0.5 + 0) / 2 + (0 + 2) / 2
    assert generating.loss(step) == 1.0 and reports["critic_gap"] == 1.25 - -1.0


def test_presets() -> None:
    best, standard, quick = (cast(Options, METHOD.choose(name, {})) for name in ("best", "standard", "quick_look"))
    for published in (best, standard):
        values = (published.latent_dim, published.learning_rate_g, published.learning_rate_d, published.beta1)
        assert values == (256, 2e-4, 2e-4, 0.5) and published.batch == 8
        assert published.augment == "fixed" and published.soft_margin and published.blocks == "published"
        kept = 0.5 ** (published.batch / (published.ema_half_life_kimg * 1000))  # of the average, per step
        assert kept == pytest.approx(0.999, abs=2e-5)
    assert (best.size, best.width) == (256, 1.0) and METHOD.choose(None, {}) == standard and standard.size == 128
    assert quick.augment == "none" and quick.size == 64, "augmentation slows a short training"
