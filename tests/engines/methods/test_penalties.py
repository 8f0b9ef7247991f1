"""The penalties are what their papers say, and can be differentiated."""

from __future__ import annotations

import torch
from torch import Tensor

from engines.methods.penalties import gradient_penalty, path_length_penalty, r1_penalty


def test_r1_is_the_squared_gradient_norm() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(16, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)
    ).double()
    for parameter in net.parameters():
        parameter.data = parameter.data.float()
    image = torch.randn(3, 1, 4, 4)
    penalty = r1_penalty(net, image)
    step, differences = 1e-3, []
    for sample in image:
        units = step * torch.eye(16).view(16, 1, 4, 4)
        slopes = (net(sample + units) - net(sample - units)) / (2 * step)
        differences.append(slopes.square().sum())
    torch.testing.assert_close(penalty, torch.stack(differences).mean(), rtol=1e-2, atol=1e-5)
    penalty.backward()
    first = net[1].weight
    assert isinstance(first, torch.Tensor) and first.grad is not None and first.grad.abs().sum() > 0


def test_r1_leaves_autocast() -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 1))
    with torch.autocast("cpu", torch.bfloat16):
        assert r1_penalty(net, torch.randn(2, 1, 4, 4)).dtype == torch.float32


def test_the_gradient_penalty_of_a_plane_is_known() -> None:
    slope = torch.tensor([3.0, 4.0])

    def plane(images: Tensor) -> Tensor:
        return images.flatten(1) @ slope

    real, fake = torch.randn(5, 1, 1, 2), torch.randn(5, 1, 1, 2)
    torch.testing.assert_close(gradient_penalty(plane, real, fake), torch.tensor(16.0))


def test_the_gradient_penalty_is_finite_where_the_critic_is_flat() -> None:
    weight = torch.zeros(4, requires_grad=True)
    penalty = gradient_penalty(
        lambda images: images.flatten(1) @ weight, torch.randn(3, 1, 2, 2), torch.zeros(3, 1, 2, 2)
    )
    penalty.backward()
    assert weight.grad is not None and torch.isfinite(weight.grad).all()


def test_path_lengths_of_a_linear_generator_are_even() -> None:
    torch.manual_seed(0)
    styles = torch.randn(4000, 2, 3, requires_grad=True)
    images = (styles.sum(dim=(1, 2)) * 2).view(-1, 1, 1, 1).expand(-1, 1, 4, 4)
    penalty, mean = path_length_penalty(images, styles, torch.tensor(0.0))
    # The noise over 16 pixels of variance 1/16 sums to a standard normal; each of 3 slopes is twice that.
    expected = 2 * 3**0.5 * (2 / torch.pi) ** 0.5
    torch.testing.assert_close(mean, torch.tensor(expected * 0.01), rtol=0.05, atol=0)
    assert penalty > 0
