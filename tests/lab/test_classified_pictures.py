"""Single images of a comparison: who was said to be what, next to which training images, and where it was looked."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from engines import files
from engines.jobs.context import JobContext
from engines.tasks.compare import TASK, CompareParameters
from engines.workspace import Workspace
from lab import classified_picture_routes
from lab.classified_pictures import Predictions
from lab.evaluation_pictures import eight_bit
from tests.lab.planted_comparison import (
    ARMS,
    CLASSIFIERS,
    COPIES,
    ID,
    REAL,
    SYNTHETIC,
    TEST,
    confusion,
    plant,
    plant_sets,
    scores,
)
from tests.lab.test_media import Role

AUGMENTED, ON_SYNTHETIC = len(ARMS), len(ARMS) + 1  # the places of the arms that `more` adds
READ = (
    f"/comparison/{ID}/images?classifier=1&arm=1&true=0&predicted=1", f"/comparison/{ID}/picture/{REAL}/0",
    f"/comparison/{ID}/saliency/0?classifier=1", f"/comparison/{ID}/predictions",
)  # fmt: skip


@pytest.fixture
def client(workspace: Workspace) -> TestClient:
    plant(workspace, more=True)
    app = FastAPI()
    app.include_router(classified_picture_routes.make(workspace))
    app.add_middleware(Role)
    return TestClient(app)


def cell(client: TestClient, classifier: int, arm: int, true: int, predicted: int, **more: Any) -> Any:
    asked = {"classifier": classifier, "arm": arm, "true": true, "predicted": predicted, **more}
    answer = client.get(f"/comparison/{ID}/images", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def pixels(answer: Any) -> Any:
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)))


@pytest.mark.parametrize("path", READ)
def test_the_owner_reads_and_nobody_else(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200
    for role in ("viewer", "reader", ""):
        assert client.get(path, headers={"role": role} if role else {"role": "nobody"}).status_code == 403


@pytest.mark.parametrize("classifier", range(len(CLASSIFIERS)))
@pytest.mark.parametrize("arm", [*range(len(ARMS)), AUGMENTED, ON_SYNTHETIC])
def test_the_images_of_all_cells_are_the_confusion_matrix(client: TestClient, classifier: int, arm: int) -> None:
    table = np.zeros((2, 2))
    for true in range(2):
        for predicted in range(2):
            found = cell(client, classifier, arm, true, predicted, count=96)
            table[true, predicted] = sum(image["said"] for image in found["images"]) / found["seeds"]
            assert {image["label"] for image in found["images"]} <= {("benign", "malignant")[true]}
    assert table.tolist() == confusion(classifier, arm, 8 if arm == ON_SYNTHETIC else TEST)


def test_the_surest_come_first_with_what_the_seeds_said(client: TestClient, workspace: Workspace) -> None:
    found = cell(client, 0, 0, 0, 1)
    both = [scores(0, 0, seed, TEST)[:, 1] for seed in range(2)]
    numbers = [image["said"] for image in found["images"]]
    assert numbers == sorted(numbers, reverse=True) and found["total"] == len(numbers) > 1
    for image in found["images"]:
        said = [float(one[image["index"]]) for one in both]
        expected = [np.mean(said), min(said), max(said)]
        assert [image[name] for name in ("probability", "low", "high")] == pytest.approx(expected, abs=1e-4)
        row = workspace.image_set(REAL).items[image["place"]]
        assert (image["item"], image["patient"], row["split"]) == (row["item"], row["patient"], "test")


def test_a_gallery_comes_in_pages(client: TestClient) -> None:
    whole = cell(client, 0, 0, 1, 1)
    pages = [cell(client, 0, 0, 1, 1, start=start, count=2)["images"] for start in range(0, whole["total"], 2)]
    assert [image for page in pages for image in page] == whole["images"]
    assert cell(client, 0, 0, 1, 1, start=-5, count=10_000)["images"] == whole["images"]


def neighbours(client: TestClient, arm: int) -> Any:
    return [near for image in cell(client, 0, arm, 0, 0)["images"] for near in image["nearest"]]


def test_neighbours_are_training_images_and_named_by_kind(client: TestClient, workspace: Workspace) -> None:
    items = {id: workspace.image_set(id).items for id in (REAL, SYNTHETIC)}
    real_only, phase, augmented = (neighbours(client, arm) for arm in (0, 1, AUGMENTED))
    assert {near["kind"] for near in real_only} == {"real"}
    assert {near["kind"] for near in phase} == {"real", "synthetic"}
    assert {near["kind"] for near in augmented} == {"real", "augmented"}
    for near in [*real_only, *phase, *augmented]:
        assert near["set"] == (SYNTHETIC if near["kind"] == "synthetic" else REAL)
        row = items[near["set"]][near["place"]]
        assert (near["item"], near["label"]) == (row["item"], row["label"])
        left_out = row["patient"] == "TR000"  # by seed 0
        assert near["kind"] == "synthetic" or (row["split"] == "train" and not left_out)


def test_numbers_of_neighbours_lead_to_their_places(client: TestClient, workspace: Workspace) -> None:
    """By hand: of 12 training images, each third of the set, seed 0 leaves out the first two."""
    with np.load(workspace.folder("comparisons", ID) / "cells" / "0000.npz") as kept:
        assert len(kept["real"]) == 10 and kept["pool"].tolist() == list(range(0, 36, 3))
    image = next(one for one in cell(client, 0, 0, 0, 0)["images"] if one["index"] == 2)
    assert [near["place"] for near in image["nearest"]] == [3 * (2 + n) for n in (2, 3, 4, 5, 6)]
    image = next(one for one in cell(client, 0, AUGMENTED, 0, 0)["images"] if one["index"] == 4)
    # Numbers 4, 10 + 5, 6, 10 + 7, 8 of ten real images and two copies of each behind them.
    assert [near["place"] for near in image["nearest"]] == [3 * (2 + n) for n in (4, 5 // COPIES, 6, 7 // COPIES, 8)]


def test_synthetic_test_images_are_shown_as_such(client: TestClient) -> None:
    found = cell(client, 0, ON_SYNTHETIC, 0, 0)
    assert {image["set"] for image in found["images"]} == {SYNTHETIC}
    assert all(image["place"] == (image["index"] + 2) % 8 for image in found["images"])


def test_a_picture_is_the_image_of_the_set(client: TestClient, workspace: Workspace) -> None:
    for id, place in ((REAL, 5), (SYNTHETIC, 3)):
        expected = np.asarray(eight_bit(workspace.image_set(id).images[place]))
        assert np.array_equal(pixels(client.get(f"/comparison/{ID}/picture/{id}/{place}")), expected)
    assert pixels(client.get(f"/comparison/{ID}/picture/{REAL}/5?side=1")).shape == (32, 32)


def test_a_map_is_clear_where_nothing_was_looked_at(client: TestClient) -> None:
    drawn = pixels(client.get(f"/comparison/{ID}/saliency/0?classifier=1"))
    assert drawn.shape[2] == 4
    y, x = np.unravel_index(drawn[..., 3].argmax(), drawn.shape[:2])
    assert drawn[y, x, 3] > 150 and abs(x / 32 - 0.3) < 0.1 and abs(y / 32 - 0.6) < 0.1 and drawn[0, -1, 3] == 0
    mapped = {image["index"]: image["mapped"] for image in cell(client, 1, 0, 0, 0)["images"]}
    assert mapped and all(mapped.values())  # every benign image has an even number, as the maps have
    assert not any(image["mapped"] for image in cell(client, 0, 0, 0, 0)["images"])


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/comparison/none/images", "no such comparison"),
        (f"/comparison/{ID}/images?classifier=9", "no such classifier"),
        (f"/comparison/{ID}/images?arm=-1", "no such classifier or training set"),
        (f"/comparison/{ID}/images?true=2", "no such class"),
        (f"/comparison/{ID}/picture/{REAL}/99", "no such image"),
        (f"/comparison/{ID}/picture/{REAL}/-1", "no such image"),
        (f"/comparison/{ID}/picture/other/0", "no part of the comparison"),
        (f"/comparison/{ID}/saliency/1?classifier=1", "No map"),
        (f"/comparison/{ID}/saliency/0?classifier=0", "No map"),
    ],
)
def test_what_is_not_there_is_said(client: TestClient, path: str, words: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404 and words in answer.json()["error"]


def test_only_the_very_images_that_were_compared_are_shown(client: TestClient, workspace: Workspace) -> None:
    record = workspace.image_set(REAL).record
    workspace.save("image_sets", record.model_copy(update={"content_sha256": "others"}))
    answer = client.get(f"/comparison/{ID}/picture/{REAL}/0")
    assert answer.status_code == 404 and "changed" in answer.json()["error"]


def test_another_set_of_the_workspace_stays_closed(client: TestClient, workspace: Workspace) -> None:
    files.write_npy(workspace.folder("image_sets", "secret") / "images.npy", np.zeros((1, 4, 4, 1), np.uint8))
    assert client.get(f"/comparison/{ID}/picture/secret/0").status_code == 404
    assert client.get(f"/comparison/{ID}/picture/..%2F..%2Fsecret/0").status_code == 404


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_damaged_answers_are_told(client: TestClient, workspace: Workspace, content: bytes) -> None:
    (workspace.folder("comparisons", ID) / "cells" / "0000.npz").write_bytes(content)
    answer = client.get(f"/comparison/{ID}/images")
    assert answer.status_code == 404 and "cannot be read" in answer.json()["error"]


def test_a_stopped_comparison_shows_what_is_there(workspace: Workspace) -> None:
    record = plant(workspace)
    workspace.save("comparisons", record.model_copy(update={"rows": record.rows[:1]}))
    app = FastAPI()
    app.include_router(classified_picture_routes.make(workspace))
    app.add_middleware(Role)
    client = TestClient(app)
    assert cell(client, 0, 0, 0, 0)["seeds"] == 1
    answer = client.get(f"/comparison/{ID}/images?classifier=1")
    assert answer.status_code == 404 and "not trained" in answer.json()["error"]


def test_all_answers_come_as_a_table(client: TestClient) -> None:
    answer = client.get(f"/comparison/{ID}/predictions?classifier=1&arm=2")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == TEST and "attachment" in answer.headers["content-disposition"]
    for n, row in enumerate(rows):
        for seed in range(2):
            assert float(row[f"malignant (seed {seed})"]) == pytest.approx(float(scores(1, 2, seed, TEST)[n, 1]))


def test_what_the_engine_writes_is_read(workspace: Workspace, tmp_path: Path) -> None:
    """No format is agreed on twice: a comparison that was really made, every cell of it looked at."""
    pool, _ = plant_sets(workspace, test=40)
    asked = {"real": REAL, "synthetic": [SYNTHETIC], "classifiers": ["logistic_regression@pixels"], "seeds": 2}
    more = {"protocols": ["phases", "augmented", "real_to_synthetic"], "phase_step": 4, "phases": 1}
    context = JobContext.detached(workspace, tmp_path / "job")
    made = TASK.run(CompareParameters.model_validate({**asked, **more, "augment_copies": COPIES}), context)
    record = workspace.record("comparisons", made["id"])
    predictions = Predictions(workspace)
    kinds: dict[str, set[str]] = {}
    for number, arm in enumerate(record.arms):
        line = next(one for one in record.summary if one["arm"] == arm["name"])
        for true in range(2):
            for predicted in range(2):
                found = predictions.images(record.id, 0, number, true, predicted, count=96)
                counted = sum(image["said"] for image in found["images"]) / found["seeds"]
                assert counted == pytest.approx(line["confusion"][true][predicted], abs=0.01)
                near = [one for image in found["images"] for one in image["nearest"]]
                kinds.setdefault(arm["protocol"], set()).update(one["kind"] for one in near)
                assert all(one["set"] == SYNTHETIC or one["place"] in pool for one in near)
    assert kinds["real"] == kinds["real_to_synthetic"] == {"real"}
    assert kinds["phases"] <= {"real", "synthetic"} and kinds["augmented"] <= {"real", "augmented"}
