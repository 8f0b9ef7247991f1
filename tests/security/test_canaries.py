"""Identifiers planted wherever a collection can hold them turn up nowhere but in the tables of sources.

The whole way, as at the command line: add, curate, evaluate, export, and works that fail. Looked through are all files
of the workspace with their names, what the commands print, the logs of the workers, and the exported archive.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from engines import cli, files
from engines.curation import pool
from engines.curation.parameters import CurateParameters
from engines.errors import LabError, explain, trace
from engines.jobs.context import JobContext
from engines.readers.sandbox import Sandbox
from engines.tasks import add, cluster, curate, evaluate, export, preview
from engines.workspace import Workspace
from lab import evaluation_report, evaluation_scorecard
from lab.catalogue_tables import refused_files
from tests.engines.readers.samples import dicom

CANARIES = ("canary", "kanarie", "47114711", "19501109", "zaphod")  # names, numbers, a day; looked for in any case
# These hold where files lie, by agreement, and never leave; a job's private file goes with its folder.
SOURCES = {"sources.csv", "rejected_sources.csv", "private.json"}
BREAST = np.zeros((160, 120), np.uint8)
for row in range(20, 140):
    BREAST[row, : int(90 * (1 - ((row - 80) / 62) ** 2) ** 0.5)] = 140


def planted_dicom(path: Path, number: int, **tags: Any) -> Path:
    """A mammogram with identifiers in every kind of element."""
    dicom(
        path, np.roll(BREAST, number, 0), 8, PatientName="Kanarie^Zaphod", PatientID=f"CANARY-47114711-{number}",
        IssuerOfPatientID="CANARY", PatientBirthDate="19501109", StudyDate="19501109", AccessionNumber="47114711",
        InstitutionName="Canary Hospital", OperatorsName="Zaphod", StudyDescription="of Kanarie", DeviceSerialNumber=
        "47114711", StudyInstanceUID="1.2.840.47114711.1", SeriesInstanceUID="1.2.840.47114711.2",
        SOPInstanceUID=f"1.2.840.47114711.3.{number}", ImageComments="Zaphod Canary", ViewPosition="CANARY",
        BodyPartExamined="ZAPHOD", PresentationIntentType="FOR CANARY", BurnedInAnnotation="CANARY",
        PatientOrientation=["A", "R"], **tags,
    )  # fmt: skip
    from pydicom import dcmread

    dataset = dcmread(path)
    dataset.private_block(0x0099, "CANARY", create=True).add_new(1, "LO", "Zaphod 47114711")
    dataset.save_as(path)
    return path


def planted_pictures(folder: Path) -> None:
    """PNG with text and EXIF, JPEG with EXIF and a comment, TIFF with a description, in folders with names."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Patient", "Canary Zaphod", zip=True)
    info.add_itxt("Kanarie", "47114711")
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x8298] = "Canary", "Zaphod", "Kanarie 19501109"
    for number in range(4):
        image = Image.fromarray(np.roll(BREAST, 3 * number + 1, 0))
        home = folder / f"Canary-Jane-{number}"
        home.mkdir(parents=True)
        image.save(home / "Zaphod_47114711_L_CC.png", pnginfo=info, exif=exif)
        image.save(home / "Kanarie 19501109.jpg", exif=exif, comment="Canary")
        image.save(home / "patient47114711.tif", description="Canary", artist="Zaphod")


def planted_refusals(folder: Path) -> None:
    (folder / "canary.png").write_text("no picture of Zaphod")
    (folder / "Kanarie.zip").touch()
    whole = io.BytesIO()
    Image.fromarray(BREAST).save(whole, "PNG")
    damaged = bytearray(whole.getvalue())
    damaged[damaged.index(b"IDAT") + 10] ^= 0xFF
    (folder / "zaphod-damaged.png").write_bytes(damaged)
    (folder / "canary.Zaphod").touch()
    dicom(folder / "canary.dcm", BREAST, 8, PixelData=None, Rows=None, Modality="CANARY")
    (folder / "kanarie.tif").symlink_to(folder / "canary-nowhere.tif")


def by_folders(folder: Path) -> Path:
    """More folders than there could be classes: an archive by patient."""
    planted_pictures(folder)
    for number in range(44):
        home = folder / f"Zaphod {number} 19501109"
        home.mkdir()
        planted_dicom(home / f"kanarie-{number}.dcm", number)
    planted_refusals(folder)
    return folder


def by_table(folder: Path) -> Path:
    """A table of paths beside columns that name people."""
    planted_pictures(folder)
    planted_refusals(folder)
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix in (".png", ".jpg"))
    with open(folder / "Canary-list-of-Zaphod.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "label", "patient_id", "patient_name", "birth date", "Kanarie", "age"])
        for number, path in enumerate([*paths, paths[0], "Zaphod/missing.png"]):
            row = [path, f"class {number % 2}", f"CANARY-{number}", "Zaphod", "19501109", "47114711", 61]
            table.writerow(row)
    return folder


class Lab:
    """The command line on one workspace, its works in processes of their own; keeps what it printed."""

    def __init__(self, workspace: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.workspace, self.capsys, self.patch, self.printed = workspace, capsys, patch, ""

    def __call__(self, *arguments: str, fails: bool = False) -> dict[str, Any]:
        self.patch.setattr(sys, "argv", ["phantom-lab", *arguments, "--workspace", str(self.workspace), "--json"])
        with pytest.raises(SystemExit) as end:
            cli.main()
            sys.exit(0)
        said, errors = self.capsys.readouterr()
        self.printed += said + errors
        assert bool(end.value.code) == fails, said + errors
        answer: dict[str, Any] = json.loads(said)
        return answer


def singing(name: str, data: bytes) -> Iterator[str]:
    """What of a file's name and content holds a canary, in the encodings that files use; archives are opened."""
    texts = [name.lower().encode(), data.lower(), data.replace(b"\0", b"").lower()]
    for canary in CANARIES:
        if any(canary.encode() in text for text in texts):
            yield f"{name}: {canary}"
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from singing(f"{name}/{member}", archive.read(member))
    elif data[:4] in (b"\x89PNG", b"RIFF"):
        with Image.open(io.BytesIO(data)) as image:
            about = f"{image.info}".lower()  # compressed text unpacked; EXIF stands in the file as it is
        yield from (f"{name}: {canary} in its text" for canary in CANARIES if canary in about)


def heard(folder: Path) -> list[str]:
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() or path.is_dir()):
        name = path.relative_to(folder).as_posix()
        data = path.read_bytes() if path.is_file() and path.name not in SOURCES else b""
        found += list(singing(name, data))
    return found


def synthetic_copy(workspace: Workspace, id: str) -> str:
    """The set once more as if it had been generated, to have something to measure."""
    shutil.copytree(workspace.folder("image_sets", id), workspace.folder("image_sets", "drawn"))
    record = workspace.image_set("drawn").record.model_copy(update={"id": "drawn", "origin": "synthetic"})
    workspace.save("image_sets", record)
    return "drawn"


def test_no_identifier_of_a_table_leaves_the_tables_of_sources(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command line, with workers and their logs, and works that fail."""
    folder = by_table(tmp_path / "Canary Zaphod 47114711")
    lab = Lab(tmp_path / "workspace", capsys, monkeypatch)
    added = lab("add", str(folder))
    assert added["items"] == 8 and added["rejected_count"] >= 5, added
    made = lab("curate", added["id"], "--size", "32", "--shape-confidence", "0")
    lab("export", made["id"], "--to", str(tmp_path / "exported"), "--format", "zip")
    lab("add", str(tmp_path / "Canary nowhere"), fails=True)
    shutil.rmtree(folder)
    lab("curate", added["id"], "--size", "32", "--shape-confidence", "0", fails=True)
    assert heard(lab.workspace) == []
    assert heard(tmp_path / "exported") == []
    assert list(singing("printed", lab.printed.encode())) == []
    assert {path.name for path in lab.workspace.rglob("*")} >= {*SOURCES, "job.json", "worker.log", "events.jsonl"}
    assert list((tmp_path / "exported").rglob("*.zip")) and list(lab.workspace.rglob("*.webp"))


def test_no_identifier_of_an_archive_by_patient_leaves_the_tables_of_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With DICOM, and enough pictures to be measured."""
    monkeypatch.setattr(pool, "_WORTH_PROCESSES", 10**6)  # starting them takes longer than the pictures
    folder = by_folders(tmp_path / "Canary Zaphod 47114711")
    workspace = Workspace.open(tmp_path / "workspace")
    context = JobContext.detached(workspace, workspace.path / "jobs" / "all")
    added = add.run(add.AddParameters(path=str(folder)), context)
    assert added["items"] >= 50 and added["patients"] >= 44 and added["classes"] == {"unlabelled": added["items"]}
    made = curate.TASK.run(CurateParameters(catalogue=added["id"], size=32, shape_confidence=0), context)
    shown = preview.TASK.run(preview.PreviewParameters(catalogue=added["id"], count=2), context)
    groups = cluster.TASK.run(cluster.ClusterParameters(image_set=made["id"], features="pixels", k=2), context)
    drawn = synthetic_copy(workspace, made["id"])
    evaluate.run(evaluate.EvaluateParameters(real=made["id"], synthetic=drawn, metrics=["psnr"]), context)
    (evaluation,) = workspace.records("evaluations")
    report = evaluation_report.page(evaluation, {}, evaluation_scorecard.criteria(workspace, evaluation))
    export.TASK.run(export.TASK.parameters(image_set=made["id"], to=str(tmp_path / "exported"), format="zip"), context)
    assert heard(workspace.path) == []
    assert heard(tmp_path / "exported") == []
    said = json.dumps([added, made, shown, groups, evaluation.model_dump(mode="json"), report])
    assert list(singing("said", said.encode())) == []


def test_the_researcher_still_finds_what_was_refused(tmp_path: Path) -> None:
    folder = tmp_path / "Canary"
    folder.mkdir()
    planted_refusals(folder)
    planted_dicom(folder / "zaphod.dcm", 1)
    workspace = Workspace.open(tmp_path / "workspace")
    context = JobContext.detached(workspace, workspace.path / "jobs" / "add")
    result = add.run(add.AddParameters(path=str(folder)), context)
    title, _, table = refused_files(workspace, "catalogues", result["id"])
    assert title.endswith(str(result["rejected_count"]))
    names = {Path(row[0]).name for row in table}
    assert names == {"canary.png", "Kanarie.zip", "zaphod-damaged.png", "canary.dcm", "kanarie.tif"}
    home = workspace.folder("catalogues", result["id"])
    assert files.read_csv(home / "rejected.csv") == result["rejected"]


def test_canaries_are_heard_where_they_are(tmp_path: Path) -> None:
    """The search itself finds what it is for."""
    by_table(tmp_path / "folder")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/y.txt", "von Zaphod")
    (tmp_path / "wide.txt").write_bytes("Canary".encode("utf-16"))
    found = " ".join(heard(tmp_path))
    for place in ("a.zip/x/y.txt", "wide.txt", "in its text", "folder/Canary-list", ".jpg", ".tif"):
        assert place in found


def test_logs_tell_of_an_error_without_quoting_it(tmp_path: Path) -> None:
    try:
        try:
            int("Canary")
        except ValueError:
            open(tmp_path / "canary" / "zaphod.dcm")
    except OSError as error:
        story = trace(error, quoting=False)
        assert "ValueError" in story and "FileNotFoundError" in story and "test_canaries.py" in story
        assert "Canary'" not in story and "zaphod.dcm'" not in story and str(tmp_path) not in story.split("File")[0]
        assert "zaphod" not in str(explain(error)) and "invalid literal" in trace(error, quoting=True)
    assert "worded" in trace(LabError("worded"), quoting=False)


def test_a_sandbox_says_nothing_of_what_it_reads(tmp_path: Path) -> None:
    path = planted_dicom(tmp_path / "canary.dcm", 1)
    with Sandbox(workers=1) as sandbox:
        header, picture = sandbox.probe(path), sandbox.read(path)
    said = repr((header, picture.tags)).lower()
    assert [canary for canary in CANARIES if canary in said] == []
    assert header.patient and header.tags["PatientOrientation"] == "A\\R"
