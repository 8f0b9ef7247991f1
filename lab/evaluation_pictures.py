"""Pictures of an evaluation, drawn from its arrays when they are asked for: a synthetic image, its match, their
difference."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from engines import files
from engines.errors import LabError
from engines.records import EvaluationRecord
from engines.workspace import Workspace
from lab.evaluating import newest_row, pairs_of

Pixels = np.ndarray[Any, np.dtype[Any]]
KINDS = ("synthetic", "real", "held_out", "laid", "difference")  # laid: the synthetic image moved to lie over its match
SIDES = (32, 512)  # of a small version, in pixels
KEPT_RECORDS = 4
GONE = "Its images are no longer there."


def inside(workspace: Workspace, file: Path) -> Path:
    """The file, if it lies in the workspace after all links are followed. Raises LabError."""
    found = file.resolve()
    if not found.is_relative_to(workspace.path.resolve()) or not found.is_file():
        raise LabError(GONE, "", "Measure again.")
    return found


def eight_bit(pixels: Pixels) -> Image.Image:
    """One image [H, W, C] as a picture; 16-bit values become 8-bit ones over their whole range."""
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    pixels = np.ascontiguousarray(pixels)
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def laid_over(picture: Image.Image, pair: dict[str, Any]) -> Image.Image:
    """A synthetic picture mirrored, enlarged about its centre and moved as the copy detector did to find its match."""
    if pair["flipped"]:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    (down, right), scale = pair["shift"], pair["scale"]
    if scale == 1 and not down and not right:
        return picture
    width, height = picture.size
    across = (1 / scale, 0.0, width / 2 - (width / 2 + right * width) / scale)
    along = (0.0, 1 / scale, height / 2 - (height / 2 + down * height) / scale)
    return picture.transform((width, height), Image.Transform.AFFINE, (*across, *along), Image.Resampling.BILINEAR)


def difference(laid: Image.Image, real: Image.Image, covered: Image.Image) -> Image.Image:
    """The absolute difference of two pictures where the first one covers the second; black means equal."""
    first, second = (np.asarray(picture.convert("L"), np.int16) for picture in (laid, real))
    values = np.abs(first - second).astype(np.uint8)
    values[np.asarray(covered) < 255] = 0
    return Image.fromarray(values)


class Pictures:
    """Reads what evaluations measured; every method raises LabError for what is not there."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._known: dict[str, tuple[int, EvaluationRecord]] = {}
        self._lock = threading.Lock()

    def record(self, id: str) -> EvaluationRecord:
        """The record, read again only when its file has changed: a gallery asks for it a hundred times."""
        try:
            changed_ns = (
                inside(self.workspace, self.workspace.folder("evaluations", id) / "record.json").stat().st_mtime_ns
            )
        except (OSError, LabError):
            raise LabError("There is no such measurement.", "", "Reload the page: it may have been removed.") from None
        with self._lock:
            known = self._known.get(id)
            if known is not None and known[0] == changed_ns:
                return known[1]
        found: EvaluationRecord = self.workspace.record("evaluations", id)
        with self._lock:
            self._known[id] = (changed_ns, found)
            while len(self._known) > KEPT_RECORDS:
                del self._known[next(iter(self._known))]
        return found

    def synthetic(self, record: EvaluationRecord) -> Pixels:
        """The synthetic images of the newest checkpoint, or the measured set's, [N, H, W, C]."""
        drawn = self.workspace.folder("evaluations", record.id) / "images.npy"
        return (
            files.open_npy(inside(self.workspace, drawn)) if drawn.exists() else self._of_set(record, record.synthetic)
        )

    def real(self, record: EvaluationRecord) -> Pixels:
        return self._of_set(record, record.real)

    def _of_set(self, record: EvaluationRecord, id: str) -> Pixels:
        """Only the very pixels that were measured: a set that was changed since would show other images."""
        images = self.workspace.image_set(id)
        measured = record.parents.get(f"image_sets/{id}")
        if measured is not None and measured != images.record.content_sha256:
            raise LabError("The image set was changed since it was measured.", "", "Measure again.")
        return files.open_npy(inside(self.workspace, images.folder / "images.npy"))

    def draw(self, id: str, kind: str, index: int, nearest: int, side: int) -> bytes:
        """One picture as PNG; `nearest` is the real image's number for those that compare, `side` 0 keeps the size."""
        record = self.record(id)
        if kind == "real":
            picture = eight_bit(_at(self.real(record), index))
        elif kind == "held_out":
            picture = eight_bit(_at(self._of_set(record, record.held_out), index))
        else:
            picture = eight_bit(_at(self.synthetic(record), index))
        if kind in ("laid", "difference"):
            pair = self._pair(record, index, nearest)
            if kind == "difference":
                real = eight_bit(_at(self.real(record), nearest)).resize(picture.size)
                covered = laid_over(Image.new("L", picture.size, 255), pair)
                picture = difference(laid_over(picture, pair), real, covered)
            else:
                picture = laid_over(picture, pair)
        if side:
            picture.thumbnail((min(max(side, SIDES[0]), SIDES[1]),) * 2, Image.Resampling.LANCZOS)
        written = io.BytesIO()
        picture.save(written, "PNG", compress_level=2)
        return written.getvalue()

    def _pair(self, record: EvaluationRecord, index: int, nearest: int) -> dict[str, Any]:
        """How the copy detector laid these two over each other; as they are if it did not."""
        details = (newest_row(record, "memorisation") or {}).get("details") or {}
        known = next((pair for pair in pairs_of(details) if (pair["index"], pair["real"]) == (index, nearest)), None)
        return known or {"shift": [0.0, 0.0], "flipped": False, "scale": 1.0}


def _at(images: Pixels, index: int) -> Pixels:
    if not 0 <= index < len(images):
        raise LabError("There is no such image.", "", "Reload the page.")
    return np.asarray(images[index])
