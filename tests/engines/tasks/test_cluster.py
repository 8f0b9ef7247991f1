"""The job that finds clusters, of a set and of a catalogue, and a set made of some of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines import files
from engines.curation.clustered import clusters_of
from engines.curation.parameters import CurateParameters
from engines.curation.pipeline import make_image_set
from engines.errors import LabError
from engines.jobs import control
from engines.jobs.context import JobContext, JobStopped
from engines.records import CatalogueRecord
from engines.tasks.cluster import TASK, ClusterParameters
from engines.workspace import Workspace


@pytest.fixture
def ws(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A catalogue of ten patches, odd ones striped along, even ones across."""
    rng = np.random.default_rng(0)
    stripes = 120 + 100 * np.sin(np.arange(48) / 2)[None].repeat(48, 0)
    items, sources = [], []
    for n in range(1, 11):
        path = tmp_path / f"{n}.png"
        values = (stripes if n % 2 else stripes.T) + rng.normal(0, 6, (48, 48))
        Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).save(path)
        items.append({"item": f"{n:06d}", "label": "x", "patient": f"p{n}", "width": 48, "height": 48, "bits": 8})
        sources.append({"item": f"{n:06d}", "path": str(path)})
    with files.new_folder(workspace.folder("catalogues", "stripes")) as folder:
        files.write_csv(folder / "items.csv", items, list(items[0]))
        files.write_csv(folder / "sources.csv", sources, ["item", "path"])
        workspace.save("catalogues", CatalogueRecord(id="stripes", name="Stripes", layout="folder", items=10), folder)
    return workspace


def patches(**choices: object) -> CurateParameters:
    plain = {"crop": False, "flip": False, "mask_background": False, "shape_confidence": 0, "size": 48}
    return CurateParameters(catalogue="stripes", **plain, **choices)


def job(ws: Workspace, id: str) -> JobContext:
    return JobContext.detached(ws, ws.folder("jobs", id))


def test_clusters_of_a_set_choose_what_the_next_set_holds(ws: Workspace) -> None:
    whole = make_image_set(ws, "stripes", patches(), job(ws, "first"))
    result = TASK.run(ClusterParameters(image_set=whole.id, features="pixels"), job(ws, "found"))
    assert result["clustering"] == "found" and result["k"] == 2 and set(result["sizes"].values()) == {5}
    assert result["silhouettes"]["2"] == max(result["silhouettes"].values()) and not result["warnings"]
    folder = ws.folder("jobs", "found")
    clusters = clusters_of(ws, "found", "stripes")
    assert len({clusters[f"{n:06d}"] for n in (1, 3, 5, 7, 9)}) == 1
    for number in ("1", "2"):
        with Image.open(folder / "samples" / f"{number}.webp") as row:
            assert row.size == (96 * 5, 96)
        assert {clusters[item] for item in result["samples"][number]} == {int(number)}
    again = TASK.run(ClusterParameters(image_set=whole.id, features="pixels", k=2), job(ws, "again"))
    assert {**again, "clustering": "found"} == result and clusters_of(ws, "again", "stripes") == clusters
    assert len(list((ws.path / "cache" / "features").glob("clusters1-*-pixels-0.npy"))) == 1
    along = clusters["000001"]
    chosen = make_image_set(ws, "stripes", patches(clustering="found", clusters=[along]), job(ws, "second"))
    assert {row["item"] for row in ws.image_set(chosen.id).items} == {f"{n:06d}" for n in (1, 3, 5, 7, 9)}
    left_out = [
        row for row in files.read_csv(ws.folder("image_sets", chosen.id) / "curation.csv") if row["kept"] == "0"
    ]
    assert {row["reason"] for row in left_out} == {f"cluster {3 - along} not chosen"}


def test_a_catalogue_can_be_clustered_before_anything_is_curated(ws: Workspace) -> None:
    result = TASK.run(ClusterParameters(catalogue="stripes", features="pixels", k=3), job(ws, "early"))
    assert result["k"] == 3 and sum(result["sizes"].values()) == 10
    assert set(clusters_of(ws, "early", "stripes")) == {f"{n:06d}" for n in range(1, 11)}


def test_what_is_missing_or_not_clear_is_said(ws: Workspace) -> None:
    for wrong in (ClusterParameters(), ClusterParameters(image_set="a", catalogue="stripes")):
        with pytest.raises(LabError, match="not clear"):
            TASK.run(wrong, job(ws, "wrong"))
    with pytest.raises(LabError, match="no finished clustering"):
        make_image_set(ws, "stripes", patches(clustering="nothing", clusters=[1]), job(ws, "x"))
    with pytest.raises(LabError, match="of no clustering"):
        make_image_set(ws, "stripes", patches(clusters=[1]), job(ws, "x"))
    TASK.run(ClusterParameters(catalogue="stripes", features="pixels"), job(ws, "found"))
    with pytest.raises(LabError, match="no cluster 9"):
        make_image_set(ws, "stripes", patches(clustering="found", clusters=[9]), job(ws, "x"))
    with pytest.raises(LabError, match="of other images"):
        clusters_of(ws, "found", "films")


def test_stop_leaves_no_clustering(ws: Workspace) -> None:
    context = job(ws, "stopped")
    control.request(context.folder, "stop")
    with pytest.raises(JobStopped):
        TASK.run(ClusterParameters(catalogue="stripes"), context)
    with pytest.raises(LabError, match="no finished clustering"):
        clusters_of(ws, "stopped", "stripes")
