"""One zip file with the folder of 8-bit PNG images inside."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from engines.exporting.base import FormatSpec, write_images
from engines.workspace import ImageSet

EARLIEST = (1980, 1, 1, 0, 0, 0)  # a fixed date: the same images make the same archive


def write(image_set: ImageSet, chosen: Sequence[int], folder: Path, progress: Callable[[float], None]) -> Path:
    content = folder / image_set.record.id
    content.mkdir()
    write_images(image_set, chosen, content, 8, lambda fraction: progress(0.9 * fraction))
    archive = folder / f"{image_set.record.id}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:  # PNG is compressed already
        for path in sorted(path for path in content.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EARLIEST)
            entry.external_attr = 0o644 << 16
            target.writestr(entry, path.read_bytes())
    shutil.rmtree(content)
    return archive


FORMAT = FormatSpec(
    name="zip",
    title="Zip of 8-bit PNG",
    summary="One file to send: the folder of 8-bit PNG images, its manifest and checksums.",
    write=write,
)
