"""CycleGAN: the layers and sizes of the papers, the losses by hand, and a pool that keeps the right images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.methods.base import NetSpec, Networks, Step, parameter_count
from engines.methods.cycle_gan import METHOD, Options, build, phases, verdict_loss
from engines.methods.translators import POOL_IMAGES, Discriminator, Generator, ImagePool, Reflect


def shapes(net: nn.Module, given: Tensor, kinds: tuple[type[nn.Module], ...]) -> list[tuple[int, ...]]:
    """Shapes that the layers of these kinds put out, in order."""
    seen: list[tuple[int, ...]] = []
    for module in net.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(lambda _module, _given, out: seen.append(tuple(out.shape[1:])))
    with torch.inference_mode():
        net.eval()(given)
    return seen


def test_jamess_networks_layer_by_layer() -> None:
    nets = build(chosen("as_published"), NetSpec(3, 2)).nets
    image = torch.randn(1, 3, 140, 140)
    assert shapes(nets["generator"], image, (nn.Conv2d, nn.ConvTranspose2d)) == [
        (64, 140, 140), (128, 70, 70), (256, 35, 35), (128, 70, 70), (64, 140, 140), (3, 140, 140),
    ]  # fmt: skip
    assert shapes(nets["discriminator_a"], image, (nn.Conv2d,)) == [
        (64, 70, 70), (128, 35, 35), (256, 17, 17), (512, 16, 16), (1, 15, 15),
    ]  # fmt: skip
    assert sum(isinstance(module, nn.BatchNorm2d) for module in nets["generator"].modules()) == 5
    assert not any(isinstance(module, nn.InstanceNorm2d) for net in nets.values() for module in net.modules())


@pytest.mark.parametrize(
    ("preset", "size", "generator", "discriminator"),
    [
        # 7x7: 3*64*49 + 64 and 64*3*49 + 3; 3x3: 64*128*9 + 128 and 128*256*9 + 256, back 295,040 and 73,792;
        # two numbers per channel of each batch norm: 2 * (64 + 128 + 256 + 128 + 64). The discriminator's 4x4:
        # 3,136 + 131,200 + 524,544 + 2,097,664 + 8,193, and 2 * (128 + 256 + 512).
        ("as_published", 140, 9_472 + 73_856 + 295_168 + 295_040 + 73_792 + 9_411 + 1_280, 2_764_737 + 1_792),
        # Instance norm has no weights; each residual block two times 256*256*9 + 256.
        ("standard", 128, 756_739 + 6 * 1_180_160, 2_764_737),
        ("standard", 256, 756_739 + 9 * 1_180_160, 2_764_737),  # the 11.378 and 2.765 million of Zhu's code
    ],
)
def test_parameter_counts(preset: str, size: int, generator: int, discriminator: int) -> None:
    nets = build(chosen(preset, size=size), NetSpec(3, 2)).nets
    counts = {name: parameter_count(net) for name, net in nets.items()}
    assert counts == {
        "generator": generator, "back": generator, "discriminator_a": discriminator, "discriminator_b": discriminator,
        "pool_a": 0, "pool_b": 0,
    }  # fmt: skip


def test_the_standard_discriminator_judges_patches_of_70_pixels() -> None:
    """A verdict depends on 70x70 pixels and not on those beyond (without the norm, which sees the whole image)."""
    judge = Discriminator(1, 0.0625, published=False)
    judge.body = nn.Sequential(*(layer for layer in judge.body if not isinstance(layer, nn.InstanceNorm2d)))
    image = torch.randn(1, 1, 128, 128, requires_grad=True)
    judge(image)[0, 0, 7, 7].backward()
    assert image.grad is not None
    rows = image.grad[0, 0].abs().sum(dim=1).nonzero().flatten()
    assert rows[-1] - rows[0] + 1 == 70


@pytest.mark.parametrize("networks", ["published", "standard"])
@pytest.mark.parametrize("size", [64, 128, 140, 256])
def test_every_size_keeps_its_shape(networks: str, size: int) -> None:
    options = chosen("tiny", size=size, networks=networks, width=0.0625)
    nets = build(options, NetSpec(1, 2)).nets
    with torch.inference_mode():
        images = METHOD.sample(nets["generator"].eval(), torch.randn(1, 1, size, size), torch.zeros(1).long())
    assert images.shape == (1, 1, size, size) and images.dtype == torch.float32 and images.abs().max() <= 1


def test_mirrored_edges_are_those_of_pytorch() -> None:
    image = torch.randn(2, 3, 8, 9)
    assert torch.equal(Reflect(3)(image), F.pad(image, (3, 3, 3, 3), mode="reflect"))


def chosen(preset: str, **changes: Any) -> Options:
    options = METHOD.choose(preset, changes)
    assert isinstance(options, Options)
    return options


class Recorder:
    """A step on small images with plain functions for networks, and what it reports."""

    def __init__(self, nets: dict[str, Any]) -> None:
        self.reported: dict[str, list[float]] = {}
        a, b = torch.full((2, 1, 4, 4), -0.5), torch.full((2, 1, 4, 4), 0.75)
        labels = torch.zeros(2, dtype=torch.int64)
        self.step = Step({**nets, "pool_a": ImagePool(1, 4), "pool_b": ImagePool(1, 4)}, a, 0, self.note, labels, b)

    def note(self, name: str, value: Tensor) -> None:
        self.reported.setdefault(name, []).append(float(value.detach()))


def test_the_losses_are_those_of_the_paper() -> None:
    """Networks that add a number: every term can be worked out by hand."""
    nets: dict[str, Callable[[Tensor], Tensor]] = {
        "generator": lambda images: images + 0.5,  # A -0.5 becomes 0, B 0.75 becomes 1.25
        "back": lambda images: images - 0.25,  # B 0.75 becomes 0.5, A -0.5 becomes -0.75
        "discriminator_a": lambda images: images.mean(dim=(1, 2, 3), keepdim=True),
        "discriminator_b": lambda images: 2 * images.mean(dim=(1, 2, 3), keepdim=True),
    }
    recorder = Recorder(nets)
    generators, discriminators = phases(chosen("as_published"))
    loss = generators.loss(recorder.step)
    # There and back each is off by 0.25; the identity by 0.5 and 0.25. Verdicts on fakes: of A 0.5, of B 0.
    assert float(loss) == pytest.approx(10 * (0.25 + 0.25) + 5 * (0.5 + 0.25) + (0.5 - 1) ** 2 + (0 - 1) ** 2)
    assert recorder.reported["cycle_loss"] == [pytest.approx(0.5)]
    assert recorder.reported["identity_loss"] == [pytest.approx(0.75)]
    loss = discriminators.loss(recorder.step)
    # Of A: reals -0.5, fakes 0.5; of B: reals 1.5, fakes 0.
    assert float(loss) == pytest.approx((1.5**2 + 0.5**2) / 2 + (0.5**2 + 0) / 2)
    assert recorder.reported["d_real"] == [-0.5, 1.5] and recorder.reported["d_fake"] == [0.5, 0.0]
    assert not recorder.step.kept


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("kind", ["lsgan", "bce"])
def test_verdict_losses(kind: Literal["lsgan", "bce"], real: bool) -> None:
    verdicts = torch.randn(3, 1, 5, 5)
    wanted = torch.full_like(verdicts, float(real))
    reference = F.mse_loss if kind == "lsgan" else F.binary_cross_entropy_with_logits
    torch.testing.assert_close(
        verdict_loss(verdicts.bfloat16(), real, kind), reference(verdicts, wanted), atol=0.01, rtol=0
    )
    torch.testing.assert_close(verdict_loss(verdicts, real, kind), reference(verdicts, wanted))


def test_the_gradients_of_each_phase_stay_with_its_networks() -> None:
    networks = build(chosen("tiny", width=0.0625), NetSpec(1, 2))
    recorder = Recorder(dict(networks.nets))
    recorder.step.real, recorder.step.other = torch.randn(2, 1, 64, 64), torch.randn(2, 1, 64, 64)
    recorder.step.nets = networks.nets
    for phase in phases(chosen("tiny", width=0.0625)):
        for net in networks.nets.values():
            net.zero_grad()
        phase.loss(recorder.step).backward()
        touched = {name for name, net in networks.nets.items() if any(p.grad is not None for p in net.parameters())}
        assert set(phase.nets) <= touched <= set(phase.nets) | set(phase.frozen)


def numbered(*numbers: int) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float32)[:, None, None, None].expand(-1, 1, 2, 2).clone()


def test_the_pool_fills_before_it_gives() -> None:
    pool = ImagePool(1, 2)
    for start in range(0, POOL_IMAGES, 10):
        new = numbered(*range(start, start + 10))
        assert torch.equal(pool(new), new)
    assert torch.equal(pool.images, numbered(*range(POOL_IMAGES)))


def test_a_full_pool_gives_an_older_image_half_of_the_time_and_keeps_the_new_one() -> None:
    torch.manual_seed(0)
    pool = ImagePool(1, 2)
    pool(numbered(*range(POOL_IMAGES)))
    known, swaps, count = set(range(POOL_IMAGES)), 0, 0
    for start in range(1000, 2200, 8):
        new = list(range(start, start + 8))
        given = [int(image.mean()) for image in pool(numbered(*new))]
        older = [number for number in given if number < start]
        assert len(set(older)) == len(older) and set(older) <= known
        taken = {number for number, shown in zip(new, given, strict=True) if shown != number}
        known = (known - set(older)) | taken
        assert sorted(known) == sorted(int(image.mean()) for image in pool.images)
        swaps, count = swaps + len(older), count + 8
    assert 0.44 < swaps / count < 0.56


def test_a_batch_larger_than_the_pool_passes() -> None:
    pool = ImagePool(1, 2)
    new = numbered(*range(130))
    assert pool(new).shape == new.shape and int(pool.held) >= POOL_IMAGES


def test_presets_hold_the_published_settings() -> None:
    published = chosen("as_published")
    assert METHOD.choose(None, {}) == published and published.size == 140 and published.adversarial == "lsgan"
    weights = (published.adversarial_weight, published.cycle_weight, published.identity_weight)
    assert weights == (1, 10, 5)  # of James's (1, 1, 10, 5, 5) two are adversarial and two identities
    assert (published.learning_rate, published.beta1) == (2e-4, 0.5)  # Zhu's
    networks: Networks = build(chosen("tiny"), NetSpec(1, 2))
    assert networks.optimizers.keys() == {"generator", "back", "discriminator_a", "discriminator_b"}
    assert isinstance(networks.nets["generator"], Generator) and networks.averaged == ("generator",)
