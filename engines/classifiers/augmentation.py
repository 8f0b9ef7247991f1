"""Classic augmentation: turned, shifted, sheared, zoomed, mirrored, brighter or darker copies of images."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from engines.classifiers.base import Array
from engines.options import Options, option

_AT_ONCE = 64  # images, so that memory stays small


class AugmentationOptions(Options):
    """How far each image may be changed; each change is drawn evenly from its range, for every copy anew.

    The defaults are the list of Al Bouhairi et al., whose words are those of Keras's ImageDataGenerator, and mean what
    they mean there.
    """

    rotation: float = option(
        30.0, "Rotation", "Turned by up to so much to either side.",
        too_high="Shows what no examination would.", unit="degrees", ge=0, le=180,
    )  # fmt: skip
    shift: float = option(
        0.1, "Shift", "Moved by up to this share of the width, and of the height.",
        too_high="Lesions leave the image.", ge=0, le=0.5,
    )  # fmt: skip
    shear: float = option(
        0.2, "Shear", "Slanted by up to so much to either side. The study's 0.2 is an angle in degrees in Keras: next "
        "to nothing.",
        too_high="Round masses become oval, which is a sign of its own.", unit="degrees", ge=0, le=45,
    )  # fmt: skip
    zoom: float = option(
        0.2, "Zoom", "Width and height, each for itself, become larger or smaller by up to this share.",
        too_high="Size no longer means anything.", ge=0, lt=1,
    )  # fmt: skip
    flip_horizontally: bool = option(True, "Mirror left and right", "Half of the copies are.")
    flip_vertically: bool = option(True, "Mirror top and bottom", "Half of the copies are.")
    darkest: float = option(
        0.8, "Darkest", "Grey values are multiplied by a factor between this and the brightest.", gt=0, le=1,
    )  # fmt: skip
    brightest: float = option(1.2, "Brightest", "The largest such factor; white is the limit.", ge=1, le=5)
    channel_shift: float = option(
        10 / 255, "Channel shift", "All channels are moved together by up to this share of the grey scale, within what "
        "the image had. The study is silent on the range; 10 of 255 is ours.",
        too_high="Contrast is lost at the ends of the scale.", ge=0, le=1,
    )  # fmt: skip


def augmented(
    images: Array,
    copies: int,
    seed: int,
    options: AugmentationOptions | None = None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Array:
    """Changed copies [N × copies, H, W, C] of images [N, H, W, C] uint8 or uint16, same type; the first image's come
    first.

    Bilinear; beyond the border the nearest pixel is repeated ("fill nearest"). Draws depend on the seed and an image's
    place alone. The order of changes is Keras's: geometry, channel shift, flips, brightness.
    """
    options = options or AugmentationOptions()
    count, height, width, channels = images.shape
    result = np.empty((count * copies, height, width, channels), images.dtype)
    top = float(np.iinfo(images.dtype).max)
    for start in range(0, len(result), _AT_ONCE):
        places = np.arange(start, min(start + _AT_ONCE, len(result)))
        drawn = np.stack([np.random.default_rng((seed, int(place))).uniform(size=10) for place in places])
        stored = torch.from_numpy(images[places // copies].astype(np.float32)).permute(0, 3, 1, 2)
        changed = _changed(stored / top, torch.from_numpy(drawn.astype(np.float32)), options)
        result[places] = (changed * top).round().clamp(0, top).permute(0, 2, 3, 1).numpy().astype(images.dtype)
        progress((places[-1] + 1) / len(result))
    return result


def _changed(unit: Tensor, drawn: Tensor, options: AugmentationOptions) -> Tensor:
    """Images [B, C, H, W] in [0, 1], changed by draws [B, 10] in [0, 1)."""
    either = 2 * drawn - 1
    angle, slant = either[:, 0] * math.radians(options.rotation), either[:, 1] * math.radians(options.shear)
    right, down = (2 * options.shift * either[:, n] for n in (2, 3))  # the whole image is 2 wide in torch's units
    wide, high = (1 + options.zoom * either[:, n] for n in (4, 5))
    moved = _moved(unit, angle, slant, right, down, wide, high)

    low, most = (reduce(moved, dim=(1, 2, 3), keepdim=True) for reduce in (torch.amin, torch.amax))
    moved = (moved + options.channel_shift * either[:, 6, None, None, None]).clamp(low, most)
    for wanted, n, axis in ((options.flip_horizontally, 7, 3), (options.flip_vertically, 8, 2)):
        if wanted:
            moved = torch.where(drawn[:, n, None, None, None] < 0.5, moved.flip(axis), moved)
    factor = options.darkest + (options.brightest - options.darkest) * drawn[:, 9, None, None, None]
    return (moved * factor).clamp(0, 1)


def _moved(
    unit: Tensor, angle: Tensor, slant: Tensor, right: Tensor, down: Tensor, wide: Tensor, high: Tensor
) -> Tensor:
    """Rotation × shift × shear × zoom, about the centre: where each pixel of the result comes from."""
    height, width = unit.shape[2:]
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)

    def matrix(*rows: list[Tensor]) -> Tensor:
        return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)

    last = [zero, zero, one]
    cos, sin = torch.cos(angle), torch.sin(angle)
    # Torch measures both sides from -1 to 1: a rotation must know how much longer one of them is.
    turned = matrix([cos, -sin * height / width, zero], [sin * width / height, cos, zero], last)
    shifted = matrix([one, zero, right], [zero, one, down], last)
    sheared = matrix([one, -torch.sin(slant) * height / width, zero], [zero, torch.cos(slant), zero], last)
    zoomed = matrix([wide, zero, zero], [zero, high, zero], last)
    whole = (turned @ shifted @ sheared @ zoomed)[:, :2]
    grid = nn.functional.affine_grid(whole, list(unit.shape), align_corners=False)
    return nn.functional.grid_sample(unit, grid, mode="bilinear", padding_mode="border", align_corners=False)
