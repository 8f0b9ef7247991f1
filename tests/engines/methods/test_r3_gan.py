"""R3GAN has the published blocks, losses and schedules."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any, cast

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.base import NetSpec, Networks, Step, parameter_count
from engines.methods.r3_gan import (
    METHOD,
    Block,
    GroupedConv,
    GroupedProduct,
    Options,
    Pointwise,
    Resample,
    build,
    counts,
    gamma,
    phases,
    relativistic_loss,
)

SMALL = {"size": 32, "width": 1 / 48, "latent_dim": 8, "batch": 2}


def made(preset: str = "standard", **changes: Any) -> tuple[Options, Networks]:
    options = cast(Options, METHOD.choose(preset, changes))
    return options, build(options, NetSpec(1))


def awake(net: nn.Module) -> nn.Module:
    """Blocks begin as the identity; with weights in their last convolutions they take part."""
    for module in net.modules():
        if isinstance(module, Block):
            nn.init.normal_(module.reduce.weight, std=0.1)
    return net


def block(channels: int) -> int:
    """1x1 to twice the channels, 3x3 in groups of 16, 1x1 back; biases but for the last."""
    inner = 2 * channels
    return channels * inner + inner + inner * 16 * 9 + inner + inner * channels


@pytest.mark.parametrize(
    ("changes", "widths", "millions"),
    [
        # The published networks for FFHQ at 64: four stages of 768 channels and one of 384, with two blocks each.
        ({"size": 64, "width": 1.0, "blocks": 2}, [768, 768, 768, 768, 384], 22.4),
        ({"size": 64, "width": 1 / 3}, [256, 256, 256, 256, 128], 1.5),  # XS
        ({"size": 128, "width": 1 / 2}, [384, 384, 384, 384, 192, 96], 3.2),  # S
    ],
)
def test_parameters(changes: dict[str, Any], widths: list[int], millions: float) -> None:
    options, networks = made(**changes)
    assert counts(options) == widths
    stages = sum(options.blocks * block(width) for width in widths)
    changing = sum(one * other for one, other in pairwise(widths) if one != other)
    shared = stages + changing + 16 * widths[0] + widths[-1]  # and the 4x4 map, and the way to or from one grey channel
    generator, discriminator = (parameter_count(networks.nets[name]) for name in ("generator", "discriminator"))
    assert generator == shared + 64 * widths[0] and discriminator == shared + widths[0]
    assert generator / 1e6 == pytest.approx(millions, abs=0.06)


@pytest.mark.parametrize("size", METHOD.sizes)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size(size: int, channels: Any) -> None:
    options = cast(Options, METHOD.choose("tiny", {"size": size, "latent_dim": 8}))
    nets = build(options, NetSpec(channels)).nets
    with torch.inference_mode():
        images = METHOD.sample(nets["generator"].eval(), torch.randn(2, 8), torch.zeros(2, dtype=torch.int64))
        assert images.shape == (2, channels, size, size) and images.dtype == torch.float32
        assert nets["discriminator"](images).shape == (2,)
    assert sum(isinstance(module, Resample) for module in nets["generator"].modules()) == len(counts(options)) - 1


def test_what_is_drawn_is_cut_off_but_what_is_judged_is_not() -> None:
    generator = made(**SMALL)[1].nets["generator"]
    nn.init.constant_(cast(Pointwise, generator.get_submodule("to_image")).weight, 10.0)
    latents = torch.randn(4, 8)
    assert generator(latents).abs().max() > 1
    torch.testing.assert_close(generator.eval()(latents), generator.train()(latents).clamp(-1, 1))


def test_blocks_begin_as_the_identity_with_the_published_spread() -> None:
    torch.manual_seed(0)
    one = Block(64, blocks_in_all=10)
    features = torch.randn(2, 64, 4, 4)
    assert torch.equal(one(features), features)
    gain = (2 / 1.04) ** 0.5 * 10**-0.25  # of LeakyReLU 0.2, and of ten blocks with three layers
    assert one.expand.weight.std().item() == pytest.approx(gain / 64**0.5, rel=0.03)
    assert one.mix.weight.std().item() == pytest.approx(gain / (16 * 9) ** 0.5, rel=0.03) and one.mix.groups == 8
    assert one.expand.bias is not None and one.mix.bias is not None and one.reduce.bias is None
    awake(one)
    inner = F.leaky_relu(F.conv2d(features, one.expand.weight, one.expand.bias), 0.2)
    inner = F.leaky_relu(F.conv2d(inner, one.mix.weight, one.mix.bias, padding=1, groups=8), 0.2)
    expected = features + F.conv2d(inner, one.reduce.weight)
    for training in (True, False):
        torch.testing.assert_close(one.train(training)(features), expected)


def test_resampling_doubles_and_halves_and_keeps_a_flat_map() -> None:
    for up, side in ((True, 8), (False, 2)):
        result = Resample(3, 3, up)(torch.ones(1, 3, 4, 4))
        assert result.shape == (1, 3, side, side)
        torch.testing.assert_close(result[:, :, 1:-1, 1:-1], torch.ones_like(result[:, :, 1:-1, 1:-1]))
        assert Resample(3, 5, up)(torch.ones(1, 3, 4, 4)).shape == (1, 5, side, side)


@pytest.mark.long
def test_the_grouped_product_has_the_gradients_of_a_convolution() -> None:
    torch.manual_seed(0)
    features, weight = torch.randn(2, 4, 3, 3).double(), torch.randn(4, 2, 3, 3).double()
    both = (features.requires_grad_(True), weight.requires_grad_(True))

    def product(features: Tensor, weight: Tensor) -> Tensor:
        result: Tensor = GroupedProduct.apply(features, weight, 2)
        return result

    torch.testing.assert_close(product(*both), F.conv2d(*both, padding=1, groups=2))
    assert torch.autograd.gradcheck(product, both) and torch.autograd.gradgradcheck(product, both)
    weight.requires_grad_(False)
    product(*both).sum().backward()
    assert features.grad is not None and weight.grad is None


def test_relativistic_loss_is_cross_entropy_on_differences() -> None:
    real, fake = torch.tensor([2.0, -1.0, 300.0]), torch.tensor([0.5, 1.0, -300.0])
    expected = F.binary_cross_entropy_with_logits(real - fake, torch.ones(3))
    torch.testing.assert_close(relativistic_loss(real, fake), expected)
    assert relativistic_loss(fake, real) > 200, "it stays a straight line far out"


def test_gamma_falls_along_a_cosine_and_stays() -> None:
    options = made("best")[0]
    values = [gamma(options, images) for images in (0, 500_000, 1_000_000, 5_000_000)]
    assert values == pytest.approx([15, 8.25, 1.5, 1.5])
    assert gamma(options, 250_000) > 11.625, "slow at first"
    assert gamma(made(burn_in_kimg=0)[0], 0) == 0.2


@pytest.mark.parametrize("alone", [True, False])
def test_the_losses_of_both_phases(alone: bool) -> None:
    """Against each penalty computed on its own with plain convolutions."""
    torch.manual_seed(0)
    options, networks = made(**SMALL)
    generator, discriminator = (awake(networks.nets[name]) for name in ("generator", "discriminator"))
    reports: dict[str, Tensor] = {}
    real = torch.rand(2, 1, 32, 32) * 2 - 1
    labels = torch.zeros(2, dtype=torch.int64)
    step = Step(networks.nets, real, 100_000, reports.__setitem__, labels, alone=alone)
    discriminating, generating = phases(options)
    torch.manual_seed(1)
    loss = discriminating.loss(step)
    torch.manual_seed(1)
    fake = generator(torch.randn(2, 8))
    plain = copy.deepcopy(discriminator).eval()
    total, slopes = torch.zeros(()), []
    for images in (real, fake.detach()):
        given = images.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(plain(given).sum(), given, create_graph=True)
        slopes.append(slope.square().flatten(1).sum(dim=1).mean())
    gap = plain(real) - plain(fake.detach())
    total = F.softplus(-gap).mean() + gamma(options, 100_000) / 2 * (slopes[0] + slopes[1])
    torch.testing.assert_close(loss, total)
    loss.backward()
    total.backward()
    for mine, expected in zip(discriminator.parameters(), plain.parameters(), strict=True):
        assert mine.grad is not None and expected.grad is not None
        torch.testing.assert_close(mine.grad, expected.grad, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(reports["critic_gap"], gap.mean())
    torch.manual_seed(1)  # where the batch is computed in parts, the fakes are drawn anew
    torch.testing.assert_close(generating.loss(step), F.softplus(plain(real) - plain(fake)).mean())
    assert reports.keys() == {"d_loss", "critic_gap", "r1", "r2", "g_loss"} and not step.kept


def test_verdicts_are_summed_in_float32() -> None:
    discriminator = made(**SMALL)[1].nets["discriminator"]
    with torch.autocast("cpu", torch.bfloat16):
        assert discriminator(torch.randn(2, 1, 32, 32)).dtype == torch.float32
    assert any(isinstance(module, GroupedConv) for module in discriminator.modules())


def test_presets_hold_the_published_settings() -> None:
    standard, best = made("standard")[0], made("best")[0]
    for options in (standard, best):
        values = (options.learning_rate_g, options.learning_rate_d, options.beta1, options.beta2, options.latent_dim)
        assert values == (2e-4, 2e-4, 0.0, 0.99, 64)
        # The rates fall to 5e-5, together with the penalty.
        assert options.decay_to * options.learning_rate_g == pytest.approx(5e-5)
        assert options.decay_kimg == options.burn_in_kimg > 0
    assert (standard.size, standard.gamma_start, standard.gamma_end, standard.width) == (64, 2.0, 0.2, 1 / 3)
    assert (best.size, best.gamma_start, best.gamma_end, best.width) == (128, 15.0, 1.5, 1 / 2)
    assert METHOD.choose(None, {}) == standard and METHOD.experimental and "xperimental" in METHOD.good_for
