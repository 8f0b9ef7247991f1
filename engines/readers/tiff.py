"""TIFF through tifffile, which keeps 16 bits in grey and colour; through Pillow where tifffile lacks the codec."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from engines.readers.base import Header, Limits, Picture, Pixels, broken, check_size, unsupported

_MINISWHITE, _MINISBLACK, _RGB = 0, 1, 2
_TIFFFILE_DECODES = (1, 8, 32946, 32773)  # none, two numbers for Deflate, PackBits
_PILLOW_DECODES = (5, 7)  # LZW, JPEG


def probe(path: Path, limits: Limits, member: str = "") -> Header:
    """Read the first page's tags, and check that its pixels lie within the file."""
    with tifffile.TiffFile(path) as file:
        return _header(file, limits)


def read(path: Path, limits: Limits, member: str = "", least_side: int = 0) -> Picture:
    """Read the pixels; white-is-zero pictures are turned so that black is 0."""
    with tifffile.TiffFile(path) as file:
        header = _header(file, limits)
        page = file.pages.first
        if int(page.compression) in _TIFFFILE_DECODES:
            pixels: Pixels = page.asarray(maxworkers=1)
            if header.channels == 3 and pixels.shape[0] == 3 and pixels.shape[-1] != 3:
                pixels = np.moveaxis(pixels, 0, -1)  # colours stored as three planes
            if pixels.ndim == 3 and pixels.shape[-1] == 1:
                pixels = pixels[..., 0]
            if page.photometric == _MINISWHITE:
                pixels = np.iinfo(pixels.dtype).max - pixels
        else:
            pixels = _through_pillow(path)  # which turns white-is-zero pictures itself
    if pixels.shape[:2] != (header.height, header.width):
        raise broken("its pixels do not fill its frame")
    return Picture(pixels, header.bits)


def _header(file: tifffile.TiffFile, limits: Limits) -> Header:
    if len(file.pages) == 0:
        raise broken("it has no page")
    page = file.pages.first
    width, height, samples, bits = page.imagewidth, page.imagelength, page.samplesperpixel, page.bitspersample
    check_size(width, height, limits)
    sizes = [other.shape[:2] for other in file.pages[:64]]  # smaller pages are previews of the first
    if sizes.count(page.shape[:2]) > 1 or page.imagedepth > 1:
        raise unsupported("This is a stack of pictures.", "It has several pages of one size.", "Save each as a file.")
    if bits not in (8, 16) or page.sampleformat not in (None, 1):
        raise unsupported("This TIFF's values are not whole numbers of 8 or 16 bits.", f"Bits of a value: {bits}.")
    if (page.photometric, samples) not in ((_MINISWHITE, 1), (_MINISBLACK, 1), (_RGB, 3)):
        grey_or_rgb = samples in (1, 3) and int(page.compression) == 7 and bits == 8  # JPEG inside, as YCbCr
        if not grey_or_rgb:
            raise unsupported("This TIFF is neither plain grey nor plain RGB.", f"Values per pixel: {samples}.")
    if int(page.compression) not in _TIFFFILE_DECODES:
        plain_16_grey = bits == 16 and samples == 1 and int(page.compression) == 5
        if not (int(page.compression) in _PILLOW_DECODES and (bits == 8 or plain_16_grey)):
            raise unsupported("This TIFF's compression is not supported.", f"It has number {int(page.compression)}.")
    size = file.filehandle.size
    if any(start + count > size for start, count in zip(page.dataoffsets, page.databytecounts, strict=False)):
        raise broken("it ends before its last pixel")
    return Header(width, height, samples, bits)


def _through_pillow(path: Path) -> Pixels:
    with Image.open(path, formats=["TIFF"]) as image:
        if image.mode not in ("L", "RGB", "I;16", "I;16B"):
            raise unsupported("This TIFF's compression is not supported for its kind of colours.")
        pixels = np.asarray(image)
    return pixels.astype(np.uint16 if pixels.dtype.itemsize == 2 else np.uint8, copy=False)
