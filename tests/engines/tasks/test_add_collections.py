"""The job `add` on published collections: members of files, joined tables, copies, and what never gets written."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines import files
from engines.curation.analysis import read_analysis
from engines.jobs import control
from engines.jobs.context import JobContext, JobStopped
from engines.readers.base import read
from engines.tasks.add import TASK, AddParameters
from engines.workspace import Workspace
from tests.engines.layouts import cbis_tree

BREAST = np.zeros((96, 64), np.uint8)
BREAST[16:80, :40] = 120


def add(workspace: Workspace, folder: Path, **parameters: Any) -> dict[str, Any]:
    context = JobContext.detached(workspace, workspace.path / "jobs" / "add-job")
    return TASK.run(AddParameters(path=str(folder), **parameters), context)


def test_a_stack_becomes_items_with_members(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    stack = np.stack([np.roll(BREAST, shift, axis=0) for shift in (0, 3, 6, 0)])
    np.save(folder / "X.npy", stack)
    np.save(folder / "Y.npy", np.array([0, 1, 0, 1]))
    result = add(workspace, folder)
    assert (result["layout"], result["items"], result["classes"]) == ("npy_pair", 4, {"0": 2, "1": 2})
    sources = workspace.sources(result["id"])
    assert [(source.path.name, source.member) for source in sources.values()] == [("X.npy", str(n)) for n in range(4)]
    for number, source in enumerate(sources.values()):
        np.testing.assert_array_equal(read(source.path, member=source.member).pixels, stack[number])
    rows = workspace.catalogue_items(result["id"])
    assert len({row["content"] for row in rows}) == 4 and all(len(row["content"]) == 16 for row in rows)
    assert len(read_analysis(workspace, result["id"])) == 4


def test_members_of_hdf5_and_rows_without_one(workspace: Workspace, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="HDF5 needs the extra hdf5")
    folder = tmp_path / "isic"
    folder.mkdir()
    with h5py.File(folder / "train-image.hdf5", "w") as file:
        for number in range(3):
            buffer = io.BytesIO()
            Image.fromarray(np.roll(BREAST, number, axis=0)).convert("RGB").save(buffer, "JPEG")
            file[f"ISIC_{number}"] = np.void(buffer.getvalue())
    with open(folder / "train-metadata.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["isic_id", "target", "patient_id", "age_approx"])
        table.writerows([f"ISIC_{number}", int(number == 2), "IP_CANARY", 51] for number in range(4))
    result = add(workspace, folder)
    assert (result["layout"], result["items"], result["patients"]) == ("isic", 3, 1)
    assert result["classes"] == {"benign": 2, "malignant": 1}
    (refusal,) = result["rejected"]
    assert "no picture of this name" in refusal["reason"]
    rows = workspace.catalogue_items(result["id"])
    assert {(row["width"], row["height"], row["channels"], row["age_group"]) for row in rows} == {
        ("64", "96", "3", "50-59")
    }
    home = workspace.folder("catalogues", result["id"])
    told = b"".join(path.read_bytes() for path in home.glob("*") if path.is_file() and "sources" not in path.name)
    assert b"CANARY" not in told and b"ISIC_" not in told


def test_a_cbis_tree_is_joined_and_counted(workspace: Workspace, tmp_path: Path) -> None:
    cbis_tree.fabricated_tables(tmp_path / "tables", patients=4)
    planted = cbis_tree.build(tmp_path / "tables", tmp_path / "tree", most_cases=28)
    result = add(workspace, tmp_path / "tree")
    assert (result["layout"], result["items"]) == ("cbis_ddsm", planted.mammograms)
    reasons = [one["reason"] for one in result["rejected"]]
    assert len(reasons) == sum(
        len(kind)
        for kind in (
            planted.missing, planted.strangers, planted.copies, planted.damaged,
            planted.masks_in_place, planted.masks_in_place,
        )
    )  # fmt: skip
    assert sum("damaged" in reason for reason in reasons) == len(planted.damaged)
    rows = workspace.catalogue_items(result["id"])
    assert {row["source"] for row in rows} == {"CBIS-DDSM"} and {row["modality"] for row in rows} == {"MG"}
    assert all(row["patient"].startswith("p") and "P_" not in row["patient"] for row in rows)
    assert result["warnings"] == workspace.catalogue(result["id"]).warnings


def test_columns_that_turn_up_late_stay_in_line(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with open(folder / "list.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "label", "density", "assessment"])
        for number in range(5):
            Image.fromarray(np.roll(BREAST, number, axis=0)).save(folder / f"a{number}.png")
            table.writerow([f"a{number}.png", "=a,b" if number else "x", "C" * (number == 3), "4" * (number == 1)])
    shutil.copy(folder / "a0.png", folder / "stranger.png")
    result = add(workspace, folder)
    rows = workspace.catalogue_items(result["id"])
    assert [(row["label"], row["density"], row["assessment"]) for row in rows] == [
        ("x", "", ""), ("=a,b", "", "4"), ("=a,b", "", ""), ("=a,b", "C", ""), ("=a,b", "", ""),
    ]  # fmt: skip
    assert result["classes"] == {"=a,b": 4, "x": 1} and result["rejected_count"] == 1


def test_a_long_look_through_a_folder_can_be_stopped(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with open(folder / "HAM10000_metadata.csv", "w", newline="") as file:
        csv.writer(file).writerows([["image_id", "dx", "lesion_id"], *([f"i{n}", "nv", f"l{n}"] for n in range(2500))])
    Image.fromarray(BREAST).save(folder / "stranger.png")
    for number in range(2100):
        (folder / f"x{number}.jpg").touch()
    messages: list[str] = []

    class Stopping(JobContext):
        def progress(self, fraction: float, message: str = "", eta_s: float | None = None) -> None:
            messages.append(message)
            if message.startswith("Looked at"):
                control.request(self.folder, "stop")

    job = Stopping.detached(workspace, workspace.path / "jobs" / "add-job")
    with pytest.raises(JobStopped):
        TASK.run(AddParameters(path=str(folder)), job)
    assert messages[-1] == "Looked at 2,000 files"  # the next look found the wish to stop
    assert list((workspace.path / "catalogues").iterdir()) == []


def test_a_table_grows_whole_or_not_at_all(tmp_path: Path) -> None:
    with files.new_table(tmp_path / "t.csv", ("a", "b")) as write:
        write({"a": 1, "b": "x\ny"})
        write({"b": "+2", "c": None, "d": "late"})
    assert files.read_csv(tmp_path / "t.csv") == [
        {"a": "1", "b": "x\ny", "c": "", "d": ""}, {"a": "", "b": "+2", "c": "", "d": "late"},
    ]  # fmt: skip
    with pytest.raises(RuntimeError), files.new_table(tmp_path / "t.csv", ("a",)) as write:
        write({"a": 3})
        raise RuntimeError
    assert len(files.read_csv(tmp_path / "t.csv")) == 2 and [path.name for path in tmp_path.iterdir()] == ["t.csv"]
