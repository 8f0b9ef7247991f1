"""The demo job: a catalogue of phantoms that is drawn once, named as what it is, and stops when asked."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from PIL import Image

from engines import files
from engines.jobs import control
from engines.jobs.context import JobContext, JobStopped
from engines.tasks.demo import TASK, DemoParameters
from engines.workspace import Workspace

COUNT = 32


def context(workspace: Workspace) -> JobContext:
    return JobContext.detached(workspace, workspace.path / "jobs" / "demo-job")


def test_the_demo_is_a_catalogue_with_its_truth(workspace: Workspace) -> None:
    result = TASK.run(DemoParameters(count=COUNT), context(workspace))
    assert result["drawn"] and result["items"] == COUNT
    assert result["classes"] == {"lesion": COUNT // 2, "no_lesion": COUNT // 2}
    record = workspace.catalogue(result["id"])
    assert (record.layout, record.patients) == ("phantoms", COUNT // 4)
    assert any("phantom" in sentence for sentence in record.warnings)
    items, sources = workspace.catalogue_items(record.id), workspace.sources(record.id)
    assert Counter(item["label"] for item in items) == result["classes"]
    for item in items:
        path = sources[item["item"]].path
        assert path.parent == workspace.path / "phantoms" / record.id and "phantom" in path.name
        with Image.open(path) as image:
            assert image.size == (int(item["width"]), int(item["height"]))
        assert bool(json.loads(item["lesions"])) == (item["label"] == "lesion")
        assert item["deserves_rejection"] in ("0", "1")
    assert len({item["patient"] for item in items}) == COUNT // 4
    analysis = workspace.folder("catalogues", record.id) / "analysis"
    assert len(files.read_csv(analysis / "curation.csv")) == COUNT


def test_asking_again_gives_the_one_that_is_there(workspace: Workspace) -> None:
    first = TASK.run(DemoParameters(count=8), context(workspace))
    again = TASK.run(DemoParameters(count=8, name="another name"), context(workspace))
    assert again["id"] == first["id"] and not again["drawn"]
    other = TASK.run(DemoParameters(count=8, seed=2), context(workspace))
    assert other["id"] != first["id"] and other["drawn"]
    hashes = {workspace.catalogue(result["id"]).content_sha256 for result in (first, other)}
    assert len(hashes) == 2


def test_the_same_seed_gives_the_same_content_in_another_workspace(workspace: Workspace, tmp_path_factory) -> None:
    elsewhere = Workspace.open(tmp_path_factory.mktemp("other") / "workspace")
    here, there = (TASK.run(DemoParameters(count=4), context(ws)) for ws in (workspace, elsewhere))
    assert workspace.catalogue(here["id"]).content_sha256 == elsewhere.catalogue(there["id"]).content_sha256
    patients = [
        {row["patient"] for row in ws.catalogue_items(r["id"])} for ws, r in ((workspace, here), (elsewhere, there))
    ]
    assert not patients[0] & patients[1], "pseudonyms are the workspace's own"


def test_missing_images_are_drawn_anew(workspace: Workspace) -> None:
    first = TASK.run(DemoParameters(count=4), context(workspace))
    workspace.sources(first["id"])["000002"].path.unlink()
    again = TASK.run(DemoParameters(count=4), context(workspace))
    assert again["drawn"] and again["id"] != first["id"]
    assert all(source.path.exists() for source in workspace.sources(again["id"]).values())


def test_a_stop_leaves_nothing_half_done(workspace: Workspace) -> None:
    job = context(workspace)
    control.request(job.folder, "stop")
    with pytest.raises(JobStopped):
        TASK.run(DemoParameters(count=8), job)
    assert not workspace.ids("catalogues")
    assert not list((workspace.path / "phantoms").iterdir())
