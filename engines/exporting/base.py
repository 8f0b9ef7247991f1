"""What an export format is, and the parts that all formats share: PNG bytes, the manifest, the words beside it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from engines import files
from engines.errors import LabError
from engines.records import ImageSetRecord
from engines.workspace import ImageSet

Pixels = np.ndarray[Any, np.dtype[Any]]

COLUMNS = ("file", "sha256", "item", "label", "patient", "origin", "seed", "run", "checkpoint", "checkpoint_sha256")
RESEARCH_ONLY = "Research use only. Not for diagnosis."


@dataclass(frozen=True)
class FormatSpec:
    """One export format; its file ends with `FORMAT = FormatSpec(...)`.

    `write(image_set, chosen, folder, progress)` fills an empty folder with the chosen positions of the set and returns
    the file that stands for the whole (a manifest or an archive). `progress` takes a fraction and may raise to stop.
    """

    name: str
    title: str
    summary: str
    write: Callable[[ImageSet, Sequence[int], Path, Callable[[float], None]], Path]


def png_bytes(image: Pixels, bits: int, texts: dict[str, str]) -> bytes:
    """One image [H, W, C] uint8 or uint16 as PNG with text chunks; 8 to 16 bits and back keeps black and white.

    Raises LabError for 16-bit colour, which PNG allows but the common readers of images do not.
    """
    if bits == 16 and image.shape[-1] != 1:
        raise LabError(
            "Colour images cannot be written with 16 bits.", "PNG readers cut them to 8.", "Choose the 8-bit format."
        )
    if bits == 16 and image.dtype == np.uint8:
        image = image.astype(np.uint16) * 257
    if bits == 8 and image.dtype == np.uint16:
        image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_text(key, value)
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def write_images(
    image_set: ImageSet, chosen: Sequence[int], folder: Path, bits: int, progress: Callable[[float], None]
) -> Path:
    """Write `images/<label>/<item>.png`, manifest.csv, manifest.json, SHA256SUMS and a README; return the manifest."""
    record = image_set.record
    run, checkpoint = _drawn_from(record)
    rows = []
    for n, position in enumerate(chosen):
        row = dict(image_set.items[position])
        label = _folder_name(row.get("label", ""))
        data = png_bytes(image_set.images[position], bits, _texts(record, row))
        target = folder / "images" / label / f"{_folder_name(row['item'])}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)  # inside a folder that appears whole at the end
        row |= {
            "file": target.relative_to(folder).as_posix(),
            "sha256": hashlib.sha256(data).hexdigest(),
            "origin": record.kind_of_images,
            "run": run,
            "checkpoint": checkpoint,
        }
        rows.append(row)
        progress(n / len(chosen))
    manifest = {
        "name": record.name,
        "image_set": record.id,
        "origin": record.kind_of_images,
        "images": len(rows),
        "width": record.width,
        "height": record.height,
        "channels": record.channels,
        "bits": bits,
        "resizer": record.resizer,
        "intensity": record.intensity,
        "parents": record.parents,
        "parameters": record.parameters,
        "versions": record.versions,
        "notice": RESEARCH_ONLY,
    }
    files.write_csv(folder / "manifest.csv", rows, COLUMNS)
    files.write_json(folder / "manifest.json", manifest)
    files.write_text(folder / "README.md", _readme(record, len(rows), bits))
    sums = [f"{row['sha256']}  {row['file']}" for row in rows]
    sums += [f"{files.sha256_file(folder / name)}  {name}" for name in ("manifest.csv", "manifest.json", "README.md")]
    files.write_text(folder / "SHA256SUMS", "\n".join(sums) + "\n")
    return folder / "manifest.csv"


def _drawn_from(record: ImageSetRecord) -> tuple[str, str]:
    """Run and checkpoint (images seen) of a synthetic set, from its parent `runs/<run>/<checkpoint>`."""
    for parent in record.parents:
        kind, _, rest = parent.partition("/")
        if kind == "runs":
            run, _, checkpoint = rest.partition("/")
            return run, checkpoint
    return "", ""


def _folder_name(text: str) -> str:
    """A label as a folder name that every system takes."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in text)[:60] or "unlabelled"


def _texts(record: ImageSetRecord, row: dict[str, str]) -> dict[str, str]:
    texts = {"Synthetic": "NO" if record.kind_of_images == "real" else "YES", "Comment": RESEARCH_ONLY}
    if record.origin == "synthetic":
        texts |= {"Seed": row.get("seed", ""), "Checkpoint": row.get("checkpoint_sha256", "")}
    return texts


KINDS = {
    "real": "Real images, curated",
    "synthetic": "Synthetic images, made by a generative model",
    "phantom": "Phantoms, drawn by a procedure: no patients",
}


def _readme(record: ImageSetRecord, count: int, bits: int) -> str:
    kind = KINDS[record.kind_of_images]
    return (
        f"# {record.name}\n\n{kind}. {count} images of {record.width}×{record.height} pixels, {bits} bits, "
        f"{'grey' if record.channels == 1 else 'colour'}.\n\n**{RESEARCH_ONLY}**\n\n"
        "- `images/<label>/`: the images, one folder for each label (torchvision ImageFolder and Hugging Face "
        "imagefolder read it).\n"
        "- `manifest.csv`: one row for each image: file, SHA-256, item, label, patient pseudonym, origin, and for "
        "synthetic images seed, run and checkpoint.\n"
        "- `manifest.json`: how the set was made and from what.\n- `SHA256SUMS`: check with `sha256sum -c`.\n"
        + (
            "\nThe images hold 16 bits. Readers that convert to RGB without scaling show them white.\n"
            if bits == 16
            else ""
        )
    )
