"""The parts of the loop one by one."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engines import device
from engines.methods.base import Adam
from engines.training import guards, order, samples
from engines.training.optimizers import FusedAdam
from engines.training.pixels import Pixels, to_stored

ROOT = Path(__file__).resolve().parents[3]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 50), st.integers(0, 5))
def test_every_epoch_shows_every_image_once(seed: int, count: int, batch: int, epochs_before: int) -> None:
    start = epochs_before * count
    steps = [order.indexes(seed, start + n * batch, batch, count) for n in range(-(-count // batch))]
    assert Counter(np.concatenate(steps)[:count].tolist()) == Counter(range(count))


def test_the_order_needs_no_memory() -> None:
    one_by_one = [int(order.indexes(7, n, 1, 10)[0]) for n in range(35)]
    assert order.indexes(7, 0, 35, 10).tolist() == one_by_one
    assert one_by_one[:10] != one_by_one[10:20] and order.indexes(8, 0, 35, 10).tolist() != one_by_one


def test_seeds_differ_by_place_stream_and_purpose() -> None:
    seeds = [order.step_seed(0, stream, seen) for stream in range(3) for seen in range(0, 320, 32)]
    seeds += [order.own_seed(0, purpose) for purpose in ("sheet", "reals", "networks", "item 1", "item 11")]
    assert len(set(seeds)) == len(seeds) and order.step_seed(0, 0, 32) == order.step_seed(0, 0, 32)


def test_adam_is_pytorchs(monkeypatch: pytest.MonkeyPatch) -> None:
    def net() -> nn.Module:
        torch.manual_seed(0)
        made = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Conv2d(5, 2, 3), nn.Flatten(), nn.Linear(32, 1))
        return made.to(memory_format=torch.channels_last)

    ours, theirs = net(), net()
    adam = FusedAdam(ours.parameters(), Adam(1e-2, 0.5, 0.99))
    reference = torch.optim.Adam(theirs.parameters(), lr=1e-2, betas=(0.5, 0.99), foreach=False, fused=False)
    for step in range(5):
        torch.manual_seed(step)
        images = torch.randn(4, 3, 8, 8).contiguous(memory_format=torch.channels_last)
        for made in (ours, theirs):
            made.zero_grad(set_to_none=True)
            made(images).square().mean().backward()
        adam.step()
        reference.step()
    for mine, its in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-5, atol=1e-7)


def test_training_never_imports_the_compiler() -> None:
    """It costs seconds between Start and the first loss."""
    code = (
        "import sys, torch; from engines.training import loop, optimizers; from engines.methods.base import Adam;"
        "net = torch.nn.Linear(2, 1); made = optimizers.make_optimizer(net.parameters(), Adam(1e-3));"
        "net(torch.ones(1, 2)).sum().backward(); made.step();"
        "from engines import device; found = device.find('cpu'); device.numerics(found, True, 1).__enter__();"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120).returncode == 0


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
@pytest.mark.parametrize("resident", [True, False])
def test_pixels_keep_their_whole_range(dtype: Any, top: int, resident: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not resident:
        monkeypatch.setattr("engines.training.pixels.RESIDENT_SHARE", 0.0)
    ramp = np.linspace(0, top, 4 * 64 * 64).round().astype(dtype).reshape(4, 64, 64, 1)
    pixels = Pixels(ramp, 64, device.find("cpu"))
    assert pixels.resident is resident
    batch = pixels.batch(np.array([3, 0]))
    assert batch.shape == (2, 1, 64, 64) and batch.dtype == torch.float32
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert batch.min() == -1 and batch.max() == 1
    np.testing.assert_array_equal(to_stored(batch, np.dtype(dtype)), ramp[[3, 0]])


def test_sheets_lay_images_out_row_by_row() -> None:
    from io import BytesIO

    from PIL import Image

    images = np.stack([np.full((16, 16, 1), value, np.uint8) for value in (0, 60, 120, 180, 240)])
    with Image.open(BytesIO(samples.encode(images, columns=3))) as sheet:
        assert sheet.size == (48, 32)
        shown = np.asarray(sheet.convert("L"))
    middles = [int(shown[row * 16 + 8, column * 16 + 8]) for row in range(2) for column in range(3)]
    np.testing.assert_allclose(middles, [0, 60, 120, 180, 240, 0], atol=6)


def test_sixteen_bit_sheets_are_shown_in_eight() -> None:
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(samples.encode(np.full((1, 16, 16, 3), 65535, np.uint16), 1))) as sheet:
        assert np.asarray(sheet).min() >= 250


def test_the_strong_discriminator_is_told_once_until_it_was_good_again() -> None:
    memory: dict[str, Any] = {}
    watch = guards.Guards(memory)
    strong, fair = {"d_real": 0.99, "d_fake": 0.01, "g_loss": 6.0}, {"d_real": 0.7, "d_fake": 0.3, "g_loss": 1.0}
    told = [bool(watch.after_tick(strong)) for _ in range(3 * guards.TICKS_IN_A_ROW)]
    assert sum(told) == 1 and told.index(True) == guards.TICKS_IN_A_ROW - 1
    assert not watch.after_tick(fair)
    again = guards.Guards(memory)  # as after a resume
    remarks = [remark for _ in range(guards.TICKS_IN_A_ROW) for remark in again.after_tick(strong)]
    assert [remark.name for remark in remarks] == ["discriminator_too_strong"] and remarks[0].advice


# Diversity of sheets as a share of that of the reals, measured on mass crops at 64 pixels: thousand images, share.
COLLAPSED = "0 0 3.3 1.08 6 .89 8.3 .51 10.3 .5 12.4 .68 14.1 .5 15.6 .31 16.5 .36 18.5 .27 20.2 .22 21.3 .23 23.7 .22"
HEALTHY = "0 1.44 2.3 .21 3.1 .25 4 .34 4.8 .46 5.6 .59 6.4 .65 7.7 .77 9.2 .81 10 .77 10.9 .8 12 .8 18.2 .86 46 .91"
JOLTED = "0 1.7 1.7 1.22 3.4 1.09 5 .38 6.7 1.06 8.4 1 12.5 .95 19.4 .98 28.2 .83"  # whole views at 128 pixels


@pytest.mark.parametrize(("shares", "told_at"), [(COLLAPSED, [21_300]), (HEALTHY, []), (JOLTED, [])])
def test_images_that_are_all_alike_are_told_once_and_early(shares: str, told_at: list[int]) -> None:
    varied = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 1)).astype(np.float64)
    middle, watch, told = varied.mean(0), guards.Guards({}), []
    real = guards.diversity((middle + (varied - middle) / 2).astype(np.uint8))
    numbers = [float(number) for number in shares.split()]
    for kimg, share in zip(numbers[::2], numbers[1::2], strict=True):
        images = np.clip(middle + (varied - middle) * share / 2, 0, 255).astype(np.uint8)
        told += [(remark.name, int(1000 * kimg)) for remark in watch.after_sheet(images, real, 0.1, int(1000 * kimg))]
    assert told == [("no_diversity", at) for at in told_at]


def test_exact_arithmetic_is_put_back() -> None:
    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())
    with device.numerics(device.find("cpu"), exact=True, threads=1):
        assert torch.get_num_threads() == 1 and torch.are_deterministic_algorithms_enabled()
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before


def test_the_device_describes_itself() -> None:
    found = device.find("cpu").as_dict()
    assert found["kind"] == "cpu" and found["memory_total_bytes"] > 0 and found["cores"] >= 1
