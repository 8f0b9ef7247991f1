"""PNG and JPEG through Pillow, with all 16 bits kept."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps

from engines.errors import LabError
from engines.readers.base import Header, Limits, Picture, Pixels, broken, check_size, unsupported

_PNG_START = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 100_000
_ORIENTATION = 0x0112
# Pillow's modes for what it decodes exactly, and how many channels of pixels we make of each.
_CHANNELS = {"1": 1, "L": 1, "LA": 1, "I;16": 1, "P": 3, "RGB": 3, "RGBA": 3}


def probe(path: Path, limits: Limits, member: str = "") -> Header:
    """Read the header, and check by its chunks or markers that the file is complete."""
    with _open(path, limits) as image:
        _check_complete(path, image)
        sideways = image.format in ("JPEG", "MPO") and image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
        width, height = image.size[::-1] if sideways else image.size
        channels = 1 if _is_grey_palette(image) else _CHANNELS[image.mode]
        return Header(width, height, channels, 16 if _png_depth(path) == 16 else 8)


def read(path: Path, limits: Limits, member: str = "", least_side: int = 0) -> Picture:
    """Read the pixels: 16-bit PNG whole, a camera's rotation mark applied, an opaque alpha channel dropped.

    JPEG may be decoded 2, 4 or 8 times smaller, which its blocks of 8 × 8 values allow for little.
    """
    with _open(path, limits) as image:
        _check_complete(path, image)
        reduced = _draft(image, least_side)
        if _png_depth(path) == 16:
            return Picture(_read_16_bits(path, limits, image.mode), 16)
        upright: Image.Image = image if image.format == "PNG" else ImageOps.exif_transpose(image)
        if image.mode == "P":
            upright = image.convert("L" if _is_grey_palette(image) else "RGB")
        elif image.mode == "1":
            upright = image.convert("L")
        pixels = np.asarray(upright)
    pixels = _without_alpha(pixels) if upright.mode in ("LA", "RGBA") else pixels
    return Picture(pixels, 8, reduced=reduced)


def _draft(image: ImageFile.ImageFile, least_side: int) -> int:
    """Have a JPEG decoded smaller where both sides stay at least that long; how many times smaller."""
    width = image.width
    if image.format not in ("JPEG", "MPO") or least_side < 1 or min(image.size) < 2 * least_side:
        return 1
    drafted = image.draft(None, (least_side, least_side))
    return round(width / drafted[1][2]) if drafted else 1


def _open(path: Path, limits: Limits) -> ImageFile.ImageFile:
    """Open without decoding, and refuse what is too large or of a kind that would lose its values."""
    try:
        image = Image.open(path, formats=["PNG", "JPEG"])
        assert isinstance(image, ImageFile.ImageFile)  # Image.open with a path always gives a file
    except Image.DecompressionBombError:
        raise LabError(
            "This picture claims more than 178 million pixels.",
            f"The limit is {limits.max_pixels // 1_000_000} million, since a small file can claim any size.",
            "If the size is real, scale the picture down or cut it into tiles, then add it.",
        ) from None
    try:
        check_size(*image.size, limits)
        if image.mode not in _CHANNELS:
            raise unsupported(f"This picture's colours ({image.mode}) are neither grey nor RGB.")
        if image.format == "PNG" and getattr(image, "n_frames", 1) > 1:
            raise unsupported("This is an animation.", f"It has {getattr(image, 'n_frames', 1)} frames.")
    except BaseException:
        image.close()
        raise
    return image


def _png_depth(path: Path) -> int:
    """Bits per value of a PNG, 0 for another format: Pillow does not tell 16-bit colour from 8-bit."""
    with open(path, "rb") as file:
        head = file.read(25)
    return head[24] if head.startswith(_PNG_START) and len(head) == 25 else 0


def _read_16_bits(path: Path, limits: Limits, mode: str) -> Pixels:
    """All 16 bits of a PNG.

    Pillow's colour modes hold 8 bits only, so colour is decoded twice: read as big-endian, its high bytes remain; the
    same bytes read as if they were little-endian leave the low ones.
    """
    if mode == "I;16":
        with _open(path, limits) as image:
            return np.asarray(image).astype(np.uint16, copy=False)
    halves = []
    for order in ("B", "L"):
        with _open(path, limits) as image:
            tile = image.tile[0]
            if not isinstance(tile.args, str) or not tile.args.startswith(("RGB;", "RGBA;")):
                raise unsupported("This 16-bit grey PNG has an alpha channel.", "", "Save it without one.")
            image.tile = [tile._replace(args=f"{mode};16{order}")]
            halves.append(np.asarray(image).astype(np.uint16))
    pixels = halves[0] << 8 | halves[1]
    return _without_alpha(pixels) if mode == "RGBA" else pixels


def _without_alpha(pixels: Pixels) -> Pixels:
    """Drop an opaque last channel. Raises LabError where it is not: what should show through is not known."""
    if pixels[..., -1].min() < np.iinfo(pixels.dtype).max:
        raise unsupported("This picture is partly transparent.", "", "Save it without an alpha channel, then add it.")
    return pixels[..., 0] if pixels.shape[2] == 2 else np.ascontiguousarray(pixels[..., :3])


def _is_grey_palette(image: Image.Image) -> bool:
    """Whether a picture with a colour table uses greys only, as many scanners write it."""
    if image.mode != "P":
        return False
    table = np.asarray(image.getpalette("RGB") or [0, 0, 0], np.uint8).reshape(-1, 3)
    return bool((table == table[:, :1]).all())


def _check_complete(path: Path, image: ImageFile.ImageFile) -> None:
    """Find a file cut short, the commonest damage, without decoding it."""
    with open(path, "rb") as file:
        if image.format != "PNG":
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if data.rfind(b"\xff\xd9") < 0:
                    raise broken("it ends before its last pixel")
            return
        file.seek(len(_PNG_START))
        for _ in range(_MAX_CHUNKS):
            head = file.read(8)
            if len(head) < 8:
                raise broken("it ends before its last pixel")
            if head[4:] == b"IEND":
                return
            file.seek(int.from_bytes(head[:4]) + 4, 1)
    raise broken("it has too many parts")
