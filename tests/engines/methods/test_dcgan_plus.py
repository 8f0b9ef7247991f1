"""DCGAN+ has the measured layers and settings, and each of its choices does what it says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor, nn

from engines.methods.base import NetSpec, Step, parameter_count
from engines.methods.dcgan_plus import METHOD, ChoosyUpConv, Options, build, phases


def chosen(preset: str | None, **changes: Any) -> Options:
    options = METHOD.choose(preset, changes)
    assert isinstance(options, Options)
    return options


def shapes(net: nn.Module, given: Tensor, kind: type[nn.Module]) -> list[tuple[int, ...]]:
    """Shapes that the layers of a kind put out, in order."""
    seen: list[tuple[int, ...]] = []
    for module in net.modules():
        if isinstance(module, kind):
            module.register_forward_hook(lambda _module, _given, out: seen.append(tuple(out.shape[1:])))
    with torch.inference_mode():
        net.eval()(given)
    return seen


def test_the_measured_networks_layer_by_layer() -> None:
    nets = build(chosen("quick_look"), NetSpec(1)).nets
    assert shapes(nets["generator"], torch.randn(1, 128), nn.BatchNorm2d) == [(128, 16, 16), (64, 32, 32), (32, 64, 64)]
    images = torch.randn(1, 1, 64, 64)
    assert shapes(nets["discriminator"], images, nn.Conv2d) == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4)]
    assert not any(isinstance(module, nn.BatchNorm2d | nn.Dropout) for module in nets["discriminator"].modules())


@pytest.mark.parametrize(
    ("preset", "generator", "discriminator"),
    [
        # dense 128 -> 16384, convolutions 3x3, two numbers per channel of each batch norm; convolutions 4x4, dense
        (
            "quick_look",
            2_113_536 + 295_040 + 73_792 + 18_464 + 448 + 289,
            1_088 + 131_200 + 524_544 + 2_097_664 + 8_193,
        ),
        # at 128 pixels one more convolution 128 -> 128 with its batch norm, and one more 512 -> 512
        ("standard", 2_501_569 + 147_584 + 256, 2_762_689 + 4_194_816),
    ],
)
def test_parameter_counts(preset: str, generator: int, discriminator: int) -> None:
    nets = build(chosen(preset), NetSpec(1)).nets
    assert parameter_count(nets["generator"]) == generator
    assert parameter_count(nets["discriminator"]) == discriminator


@pytest.mark.parametrize(("upsampling", "edges"), [("nearest", "continued"), ("smooth", "zeros")])
@pytest.mark.parametrize("size", [32, 64, 128, 256, 512])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_and_channel_count(size: int, channels: Any, upsampling: str, edges: str) -> None:
    networks = build(chosen("tiny", size=size, upsampling=upsampling, edges=edges, width=0.05), NetSpec(channels))
    with torch.inference_mode():
        images = METHOD.sample(networks.nets["generator"].eval(), torch.randn(2, 16), torch.zeros(2, dtype=torch.int64))
        verdicts = networks.nets["discriminator"](images)
    assert images.shape == (2, channels, size, size) and images.abs().max() <= 1 and verdicts.shape == (2,)


@pytest.mark.parametrize("continued", [False, True])
def test_folded_upsampling_equals_the_plain_one(continued: bool) -> None:
    layer = ChoosyUpConv(3, 5, smooth=False, continued=continued)
    features = torch.randn(2, 3, 6, 7)
    padded = F.pad(
        features.repeat_interleave(2, 2).repeat_interleave(2, 3), (1,) * 4, "replicate" if continued else "constant"
    )
    expected = F.conv2d(padded, layer.weight, layer.bias)
    for fold in (False, True):
        layer.fold = fold
        torch.testing.assert_close(layer(features), expected)


def test_smooth_upsampling_of_a_ramp_is_a_ramp() -> None:
    """Between the edges, pixels lie a quarter to each side of the old ones; folding leaves it alone."""
    layer = ChoosyUpConv(1, 1, smooth=True, continued=True)
    with torch.no_grad():
        layer.weight.zero_()[0, 0, 1, 1] = 1.0  # the convolution passes its input on
        nn.init.zeros_(layer.get_parameter("bias"))
    layer.fold = True
    out = layer(torch.arange(4.0).expand(1, 1, 4, 4))
    torch.testing.assert_close(out[0, 0, 3], torch.tensor([0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0]))


@pytest.mark.parametrize("upsampling", ["nearest", "smooth"])
@pytest.mark.parametrize(("edges", "framed"), [("zeros", True), ("continued", False)])
def test_only_zeros_draw_frames(upsampling: str, edges: str, framed: bool) -> None:
    """From one even feature map the generator draws an even image, unless it meets zeros beyond the edges."""
    generator = build(chosen("quick_look", upsampling=upsampling, edges=edges, width=0.25), NetSpec(1)).nets[
        "generator"
    ]
    dense = generator.get_submodule("dense")
    nn.init.zeros_(dense.get_parameter("weight"))
    nn.init.ones_(dense.get_parameter("bias"))
    with torch.inference_mode():
        image = generator.eval()(torch.randn(1, 128))
    assert (float(image.std()) > 1e-2) == framed and (float(image.std()) < 1e-5) != framed


def test_the_weight_of_r1_follows_size_and_batch() -> None:
    assert chosen("standard", size=64).gamma == pytest.approx(0.1, abs=0.005)  # the measured one, at a batch of 16
    assert chosen("standard", size=128).gamma == pytest.approx(0.4, abs=0.02)
    assert chosen("standard", size=64, batch=32).gamma == pytest.approx(0.05, abs=0.003)
    assert chosen("standard", r1_gamma=3.0).gamma == 3.0
    assert chosen("standard", penalty="spectral_norm", r1_gamma=3.0).gamma == 0.0


def test_the_r1_phase_weighs_as_the_rule_says() -> None:
    options = chosen("tiny", r1_gamma=None, size=32, batch=4)
    nets = build(options, NetSpec(1)).nets
    real = torch.randn(4, 1, 32, 32)
    phase = next(phase for phase in phases(options) if phase.name == "r1")
    step = Step(nets, real, 0, lambda _name, _value: None, torch.zeros(4, dtype=torch.int64))
    images = real.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(nets["discriminator"](images).sum(), images)
    expected = 16 * (0.0004 * 32 * 32 / 4) / 2 * gradient.square().sum() / 4
    torch.testing.assert_close(phase.loss(step).detach(), expected)
    assert phase.every == 16


@pytest.mark.parametrize("penalty", ["spectral_norm", "none"])
def test_without_r1_there_is_no_such_phase(penalty: str) -> None:
    assert [phase.name for phase in phases(chosen("standard", penalty=penalty))] == ["discriminator", "generator"]


def test_spectral_norm_limits_every_layer_of_the_discriminator() -> None:
    discriminator = build(chosen("tiny", penalty="spectral_norm"), NetSpec(1)).nets["discriminator"]
    images = torch.randn(8, 1, 64, 64)
    with torch.no_grad():
        for _ in range(60):  # power iterations
            discriminator(images)
        stretches = []
        for module in discriminator.eval().modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                used = module.get_submodule("norm")(module.weight)
                stretches.append(float(torch.linalg.svdvals(used.flatten(1))[0]))
    assert stretches == pytest.approx([1.0] * 5, rel=0.02)


def test_presets_hold_the_measured_settings() -> None:
    quick = chosen("quick_look")
    assert (quick.size, quick.batch, quick.latent_dim, quick.width) == (64, 16, 128, 1.0)
    assert (quick.learning_rate_g, quick.learning_rate_d, quick.beta1, quick.beta2) == (5e-4, 5e-4, 0.0, 0.99)
    assert (quick.gamma, quick.r1_every, quick.ema_half_life_kimg, quick.augment) == (0.1, 16, 0.5, "none")
    for preset in ("standard", "best"):
        assert (chosen(preset).augment, chosen(preset).augment_from_kimg) == ("adaptive", 50)
    assert METHOD.choose(None, {}) == chosen("standard") and chosen("best").decay_kimg == 2000


@pytest.mark.parametrize(
    "change", [{"size": 100}, {"r1_gamma": -1}, {"penalty": "hinge"}, {"upsampling": "cubic"}, {"edges": "mirrored"}]
)
def test_options_out_of_bounds_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        METHOD.choose(None, change)
