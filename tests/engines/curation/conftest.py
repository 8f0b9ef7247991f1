"""Drawn breasts with known side and known faults, and catalogues made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines import files
from engines.curation.pool import Pool
from engines.jobs.context import JobContext
from engines.readers import base
from engines.records import CatalogueRecord, Source
from engines.workspace import Workspace

HEIGHT, WIDTH = 400, 300
Draw = Callable[..., np.ndarray[Any, Any]]
MakeCatalogue = Callable[..., str]


@pytest.fixture
def context(workspace: Workspace, tmp_path: Path) -> JobContext:
    return JobContext.detached(workspace, tmp_path / "job")


def read_here(self: Pool, source: Source | Path, least_side: int = 0) -> base.Picture:
    path, member = source if isinstance(source, Source) else (source, "")
    return base.read(path, member=member, least_side=least_side)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in this process and decode our own files in it: the pool and its sandbox have tests of their own."""
    monkeypatch.setattr("engines.curation.pool.cores", lambda: 1)
    monkeypatch.setattr("engines.curation.pool.Pool._read_here", read_here)


@pytest.fixture
def draw() -> Draw:
    """Draw an 8-bit film (H,W): a half-ellipse on the chest wall with soft skin, on a noisy dark background."""

    def draw_breast(
        chest: str = "left",
        *,
        cut: str = "",
        padding: int = 0,
        bar: int = 0,
        label: str = "",
        level: float = 150.0,
        seed: int = 0,
    ) -> np.ndarray[Any, Any]:
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
        middle, tall, wide = HEIGHT / 2, HEIGHT * 0.36, WIDTH * 0.62
        middle += {"below": 0.32, "above": -0.32}.get(cut, 0.0) * HEIGHT
        if cut == "nipple":
            wide = WIDTH * 1.5
        depth = 1 - (x / wide) ** 2 - ((y - middle) / tall) ** 2
        film = 12 + rng.normal(0, 1.5, depth.shape) + level * np.clip(depth * 4, 0, 1) ** 0.5
        if label == "beside":
            film[40:75, 230:275] = 250
        if label == "touching":
            film[40:125, 135:185] = 250
        if bar:
            film[:, -bar:] = 245
        film = np.clip(film, 0, 255).astype(np.uint8)
        film = np.pad(film, ((0, 0), (padding, padding)))
        return film[:, ::-1].copy() if chest == "right" else film

    return draw_breast


@pytest.fixture
def make_catalogue(workspace: Workspace, tmp_path: Path) -> MakeCatalogue:
    """Write pictures as PNG beside the workspace and a catalogue of them; gives its id."""

    def make(
        pictures: Sequence[np.ndarray[Any, Any] | bytes],
        labels: Sequence[str] | None = None,
        patients: Sequence[str] | None = None,
        sides: Sequence[str] | None = None,
        bits: int = 8,
    ) -> str:
        originals = tmp_path / "originals"
        originals.mkdir(exist_ok=True)
        items, sources = [], []
        for index, picture in enumerate(pictures):
            item, path = f"{index + 1:06d}", originals / f"{index + 1}.png"
            if isinstance(picture, bytes):
                path.write_bytes(picture)
            else:
                Image.fromarray(picture).save(path)
            label = labels[index] if labels else "normal"
            patient = patients[index] if patients else f"p{index}"
            side = sides[index] if sides else ""
            items.append(dict(item=item, label=label, patient=patient, side=side, view="", split="", bits=bits))
            sources.append({"item": item, "path": str(path)})
        with files.new_folder(workspace.folder("catalogues", "drawn")) as folder:
            files.write_csv(folder / "items.csv", items, list(items[0]))
            files.write_csv(folder / "sources.csv", sources, ["item", "path"])
            classes = {label: 1 for label in labels or ["normal"]}
            record = CatalogueRecord(
                id="drawn", name="Drawn", layout="folder", items=len(items), classes=classes, content_sha256="0" * 64
            )
            workspace.save("catalogues", record, folder)
        return "drawn"

    return make
