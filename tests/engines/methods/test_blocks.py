"""The shared blocks compute what their docstrings say."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engines.methods.blocks import (
    EqualConv2d,
    EqualLinear,
    MinibatchStd,
    PixelNorm,
    SpectralUpConv,
    UpConv,
    blur,
    fold_kernel,
    freeze,
    logistic_d_loss,
    non_saturating_g_loss,
    pool_kernel,
    set_folding,
)


@pytest.mark.parametrize(("inputs", "outputs", "size"), [(1, 1, 1), (3, 5, 4), (8, 2, 7)])
def test_folded_upsampling_equals_plain_with_its_gradients(inputs: int, outputs: int, size: int) -> None:
    torch.manual_seed(0)
    layer = UpConv(inputs, outputs).double()
    image = torch.randn(2, inputs, size, size, dtype=torch.float64)
    results = {}
    for fold in (False, True):
        set_folding(layer, fold)
        layer.zero_grad()
        given = image.clone().requires_grad_(True)
        result = layer(given)
        result.square().sum().backward()
        assert layer.weight.grad is not None and layer.bias is not None and given.grad is not None
        results[fold] = (result, layer.weight.grad.clone(), layer.bias.grad, given.grad)
    for plain, folded in zip(results[False], results[True], strict=True):
        torch.testing.assert_close(plain, folded, rtol=1e-12, atol=1e-12)
    assert results[True][0].shape == (2, outputs, 2 * size, 2 * size)


def test_folding_adds_up_neighbouring_taps() -> None:
    weight = torch.arange(9.0).view(1, 1, 3, 3)
    kernel = fold_kernel(weight)
    assert kernel.shape == (1, 1, 4, 4) and kernel.sum() == 4 * weight.sum()
    corner, centre = kernel[0, 0, 0, 0], kernel[0, 0, 1, 1]
    assert corner == 8 and centre == 8 + 7 + 5 + 4, "the kernel is turned, as transposed convolution wants it"


def test_losses_are_binary_cross_entropy_on_logits() -> None:
    real, fake = torch.tensor([-2.0, 0.5, 3.0]), torch.tensor([1.0, -1.0, 0.0])
    ones, zeros = torch.ones(3), torch.zeros(3)
    expected = 0.5 * (F.binary_cross_entropy(real.sigmoid(), ones) + F.binary_cross_entropy(fake.sigmoid(), zeros))
    torch.testing.assert_close(logistic_d_loss(real, fake), expected)
    torch.testing.assert_close(non_saturating_g_loss(fake), F.binary_cross_entropy(fake.sigmoid(), ones))


def test_losses_stay_finite_and_in_float32_for_certain_verdicts() -> None:
    sure = torch.tensor([200.0], dtype=torch.bfloat16)
    loss = logistic_d_loss(-sure, sure)
    assert loss.dtype == torch.float32 and loss == 200 and non_saturating_g_loss(-sure) == 200


def test_freezing_stops_the_weights_but_not_the_input() -> None:
    net = torch.nn.Linear(2, 1)
    given = torch.ones(1, 2, requires_grad=True)
    freeze(net, True)
    net(given).sum().backward()
    assert net.weight.grad is None and given.grad is not None
    freeze(net, False)
    assert net.weight.requires_grad


def test_resampling_keeps_a_flat_image_and_its_size() -> None:
    flat = torch.ones(1, 2, 8, 8)
    for taps in ((1, 3, 3, 1), (1, 2, 1)):
        for up, down, side in ((2, 1, 16), (1, 2, 4), (1, 1, 8)):
            result = blur(flat, taps, up=up, down=down)
            assert result.shape == (1, 2, side, side)
            torch.testing.assert_close(result[:, :, 2:-1, 2:-1], torch.ones_like(result[:, :, 2:-1, 2:-1]))


def test_resampling_up_and_down_is_centred() -> None:
    """A soft spot in the middle stays there: nothing moves by half a pixel."""
    spot = torch.zeros(1, 1, 8, 8)
    spot[..., 3:5, 3:5] = 1.0
    for up, down in ((2, 1), (1, 2)):
        result = blur(spot, up=up, down=down)
        torch.testing.assert_close(result, result.flip(2, 3))


def test_minibatch_std_is_nothing_for_equal_images() -> None:
    same = torch.randn(1, 3, 4, 4).expand(4, -1, -1, -1)
    differing = torch.randn(6, 3, 4, 4)
    layer = MinibatchStd(4)
    assert layer(same).shape == (4, 4, 4, 4) and layer(same)[:, 3].max() < 1e-3
    assert layer(differing)[:, 3].min() > 0.3, "six images make groups of three"


def test_pixel_norm_and_equal_layers_keep_the_scale() -> None:
    torch.manual_seed(0)
    features = torch.randn(64, 32, 8, 8)
    torch.testing.assert_close(PixelNorm()(features).square().mean(dim=1), torch.ones(64, 8, 8), rtol=1e-4, atol=1e-4)
    assert 0.9 < EqualConv2d(32, 16, 3)(features)[:, :, 1:-1, 1:-1].std() < 1.1
    assert 0.9 < EqualLinear(32, 256, rate=0.01)(features[:, :, 0, 0]).std() < 1.1


@pytest.mark.parametrize("fold", [False, True])
def test_upsampling_with_a_spectral_weight_is_that_of_the_divided_weight(fold: bool) -> None:
    torch.manual_seed(0)
    layer, image = SpectralUpConv(3, 5, bias=False), torch.randn(2, 3, 8, 8)
    set_folding(layer, fold)
    for _ in range(100):  # each pass in training is one step of the power iteration
        result = layer(image)
    divided = layer.weight / torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
    expected = F.conv2d(F.interpolate(image, scale_factor=2.0, mode="nearest"), divided, padding=1)
    assert layer.bias is None
    torch.testing.assert_close(result, expected, rtol=1e-3, atol=1e-4)


def test_a_pooling_kernel_is_a_convolution_and_then_the_mean_of_four_pixels() -> None:
    torch.manual_seed(0)
    weight, image = torch.randn(3, 2, 3, 3, dtype=torch.float64), torch.randn(2, 2, 10, 6, dtype=torch.float64)
    expected = F.avg_pool2d(F.conv2d(image, weight, padding=1), 2)
    torch.testing.assert_close(F.conv2d(image, pool_kernel(weight), stride=2, padding=1), expected)
