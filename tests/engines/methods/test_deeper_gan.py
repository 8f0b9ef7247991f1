"""The deeper GAN has the layers of Rahali's experiment 1, and the rates of its baseline."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from engines.methods.base import NetSpec, parameter_count
from engines.methods.deeper_gan import METHOD, Options, build, phases


def chosen(preset: str | None, **changes: Any) -> Options:
    options = METHOD.choose(preset, changes)
    assert isinstance(options, Options)
    return options


def test_the_generator_layer_by_layer() -> None:
    generator = build(chosen("as_published"), NetSpec(1)).nets["generator"]
    seen: list[tuple[str, tuple[int, ...]]] = []
    for module in generator.get_submodule("blocks").modules():
        if isinstance(module, nn.Conv2d | nn.LeakyReLU | nn.BatchNorm2d):
            kind = "conv" if isinstance(module, nn.Conv2d) else type(module).__name__
            module.register_forward_hook(lambda _module, _given, out, kind=kind: seen.append((kind, out.shape[1:])))
    starts: list[tuple[int, ...]] = []
    generator.get_submodule("blocks").register_forward_pre_hook(
        lambda _module, given: starts.append(given[0].shape[1:])
    )
    with torch.inference_mode():
        images = generator.eval()(torch.randn(1, 128))
    assert starts == [(512, 8, 8)] and images.shape == (1, 1, 128, 128)
    assert seen == [
        (kind, (channels, side, side))
        for channels, side in ((256, 16), (128, 32), (64, 64), (32, 128))
        for kind in ("conv", "LeakyReLU", "BatchNorm2d") * 2
    ]


def test_parameter_counts() -> None:
    nets = build(chosen("as_published"), NetSpec(1)).nets
    # Per doubling: two convolutions 3x3 with biases, and two batch norms of two numbers per channel.
    doublings = (1_179_904 + 590_080 + 1_024, 295_040 + 147_584 + 512, 73_792 + 36_928 + 256, 18_464 + 9_248 + 128)
    dense, to_image = 128 * 32_768 + 32_768, 289
    assert parameter_count(nets["generator"]) == dense + sum(doublings) + to_image
    assert parameter_count(nets["discriminator"]) == 320 + 18_496 + 73_856 + 295_168 + 16_385  # the baseline's
    more = build(chosen("as_published", convolutions=3), NetSpec(1)).nets["generator"]
    third = 590_080 + 512 + 147_584 + 256 + 36_928 + 128 + 9_248 + 64
    assert parameter_count(more) == parameter_count(nets["generator"]) + third


@pytest.mark.parametrize("size", [64, 128, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_and_channel_count(size: int, channels: Any) -> None:
    networks = build(chosen("tiny", size=size), NetSpec(channels))
    with torch.inference_mode():
        images = METHOD.sample(networks.nets["generator"].eval(), torch.randn(2, 16), torch.zeros(2, dtype=torch.int64))
        verdicts = networks.nets["discriminator"](images)
    assert images.shape == (2, channels, size, size) and images.abs().max() <= 1 and verdicts.shape == (2,)


def test_the_preset_holds_the_published_settings() -> None:
    published = chosen("as_published")
    assert METHOD.choose(None, {}) == published
    assert (published.learning_rate_g, published.learning_rate_d, published.beta1) == (1e-4, 1e-5, 0.5)
    assert (published.batch, published.size, published.latent_dim, published.dropout) == (32, 128, 128, 0.3)
    assert [phase.name for phase in phases(published)] == ["discriminator", "generator"]
    discriminator = build(published, NetSpec(1)).nets["discriminator"]
    assert [module.p for module in discriminator.modules() if isinstance(module, nn.Dropout)] == [0.3] * 4


def test_it_says_that_the_paper_found_it_poor() -> None:
    assert "overfits and draws poorly" in METHOD.summary and "poor" in METHOD.presets["as_published"].summary


@pytest.mark.parametrize("change", [{"size": 32}, {"dropout": 1.0}, {"convolutions": 0}, {"convolutions": 9}])
def test_options_out_of_bounds_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        METHOD.choose(None, change)
