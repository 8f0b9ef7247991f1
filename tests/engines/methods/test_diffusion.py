"""EDM: the preconditioning and the sampler against the paper's formulas, and against a case that can be solved."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engines.methods.base import NetSpec, Step, parameter_count
from engines.methods.diffusion import METHOD, Denoiser, Options, build, denoising_loss, noise_levels, phases, sample
from engines.methods.unet import Attention, Residual


def chosen(preset: str, **changes: Any) -> Options:
    options = METHOD.choose(preset, changes)
    assert isinstance(options, Options)
    return options


def denoiser(preset: str = "tiny", channels: Any = 1, **changes: Any) -> Denoiser:
    net = build(chosen(preset, **changes), NetSpec(channels)).nets["generator"]
    assert isinstance(net, Denoiser)
    return net.eval()


class Fixed(nn.Module):
    """Stands in for the U-Net: always the same answer; remembers what it was asked."""

    def __init__(self, answer: float) -> None:
        super().__init__()
        self.answer = answer
        self.asked: tuple[Tensor, Tensor] | None = None

    def forward(self, images: Tensor, c_noise: Tensor) -> Tensor:
        self.asked = (images, c_noise)
        return torch.full_like(images, self.answer)


@pytest.mark.parametrize("sigma", [0.002, 0.5, 3.0, 80.0])
def test_preconditioning(sigma: float) -> None:
    """Table 1 of the paper, with sigma_data 0.5."""
    net, fixed = denoiser(), Fixed(0.7)
    net.net = fixed  # type: ignore[assignment]
    noisy = torch.full((2, 1, 64, 64), 1.5)
    denoised = net(noisy, torch.full((2,), sigma))
    c_skip = 0.5**2 / (sigma**2 + 0.5**2)
    c_out = sigma * 0.5 / math.sqrt(sigma**2 + 0.5**2)
    torch.testing.assert_close(denoised, torch.full_like(noisy, c_skip * 1.5 + c_out * 0.7))
    assert fixed.asked is not None
    images, c_noise = fixed.asked
    torch.testing.assert_close(images, noisy / math.sqrt(sigma**2 + 0.5**2))
    torch.testing.assert_close(c_noise, torch.full((2,), math.log(sigma) / 4))


def test_every_noise_level_counts_the_same_at_the_start() -> None:
    """With images of variance 0.25 and an answer of 0, the weighted error is 1 at each level."""
    torch.manual_seed(0)
    net = denoiser(size=32)
    net.net = Fixed(0.0)  # type: ignore[assignment]
    real = 0.5 * torch.randn(64, 1, 32, 32)
    for level in (0.01, 0.5, 20.0):
        sigma = torch.full((64,), level)
        noisy = real + level * torch.randn_like(real)
        assert float(denoising_loss(net(noisy, sigma), real, sigma)) == pytest.approx(1.0, rel=0.02)


def test_the_levels_to_learn_at_are_drawn_as_published(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    class Watching(nn.Module):
        def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
            seen.append(torch.stack([sigma, noisy.flatten(1).std(dim=1)]))
            return noisy

    torch.manual_seed(0)
    real = torch.zeros(4000, 1, 8, 8)
    (phase,) = phases(chosen("tiny"))
    reported: dict[str, Tensor] = {}
    step = Step({"generator": Watching()}, real, 0, reported.__setitem__, torch.zeros(4000, dtype=torch.int64))
    loss = phase.loss(step)
    logs, (sigma, spread) = seen[0][0].log(), seen[0]
    assert float(logs.mean()) == pytest.approx(-1.2, abs=0.06) and float(logs.std()) == pytest.approx(1.2, abs=0.06)
    torch.testing.assert_close(spread / sigma, torch.ones(4000), rtol=0, atol=0.5)
    assert phase.nets == ("generator",) and reported["denoising_loss"] is loss and torch.isfinite(loss)


def test_the_noise_schedule_is_the_papers() -> None:
    levels = noise_levels(18)
    assert len(levels) == 19 and levels[-1] == 0 and levels == sorted(levels, reverse=True)
    assert levels[0] == pytest.approx(80) and levels[17] == pytest.approx(0.002)
    # rho 7, worked out: (80^(1/7) + 1/17 * (0.002^(1/7) - 80^(1/7)))^7
    assert levels[1] == pytest.approx(57.586, rel=1e-4)


class Gaussian(Denoiser):
    """Knows the answer for images whose pixels are all N(mean, spread^2): noise can be taken out exactly."""

    MEAN, SPREAD = 0.2, 0.1

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        self.calls = getattr(self, "calls", 0) + 1
        variance = sigma.view(-1, 1, 1, 1) ** 2
        return (self.SPREAD**2 * noisy + variance * self.MEAN) / (self.SPREAD**2 + variance)


@pytest.mark.parametrize(("sampler", "calls"), [("heun", lambda steps: 2 * steps - 1), ("multistep", lambda n: n)])
def test_the_samplers_solve_a_case_that_is_known(sampler: str, calls: Callable[[int], int]) -> None:
    """For Gaussian pixels the path is x = mean + (x_max - mean) * sqrt((s^2 + sigma^2) / (s^2 + sigma_max^2))."""
    torch.manual_seed(0)
    latents = torch.randn(8, 32 * 32)
    mean, spread = Gaussian.MEAN, Gaussian.SPREAD
    ends = mean + (latents * 80 - mean) * spread / math.hypot(spread, 80)
    errors = []
    for steps in (18, 36, 72):
        net = Gaussian(chosen("tiny", size=32, sampler=sampler, sampler_steps=steps), 1)
        images = sample(net, latents, torch.zeros(8, dtype=torch.int64))
        assert net.calls == calls(steps)  # Heun's second look is left out where noise ends
        errors.append(float((images.flatten(1) - ends).abs().mean()))
    # Of second order: twice the steps, about a quarter of the error; Euler's method would only halve it.
    assert errors[0] < 0.1 * spread and errors[0] > 3.2 * errors[1] > 3.2 * 3.2 * errors[2]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [32, 64, 128, 256])
def test_every_size_and_channel_count(size: int, channels: Any) -> None:
    options = chosen("tiny", size=size, sampler_steps=2, width=0.0625)
    networks = build(options, NetSpec(channels))
    net = networks.nets["generator"].eval()
    latents = torch.randn(1, networks.latent_dim)
    with torch.inference_mode():
        images = METHOD.sample(net, latents, torch.zeros(1, dtype=torch.int64))
        again = METHOD.sample(net, latents, torch.zeros(1, dtype=torch.int64))
    assert images.shape == (1, channels, size, size) and images.abs().max() <= 1 and torch.equal(images, again)


def test_the_standard_network() -> None:
    """Levels of 64, 32, 16 and 8 places a side, the first with 64 channels, the others with 128; attention at 16."""
    net = denoiser("standard")
    seen: list[tuple[Any, ...]] = []
    for module in net.modules():
        if isinstance(module, Residual | Attention):
            kind = "a" if isinstance(module, Attention) else "r"
            module.register_forward_hook(
                lambda _module, _given, out, kind=kind: seen.append((kind, out.shape[1], out.shape[2]))
            )
    with torch.inference_mode():
        net(torch.randn(1, 1, 64, 64), torch.ones(1))
    down = [("r", 64, 64)] * 2 + [("r", 128, 32)] * 2 + [("r", 128, 16), ("a", 128, 16)] * 2 + [("r", 128, 8)] * 2
    up = [("r", 128, 8)] * 3 + [("r", 128, 16), ("a", 128, 16)] * 3 + [("r", 128, 32)] * 3 + [("r", 64, 64)] * 3
    assert seen == [*down, ("r", 128, 8), ("a", 128, 8), ("r", 128, 8), *up]


def residual(before: int, after: int, embedding: int = 256) -> int:
    norms, convs = 2 * before + 2 * after, 9 * before * after + after + 9 * after * after + after
    return norms + convs + (embedding + 1) * 2 * after + (before * after + after if before != after else 0)


def test_parameter_counts() -> None:
    attention = 2 * 128 + (128 + 1) * 384 + (128 + 1) * 128
    down = 2 * residual(64, 64) + residual(64, 128) + 5 * residual(128, 128) + 2 * attention
    middle = 2 * residual(128, 128) + attention
    # Skips across: twice 128 + 128 and one of the level above, which has 64 channels only at the top.
    up = 3 * residual(256, 128) + 3 * residual(256, 128) + 3 * attention + 2 * residual(256, 128) + residual(192, 128)
    up += residual(192, 64) + 2 * residual(128, 64)
    sampling = (9 * 64 * 64 + 64) + 2 * (9 * 128 * 128 + 128) + 3 * (9 * 128 * 128 + 128)
    ends = (9 * 64 + 64) + (2 * 64 + 9 * 64 + 1) + (64 * 256 + 256) + (256 * 256 + 256)
    assert parameter_count(denoiser("standard")) == down + middle + up + sampling + ends


def test_patches_change_the_grid_and_nothing_else() -> None:
    """A patch of 2 is a network for half the side that takes and gives four times the channels."""
    patched, plain = denoiser("standard", size=128, patch=2), denoiser("standard", size=64)
    grown = 3 * (9 * 64 + 0) + 3 * (9 * 64 + 1)
    assert parameter_count(patched) - parameter_count(plain) == grown


def test_an_untrained_network_answers_zero_and_still_learns() -> None:
    net = denoiser().train()
    noisy, sigma = torch.randn(4, 1, 64, 64), torch.full((4,), 0.5)
    denoised = net(noisy, sigma)
    torch.testing.assert_close(denoised, noisy / 2, atol=0.2, rtol=0)  # c_skip, and the bias of the last layer
    denoised.square().mean().backward()
    last = net.net.get_parameter("last.2.weight")
    assert last.grad is not None and last.grad.abs().sum() > 0


def test_attention_lets_every_place_see_every_other() -> None:
    torch.manual_seed(0)
    layer = Attention(8)
    nn.init.normal_(layer.out.weight)
    features = torch.randn(1, 8, 4, 4, requires_grad=True)
    layer(features)[0, :, 0, 0].sum().backward()
    assert features.grad is not None and (features.grad[0].abs().sum(dim=0) > 0).all()


def test_presets_hold_the_published_settings() -> None:
    standard = chosen("standard")
    assert METHOD.choose(None, {}) == standard and standard.sampler == "heun"
    assert (standard.sampler_steps, standard.dropout) == (18, 0.13)
    for preset in METHOD.presets:
        assert chosen(preset).warm_up_kimg > 0 and chosen(preset).ema_half_life_kimg > 0
    assert "by heart" in METHOD.summary and METHOD.limits.recommended_images >= 1000
