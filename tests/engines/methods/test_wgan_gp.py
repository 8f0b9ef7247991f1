"""WGAN-GP has the networks and settings that it names, the losses of eq. 3, and a critic that can be penalised.

Convolutions have biases; batch norm has two numbers per channel.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from engines.methods.base import NetSpec, Step, parameter_count
from engines.methods.blocks import SpectralConv2d
from engines.methods.residual import LoweringBlock, RaisingBlock
from engines.methods.wgan_gp import METHOD, Options, build, phases

SIZES = (64, 128, 140, 256)


def shapes(net: nn.Module, given: Tensor, *kinds: type[nn.Module]) -> list[tuple[int, ...]]:
    """Shapes that the layers of these kinds put out, in order."""
    seen: list[tuple[int, ...]] = []
    hooks = [
        module.register_forward_hook(lambda _module, _given, out: seen.append(tuple(out.shape[1:])))
        for module in net.modules()
        if isinstance(module, kinds)
    ]
    with torch.inference_mode():
        net.eval()(given)
    for hook in hooks:
        hook.remove()
    return seen


def test_the_published_pair_layer_by_layer() -> None:
    nets = build(METHOD.choose("as_published", {}), NetSpec(3)).nets
    convs = shapes(nets["generator"], torch.randn(1, 128), nn.Conv2d)
    down = [(64, 140, 140), (128, 70, 70), (256, 35, 35)]
    assert convs == [*down, *[(256, 35, 35)] * 12, (128, 70, 70), (64, 140, 140), (3, 140, 140)]
    critic = shapes(nets["critic"], torch.randn(1, 3, 140, 140), SpectralConv2d)
    assert critic == [(64, 70, 70), (128, 35, 35), (256, 17, 17), (512, 8, 8), (1, 8, 8)]
    leaky = [module for module in nets["critic"].modules() if isinstance(module, nn.LeakyReLU)]
    assert len(leaky) == 4 and not any(isinstance(module, nn.BatchNorm2d) for module in nets["critic"].modules())
    # 7x7: 1 -> 64 and 64 -> 3; 3x3: 64 -> 128 -> 256, 12 of 256, 256 -> 128 -> 64; norms behind all but the last.
    ends, down_and_up = 49 * 64 + 64 + 49 * 64 * 3 + 3, 2 * 9 * (64 * 128 + 128 * 256) + 128 + 256 + 128 + 64
    blocks, norms = 12 * (9 * 256 * 256 + 256), 2 * (64 + 128 + 256 + 12 * 256 + 128 + 64)
    assert parameter_count(nets["generator"]) == 128 * 140**2 + 140**2 + ends + down_and_up + blocks + norms
    assert parameter_count(nets["critic"]) == 3_136 + 131_200 + 524_544 + 2_097_664 + 4_609


def test_the_residual_pair_block_by_block() -> None:
    nets = build(METHOD.choose("best", {"size": 64}), NetSpec(3)).nets
    raised = shapes(nets["generator"], torch.randn(2, 128), RaisingBlock)
    assert raised == [(512, 8, 8), (256, 16, 16), (128, 32, 32), (64, 64, 64)]
    lowered = shapes(nets["critic"], torch.randn(2, 3, 64, 64), LoweringBlock)
    assert lowered == [(128, 32, 32), (256, 16, 16), (512, 8, 8), (512, 4, 4)]

    def block(before: int, middle: int, after: int) -> int:
        return 9 * before * middle + middle + 9 * middle * after + after + before * after + after

    rising = [(512, 512), (512, 256), (256, 128), (128, 64)]
    norms = 2 * sum(before + after for before, after in rising) + 2 * 64
    generator = 129 * 8_192 + sum(block(before, after, after) for before, after in rising) + norms + 9 * 64 * 3 + 3
    falling = [(64, 128), (128, 256), (256, 512), (512, 512)]
    critic = 9 * 3 * 64 + 64 + sum(block(before, before, after) for before, after in falling) + 8_193
    assert {name: parameter_count(net) for name, net in nets.items()} == {"generator": generator, "critic": critic}


@pytest.mark.parametrize("networks", ["published", "residual"])
@pytest.mark.parametrize("size", SIZES)
def test_every_size(networks: str, size: int) -> None:
    torch.manual_seed(0)  # networks so narrow can come out dead
    for channels in (1, 3):
        options = METHOD.choose("tiny", {"size": size, "networks": networks})
        nets = build(options, NetSpec(3 if channels == 3 else 1)).nets
        with torch.inference_mode():
            images = METHOD.sample(nets["generator"].eval(), torch.randn(2, 16), torch.zeros(2, dtype=torch.int64))
            verdicts = nets["critic"](images)
        assert images.shape == (2, channels, size, size) and images.abs().max() <= 1 and verdicts.shape == (2,)
        assert images.dtype == torch.float32 and not torch.equal(images[0], images[1])


def test_the_losses_are_those_of_equation_3() -> None:
    """With a critic that weighs pixels by a fixed plane, its slope is known: the plane's length, 0.05 * 64."""

    class Plane(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.sum(dim=(1, 2, 3)) * 0.05

    options = METHOD.choose("tiny", {"penalty_weight": 7.0})
    generator = build(options, NetSpec(1)).nets["generator"].eval()
    told: dict[str, Tensor] = {}
    real = torch.rand(8, 1, 64, 64) - 0.8
    nets = {"generator": generator, "critic": Plane()}
    step = Step(nets, real, 0, lambda name, value: told.update({name: value}), torch.zeros(8, dtype=torch.int64))
    critic_phase, generator_phase = phases(options)
    torch.manual_seed(4)
    loss = critic_phase.loss(step)
    torch.manual_seed(4)
    fake = generator(torch.randn(8, 16)).detach()
    gap = 0.05 * (real.sum(dim=(1, 2, 3)).mean() - fake.sum(dim=(1, 2, 3)).mean())
    torch.testing.assert_close(told["critic_gap"], gap, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(told["gradient_penalty"], torch.tensor((3.2 - 1) ** 2), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(loss, 7 * torch.tensor((3.2 - 1) ** 2) - gap, rtol=1e-4, atol=1e-3)
    torch.manual_seed(4)
    torch.testing.assert_close(generator_phase.loss(step), -0.05 * fake.sum(dim=(1, 2, 3)).mean(), rtol=1e-4, atol=1e-3)
    assert generator_phase.frozen == ("critic",)


def test_the_penalty_reaches_every_weight_of_both_critics() -> None:
    """Second derivatives pass spectral norm and residual blocks; the slope itself does not depend on last biases."""
    torch.manual_seed(0)
    for networks in ("published", "residual"):
        options = METHOD.choose("tiny", {"networks": networks})
        nets = build(options, NetSpec(1)).nets
        step = Step(nets, torch.rand(4, 1, 64, 64), 0, lambda _name, _value: None, torch.zeros(4, dtype=torch.int64))
        phases(options)[0].loss(step).backward()
        for name, parameter in nets["critic"].named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
            # The last biases shift reals and fakes alike: their gradients can cancel to the last bit.
            assert parameter.grad.abs().sum() > 0 or parameter.dim() == 1, name


def test_spectral_norm_holds_in_the_critic() -> None:
    torch.manual_seed(0)
    critic = build(METHOD.choose("tiny", {"networks": "published"}), NetSpec(1)).nets["critic"]
    images = torch.rand(2, 1, 64, 64)
    for _ in range(60):
        critic(images)
    for module in critic.modules():
        if isinstance(module, SpectralConv2d):
            largest = torch.linalg.matrix_norm(module.norm(module.weight).flatten(1), 2)
            torch.testing.assert_close(largest, torch.tensor(1.0), rtol=0.02, atol=0)
            before = module.norm.left.clone()
            module.eval()(torch.rand(1, module.in_channels, 8, 8))
            assert torch.equal(module.norm.left, before), "only training moves the estimate"


def test_presets_hold_the_published_settings() -> None:
    published = METHOD.choose("as_published", {})
    assert isinstance(published, Options) and METHOD.choose(None, {}) == published
    assert (published.size, published.critic_steps, published.penalty_weight) == (140, 2, 10.0)
    assert published.networks == "published" and published.ema_half_life_kimg == 0 and published.width == 1
    assert [(phase.name, phase.every) for phase in phases(published)] == [("critic", 1), ("generator", 2)]
    for preset in ("standard", "best"):
        options = METHOD.choose(preset, {})
        assert isinstance(options, Options) and options.networks == "residual"
        # Gulrajani et al. 2017, algorithm 1
        assert (options.critic_steps, options.penalty_weight) == (5, 10.0)
        assert (options.adam_g.learning_rate, options.adam_g.beta1, options.adam_g.beta2) == (1e-4, 0.0, 0.9)
        assert options.adam_d == options.adam_g


def test_augmentation_changes_what_the_critic_sees() -> None:
    seen: list[Tensor] = []

    class Eye(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images.detach())
            return images.mean(dim=(1, 2, 3))

    real = torch.rand(4, 1, 64, 64)
    for augment in ("none", "fixed"):
        options = METHOD.choose("tiny", {"augment": augment})
        nets = {"generator": build(options, NetSpec(1)).nets["generator"], "critic": Eye()}
        step = Step(nets, real, 0, lambda _name, _value: None, torch.zeros(4, dtype=torch.int64))
        phases(options)[0].loss(step)
    plain, changed = seen[0], seen[2]
    assert torch.equal(plain[:4], real) and not torch.equal(changed[:4], real)


@pytest.mark.parametrize(
    "change", [{"size": 100}, {"critic_steps": 0}, {"penalty_weight": 0}, {"augment": "adaptive"}, {"networks": "x"}]
)
def test_options_out_of_bounds_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        METHOD.choose(None, change)
