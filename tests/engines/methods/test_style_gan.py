"""StyleGAN has the layers of Karras et al. 2019, styles do what they should, and the study's settings are kept."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch import Tensor, nn

from engines.methods.base import NetSpec, Step, parameter_count
from engines.methods.style_gan import (
    METHOD,
    Discriminator,
    EqualDownConv,
    Generator,
    Mapping,
    Options,
    StyledLayer,
    build,
    filters,
    phases,
)


def small(**changes: Any) -> tuple[Options, dict[str, nn.Module]]:
    options = METHOD.choose("tiny", {"discriminator": "style", **changes})
    assert isinstance(options, Options)
    return options, build(options, NetSpec(1)).nets


def test_filters_are_the_published_ones() -> None:
    assert filters(1024, 1.0) == (16, 32, 64, 128, 256, 512, 512, 512, 512)
    assert filters(64, 0.5) == (128, 256, 256, 256, 256)


def test_parameter_counts_at_1024_pixels() -> None:
    """The generator has the published 26.2 million (Karras et al. 2019, section 2).

    By hand: mapping 8 * (512 * 512 + 512); constant 16 * 512; 17 convolutions, 18,872,064 weights;
    for each of 18 layers of C channels noise C, bias C (here only behind a convolution) and style 512 * 2 C + 2 C;
    to colours 16 * 3 + 3. The authors' 26,219,627 also count the outputs of the sizes that it grew through
    (3 * 2,528 + 24), and a bias beside the constant (512).
    """
    with torch.device("meta"):
        options = Options(latent_dim=512)
        generator = Generator(options, 1024, filters(1024, 1.0), 3)
        discriminator = Discriminator(filters(1024, 1.0), 3)
    by_hand = 8 * 262_656 + 8_192 + 18_872_064 + 5_088 * (2 + 1_026) - 512 + 51
    assert parameter_count(generator) == by_hand == 26_219_627 - (3 * 2_528 + 24) - 512
    # Convolutions with biases by size from 1024 to 8; the last block, with the channel of deviations; from colours.
    blocks = 6_960 + 27_744 + 110_784 + 442_752 + 1_770_240 + 3 * 2 * 2_359_808
    assert parameter_count(discriminator) == blocks + 2_364_416 + 4_194_816 + 513 + 64


def test_one_layer_is_noise_bias_leaky_relu_and_adain() -> None:
    torch.manual_seed(0)
    layer = StyledLayer(nn.Identity(), 6, 8, 5).eval()
    nn.init.normal_(layer.strength)
    features, styles = torch.randn(3, 6, 8, 8), torch.randn(3, 5)
    result = layer(features, styles)
    scale, shift = (styles @ layer.style.weight.T * 5**-0.5).chunk(2, dim=1)
    noisy = F.leaky_relu(features + layer.strength * layer.still, 0.2)
    expected = F.instance_norm(noisy, eps=1e-8) * (1 + scale)[:, :, None, None] + shift[:, :, None, None]
    torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4)


def test_mapping_keeps_the_scale_through_eight_layers() -> None:
    torch.manual_seed(0)
    latents = torch.randn(512, 256)
    mapping = Mapping(256, 8)
    assert 0.5 < mapping(latents).square().mean().sqrt() < 2
    torch.testing.assert_close(mapping(latents), mapping(3 * latents), rtol=1e-3, atol=1e-3)
    assert mapping.state_dict()["layers.0.weight"].std() > 50, "weights are large, and so learn a hundred times slower"


def test_halving_is_smoothing_then_a_convolution_then_the_mean_of_four() -> None:
    torch.manual_seed(0)
    layer = EqualDownConv(2, 3, 3)
    image = torch.randn(1, 2, 8, 8)
    taps = torch.tensor([1.0, 2.0, 1.0]) / 4
    smooth = F.conv2d(image.transpose(0, 1), torch.outer(taps, taps)[None, None], padding=1).transpose(0, 1)
    expected = F.avg_pool2d(F.conv2d(smooth, layer.weight / 18**0.5, layer.bias, padding=1), 2)
    torch.testing.assert_close(layer(image), expected, rtol=1e-4, atol=1e-5)


def test_styles_mix_in_training_only() -> None:
    torch.manual_seed(0)
    latents = torch.randn(200, 16)
    generator = small(size=128)[1]["generator"]
    assert isinstance(generator, Generator)
    layers = torch.stack(generator.styles(latents))  # [12, 200, 16]
    own = generator.mapping(latents)
    kept = (layers == own).all(dim=2)
    assert kept[0].all() and 0.05 < kept.all(dim=0).float().mean() < 0.16, "a tenth keeps one style throughout"
    first_other = (~kept[:, ~kept.all(dim=0)]).float().argmax(dim=0)
    assert set(first_other.tolist()) == set(range(1, 12)), "the change falls on any layer but the first"
    assert all(torch.equal(style, own) for style in generator.eval().styles(latents))
    unmixed = small(style_mixing=0)[1]["generator"]
    assert isinstance(unmixed, Generator) and len(set(map(id, unmixed.styles(latents)))) == 1


def test_noise_is_new_in_training_and_still_in_sampling() -> None:
    torch.manual_seed(0)
    generator = small(style_mixing=0)[1]["generator"]
    for layer in generator.modules():
        if isinstance(layer, StyledLayer):
            nn.init.ones_(layer.strength)
    latents = torch.randn(2, 16)
    assert not torch.equal(generator(latents), generator(latents))
    state = torch.get_rng_state()
    generator.eval()
    assert torch.equal(generator(latents), generator(latents)) and torch.equal(state, torch.get_rng_state())
    assert sum(name.endswith("still") for name in generator.state_dict()) == 10, "it travels in checkpoints"


@pytest.mark.parametrize("discriminator", ["style", "baseline"])
@pytest.mark.parametrize("size", [64, 128, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_and_channel_count(discriminator: str, size: int, channels: Any) -> None:
    options = METHOD.choose("tiny", {"size": size, "discriminator": discriminator})
    nets = build(options, NetSpec(channels)).nets
    with torch.inference_mode():
        images = METHOD.sample(nets["generator"].eval(), torch.randn(2, 16), torch.zeros(2, dtype=torch.int64))
        verdicts = nets["discriminator"](images)
    assert images.shape == (2, channels, size, size) and images.abs().max() <= 1 and verdicts.shape == (2,)
    assert images.dtype == torch.float32 and not torch.equal(images[0], images[1])


def test_all_weights_learn() -> None:
    torch.manual_seed(0)
    options, nets = small(r1_every=1)
    step = Step(nets, torch.rand(4, 1, 64, 64), 0, lambda _name, _value: None, torch.zeros(4, dtype=torch.int64))
    reached: dict[str, Tensor] = {}
    for phase in phases(options):
        for net in nets.values():
            net.zero_grad()
        phase.loss(step).backward()
        for owner in phase.nets:
            for name, parameter in nets[owner].named_parameters():
                if parameter.grad is not None and parameter.grad.abs().sum() > 0:
                    reached[f"{owner}.{name}"] = parameter.grad
                    assert parameter.grad.isfinite().all()
    wanted = {f"{owner}.{name}" for owner, net in nets.items() for name, _ in net.named_parameters()}
    assert [phase.name for phase in phases(options)] == ["discriminator", "r1", "generator"]
    assert wanted == reached.keys()


def test_presets_hold_the_settings_of_the_study_and_of_the_authors() -> None:
    published = METHOD.choose("as_published", {})
    assert isinstance(published, Options) and METHOD.choose(None, {}) == published
    assert (published.learning_rate_g, published.learning_rate_d, published.beta1) == (1e-4, 1e-5, 0.5)
    assert (published.size, published.batch, published.latent_dim, published.r1_gamma) == (128, 32, 128, 0.0)
    # The baseline's discriminator at its own filters: 404,225 parameters, as in the custom GAN.
    nets = build(published, NetSpec(1)).nets
    assert parameter_count(nets["discriminator"]) == 404_225
    standard = METHOD.choose("standard", {})
    assert isinstance(standard, Options) and standard.discriminator == "style" and standard.style_mixing == 0.9
    assert (standard.learning_rate_g, standard.beta1, standard.beta2) == (1e-3, 0.0, 0.99)
    assert (standard.mapping_layers, standard.latent_dim) == (8, 512)


@pytest.mark.parametrize(
    "change", [{"size": 100}, {"mapping_layers": 0}, {"style_mixing": 1.1}, {"discriminator": "x"}]
)
def test_options_out_of_bounds_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        METHOD.choose(None, change)
