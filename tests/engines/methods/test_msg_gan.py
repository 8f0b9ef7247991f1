"""MSG-GAN has the published blocks, its penalty covers every scale, and its losses are those of WGAN-GP."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.augment import Augmenter
from engines.methods.base import NetSpec, RMSprop, Step, parameter_count
from engines.methods.blocks import MinibatchStd, set_folding
from engines.methods.msg_gan import (
    METHOD,
    EqualUpConv,
    Generator,
    Scales,
    build,
    changed,
    multi_scale_penalty,
    phases,
    pyramid,
)


def shapes(net: nn.Module, given: Any, kinds: tuple[type[nn.Module], ...]) -> list[tuple[int, ...]]:
    """Shapes that the layers of some kinds put out, in order."""
    seen: list[tuple[int, ...]] = []
    for module in net.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(lambda _module, _given, out: seen.append(tuple(out.shape[1:])))
    with torch.inference_mode():
        net.eval()(given)
    return seen


def made(preset: str, channels: Literal[1, 3] = 1, **changes: Any) -> dict[str, nn.Module]:
    torch.manual_seed(0)
    return build(METHOD.choose(preset, changes), NetSpec(channels)).nets


@pytest.fixture(scope="module")
def published() -> dict[str, nn.Module]:
    """The networks in colour, as in the study."""
    return made("as_published", 3)


def test_the_published_generator_layer_by_layer(published: dict[str, nn.Module]) -> None:
    # Table of the study: two convolutions and one to the image in each block.
    table = [(512, 4), (512, 8), (512, 16), (512, 32), (256, 64)]
    wanted = [(count, side, side) for width, side in table for count in (width, width, 3)]
    assert shapes(published["generator"], torch.randn(1, 512), (nn.Conv2d,)) == wanted


def test_the_published_critic_layer_by_layer(published: dict[str, nn.Module]) -> None:
    scales = pyramid(torch.randn(1, 3, 64, 64))
    # From the image 256; then minibatch deviation (one more channel) and two convolutions in each block, where the
    # image of the scale has put its three channels behind the 512 of the block before.
    wanted = [(256, 64, 64), (257, 64, 64), (256, 64, 64), (512, 64, 64)]
    wanted += [(count, side, side) for side in (32, 16, 8) for count in (516, 512, 512)]
    wanted += [(516, 4, 4), (512, 4, 4), (512, 1, 1), (1,)]
    assert shapes(published["critic"], scales, (nn.Conv2d, MinibatchStd, nn.Linear)) == wanted


def test_parameter_counts(published: dict[str, nn.Module]) -> None:
    block = 512 * 512 * 9 + 512
    # 4x4 on the latents, 3x3; three blocks of two; 512 -> 256 -> 256; 1x1 to the image.
    generator = 512 * 512 * 16 + 512 + block + 6 * block + 1_179_904 + 590_080 + 4 * 1_539 + 771
    # 1x1 from the image; 257 -> 256 -> 512; three blocks of 516 -> 512 -> 512; 516 -> 512, 4x4, dense.
    wider = 516 * 512 * 9 + 512
    critic = 1_024 + 592_384 + 1_180_160 + 3 * (wider + block) + wider + 512 * 512 * 16 + 512 + 513
    assert {name: parameter_count(net) for name, net in published.items()} == {"generator": generator, "critic": critic}


def test_with_nine_blocks_the_generator_is_as_large_as_that_of_progan() -> None:
    # Karras et al. 2018, table 2: 23.1 million.
    sides = [4 * 2**place for place in range(9)]
    assert parameter_count(Generator(512, sides, channels=3, width=1.0)) == 23_079_115


@pytest.mark.parametrize(("channels", "size"), [(1, 32), (3, 64), (1, 128), (3, 256), (1, 512)])
def test_every_size_and_kind_of_image(size: int, channels: Literal[1, 3]) -> None:
    nets = made("tiny", channels, size=size)
    with torch.inference_mode():
        scales = nets["generator"](torch.randn(2, 16))
        image = METHOD.sample(nets["generator"], torch.randn(2, 16), torch.zeros(2, dtype=torch.int64))
        verdicts = nets["critic"](scales)
    assert [len(images[0, 0]) for images in scales] == [4 * 2**place for place in range(len(scales))]
    assert image.shape == (2, channels, size, size) and image.abs().max() <= 1 and verdicts.shape == (2,)


def test_the_sample_is_the_largest_scale_and_only_the_direction_of_latents_counts() -> None:
    generator = made("tiny")["generator"].eval()
    latents = torch.randn(2, 16)
    with torch.inference_mode():
        image = METHOD.sample(generator, latents, torch.zeros(2, dtype=torch.int64))
        torch.testing.assert_close(image, generator(latents)[-1].clamp(-1, 1))
        longer = METHOD.sample(generator, latents * 3, torch.zeros(2, dtype=torch.int64))
    torch.testing.assert_close(image, longer, rtol=1e-3, atol=1e-3)


def test_gradients_reach_every_scale_and_every_weight_of_the_generator() -> None:
    nets = made("tiny")
    nets["critic"](nets["generator"](torch.randn(4, 16))).sum().backward()
    assert all(weight.grad is not None and weight.grad.any() for weight in nets["generator"].parameters())


def test_folded_upsampling_is_the_same() -> None:
    layer = EqualUpConv(6, 4)
    features = torch.randn(2, 6, 5, 5)
    plain = layer(features)
    weight = layer.weight * (2 / (6 * 9)) ** 0.5  # He's constant at run time
    torch.testing.assert_close(
        plain, F.conv2d(features.repeat_interleave(2, 2).repeat_interleave(2, 3), weight, padding=1)
    )
    set_folding(layer, True)
    torch.testing.assert_close(layer(features), plain, rtol=1e-5, atol=1e-5)


class Slopes(nn.Module):
    """A critic whose verdict is the sum of all pixels, each scale with a weight of its own: its slopes are known."""

    def __init__(self, *weights: float) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, scales: Scales) -> Tensor:
        return torch.stack([w * images.sum(dim=(1, 2, 3)) for w, images in zip(self.weights, scales, strict=True)]).sum(
            0
        )


def test_the_penalty_is_the_mean_over_scales() -> None:
    real, fake = pyramid(torch.randn(3, 1, 8, 8)), pyramid(torch.randn(3, 1, 8, 8))
    # A slope of w at each of n pixels has the norm w sqrt(n): 0.5 x 4 and 0.25 x 8 are 2.
    torch.testing.assert_close(multi_scale_penalty(Slopes(0.5, 0.25), real, fake), torch.tensor(1.0))
    torch.testing.assert_close(multi_scale_penalty(Slopes(0.25, 0.5), real, fake), torch.tensor((0 + 9) / 2))


def test_the_penalty_asks_between_reals_and_fakes_with_one_share_for_all_scales() -> None:
    asked: Scales = []

    class Asked(Slopes):
        def forward(self, scales: Scales) -> Tensor:
            asked.extend(scales)
            return super().forward(scales)

    ones = pyramid(torch.ones(5, 1, 8, 8))
    multi_scale_penalty(Asked(1, 1), ones, [-images for images in ones])
    small, large = (images.flatten(1) for images in asked)
    torch.testing.assert_close(small[:, :1].expand(-1, 64), large)
    assert small[:, 0].unique().numel() == 5 and small.abs().max() < 1


def test_losses() -> None:
    options = METHOD.choose("tiny", {"size": 32})
    told: dict[str, float] = {}

    class Still(nn.Module):
        def forward(self, latents: Tensor) -> Scales:
            return pyramid(torch.full((len(latents), 1, 32, 32), 0.5))

    nets: dict[str, nn.Module] = {"generator": Still(), "critic": Slopes(0, 0, 0, 1 / 16)}
    real = torch.full((2, 1, 32, 32), 0.75)
    step = Step(nets, real, 0, lambda name, value: told.update({name: value.item()}), torch.zeros(2, dtype=torch.int64))
    judge, deceive = (phase.loss(step).item() for phase in phases(options))
    # Verdicts 0.75 x 1024 / 16 = 48 and 32; norms 0, 0, 0 and 32 / 16 = 2, so that every scale is 1 away from 1.
    assert told["critic_gap"] == pytest.approx(16) and told["gradient_penalty"] == pytest.approx(1, rel=1e-5)
    assert judge == pytest.approx(-16 + 10 * 1 + 0.001 * 48**2, rel=1e-4) == told["d_loss"]
    assert deceive == pytest.approx(-32) == told["g_loss"]
    assert [phase.every for phase in phases(METHOD.choose("tiny", {"critic_steps": 5}))] == [1, 5]


def test_augmentation_changes_all_scales_of_an_image_alike() -> None:
    options = METHOD.choose("tiny", {"augment": "fixed"})
    # Of an image of 4x4 squares, every scale shows the same picture.
    scales = pyramid(F.interpolate(torch.rand(4, 3, 4, 4), size=(32, 32)))
    step = Step({"augment": Augmenter(options)}, scales[-1], 0, lambda name, value: None, torch.zeros(4).long())
    seen = changed(step, scales)
    assert [images.shape for images in seen] == [images.shape for images in scales]
    for images, other in zip(seen, pyramid(seen[-1]), strict=True):
        torch.testing.assert_close(images, other)
    assert not torch.allclose(seen[-1], scales[-1], atol=0.1)
    assert changed(Step({}, scales[-1], 0, step.report, step.labels), scales) is scales


def test_presets_hold_the_published_settings() -> None:
    published = METHOD.choose("as_published", {})
    assert METHOD.choose(None, {}) == published and published.size == 64
    networks = build(METHOD.choose("as_published", {"width": 0.01}), NetSpec(1))
    assert networks.latent_dim == 512 and networks.optimizers == dict.fromkeys(networks.nets, RMSprop(0.003))
