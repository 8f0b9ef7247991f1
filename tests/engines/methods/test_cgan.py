"""The conditional GAN has the published layers, hears the class, and takes the published steps."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.base import Adam, NetSpec, Networks, Step, parameter_count
from engines.methods.cgan import METHOD, build, phases


def shapes(net: nn.Module, given: tuple[Tensor, ...], kind: type[nn.Module]) -> list[tuple[int, ...]]:
    """Shapes that the layers of a kind put out, in order."""
    seen: list[tuple[int, ...]] = []
    for module in net.modules():
        if isinstance(module, kind):
            module.register_forward_hook(lambda _module, _given, out: seen.append(tuple(out.shape[1:])))
    with torch.inference_mode():
        net.eval()(*given)
    return seen


def made(preset: str, channels: Literal[1, 3] = 1, classes: int = 2, **changes: Any) -> Networks:
    torch.manual_seed(0)
    return build(METHOD.choose(preset, changes), NetSpec(channels, classes))


@pytest.fixture(scope="module")
def published() -> dict[str, nn.Module]:
    """The networks for three classes in colour, as in the study."""
    return made("as_published", 3, 3).nets


def test_the_published_networks_layer_by_layer(published: dict[str, nn.Module]) -> None:
    label = torch.zeros(1, dtype=torch.int64)
    given, images = (torch.randn(1, 100), label), (torch.randn(1, 3, 224, 224), label)
    generator, discriminator = published["generator"], published["discriminator"]
    assert shapes(generator, given, nn.Linear) == [(14 * 14 * 256,)]
    assert shapes(generator, given, nn.BatchNorm2d) == [(128, 28, 28), (64, 56, 56), (32, 56, 56), (16, 112, 112)]
    assert shapes(generator, given, nn.ConvTranspose2d)[-1] == (3, 224, 224)
    assert shapes(discriminator, images, nn.Conv2d) == [(32, 112, 112), (64, 56, 56), (128, 28, 28), (256, 14, 14)]
    assert shapes(discriminator, images, nn.Linear) == [(512,), (1,)]
    assert [module.p for module in discriminator.modules() if isinstance(module, nn.Dropout)] == [0.4] * 4
    slopes = {
        layer.negative_slope for net in published.values() for layer in net.modules() if isinstance(layer, nn.LeakyReLU)
    }
    assert slopes == {0.2}


def test_parameter_counts(published: dict[str, nn.Module]) -> None:
    # Embedding 3 x 50, dense 150 -> 50,176, transposed convolutions (4x4, 4x4, 3x3, 4x4, 4x4) with biases, and two
    # numbers per channel of each batch norm.
    dense, convs = 150 * 50_176 + 50_176, 524_416 + 131_136 + 18_464 + 8_208 + 771
    assert parameter_count(published["generator"]) == 150 + dense + convs + 2 * (128 + 64 + 32 + 16)
    # Embedding 3 x 224 x 224, convolutions 3x3 from 3 + 1 channels with biases, dense 50,176 -> 512 -> 1.
    convs = 1_184 + 18_496 + 73_856 + 295_168
    assert parameter_count(published["discriminator"]) == 150_528 + convs + (50_176 * 512 + 512) + 513


@pytest.mark.parametrize("size", METHOD.sizes)
@pytest.mark.parametrize(("channels", "classes"), [(1, 1), (3, 5)])
def test_every_size_and_kind_of_image(size: int, channels: Literal[1, 3], classes: int) -> None:
    nets = made("tiny", channels, classes, size=size, latent_dim=8).nets
    labels = torch.arange(2) % classes
    with torch.inference_mode():
        images = METHOD.sample(nets["generator"].eval(), torch.randn(2, 8), labels)
        verdicts = nets["discriminator"](images, labels)
    assert images.shape == (2, channels, size, size) and images.abs().max() <= 1 and verdicts.shape == (2,)


def test_both_networks_hear_the_class() -> None:
    nets = made("tiny", classes=3).nets
    starts = [layer.weight for net in nets.values() for layer in net.modules() if isinstance(layer, nn.Embedding)]
    assert len(starts) == 2 and all(0.04 < start.abs().max() <= 0.05 for start in starts), "faint beside the latents"
    generator, discriminator = nets["generator"].eval(), nets["discriminator"].eval()
    latents = torch.randn(1, 16).expand(3, -1)
    with torch.inference_mode():
        images = METHOD.sample(generator, latents, torch.arange(3))
        verdicts = discriminator(images[:1].expand(3, -1, -1, -1), torch.arange(3))
    assert len(images.unique(dim=0)) == 3 and len(verdicts.unique()) == 3


class Watched(nn.Module):
    """Notes the classes that a network is given."""

    def __init__(self, net: nn.Module, classes: int) -> None:
        super().__init__()
        self.net, self.classes, self.seen = net, classes, list[Tensor]()

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        self.seen.append(labels)
        verdicts: Tensor = self.net(images, labels)
        return verdicts


def stepped(preset: str, labels: Tensor, **changes: Any) -> tuple[dict[str, Watched], dict[str, float]]:
    """The losses of one step of each phase, and what the networks were given."""
    options = METHOD.choose(preset, {"size": 32, "width": 0.125, "latent_dim": 16, "dropout": 0.0, **changes})
    torch.manual_seed(0)
    nets = {name: Watched(net, 4) for name, net in build(options, NetSpec(1, 4)).nets.items()}
    told: dict[str, float] = {}
    step = Step(
        nets, torch.rand(len(labels), 1, 32, 32), 0, lambda name, value: told.update({name: value.item()}), labels
    )
    for phase in phases(options):
        told[phase.name] = phase.loss(step).item()
    return nets, told


def test_a_published_step_takes_half_batches_and_random_classes() -> None:
    labels = torch.full((24,), 2)
    nets, told = stepped("as_published", labels)
    fakes, whole = nets["generator"].seen
    assert torch.equal(fakes, labels) and len(whole) == 2 * len(labels)
    assert whole.unique().tolist() == [0, 1, 2, 3], "the generator learns from random classes"
    seen = nets["discriminator"].seen
    assert torch.equal(seen[0], labels.repeat(2)) and seen[1] is whole
    assert told["discriminator"] == told["d_loss"] and told["generator"] == told["g_loss"] and "r1" not in told
    reused, _ = stepped("quick_look", labels)
    assert len(reused["generator"].seen) == 1 and torch.equal(reused["discriminator"].seen[-1], labels)


def test_losses_are_the_mean_of_two_cross_entropies_and_that_against_real() -> None:
    options = METHOD.choose("as_published", {"size": 32, "latent_dim": 4})
    verdicts = {"real": torch.tensor([0.3, 2.0]), "fake": torch.tensor([-1.5, 0.7]), "whole": torch.randn(4)}

    class Generator(nn.Module):
        classes = 2

        def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
            return torch.zeros(len(latents), 1, 32, 32)

    class Discriminator(nn.Module):
        def forward(self, images: Tensor, labels: Tensor) -> Tensor:
            both = images.flatten(1).any(dim=1).any()
            return torch.cat([verdicts["real"], verdicts["fake"]]) if both else verdicts["whole"]

    nets = {"generator": Generator(), "discriminator": Discriminator()}
    step = Step(nets, torch.ones(2, 1, 32, 32), 0, lambda name, value: None, torch.zeros(2, dtype=torch.int64))
    judge, deceive = (phase.loss(step) for phase in phases(options))
    real = F.binary_cross_entropy(verdicts["real"].sigmoid(), torch.ones(2))
    fake = F.binary_cross_entropy(verdicts["fake"].sigmoid(), torch.zeros(2))
    torch.testing.assert_close(judge, (real + fake) / 2)
    torch.testing.assert_close(deceive, F.binary_cross_entropy(verdicts["whole"].sigmoid(), torch.ones(4)))


def test_presets_hold_the_published_settings() -> None:
    published = METHOD.choose("as_published", {})
    assert METHOD.choose(None, {}) == published and published.size == 224
    networks = build(METHOD.choose("as_published", {"size": 32}), NetSpec(1, 2))
    assert networks.latent_dim == 100 and networks.optimizers == dict.fromkeys(networks.optimizers, Adam(2e-4, 0.5))
    assert METHOD.conditional and METHOD.limits.fewest_classes == 2
