"""Styled layers compute what StyleGAN2 (Karras et al. 2020) says, by another way."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engines.methods.blocks import blur
from engines.methods.styled import GAIN, Mapping, Modulated, StyledLayer


def kernels(layer: Modulated, style: Tensor, demodulate: bool) -> Tensor:
    """A kernel for each image, [B, O, I, K, K] (eqs. 1 and 3)."""
    modulated = layer.weight * layer.style(style)[:, None, :, None, None]
    if demodulate:
        return modulated / (modulated.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).sqrt()
    return modulated * (layer.weight[0].numel() ** -0.5)  # equalised


def test_scaled_features_equal_a_kernel_for_each_image() -> None:
    torch.manual_seed(0)
    plain, styled = Modulated(6, 4, 1, 8), StyledLayer(6, 4, 5, 8, up=False)
    features, style = torch.randn(3, 6, 5, 5), torch.randn(3, 8)
    expected = [F.conv2d(one[None], kernel) for one, kernel in zip(features, kernels(plain, style, False), strict=True)]
    torch.testing.assert_close(plain(features, style), torch.cat(expected), rtol=1e-4, atol=1e-5)
    scales = styled.scales(style)
    result = styled.convolve(features, scales) * styled.evening(scales)[..., None, None]
    grouped = kernels(styled, style, True).flatten(0, 1)
    expected_styled = F.conv2d(features.reshape(1, 18, 5, 5), grouped, padding=1, groups=3).view(3, 4, 5, 5)
    torch.testing.assert_close(result, expected_styled, rtol=1e-4, atol=1e-5)


def test_a_raising_layer_equals_zeros_between_pixels_a_kernel_and_a_filter() -> None:
    torch.manual_seed(0)
    layer = StyledLayer(6, 4, 10, 8, up=True).eval()
    features, style = torch.randn(3, 6, 5, 5), torch.randn(3, 8)
    sparse = torch.zeros(3, 6, 9, 9)
    sparse[:, :, ::2, ::2] = features
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4
    expected = []
    for one, kernel in zip(sparse, kernels(layer, style, True), strict=True):
        convolved = F.conv2d(one[None], kernel.flip(2, 3), padding=2)
        expected.append(F.conv2d(convolved, torch.outer(taps, taps).expand(4, 1, 4, 4), padding=1, groups=4))
    wanted = F.leaky_relu(torch.cat(expected), 0.2) * 2**0.5
    torch.testing.assert_close(layer(features, style), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("up", [False, True])
def test_what_is_even_stays_even_and_centred(up: bool) -> None:
    layer = StyledLayer(2, 3, 16, 4, up).eval()
    with torch.no_grad():
        layer.weight.copy_(torch.full((3, 2, 3, 3), 0.7))
        layer.bias.copy_(torch.tensor([0.0, 1.0, 2.0]))
    side = 8 if up else 16
    result = layer(torch.ones(1, 2, side, side), torch.zeros(1, 4))
    # Kernels of 18 equal weights and norm 1 sum to the root of 18, whatever the side.
    expected = (18**0.5 + torch.tensor([0.0, 1.0, 2.0])) * GAIN
    torch.testing.assert_close(result[0, :, 3:-3, 3:-3], expected[:, None, None].expand(3, 10, 10))
    torch.testing.assert_close(result, result.flip(2, 3))


def test_outputs_keep_their_size_whatever_the_style() -> None:
    torch.manual_seed(0)
    layer = StyledLayer(64, 64, 16, 8, up=False).train()
    features = torch.randn(4, 64, 16, 16)
    for size in (0.3, 3.0):
        result = layer(features, size * torch.randn(4, 8)) / GAIN
        assert 0.9 < torch.where(result < 0, result * 5, result)[:, :, 1:-1, 1:-1].std() < 1.1


def test_noise_is_fresh_in_training_and_still_later() -> None:
    torch.manual_seed(0)
    layer = StyledLayer(2, 2, 8, 4, up=False)
    features, style = torch.randn(1, 2, 8, 8), torch.zeros(1, 4)
    assert torch.equal(layer.train()(features, style), layer.eval()(features, style)), "none at the beginning"
    with torch.no_grad():
        layer.noise_share.fill_(0.5)
    layer.train()
    assert not torch.equal(layer(features, style), layer(features, style))
    layer.eval()
    before = torch.random.get_rng_state()
    assert torch.equal(layer(features, style), layer(features, style))
    assert torch.equal(before, torch.random.get_rng_state())
    two = layer.train()(features.expand(2, -1, -1, -1), style.expand(2, -1))
    assert not torch.equal(two[0], two[1]), "each image has noise of its own"


def test_the_mapping_begins_at_an_even_size_and_learns_slowly() -> None:
    torch.manual_seed(0)
    mapping, latents = Mapping(256, 2), 5 * torch.randn(64, 256)
    with torch.autocast("cpu", torch.bfloat16):
        styles = mapping(latents)
    # Two layers of x -> LeakyReLU(N(0, 1) x) * sqrt(2): the mean square is 1, then 1.04, then 1.04².
    assert styles.dtype == torch.float32 and abs(styles.square().mean() - 1.08) < 0.1
    torch.testing.assert_close(styles, mapping(latents * 7))  # the length of a latent does not count
    weight = mapping.layers[0].weight
    assert isinstance(weight, Tensor) and abs(weight.std() - 100) < 5


def test_styles_stay_in_float32_under_autocast() -> None:
    torch.manual_seed(0)
    layer = StyledLayer(16, 8, 8, 16, up=True).eval()
    features, style = torch.randn(2, 16, 4, 4), torch.randn(2, 16)
    exact = layer(features, style)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer.scales(style).dtype == layer.evening(layer.scales(style)).dtype == torch.float32
        rough = layer(features, style)
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.float(), exact, rtol=0.05, atol=0.05)


def test_a_filter_first_used_for_a_sheet_serves_the_training() -> None:
    with torch.inference_mode():
        blur(torch.ones(1, 1, 8, 8), taps=(1, 5, 5, 1))
    features = torch.randn(1, 1, 8, 8, requires_grad=True)
    blur(features, taps=(1, 5, 5, 1), grow=1).square().sum().backward()
    assert features.grad is not None and features.grad.abs().min() > 0
