"""The custom GAN has the published layers, and its options keep their bounds."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from engines.methods.base import NetSpec, Step, parameter_count
from engines.methods.custom_gan import METHOD, Generator, Options, build, phases


def shapes(net: nn.Module, given: Tensor, kind: type[nn.Module]) -> list[tuple[int, ...]]:
    """Shapes that the layers of a kind put out, in order."""
    seen: list[tuple[int, ...]] = []
    hooks = [
        module.register_forward_hook(lambda _module, _given, out: seen.append(tuple(out.shape[1:])))
        for module in net.modules()
        if isinstance(module, kind)
    ]
    with torch.inference_mode():
        net.eval()(given)
    for hook in hooks:
        hook.remove()
    return seen


def test_the_published_networks_layer_by_layer() -> None:
    nets = build(METHOD.choose("as_published", {}), NetSpec(1)).nets
    generator, discriminator = nets["generator"], nets["discriminator"]
    assert shapes(generator, torch.randn(2, 128), nn.Linear) == [(8 * 8 * 256,)]
    assert shapes(generator, torch.randn(2, 128), nn.BatchNorm2d) == [
        (128, 16, 16), (128, 32, 32), (128, 64, 64), (64, 128, 128),
    ]  # fmt: skip
    assert shapes(generator, torch.randn(2, 128), nn.Conv2d)[-1] == (1, 128, 128)
    images = torch.randn(2, 1, 128, 128)
    assert shapes(discriminator, images, nn.Conv2d) == [(32, 64, 64), (64, 32, 32), (128, 16, 16), (256, 8, 8)]
    assert len(shapes(discriminator, images, nn.Dropout)) == len(shapes(discriminator, images, nn.LeakyReLU)) == 4
    assert shapes(discriminator, images, nn.Linear) == [(1,)]


@pytest.mark.parametrize(
    ("preset", "generator", "discriminator"),
    [
        # dense 128 -> 16384, convolutions 3x3 with biases, two numbers per channel of each batch norm
        ("as_published", 2_113_536 + 295_040 + 2 * 147_584 + 73_792 + 2 * (3 * 128 + 64) + 577, 404_225),
        ("dropout_03", 2_779_009, 404_225),
        ("quick_look", 2_501_569, 2_762_689),
    ],
)
def test_parameter_counts(preset: str, generator: int, discriminator: int) -> None:
    nets = build(METHOD.choose(preset, {}), NetSpec(1)).nets
    assert {name: parameter_count(net) for name, net in nets.items()} == {
        "generator": generator, "discriminator": discriminator,
    }  # fmt: skip


@pytest.mark.parametrize("preset", ["as_published", "quick_look"])
@pytest.mark.parametrize("size", [64, 128, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_and_channel_count(preset: str, size: int, channels: Any) -> None:
    options = METHOD.choose(preset, {"size": size, "latent_dim": 16})
    networks = build(options, NetSpec(channels))
    with torch.inference_mode():
        images = METHOD.sample(networks.nets["generator"].eval(), torch.randn(2, 16), torch.zeros(2, dtype=torch.int64))
        verdicts = networks.nets["discriminator"](images)
    assert images.shape == (2, channels, size, size) and images.abs().max() <= 1 and verdicts.shape == (2,)


def test_presets_hold_the_published_settings() -> None:
    published = METHOD.choose("as_published", {})
    assert isinstance(published, Options) and METHOD.choose(None, {}) == published
    values = (published.learning_rate_g, published.learning_rate_d, published.beta1, published.batch, published.dropout)
    assert values == (1e-4, 1e-5, 0.5, 32, 0.2) and (published.size, published.latent_dim) == (128, 128)
    variant = METHOD.choose("dropout_03", {})
    assert isinstance(variant, Options) and variant.dropout == 0.3
    dropouts = [
        module.p
        for module in build(variant, NetSpec(1)).nets["discriminator"].modules()
        if isinstance(module, nn.Dropout)
    ]
    assert dropouts == [0.3] * 4


@pytest.mark.parametrize(
    "change",
    [
        {"size": 100}, {"batch": 1}, {"batch": 2048}, {"dropout": 1.0}, {"learning_rate_g": 0}, {"learning_rate_d": 1},
        {"beta1": 1.0}, {"latent_dim": 0}, {"r1_every": 0}, {"unknown": 1}, {"networks": "huge"},
    ],
)  # fmt: skip
def test_options_out_of_bounds_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        METHOD.choose(None, change)


def test_every_option_speaks() -> None:
    for name, field in METHOD.options.model_json_schema()["properties"].items():
        assert field["title"] and len(field["description"]) > 20 and field["layer"] in ("dial", "basic", "all"), name
        assert name == "networks" or (field["too_low"] and field["too_high"]), name


def test_coarse_to_fine_grows_and_its_sheets_keep_their_size() -> None:
    options = METHOD.choose("coarse_to_fine", {"width": 0.1, "latent_dim": 8, "batch": 2, "stage_kimg": 0.01})
    nets = build(options, NetSpec(1)).nets
    judge, deceive = phases(options)
    real = torch.randn(2, 1, 256, 256)
    seen: dict[int, set[int]] = {}
    for images_seen in (0, 8, 10, 19, 20, 1000):
        sides: set[int] = set()
        hook = nets["discriminator"].register_forward_pre_hook(
            lambda _net, given, sides=sides: sides.add(given[0].shape[-1])
        )
        step = Step(nets, real, images_seen, lambda name, value: None, torch.zeros(2, dtype=torch.int64))
        for phase in (judge, deceive):
            assert torch.isfinite(phase.loss(step))
        hook.remove()
        seen[images_seen] = sides
        nets["generator"].eval()
        assert METHOD.sample(nets["generator"], torch.randn(1, 8), torch.zeros(1)).shape == (1, 1, 256, 256)
        nets["generator"].train()
    assert seen == {0: {64}, 8: {64}, 10: {128}, 19: {128}, 20: {256}, 1000: {256}}


def test_the_stage_travels_with_the_weights() -> None:
    options = METHOD.choose("coarse_to_fine", {"width": 0.1, "latent_dim": 8})
    trained, loaded = (build(options, NetSpec(1)).nets["generator"] for _ in range(2))
    assert isinstance(trained, Generator)
    trained.enter(1)
    loaded.load_state_dict(trained.state_dict())
    drawn = loaded.eval()(torch.randn(1, 8))
    torch.testing.assert_close(drawn[..., ::2, ::2], drawn[..., 1::2, 1::2])  # 128 pixels, each drawn twice
