"""StyleGAN2-ADA has the published layers, phases and settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from engines.methods.base import Adam, NetSpec, Step, parameter_count
from engines.methods.blocks import EqualLinear
from engines.methods.penalties import r1_penalty
from engines.methods.style_gan2_ada import METHOD, Discriminator, Generator, Options, build, phases, widths
from engines.methods.styled import Modulated

SMALL = {"width": 0.03125, "latent_dim": 8, "batch": 4}


def chosen(preset: str = "standard", **changes: Any) -> Options:
    options = METHOD.choose(preset, changes)
    assert isinstance(options, Options)
    return options


def generator(**changes: Any) -> Generator:
    torch.manual_seed(0)
    net = build(chosen(**{**SMALL, "size": 64, **changes}), NetSpec(1)).nets["generator"]
    assert isinstance(net, Generator)
    return net


Sketch = Callable[..., dict[str, nn.Module]]


@pytest.fixture
def sketched(monkeypatch: pytest.MonkeyPatch) -> Sketch:
    """Networks to count what they are made of: most of their weights are left as they lie in memory."""

    def left(tensor: Tensor, *_args: Any, **_others: Any) -> Tensor:
        return tensor

    def networks(channels: Any, **changes: Any) -> dict[str, nn.Module]:
        with monkeypatch.context() as patch:
            for name in ("normal_", "uniform_", "kaiming_uniform_"):
                patch.setattr(nn.init, name, left)
            patch.setattr(torch, "randn", torch.empty)
            return build(chosen(**changes), NetSpec(channels)).nets

    return networks


def step_on(options: Options, real: Tensor, reported: dict[str, Tensor]) -> Step:
    nets = build(options, NetSpec(1)).nets
    return Step(nets, real, 0, reported.__setitem__, torch.zeros(len(real), dtype=torch.int64))


# A style of 512 steers I channels by 513 * I numbers; behind a 3x3 kernel come O biases and the share of the noise.
LAYER_512 = 9 * 512 * 512 + 513 * 512 + 512 + 1
LAYERS_128 = [LAYER_512] * 7 + [
    9 * 512 * 256 + 513 * 512 + 257, 9 * 256 * 256 + 513 * 256 + 257,
    9 * 256 * 128 + 513 * 256 + 129, 9 * 128 * 128 + 513 * 128 + 129,
]  # fmt: skip
COLOURS_128 = [(3 + 513) * count + 3 for count in (512, 512, 512, 512, 256, 128)]


def test_layers_of_the_generator(sketched: Sketch) -> None:
    """Sides, channels and parameters as the authors' code lists them for 128 pixels in colour."""
    net = sketched(3)["generator"]
    assert isinstance(net, Generator)
    assert [parameter_count(layer) for layer in net.layers] == LAYERS_128 and LAYER_512 == 2_622_465
    colours = [parameter_count(layer) + 3 for layer in net.to_image]
    assert colours == COLOURS_128 and COLOURS_128[0] == 264_195
    assert parameter_count(net.mapping) == 2 * 262_656 and net.start.shape == (1, 512, 4, 4)
    assert parameter_count(net) == sum(LAYERS_128) + sum(COLOURS_128) + 2 * 262_656 + 8192
    assert [layer.still.shape[0] for layer in net.layers] == [4, 8, 8, 16, 16, 32, 32, 64, 64, 128, 128]
    assert [layer.up for layer in net.layers] == [False] + [True, False] * 5


def test_layers_of_the_discriminator(sketched: Sketch) -> None:
    net = sketched(3)["discriminator"]
    assert isinstance(net, Discriminator)
    blocks = list(net.blocks.values())
    assert list(net.blocks) == ["128", "64", "32", "16", "8"]
    # Two convolutions with biases, and a shortcut 1x1 without.
    wide = 2 * (9 * 512 * 512 + 512) + 512 * 512
    counts = [9 * 128 * 128 + 128 + 9 * 128 * 256 + 256 + 128 * 256, 590_080 + 1_180_160 + 131_072, wide, wide, wide]
    assert [parameter_count(block) for block in blocks] == counts
    last = 9 * 513 * 512 + 512 + 8192 * 512 + 512 + 513
    assert parameter_count(net) == 512 + sum(counts) + last


def test_parameter_counts_of_other_choices(sketched: Sketch) -> None:
    paper256 = sketched(3, size=256, mapping_layers=8)
    counts = {name: parameter_count(net) for name, net in paper256.items() if name != "augment"}
    assert counts == {"generator": 24_767_458, "discriminator": 24_001_089}, "as the authors' code counts them"
    colour, grey = sketched(3), sketched(1)
    channels = 4 * 512 + 256 + 128
    assert parameter_count(colour["generator"]) - parameter_count(grey["generator"]) == 2 * (channels + 6)
    assert parameter_count(colour["discriminator"]) - parameter_count(grey["discriminator"]) == 2 * 128


def test_channels_follow_size_and_width() -> None:
    assert widths(chosen(size=64)) == {4: 512, 8: 512, 16: 512, 32: 512, 64: 256}
    assert list(widths(chosen(size=256)).values())[-3:] == [256, 128, 64]
    assert list(widths(chosen(size=512)).values())[-4:] == [512, 256, 128, 64]
    assert set(widths(chosen(size=256, width=0.125)).values()) == {64, 32, 16, 8}


@pytest.mark.parametrize("size", [64, 128, 256, 512])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_and_channel_count(size: int, channels: Any) -> None:
    nets = build(chosen(**{**SMALL, "size": size}), NetSpec(channels)).nets
    latents = 3 * torch.randn(2, 8)
    with torch.inference_mode():
        images = METHOD.sample(nets["generator"].eval(), latents, torch.zeros(2, dtype=torch.int64))
        verdicts = nets["discriminator"](images)
    assert images.shape == (2, channels, size, size) and images.abs().max() <= 1 and verdicts.shape == (2,)
    assert images.dtype == torch.float32


def test_a_latent_means_one_image() -> None:
    net, latents, labels = generator().eval(), torch.randn(3, 8), torch.zeros(3, dtype=torch.int64)
    before = torch.random.get_rng_state()
    with torch.inference_mode():
        together = METHOD.sample(net, latents, labels)
        alone = METHOD.sample(net, latents[1:2], labels[1:2])
    assert torch.equal(before, torch.random.get_rng_state())
    torch.testing.assert_close(alone, together[1:2], rtol=1e-4, atol=1e-4)
    assert (together[0] - together[1]).abs().mean() > 0.01


def test_styles_are_mixed_in_training_only() -> None:
    latents = torch.randn(500, 8)
    net = generator(style_mixing=0.9)
    styles = net.eval().styles(latents)
    assert styles.shape == (500, 10, 8) and (styles == styles[:, :1]).all()
    mixed = net.train().styles(latents)
    torch.testing.assert_close(mixed[:, 0], styles[:, 0])
    changes = (mixed[:, 1:] != mixed[:, :-1]).any(dim=2)
    assert changes.sum(dim=1).max() == 1 and changes.any(dim=0).all(), "one change, at any layer"
    assert abs(changes.any(dim=1).float().mean() - 0.9) < 0.04
    assert (generator(style_mixing=0.0).train().styles(latents).diff(dim=1) == 0).all()


def test_truncation_draws_towards_the_mean_style() -> None:
    latents = torch.randn(4, 8)
    full = generator()
    full.train().styles(latents)
    mean = full.mapping.mean.clone()
    torch.testing.assert_close(mean, 0.005 * full.mapping(latents).mean(dim=0))
    whole = full.eval().styles(latents)
    assert torch.equal(full.mapping.mean, mean), "sampling leaves the mean alone"
    half = generator(truncation=0.5).eval()
    half.mapping.mean.copy_(mean)
    torch.testing.assert_close(half.styles(latents), (whole + mean) / 2)
    none = generator(truncation=0.0).eval()
    images = none(latents)
    torch.testing.assert_close(images, images[:1].expand_as(images))


def test_phases_and_their_rhythm() -> None:
    assert [(phase.name, phase.every) for phase in phases(chosen())] == [
        ("discriminator", 1), ("r1", 16), ("generator", 1), ("path_length", 4),
    ]  # fmt: skip
    assert [phase.name for phase in phases(chosen(size=64))] == ["discriminator", "r1", "generator"]
    assert [phase.name for phase in phases(chosen(path_weight=0, r1_gamma=0))] == ["discriminator", "generator"]


def test_lazy_penalties_slow_the_rates() -> None:
    options = chosen()
    assert options.adam_g == Adam(0.0025 * 4 / 5, 0.0, 0.99 ** (4 / 5))
    assert options.adam_d == Adam(0.0025 * 16 / 17, 0.0, 0.99 ** (16 / 17))
    assert chosen(size=64).adam_g == Adam(0.0025, 0.0, 0.99) == chosen(r1_gamma=0).adam_d
    networks = build(chosen(**SMALL), NetSpec(1))
    assert networks.optimizers == {"generator": options.adam_g, "discriminator": options.adam_d}


def test_the_penalty_follows_size_and_batch() -> None:
    assert chosen().gamma == pytest.approx(0.1024) and chosen(size=64, batch=16).gamma == pytest.approx(0.0512)
    assert chosen(r1_gamma=7).gamma == 7
    torch.manual_seed(0)
    options = chosen(**SMALL, size=64, augment="none")
    step = step_on(options, torch.randn(4, 1, 64, 64), {})
    loss = phases(options)[1].loss(step)
    # Half of gamma, for a loss that is half of the published one half of that, and 16 times for 16 steps.
    expected = r1_penalty(step.nets["discriminator"], step.real) * (0.2048 / 2 / 2 * 16)
    torch.testing.assert_close(loss, expected)


def test_a_training_at_another_size_can_begin_with_what_both_have() -> None:
    small, large = ({**build(chosen(**SMALL, size=size), NetSpec(1)).nets} for size in (64, 128))
    for name in ("generator", "discriminator"):
        known, wanted = small[name].state_dict(), large[name].state_dict()
        missing = [key for key in wanted if key not in known or known[key].shape != wanted[key].shape]
        expected = ("layers.9", "layers.10", "to_image.5", "biases.5", "blocks.128", "from_image")
        assert missing and all(key.startswith(expected) for key in missing)


def test_reals_and_fakes_are_judged_apart() -> None:
    options, judged = chosen(**SMALL, size=64), []
    step = step_on(options, torch.randn(4, 1, 64, 64), {})
    step.nets["discriminator"].register_forward_hook(lambda _net, given, _verdicts: judged.append(len(given[0])))
    phases(options)[0].loss(step)
    assert judged == [4, 4], "the deviation in the batch must be that of one kind"


def test_path_lengths_are_taken_on_half_a_batch_in_float32() -> None:
    torch.manual_seed(0)
    options, reported, drawn = chosen(**SMALL), dict[str, Tensor](), []
    step = step_on(options, torch.randn(4, 1, 128, 128), reported)
    net = step.nets["generator"]
    assert isinstance(net, Generator)
    net.layers[-1].register_forward_hook(lambda _layer, _given, out: drawn.append((len(out), out.dtype)))
    with torch.autocast("cpu", torch.bfloat16):
        loss = phases(options)[-1].loss(step)
    loss.backward()
    assert drawn == [(2, torch.float32)]
    assert net.mean_length > 0 and torch.equal(reported["path_length"], net.mean_length)
    mapped = net.mapping.layers[0]
    assert isinstance(mapped, EqualLinear) and mapped.weight.grad is not None and mapped.weight.grad.abs().sum() > 0
    # Lengths of hundredfold the mean that is remembered: the penalty is nearly their mean square, at least its square.
    assert loss.detach() >= 2 * 4 * (99 * net.mean_length) ** 2


@pytest.mark.parametrize("size", [64, 128])
def test_images_begin_at_a_sensible_size_and_survive_bfloat16(size: int) -> None:
    torch.manual_seed(0)
    options = chosen(**SMALL, size=size)
    nets = build(options, NetSpec(1)).nets
    for net in nets.values():
        net.to(memory_format=torch.channels_last)
    latents = torch.randn(4, 8)
    with torch.no_grad():
        exact = nets["generator"].eval()(latents)
        with torch.autocast("cpu", torch.bfloat16):
            rough = nets["generator"](latents)
            verdicts = nets["discriminator"](rough)
    assert 0.3 < exact.std() < 5 and rough.dtype == torch.float32 and torch.isfinite(verdicts).all()
    assert (rough - exact).abs().mean() < 0.05 * exact.std()


def test_presets_hold_the_published_settings() -> None:
    assert METHOD.choose(None, {}) == chosen()
    for name, size, speed in (("standard", 128, 500), ("best", 256, 500), ("small_set", 128, 100)):
        options = chosen(name)
        assert (options.size, options.batch, options.latent_dim, options.mapping_layers) == (size, 32, 512, 2)
        rates = (options.learning_rate_g, options.learning_rate_d, options.beta1, options.beta2)
        assert rates == (0.0025, 0.0025, 0.0, 0.99) and options.width == 1
        assert (options.r1_every, options.path_every, options.path_weight, options.style_mixing) == (16, 4, 2, 0.9)
        assert (options.augment, options.augment_target, options.augment_speed_kimg) == ("adaptive", 0.6, speed)
        assert options.ema_half_life_kimg == options.batch * 10 / 32 and options.truncation == 1


@pytest.mark.parametrize("change", [{"size": 32}, {"mapping_layers": 0}, {"style_mixing": 1.1}, {"truncation": -0.1}])
def test_options_out_of_bounds_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        METHOD.choose(None, change)


def test_every_option_speaks() -> None:
    for name, field in METHOD.options.model_json_schema()["properties"].items():
        assert field["title"] and len(field["description"]) > 20 and field["layer"] in ("dial", "basic", "all"), name
        assert field["too_low"] and field["too_high"], name


def test_every_convolution_of_the_generator_is_steered() -> None:
    assert not [module for module in generator().modules() if isinstance(module, nn.Conv2d)]
    assert sum(isinstance(module, Modulated) for module in generator().modules()) == 9 + 5
