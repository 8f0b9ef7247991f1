"""What single test images were said to be: the images of a confusion cell, their nearest training images, and where a
network looked."""

from __future__ import annotations

import io
import tempfile
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
from PIL import Image

from engines import files
from engines.errors import LabError
from engines.records import ComparisonRecord
from engines.workspace import Workspace
from lab.evaluation_pictures import GONE, SIDES, eight_bit, inside

Array = np.ndarray[Any, np.dtype[Any]]
Found = TypeVar("Found")

TEST_FILE = "test.csv"
MOST_AT_ONCE = 96  # images of one answer: a page of a gallery
KEPT = 12  # of what was read, newest first: a few classifiers × training sets, and the tables of their sets
ADVICE = "Compare again: what is finished is not trained anew."
HEAT = np.array([(200, 30, 60), (240, 120, 20), (255, 235, 80)], float)  # dark to bright: grey prints keep the order
HEAVIEST = 0.6  # of a saliency map at its height: the image stays visible below


@dataclass(frozen=True)
class Told:
    """What a classifier said on one training set: probabilities [S, N, K] of the seeds, the test images [N], and what
    the first seed's file holds besides."""

    probabilities: Array
    test: list[dict[str, str]]
    first: dict[str, Array]
    arm: dict[str, Any]


class Predictions:
    """Reads the answers of comparisons; every method raises LabError for what is not there."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._kept: dict[Hashable, Any] = {}
        self._lock = threading.Lock()

    def _once(self, key: Hashable, read: Callable[[], Found]) -> Found:
        """What `read` gave for a key before, else now; the oldest is forgotten."""
        with self._lock:
            if key in self._kept:
                self._kept[key] = self._kept.pop(key)
                return self._kept[key]  # type: ignore[no-any-return]
        found = read()
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return found

    def record(self, id: str) -> ComparisonRecord:
        """The record, read again only when its file has changed."""
        try:
            file = inside(self.workspace, self.workspace.folder("comparisons", id) / "record.json")
            changed_ns = file.stat().st_mtime_ns
        except (OSError, LabError):
            raise LabError("There is no such comparison.", "", "Reload the page: it may have been removed.") from None

        def read() -> ComparisonRecord:
            found: ComparisonRecord = self.workspace.record("comparisons", id)
            return found

        return self._once(("record", id, changed_ns), read)

    def told(self, id: str, classifier: int, arm: int) -> Told:
        """What one classifier (by its place in the record) said when it had learned from one arm."""
        record = self.record(id)
        if not (0 <= classifier < len(record.classifiers) and 0 <= arm < len(record.arms)):
            raise LabError("There is no such classifier or training set in this comparison.", "", "Reload the page.")
        return self._once(("told", id, record.created, classifier, arm), lambda: self._told(record, classifier, arm))

    def _told(self, record: ComparisonRecord, classifier: int, arm: int) -> Told:
        key, about = record.classifiers[classifier]["key"], record.arms[arm]
        wanted = [
            (int(row["seed"]), n)
            for n, row in enumerate(record.rows)
            if (row["classifier"], row["arm"]) == (key, about["name"])
        ]
        if not wanted:
            raise LabError("This classifier was not trained on these images.", "", ADVICE)
        folder = self.workspace.folder("comparisons", record.id)
        probabilities: list[Array] = []
        first: dict[str, Array] = {}
        for seed, n in sorted(wanted):
            arrays = self._cell(folder / "cells" / f"{n:04d}.npz", whole=seed == 0)
            probabilities.append(arrays.pop("probabilities"))
            first = first or arrays
        name = TEST_FILE if about.get("tested") != "synthetic" else f"test-{arm}.csv"
        test = files.read_csv(inside(self.workspace, folder / name))
        if any(len(one) != len(test) for one in probabilities):
            raise LabError("The answers do not belong to the test images.", f"{name} was changed.", ADVICE)
        return Told(np.stack(probabilities), test, first, about)

    def _cell(self, file: Path, whole: bool) -> dict[str, Array]:
        try:
            with open(inside(self.workspace, file), "rb") as opened, np.load(opened, allow_pickle=False) as kept:
                return {name: kept[name] for name in (kept.files if whole else ("probabilities",))}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise LabError(
                "The answers of this classifier cannot be read.", "Their file is damaged.", ADVICE
            ) from error

    def images(
        self, id: str, classifier: int, arm: int, true: int, predicted: int, start: int = 0, count: int = 24
    ) -> dict[str, Any]:
        """The test images of class `true` that some seed took for `predicted`, those surest and most often so first.

        Of each: how many seeds said so, the mean probability of that class with the least and the most of the seeds,
        and its nearest training images by what the first seed's classifier decides by.
        """
        record, told = self.record(id), self.told(id, classifier, arm)
        if not (0 <= true < len(record.classes) and 0 <= predicted < len(record.classes)):
            raise LabError("There is no such class in this comparison.", "", "Reload the page.")
        labels = np.array([row["label"] == record.classes[true] for row in told.test], bool)
        said = (told.probabilities.argmax(2) == predicted).sum(0)
        scores = told.probabilities[:, :, predicted]
        chosen = np.flatnonzero(labels & (said > 0))
        chosen = chosen[np.lexsort((-scores.mean(0)[chosen], -said[chosen]))]
        start, count = max(0, start), min(max(1, count), MOST_AT_ONCE)
        mapped = set(told.first.get("mapped", np.zeros(0, int)).tolist())
        shown = [
            {
                **self._image(record, told.test[n]["set"], int(told.test[n]["place"])),
                "index": int(n), "label": told.test[n]["label"], "said": int(said[n]), "mapped": int(n) in mapped,
                "probability": _rounded(scores[:, n].mean()),
                "low": _rounded(scores[:, n].min()), "high": _rounded(scores[:, n].max()),
                "nearest": self._neighbours(record, told, int(n)),
            }
            for n in chosen[start : start + count]
        ]  # fmt: skip
        return {"total": len(chosen), "start": start, "seeds": len(told.probabilities), "images": shown}

    def _image(self, record: ComparisonRecord, set_id: str, place: int) -> dict[str, Any]:
        rows = self._items(record, set_id)
        row = rows[place] if 0 <= place < len(rows) else {}
        named = {name: row.get(name, "") for name in ("item", "label", "patient")}
        return {**named, "set": set_id, "place": place}

    def _items(self, record: ComparisonRecord, set_id: str) -> list[dict[str, str]]:
        def read() -> list[dict[str, str]]:
            try:
                return self.workspace.image_set(set_id).items
            except (OSError, LabError):
                return []  # the numbers stay when a set is gone

        return self._once(("items", set_id, record.parents.get(f"image_sets/{set_id}")), read)

    def _neighbours(self, record: ComparisonRecord, told: Told, index: int) -> list[dict[str, Any]]:
        """Where the nearest training images are to be found; an augmented copy is shown as the image it was made of."""
        first = told.first
        if "nearest" not in first or index >= len(first["nearest"]):
            return []
        real, synthetic, found = first["real"], first["synthetic"], []
        for number in first["nearest"][index].tolist():
            kind, set_id, place = "real", record.real, -1
            if number < len(real):
                place = int(first["pool"][real[number]])
            elif number < len(real) + len(synthetic):
                kind, set_id = "synthetic", str(told.arm["source"])
                place = int(synthetic[number - len(real)])
            elif copies := int(told.arm.get("copies") or 0):
                kind, source = "augmented", (number - len(real) - len(synthetic)) // copies
                place = int(first["pool"][real[source]])
            found.append({**self._image(record, set_id, place), "kind": kind})
        return found

    def picture(self, id: str, set_id: str, place: int, side: int = 0) -> bytes:
        """An image of one of the comparison's sets as PNG, at most `side` pixels large; 0 keeps its size."""
        record = self.record(id)
        if set_id not in {record.real, record.test, *record.synthetic} - {""}:
            raise LabError("This set is no part of the comparison.", "", "Reload the page.")
        images = self._pixels(record, set_id)
        if not 0 <= place < len(images):
            raise LabError("There is no such image.", "", "Reload the page.")
        picture = eight_bit(np.asarray(images[place]))
        if side:
            picture.thumbnail((min(max(side, SIDES[0]), SIDES[1]),) * 2, Image.Resampling.LANCZOS)
        return _png(picture)

    def _pixels(self, record: ComparisonRecord, set_id: str) -> Array:
        """Only the very pixels that were compared: a set that was changed since would show other images."""
        try:
            images = self.workspace.image_set(set_id)
        except LabError as error:
            raise LabError(GONE, "Their set was removed.", "") from error
        learned = record.parents.get(f"image_sets/{set_id}")
        if learned is not None and learned != images.record.content_sha256:
            raise LabError("The image set was changed since it was compared.", "", "Compare again.")
        return files.open_npy(inside(self.workspace, images.folder / "images.npy"))

    def saliency(self, id: str, classifier: int, arm: int, index: int) -> bytes:
        """Where the first seed's network looked in a test image, as a PNG to lie over it: clear where it did not.

        It thickens with the square of the height: some networks' maps are broad, and would hide the image.
        """
        first = self.told(id, classifier, arm).first
        at = np.flatnonzero(first.get("mapped", np.zeros(0, int)) == index)
        if not len(at):
            raise LabError("No map was kept of this image.", "", "Only the surest mistakes have one.")
        height = first["maps"][at[0]].astype(float) / 255
        levels = np.linspace(0, 1, len(HEAT))
        colours = [np.interp(height, levels, HEAT[:, channel]) for channel in range(3)]
        layers = np.stack([*colours, 255 * HEAVIEST * height**2], axis=-1)
        return _png(Image.fromarray(np.round(layers).astype(np.uint8), "RGBA"))

    def table(self, id: str, classifier: int, arm: int) -> bytes:
        """Every test image with what each seed said of each class, as CSV."""
        record, told = self.record(id), self.told(id, classifier, arm)
        names = {
            (seed, k): f"{name} (seed {seed})"
            for seed in range(len(told.probabilities))
            for k, name in enumerate(record.classes)
        }
        rows = [
            {
                **row, "item": self._image(record, row["set"], int(row["place"]))["item"],
                **{name: round(float(told.probabilities[seed, n, k]), 6) for (seed, k), name in names.items()},
            }
            for n, row in enumerate(told.test)
        ]  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "predictions.csv"
            files.write_csv(path, rows, ["index", "set", "place", "item", "label", "patient", *names.values()])
            return path.read_bytes()


def _rounded(value: Any) -> float:
    return round(float(value), 4)


def _png(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "PNG", compress_level=2)
    return written.getvalue()
