"""Augmentation changes images as its papers say, lets gradients through, and the adaptive one steers itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from engines.methods import augment
from engines.methods.augment import AugmentedOptions, Augmenter, ada_augment, diff_augment

FULL, NONE = torch.tensor(1.0), torch.tensor(0.0)
MANY = 20_000


def made(**changes: Any) -> Augmenter:
    return Augmenter(AugmentedOptions.model_validate({"augment": "adaptive", **changes}))


def photographs(count: int, channels: int, size: int = 32) -> Tensor:
    """Smooth random images within [-1, 1]."""
    small = torch.rand(count, channels, 4, 4) * 2 - 1
    return F.interpolate(small, size=(size, size), mode="bilinear")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


# DiffAugment


def test_shifts_move_by_at_most_an_eighth_and_fill_with_black() -> None:
    images = torch.rand(300, 2, 16, 16)
    moved = augment._shift(images)
    found = []
    for image, after in zip(images, moved, strict=True):
        for down, right in itertools.product(range(-2, 3), repeat=2):
            framed = F.pad(image, (2, 2, 2, 2), value=-1.0)
            if torch.equal(after, framed[:, 2 - down : 18 - down, 2 - right : 18 - right]):
                found.append((down, right))
    assert len(found) == 300 and set(found) == set(itertools.product(range(-2, 3), repeat=2))


def test_holes_are_squares_of_mid_grey_and_at_most_a_quarter() -> None:
    holes = augment._cutout(torch.ones(500, 1, 16, 16)) == 0
    rows, columns = holes.any(dim=3).sum(dim=2), holes.any(dim=2).sum(dim=2)
    assert torch.equal(holes.sum(dim=(2, 3)), rows * columns), "each is a rectangle"
    assert rows.max() == columns.max() == 8 and rows.min() == columns.min() == 4, "half the side, or cut by the edge"


def test_brightness_and_contrast_are_even_within_their_bounds() -> None:
    images = torch.tensor([-0.5, 0.5]).expand(MANY, 1, 1, 2)
    changed = augment._brightness_and_contrast(images)
    brightness, contrast = changed.mean(dim=(1, 2, 3)), changed[:, 0, 0, 1] - changed[:, 0, 0, 0]
    for values, middle in ((brightness, 0.0), (contrast, 1.0)):
        assert (values - middle).abs().max() <= 0.5
        torch.testing.assert_close(values.mean(), torch.tensor(middle), rtol=0, atol=0.01)
        torch.testing.assert_close(values.var(), torch.tensor(1 / 12), rtol=0.03, atol=0)


def test_saturation_reaches_from_grey_to_double() -> None:
    image = torch.tensor([0.5, 0.0, -0.5]).view(1, 3, 1, 1).expand(MANY, 3, 1, 2)
    changed = augment._brightness_and_contrast(image)
    spans = changed[:, 0, 0, 0] - changed[:, 2, 0, 0]  # contrast multiplies it by 0.5 to 1.5 more
    assert spans.min() < 0.01 and 2.5 < spans.max() <= 3
    torch.testing.assert_close(spans.mean(), torch.tensor(1.0), rtol=0.02, atol=0)


# ADA


def test_without_strength_images_stay_as_they_are() -> None:
    for channels in (1, 3):
        images = photographs(4, channels)
        torch.testing.assert_close(ada_augment(images, NONE, mirror=True), images, rtol=0, atol=1e-5)


def test_full_strength_changes_every_image() -> None:
    images = photographs(64, 1)
    assert ((ada_augment(images, FULL) - images).abs().flatten(1).mean(dim=1) > 0.01).all()


def test_places_stay_in_float32_under_autocast() -> None:
    images, changed = photographs(8, 1), {}
    for bf16 in (False, True):
        torch.manual_seed(1)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            changed[bf16] = ada_augment(images, FULL)
    torch.testing.assert_close(changed[True], changed[False], rtol=0, atol=1e-5)


def test_resampling_equals_pytorch_s_own() -> None:
    images = torch.randn(5, 3, 6, 9, dtype=torch.float64)
    matrix, shift = torch.randn(5, 2, 2, dtype=torch.float64), torch.randn(5, 2, dtype=torch.float64)
    grid = F.affine_grid(torch.cat([matrix, shift[..., None]], dim=2), list(images.shape), align_corners=False)
    expected = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    torch.testing.assert_close(augment._resampled(images, matrix, shift), expected, rtol=0, atol=1e-5)


def test_a_quarter_turn_moves_pixels_exactly() -> None:
    images = torch.randn(1, 2, 8, 8)
    turned = augment._resampled(images, augment._rotation(torch.tensor([math.pi / 2])), torch.zeros(1, 2))
    torch.testing.assert_close(turned, images.rot90(1, (2, 3)), rtol=0, atol=1e-5)


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Tensor, Tensor]]:
    """Matrices [N, 2, 2] and shifts [N, 2] that many images are resampled by."""

    def drawn(strength: float, mirror: bool = False) -> tuple[Tensor, Tensor]:
        kept: list[tuple[Tensor, Tensor]] = []

        def keep(images: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
            kept.append((matrix, shift))
            return images

        with monkeypatch.context() as patch:
            patch.setattr(augment, "_resampled", keep)
            ada_augment(torch.zeros(MANY, 1, 64, 64)[:, :, :1], torch.tensor(strength), mirror)
        return kept[0]

    return drawn


def near(value: Tensor, expected: float, share: float = 0.03) -> bool:
    return abs(float(value) / expected - 1) < share


def test_geometry_is_drawn_as_published(moves: Callable[..., tuple[Tensor, Tensor]]) -> None:
    matrix, shift = moves(1.0)
    size = torch.linalg.det(matrix).log2() / 2
    assert near(size.std(), 0.2) and abs(size.mean()) < 0.01, "2^N(0, 0.2)"
    longest, shortest = torch.linalg.svdvals(matrix).unbind(dim=1)
    assert near(((longest / shortest).log2() / 2).square().mean().sqrt(), 0.2), "stretched by 2^N(0, 0.2)"
    angle = torch.atan2(matrix[:, 1, 0] - matrix[:, 0, 1], matrix[:, 0, 0] + matrix[:, 1, 1])
    assert torch.histc(angle, 8).min() > MANY / 8 * 0.9, "all angles alike"
    # The shift by a normal part of the side, seen in the new image, and behind it the one by whole pixels.
    inverse = torch.linalg.inv(matrix)
    before = (inverse @ shift[:, :, None]).squeeze(2)
    whole = 0.25**2 / 3 * inverse.square().sum(dim=(1, 2)).mean() / 2
    assert near(before.var(), 0.25**2 + float(whole)), "N(0, 0.125), and evenly up to 0.125, of the side"


def test_each_change_has_the_chance_of_the_strength(moves: Callable[..., tuple[Tensor, Tensor]]) -> None:
    matrix, shift = moves(0.3)
    turned = (matrix[:, 0, 1] != 0) | (matrix[:, 1, 0] != 0)
    assert near(turned.float().mean(), 0.3, 0.05), "two turns together (appendix B)"
    straight = matrix[~turned].diagonal(dim1=1, dim2=2)
    assert near((straight[:, 0] != straight[:, 1]).float().mean(), 0.3, 0.05)
    assert near((shift != 0).any(dim=1).float().mean(), 1 - 0.7**2, 0.05)
    still = matrix[(matrix == torch.eye(2)).all(dim=2).all(dim=1)]
    assert near(torch.tensor(len(still) / MANY), 0.7**3, 0.05)


def test_images_are_mirrored_only_where_asked(moves: Callable[..., tuple[Tensor, Tensor]]) -> None:
    assert (torch.linalg.det(moves(1.0)[0]) > 0).all()
    mirrored = torch.linalg.det(moves(1.0, mirror=True)[0]) < 0
    assert near(mirrored.float().mean(), 0.5)


def test_colours_are_drawn_as_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "_resampled", lambda images, _matrix, _shift: images)
    grey = ada_augment(torch.tensor([-1.0, 1.0]).expand(MANY, 1, 1, 2), FULL)
    contrast = (grey[:, 0, 0, 1] - grey[:, 0, 0, 0]) / 2
    brightness = grey.mean(dim=(1, 2, 3)) / contrast
    assert near(contrast.log2().std(), 0.5) and near(brightness.std(), 0.2)

    colours = ada_augment(torch.tensor([0.5, 0.0, -0.5]).view(1, 3, 1, 1).expand(MANY, 3, 1, 1), FULL)
    vivid = (colours - colours.mean(dim=1, keepdim=True)).squeeze()
    stretched = vivid.norm(dim=1).log2() - math.log2(0.5**0.5)
    assert near(stretched.std(), (1 + 0.5**2) ** 0.5), "saturation 2^N(0, 1) and contrast"
    towards = F.normalize(vivid) @ torch.tensor([1.0, 0.0, -1.0]) / 2**0.5
    assert abs(towards.mean()) < 0.02 and near(towards.var(), 0.5), "all hues alike"


def test_grey_stays_grey_in_colour_images() -> None:
    images = photographs(16, 1).expand(-1, 3, -1, -1)
    for changed in (diff_augment(images), ada_augment(images, FULL)):
        torch.testing.assert_close(changed, changed[:, :1].expand(-1, 3, -1, -1), rtol=0, atol=1e-5)


# Both


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "change", [diff_augment, lambda images: ada_augment(images, torch.tensor(0.7), mirror=True)], ids=["diff", "ada"]
)
def test_gradients_flow_back_and_are_true(change: Callable[[Tensor], Tensor], channels: int) -> None:
    def same(images: Tensor) -> Tensor:
        torch.manual_seed(3)
        return change(images)

    images, step = photographs(8, channels), 0.1 * torch.randn(8, channels, 32, 32)
    given = images.requires_grad_(True)
    changed = same(given)
    weights = torch.randn_like(changed)
    (gradient,) = torch.autograd.grad((changed * weights).sum(), given)
    assert torch.isfinite(gradient).all() and (gradient.flatten(1).abs().sum(dim=1) > 0).all()
    # Every change is affine in the image, so its gradient tells any difference.
    expected = ((same(images + step) - changed) * weights).flatten(1).sum(dim=1)
    torch.testing.assert_close((gradient * step).flatten(1).sum(dim=1), expected, rtol=1e-3, atol=1e-2)


# The adaptive strength


def taught(augmenter: Augmenter, verdict: float, batches: int, batch: int = 10, seen: int = 0) -> float:
    for _ in range(batches):
        augmenter.learn(torch.full((batch,), verdict), seen)
    return float(augmenter.strength)


def test_the_strength_goes_from_none_to_full_within_its_speed() -> None:
    augmenter = made(augment_speed_kimg=1.0)
    assert taught(augmenter, 2.0, 3) == 0, "it moves at every fourth batch"
    assert math.isclose(taught(augmenter, 2.0, 47), 0.48, rel_tol=1e-5), "12 moves of 4 batches of 10 of 1,000 images"
    assert math.isclose(taught(augmenter, 2.0, 50), 1.0, rel_tol=1e-5)
    assert taught(augmenter, 2.0, 20) == 1.0
    assert math.isclose(taught(augmenter, -2.0, 20), 0.8, rel_tol=1e-5)
    assert taught(augmenter, -2.0, 100) == 0.0


def test_the_strength_heeds_the_mean_sign_of_the_verdicts() -> None:
    for positive, rises in ((9, True), (7, False)):  # mean signs 0.8 and 0.4 around the target of 0.6
        augmenter = made(augment_speed_kimg=1.0)
        augmenter.strength.fill_(0.5)
        verdicts = torch.tensor([5.0] * positive + [-0.1] * (10 - positive))
        for _ in range(4):
            augmenter.learn(verdicts.view(10, 1, 1, 1).expand(-1, 1, 5, 5), 0)
        assert math.isclose(float(augmenter.strength), 0.54 if rises else 0.46, rel_tol=1e-5)


def test_augmentation_begins_after_so_many_images() -> None:
    augmenter, images = made(augment_from_kimg=2.0, augment_speed_kimg=0.1), photographs(4, 1)
    assert taught(augmenter, 2.0, 8, seen=1990) == 0.0 and augmenter(images, 1990) is images
    assert taught(augmenter, 2.0, 8, seen=2000) > 0.7 and not torch.equal(augmenter(images, 2000), images)
    fixed = made(augment="fixed", augment_from_kimg=2.0)
    assert fixed(images, 1990) is images and not torch.equal(fixed(images, 2000), images)
    assert taught(fixed, 2.0, 8, seen=2000) == 0.0, "the fixed one learns nothing"


def test_a_resumed_strength_goes_on_to_the_bit() -> None:
    verdicts = torch.randn(30, 7) + 1.2
    unbroken = made(augment_speed_kimg=0.5)
    for batch in verdicts:
        unbroken.learn(batch, 0)
    assert 0 < unbroken.strength < 1
    for stop in (9, 10, 11, 12):
        resumed = made(augment_speed_kimg=0.5)
        for batch in verdicts[:stop]:
            resumed.learn(batch, 0)
        saved, resumed = resumed.state_dict(), made(augment_speed_kimg=0.5)
        resumed.load_state_dict(saved)
        for batch in verdicts[stop:]:
            resumed.learn(batch, 0)
        assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in unbroken.state_dict().items())


class NoWaiting(TorchDispatchMode):
    """Any number that is read back from the device is an error: on a GPU it would stop the training for a moment."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func is not torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_nothing_waits_for_the_device() -> None:
    adaptive, fixed, images = made(flip=True), made(augment="fixed"), photographs(4, 3)
    with NoWaiting():
        for _ in range(5):
            adaptive.learn(torch.randn(4), 0)
            adaptive(images, 0)
            fixed(images, 0)
        with pytest.raises(AssertionError):
            adaptive.strength.item()
