"""The job `add`: what it writes, what it refuses, what it never writes, and how it stops."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engines import files
from engines.curation.analysis import is_current, read_analysis
from engines.curation.parameters import CurateParameters
from engines.curation.pipeline import make_image_set
from engines.errors import LabError
from engines.jobs import control
from engines.jobs.context import JobContext, JobStopped
from engines.tasks.add import TASK, AddParameters
from engines.workspace import Workspace
from tests.engines.readers.samples import RAMP_12, RAMP_16, dicom, pgm

PHANTOM = np.zeros((96, 64), np.uint8)
PHANTOM[16:80, :40] = 120


def context(workspace: Workspace) -> JobContext:
    return JobContext.detached(workspace, workspace.path / "jobs" / "add-job")


def add(workspace: Workspace, folder: Path, **parameters: Any) -> dict[str, Any]:
    return TASK.run(AddParameters(path=str(folder), **parameters), context(workspace))


def pictures(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(PHANTOM, number, axis=0)).save(path)
    return folder


def test_a_catalogue_of_class_folders(workspace: Workspace, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "Study", "train/benign/P_00001_LEFT_CC.png", "test/malignant/P_00002_RIGHT_MLO.png")
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*.png")}
    result = add(workspace, folder)
    assert result["items"] == 2 and result["classes"] == {"benign": 1, "malignant": 1} and result["patients"] == 2
    assert result["rejected"] == [] and result["layout"] == "folder"
    rows = workspace.catalogue_items(result["id"])
    assert [(row["item"], row["label"], row["side"], row["view"], row["split"]) for row in rows] == [
        ("000001", "malignant", "R", "MLO", "test"),
        ("000002", "benign", "L", "CC", "train"),
    ]
    assert {(row["width"], row["height"], row["bits"], row["channels"]) for row in rows} == {("64", "96", "8", "1")}
    record = workspace.catalogue(result["id"])
    assert (record.name, record.items, record.patients, record.rejected) == ("Pictures", 2, 2, 0)
    assert len(record.content_sha256) == 64
    assert is_current(workspace, record.id) and len(read_analysis(workspace, record.id)) == 2
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*.png")} == before


def test_a_synthetic_collection_of_somebody_else_stays_synthetic(workspace: Workspace, tmp_path: Path) -> None:
    result = add(workspace, pictures(tmp_path / "theirs", "benign/1.png", "benign/2.png"), origin="synthetic")
    assert workspace.catalogue(result["id"]).origin == "synthetic"
    assert not any("Patients are not known" in warning for warning in result["warnings"])
    chosen = CurateParameters(catalogue=result["id"], shape_confidence=0, size=32)
    record = make_image_set(workspace, result["id"], chosen, context(workspace))
    assert (record.origin, record.kind_of_images, record.drawn_here) == ("synthetic", "synthetic", False)


def test_bad_files_are_listed_and_stop_nothing(workspace: Workspace, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", *(f"a/{n}.png" for n in range(5)))
    whole = (folder / "a" / "0.png").read_bytes()
    (folder / "a" / "cut.png").write_bytes(whole[: len(whole) // 2])
    damaged = bytearray(whole)
    damaged[whole.index(b"IDAT") + 10] ^= 0xFF  # a sound header, pixels that do not decode
    (folder / "a" / "damaged.png").write_bytes(damaged)
    (folder / "a" / "words.png").write_text("not a picture")
    (folder / "a" / "=formula.zip").touch()
    (folder / "a" / "gone.png").symlink_to(folder / "nowhere.png")
    dicom(folder / "a" / "cine.dcm", RAMP_12, 12, NumberOfFrames=2)
    result = add(workspace, folder)
    home = workspace.folder("catalogues", result["id"])
    places = {row["file"]: row["path"] for row in files.read_csv(home / "rejected_sources.csv")}
    refused = {Path(places[one["file"]]).relative_to(folder).as_posix(): one for one in result["rejected"]}
    assert set(refused) == {
        "a/cut.png", "a/damaged.png", "a/words.png", "a/=formula.zip", "a/gone.png", "a/cine.dcm",
    }  # fmt: skip
    assert all(one["reason"] and one["advice"] for one in refused.values())
    assert "many frames" in refused["a/cine.dcm"]["reason"] and refused["a/cine.dcm"]["file"].endswith(".dcm")
    assert files.read_csv(home / "rejected.csv") == result["rejected"]
    record = workspace.catalogue(result["id"])
    assert (result["items"], record.items, record.rejected) == (5, 5, 6)
    tables = [
        len(workspace.catalogue_items(record.id)),
        len(workspace.sources(record.id)),
        len(read_analysis(workspace, record.id)),
    ]
    assert tables == [5, 5, 5]
    assert is_current(workspace, record.id)  # the analysis was not made twice for one damaged file


def test_a_16_bit_ramp_can_be_read_back_from_the_catalogue(workspace: Workspace, tmp_path: Path) -> None:
    from engines.readers.base import read

    (tmp_path / "in").mkdir()
    pgm(tmp_path / "in" / "a.pgm", RAMP_16, 65535)
    result = add(workspace, tmp_path / "in")
    (row,) = workspace.catalogue_items(result["id"])
    assert (row["bits"], row["label"]) == ("16", "unlabelled")
    np.testing.assert_array_equal(read(workspace.sources(result["id"])["000001"].path).pixels, RAMP_16)


def test_patients_of_dicom_are_grouped_and_never_named(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, patient in enumerate(["CANARY-1", "CANARY-1", "CANARY-2"]):
        dicom(
            folder / f"{number}.dcm", RAMP_12, 12, PatientID=patient, InstitutionName="CANARY",
            PresentationIntentType="FOR PROCESSING" if number else "FOR PRESENTATION", BurnedInAnnotation="YES",
        )  # fmt: skip
    result = add(workspace, folder)
    rows = workspace.catalogue_items(result["id"])
    assert result["patients"] == 2
    assert rows[0]["patient"] == rows[1]["patient"] != rows[2]["patient"]
    assert [(row["side"], row["view"], row["modality"]) for row in rows] == [("L", "MLO", "MG")] * 3
    warnings = " ".join(result["warnings"])
    assert "FOR PROCESSING" in warnings and "burned" in warnings and "exact copies" not in warnings
    for path in workspace.path.rglob("*"):
        if path.is_file():
            assert b"CANARY" not in path.read_bytes(), path.name


def test_a_header_that_contradicts_the_file_name_is_marked(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, side in (("p1_L_CC.dcm", "R"), ("p2_R_CC.dcm", "R"), ("p3.dcm", "L")):
        dicom(folder / name, RAMP_12, 12, ImageLaterality=side, PatientOrientation=["P", "R"])
    rows = workspace.catalogue_items(add(workspace, folder, name="Films")["id"])
    assert [(row["side"], row["mark"]) for row in rows] == [("L", "the header says side R"), ("R", ""), ("L", "")]
    assert {row["orientation"] for row in rows} == {"P\\R"}


def test_paths_stand_in_sources_only(workspace: Workspace, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "secret-place", "Jane-Canary/x.png", "b/y.png")
    shutil.rmtree(workspace.path / "jobs", ignore_errors=True)
    (workspace.path / "jobs").mkdir()
    result = add(workspace, folder, name="Plain name")
    holders = {
        path.relative_to(workspace.path / "catalogues" / result["id"]).as_posix()
        for path in workspace.path.rglob("*")
        if path.is_file() and b"secret-place" in path.read_bytes()
    }
    assert holders == {"sources.csv"}


def test_copies_are_mentioned(workspace: Workspace, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", "a/1.png", "b/2.png")
    shutil.copy(folder / "a" / "1.png", folder / "b" / "3.png")
    assert any("1 files are exact copies" in warning for warning in add(workspace, folder)["warnings"])


def test_the_content_hash_follows_the_pixels(workspace: Workspace, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", "1.png", "2.png")
    first, second = (workspace.catalogue(add(workspace, folder)["id"]) for _ in range(2))
    assert first.id != second.id and first.content_sha256 == second.content_sha256
    pictures(folder, "2.png")
    assert workspace.catalogue(add(workspace, folder)["id"]).content_sha256 != first.content_sha256


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="names are always text here")
def test_a_name_that_is_no_text_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", "a.png")
    shutil.copy(folder / "a.png", os.fsencode(folder) + b"/\xff\xfe.png")
    result = add(workspace, folder)
    assert result["items"] == 1 and "not valid text" in result["rejected"][0]["reason"]


def test_what_cannot_be_added_says_why(workspace: Workspace, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "set.zip").touch()
    only_bad = tmp_path / "bad"
    only_bad.mkdir()
    (only_bad / "a.png").write_text("no picture")
    for path, words in (
        (tmp_path / "nowhere", "does not exist"),
        (tmp_path / "set.zip", "Unpack it"),
        (empty, "no picture"),
        (only_bad, "None of the 1 files"),
        (workspace.path, "holds the workspace"),
        (workspace.path.parent, "holds the workspace"),
    ):
        with pytest.raises(LabError, match=words) as caught:
            add(workspace, path)
        assert caught.value.advice
    with pytest.raises(LabError, match="There is no layout"):
        add(workspace, only_bad, layout="unheard")
    assert workspace.records("catalogues") == []


def test_all_pixels_damaged_leaves_no_catalogue(workspace: Workspace, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", "a.png")
    damaged = bytearray((folder / "a.png").read_bytes())
    damaged[damaged.index(b"IDAT") + 10] ^= 0xFF
    (folder / "a.png").write_bytes(damaged)
    with pytest.raises(LabError, match="None of the 1 files"):
        add(workspace, folder)
    assert workspace.ids("catalogues") == []


@pytest.mark.parametrize("verb", ["stop", "discard"])
def test_stop_leaves_nothing_half_made(workspace: Workspace, tmp_path: Path, verb: str) -> None:
    folder = pictures(tmp_path / "in", "a.png", "b.png")
    job = context(workspace)
    control.request(job.folder, verb)
    with pytest.raises(JobStopped) as stopped:
        TASK.run(AddParameters(path=str(folder)), job)
    assert stopped.value.discard == (verb == "discard")
    assert list((workspace.path / "catalogues").iterdir()) == []


@pytest.mark.parametrize(("verb", "left"), [("stop", 1), ("discard", 0)])
def test_stop_during_the_analysis(workspace: Workspace, tmp_path: Path, verb: str, left: int) -> None:
    class Stopping(JobContext):
        def progress(self, fraction: float, message: str = "", eta_s: float | None = None) -> None:
            if fraction > 0.4:
                control.request(self.folder, verb)

    folder = pictures(tmp_path / "in", *(f"{n}.png" for n in range(4)))
    job = Stopping.detached(workspace, workspace.path / "jobs" / "add-job")
    with pytest.raises(JobStopped):
        TASK.run(AddParameters(path=str(folder)), job)
    assert len(workspace.records("catalogues")) == left
    assert all(row["label"] for id in workspace.ids("catalogues") for row in workspace.catalogue_items(id))


def test_progress_only_grows(workspace: Workspace, tmp_path: Path) -> None:
    told: list[float] = []

    class Watching(JobContext):
        def progress(self, fraction: float, message: str = "", eta_s: float | None = None) -> None:
            told.append(fraction)

    folder = pictures(tmp_path / "in", *(f"{n}.png" for n in range(6)))
    job = Watching.detached(workspace, workspace.path / "jobs" / "add-job")
    TASK.run(AddParameters(path=str(folder)), job)
    assert told == sorted(told) and told[0] == 0 and told[-1] == pytest.approx(1)


def test_real_mini_mias(workspace: Workspace, shared_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mini-mias"
    folder.mkdir()
    names = ["Info.txt", *(f"mdb{number:03}.pgm" for number in range(1, 7))]
    for name in names:
        shutil.copy(shared_data / "mini-mias" / name, folder / name)
    result = add(workspace, folder)
    assert result["classes"] == {"benign": 3, "normal": 3} and result["patients"] == 3 and result["items"] == 6
    assert result["layout"] == "mini_mias" and result["rejected"] == []
    rows = workspace.catalogue_items(result["id"])
    assert [row["side"] for row in rows] == ["R", "L"] * 3
    assert workspace.catalogue(result["id"]).source == "mini-MIAS"
    assert not [row for row in read_analysis(workspace, result["id"]) if "side" in row["reason"]]
