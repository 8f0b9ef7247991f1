"""The DCGAN has Radford's layers, the study's two generator steps, and what its versions 2 and 3 change."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor, nn

from engines.methods.base import NetSpec, Step, parameter_count
from engines.methods.blocks import UpConv, logistic_d_loss
from engines.methods.dcgan import METHOD, Options, build, phases


def chosen(preset: str | None, **changes: Any) -> Options:
    options = METHOD.choose(preset, changes)
    assert isinstance(options, Options)
    return options


def shapes(net: nn.Module, given: Tensor, *kinds: type[nn.Module]) -> list[tuple[int, ...]]:
    """Shapes that the layers of some kinds put out, in order."""
    seen: list[tuple[int, ...]] = []
    for module in net.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(lambda _module, _given, out: seen.append(tuple(out.shape[1:])))
    with torch.inference_mode():
        net.eval()(given)
    return seen


def test_at_width_2_the_generator_is_that_of_radford_figure_1() -> None:
    generator = build(chosen("as_published", width=2), NetSpec(3)).nets["generator"]
    latents = torch.randn(1, 100)
    assert shapes(generator, latents, nn.Linear) == [(4 * 4 * 1024,)]
    assert shapes(generator, latents, nn.ConvTranspose2d) == [(512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)]
    # One batch norm behind the projection and behind each up-convolution but the last.
    assert shapes(generator, latents, nn.BatchNorm2d) == [(1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32)]


def test_the_discriminator_layer_by_layer() -> None:
    discriminator = build(chosen("as_published"), NetSpec(3)).nets["discriminator"]
    images = torch.randn(1, 3, 64, 64)
    assert shapes(discriminator, images, nn.Conv2d) == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4)]
    assert shapes(discriminator, images, nn.BatchNorm2d) == [(128, 16, 16), (256, 8, 8), (512, 4, 4)]  # not the first
    slopes = [module.negative_slope for module in discriminator.modules() if isinstance(module, nn.LeakyReLU)]
    assert slopes == [0.2] * 4


@pytest.mark.parametrize(
    ("preset", "generator"),
    [
        # projection 100 -> 8192, kernels 5x5 without biases but in the last, two numbers per channel of a batch norm
        ("as_published", 819_200 + 3_276_800 + 819_200 + 204_800 + 4_803 + 2 * (512 + 256 + 128 + 64)),
        ("version_3", 819_200 + 1_179_648 + 294_912 + 73_728 + 1_731 + 2 * (512 + 256 + 128 + 64)),  # kernels 3x3
    ],
)
def test_parameter_counts(preset: str, generator: int) -> None:
    nets = build(chosen(preset), NetSpec(3)).nets
    assert parameter_count(nets["generator"]) == generator
    assert (
        parameter_count(nets["discriminator"]) == 4_864 + 204_800 + 819_200 + 3_276_800 + 2 * (128 + 256 + 512) + 8_193
    )


@pytest.mark.parametrize("upsampling", ["transposed", "resized"])
@pytest.mark.parametrize("size", [32, 64, 128, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_and_channel_count(upsampling: str, size: int, channels: Any) -> None:
    networks = build(chosen("tiny", size=size, upsampling=upsampling), NetSpec(channels))
    with torch.inference_mode():
        images = METHOD.sample(networks.nets["generator"].eval(), torch.randn(2, 16), torch.zeros(2, dtype=torch.int64))
        verdicts = networks.nets["discriminator"](images)
    assert images.shape == (2, channels, size, size) and images.abs().max() <= 1 and verdicts.shape == (2,)


def test_normal_latents_reach_the_networks_as_uniform_ones() -> None:
    generator = build(chosen("tiny"), NetSpec(1)).nets["generator"]
    seen: list[Tensor] = []
    generator.get_submodule("project").register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    generator(torch.randn(128, 16, generator=torch.Generator().manual_seed(3)))
    # Ten bins of equal width hold a tenth each: 205 of 2048, give or take 4.4 standard deviations (13.6).
    assert (torch.histc(seen[0], 10, -1, 1) - 204.8).abs().max() < 60


def test_weights_start_as_published() -> None:
    spreads = [
        float(module.weight.detach().std())
        for net in build(chosen("as_published"), NetSpec(3)).nets.values()
        for module in net.modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
    ]
    assert len(spreads) == 10 and all(spread == pytest.approx(0.02, rel=0.05) for spread in spreads)


class Watcher(nn.Module):
    """A discriminator that keeps what it is shown; its verdict is the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(images.detach())
        return images.mean(dim=(1, 2, 3))


def played(preset: str) -> tuple[list[Tensor], Tensor]:
    """What the discriminator is shown in both phases, and its loss; reals and fakes are all mid-grey."""
    options = chosen(preset, size=64, width=0.125, batch=16)
    watcher = Watcher()
    nets = {"generator": build(options, NetSpec(1)).nets["generator"], "discriminator": watcher}
    nn.init.zeros_(nets["generator"].get_submodule("to_image").get_parameter("weight"))
    real = torch.zeros(16, 1, 64, 64)
    step = Step(nets, real, 0, lambda _name, _value: None, torch.zeros(16, dtype=torch.int64))
    losses = [phase.loss(step) for phase in phases(options)]
    return watcher.seen, losses[0]


def test_version_2_adds_noise_to_all_that_the_discriminator_sees() -> None:
    seen, _ = played("version_2")
    assert [float(images.std()) for images in seen] == pytest.approx([0.2] * 3, rel=0.02)  # reals, fakes, fakes
    seen, _ = played("as_published")
    assert not any(images.any() for images in seen)


@pytest.mark.parametrize(("preset", "label"), [("as_published", 1.0), ("version_2", 0.9), ("version_3", 0.9)])
def test_the_label_of_reals(preset: str, label: float) -> None:
    (real, fake, *_), loss = played(preset)
    verdicts = [images.mean(dim=(1, 2, 3)).sigmoid() for images in (real, fake)]
    bce = F.binary_cross_entropy
    expected = (bce(verdicts[0], torch.full((16,), label)) + bce(verdicts[1], torch.zeros(16))) / 2
    torch.testing.assert_close(loss.detach(), expected)


def test_smoothing_holds_at_any_verdict() -> None:
    real, fake = torch.tensor([-9.0, -1.0, 0.0, 2.0, 9.0]), torch.tensor([-3.0, 4.0])
    bce = F.binary_cross_entropy_with_logits
    for label in (1.0, 0.9, 0.6):
        expected = (bce(real, torch.full_like(real, label)) + bce(fake, torch.zeros(2))) / 2
        torch.testing.assert_close(logistic_d_loss(real, fake, label), expected)


def test_presets_hold_the_versions() -> None:
    first, second, third = (chosen(preset) for preset in ("as_published", "version_2", "version_3"))
    assert METHOD.choose(None, {}) == first
    assert (first.real_label, first.noise, first.upsampling) == (1.0, 0.0, "transposed")
    assert (second.real_label, second.noise, second.upsampling) == (0.9, 0.2, "transposed")
    assert (third.real_label, third.noise, third.upsampling) == (0.9, 0.2, "resized")
    for options in (first, second, third):
        assert (options.size, options.latent_dim, options.batch, options.width) == (64, 100, 64, 1.0)
        assert (options.adam_g, options.adam_d) == (options.adam_d, options.adam_g)
        assert (options.learning_rate_g, options.beta1, options.ema_half_life_kimg) == (2e-4, 0.5, 0.0)
        assert [(phase.name, phase.repeat) for phase in phases(options)] == [("discriminator", 1), ("generator", 2)]
    kinds = {type(module) for module in build(third, NetSpec(3)).nets["generator"].modules()}
    assert UpConv in kinds and nn.ConvTranspose2d not in kinds


@pytest.mark.parametrize("change", [{"size": 50}, {"real_label": 0.4}, {"real_label": 1.1}, {"noise": -0.1},
                                    {"generator_steps": 0}, {"upsampling": "bilinear"}])  # fmt: skip
def test_options_out_of_bounds_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        METHOD.choose(None, change)
