"""Export: what is written can be read back, rejected images stay out, the archive is the same each time."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines import decisions, files
from engines.errors import LabError
from engines.exporting.base import png_bytes
from engines.jobs.context import JobContext, JobStopped
from engines.records import ImageSetRecord
from engines.tasks.export import TASK, ExportParameters
from engines.workspace import Workspace


def make_set(workspace: Workspace, dtype: type, count: int = 6, origin: Any = "synthetic") -> str:
    top = np.iinfo(dtype).max
    images = np.linspace(0, top, count * 64).astype(dtype).reshape(count, 8, 8, 1)
    record = ImageSetRecord(
        id="ramp", name="ramp", origin=origin, items=count, width=8, height=8, channels=1,
        dtype="uint8" if dtype is np.uint8 else "uint16", content_sha256="0" * 64,
    )  # fmt: skip
    with files.new_folder(workspace.folder("image_sets", "ramp")) as folder:
        files.create_npy(folder / "images.npy", images.shape, dtype)[:] = images
        rows = [{"item": f"{n + 1:06d}", "label": "=mass/1" if n % 2 else "benign", "seed": n} for n in range(count)]
        files.write_csv(folder / "items.csv", rows, ["item", "label", "seed"])
        workspace.save("image_sets", record, folder)
    return "ramp"


def export(workspace: Workspace, tmp_path: Path, **parameters: Any) -> dict[str, Any]:
    context = JobContext.detached(workspace, tmp_path / "job")
    return TASK.run(ExportParameters(image_set="ramp", **parameters), context)


def pixels_of(path: Path) -> Any:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_16_bit_ramp_survives(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, np.uint16)
    result = export(workspace, tmp_path, format="png16", to=str(tmp_path / "out"))
    folder = Path(result["path"]).parent
    rows = list(csv.DictReader((folder / "manifest.csv").read_text().splitlines()))
    assert result["files"] == len(rows) == 6
    read = np.stack([pixels_of(folder / row["file"]) for row in rows])
    assert np.array_equal(read, workspace.image_set("ramp").images[..., 0])
    for row in rows:
        assert hashlib.sha256((folder / row["file"]).read_bytes()).hexdigest() == row["sha256"]
        with Image.open(folder / row["file"]) as picture:
            assert picture.info["Synthetic"] == "YES"
    assert {row["file"].split("/")[1] for row in rows} == {"_mass_1", "benign"}


def test_8_bit_of_16_rounds_over_the_whole_range(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, np.uint16)
    result = export(workspace, tmp_path, format="folder", to=str(tmp_path / "out"))
    folder = Path(result["path"]).parent
    pictures = sorted(folder.glob("images/*/*.png"), key=lambda path: path.name)
    values = np.stack([pixels_of(path) for path in pictures])
    assert values.dtype == np.uint8 and values.min() == 0 and values.max() == 255
    exact = workspace.image_set("ramp").images[..., 0] / 257
    assert np.abs(values - exact).max() <= 0.5


def test_the_zip_holds_accepted_images_only_and_is_reproducible(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, np.uint8, origin="real")
    source = workspace.folder("image_sets", "ramp")
    decisions.record_decision(source, client="c", seq=1, item="000002", verdict="reject", reason="blur", by="owner")
    decisions.record_decision(source, client="c", seq=2, item="000003", verdict="reject", reason="", by="owner")
    decisions.record_decision(source, client="c", seq=3, item="000003", verdict="none", reason="", by="owner")
    first, second = (export(workspace, tmp_path, to=str(tmp_path / to)) for to in ("a", "b"))
    data = Path(first["path"]).read_bytes()
    assert data == Path(second["path"]).read_bytes() and first["files"] == 5
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert not any("000002" in name for name in names) and any("000003" in name for name in names)
        about = json.loads(archive.read("ramp/manifest.json"))
        assert about["origin"] == "real" and about["images"] == 5 and "Not for diagnosis" in about["notice"]
        sums = dict(reversed(line.split("  ")) for line in archive.read("ramp/SHA256SUMS").decode().splitlines())
        for name, expected in sums.items():
            assert hashlib.sha256(archive.read(f"ramp/{name}")).hexdigest() == expected


def test_an_export_into_the_workspace_has_a_record(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, np.uint8)
    result = export(workspace, tmp_path)
    record = workspace.record("exports", result["id"])
    assert record.files == 6 and (workspace.folder("exports", result["id"]) / record.path).exists()


def test_nothing_to_export_and_unknown_formats_are_said(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, np.uint8, count=1)
    with pytest.raises(LabError, match="not an export format"):
        export(workspace, tmp_path, format="bmp")
    source = workspace.folder("image_sets", "ramp")
    decisions.record_decision(source, client="c", seq=1, item="000001", verdict="reject", reason="", by="owner")
    with pytest.raises(LabError, match="nothing to export"):
        export(workspace, tmp_path)
    with pytest.raises(LabError, match="16 bits"):
        png_bytes(np.zeros((4, 4, 3), np.uint16), 16, {})


def test_stop_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    make_set(workspace, np.uint8)
    context = JobContext.detached(workspace, tmp_path / "job")
    context.signalled("stop")
    with pytest.raises(JobStopped):
        TASK.run(ExportParameters(image_set="ramp"), context)
    assert not list((workspace.path / "exports").iterdir())
