"""The shared blocks compute what their docstrings say."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engines.methods.blocks import (
    UpConv,
    fold_kernel,
    freeze,
    logistic_d_loss,
    non_saturating_g_loss,
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
