"""A translation from end to end: trained on two classes of a set, drawn, and traceable to what it was made from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engines import files
from engines.errors import LabError
from engines.jobs import events
from engines.jobs.context import JobContext
from engines.methods.cycle_gan import METHOD
from engines.records import ImageSetRecord
from engines.tasks import generate, train
from engines.tasks.training_data import data_for
from engines.training import checkpoints
from engines.training.plan import Budget, Plan
from engines.training.session import Session
from engines.workspace import Workspace

DARK, BRIGHT = 16, 20  # images of either class
TINY = {"batch": 4, "size": 64, "width": 0.0625}


def make_set(
    workspace: Workspace, id: str = "pairs", labels: tuple[str, str] = ("benign", "malignant"), channels: int = 1
) -> str:
    """Grainy images of 32x32: 16 dark ones of the first class and 20 bright ones of the second, in turns."""
    chance = np.random.default_rng(0)
    rows, images = [], []
    for number in range(DARK + BRIGHT):
        dark = number % 2 == 0 and number < 2 * DARK
        images.append(chance.integers(20, 60, (32, 32, channels)) + (0 if dark else 150))
        rows.append({"item": f"{number + 1:06d}", "label": labels[0] if dark else labels[1]})
    with files.new_folder(workspace.folder("image_sets", id)) as folder:
        np.save(folder / "images.npy", np.asarray(images, dtype=np.uint8))
        record = ImageSetRecord(
            id=id, name="Pairs", origin="real", items=len(rows), width=32, height=32, channels=channels, dtype="uint8",
            classes={labels[0]: DARK, labels[1]: BRIGHT}, content_sha256=files.sha256_file(folder / "images.npy"),
        )  # fmt: skip
        files.write_csv(folder / "items.csv", rows, ("item", "label"))
        workspace.save("image_sets", record, folder)
    return id


def trained(workspace: Workspace, images: int = 8, **options: Any) -> dict[str, Any]:
    parameters = train.TASK.parameters.model_validate(
        {
            "image_set": "pairs", "method": "cycle_gan", "preset": "tiny", "options": {**TINY, **options},
            "images": images, "exact": True, "threads": 1, "device": "cpu", "sheet_columns": 3, "sheet_rows": 2,
            "milestones": 0,
        }
    )  # fmt: skip
    return train.run(parameters, JobContext.detached(workspace, workspace.folder("runs", "run")))


def drawn(workspace: Workspace, **given: Any) -> Any:
    parameters = generate.GenerateParameters(run="run", **given)
    made = generate.run(parameters, JobContext.detached(workspace, workspace.folder("jobs", "generate")))
    return workspace.image_set(made["id"])


def items_of(workspace: Workspace, label: str, id: str = "pairs") -> set[str]:
    return {row["item"] for row in workspace.image_set(id).items if row["label"] == label}


def test_every_image_of_a_class_becomes_one_of_the_other(workspace: Workspace) -> None:
    make_set(workspace)
    outcome = trained(workspace, networks="standard")
    assert outcome["state"] == "done"
    assert {"g_loss", "d_loss", "cycle_loss", "identity_loss", "sheet_distance"} <= outcome["losses"].keys()
    run_folder = workspace.folder("runs", "run")
    assert (run_folder / "reals.webp").is_file() and list(events.read(run_folder, "sample"))
    newest = checkpoints.choose(run_folder, "latest")
    assert newest.about["classes"] == ["malignant", "benign"]
    made = drawn(workspace, count=DARK)
    assert made.record.origin == "synthetic" and made.record.classes == {"malignant": DARK}
    assert made.images.shape == (DARK, 64, 64, 1) and made.images.dtype == np.uint8
    assert {row["source"] for row in made.items} == items_of(workspace, "benign")
    assert {row["checkpoint_sha256"] for row in made.items} == {newest.sha256}
    # Even the first translations follow their images: no two are alike.
    assert len({image.tobytes() for image in made.images}) == DARK


def test_the_other_way_round(workspace: Workspace) -> None:
    make_set(workspace)
    trained(workspace, source_class="malignant", target_class="benign")
    made = drawn(workspace, count=5, label="made")
    assert made.record.classes == {"made": 5}
    assert {row["source"] for row in made.items} < items_of(workspace, "malignant")


def test_a_seed_chooses_the_images_and_brings_them_back(workspace: Workspace) -> None:
    make_set(workspace)
    trained(workspace)
    sets = [drawn(workspace, count=6, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(sets[0].images, sets[1].images)
    sources = [[row["source"] for row in made.items] for made in sets]
    assert sources[0] == sources[1] != sources[2]


def test_images_of_another_set_are_translated(workspace: Workspace) -> None:
    make_set(workspace)
    trained(workspace)
    make_set(workspace, "others")
    make_set(workspace, "strangers", ("left", "right"))
    make_set(workspace, "colourful", channels=3)
    assert {row["source"] for row in drawn(workspace, count=DARK, source="others").items} == items_of(
        workspace, "benign", "others"
    )
    with pytest.raises(LabError, match="only 0 images to translate"):
        drawn(workspace, count=1, source="strangers")
    with pytest.raises(LabError, match="cannot be translated by this run"):
        drawn(workspace, count=1, source="colourful")
    with pytest.raises(LabError, match=f"only {DARK} images to translate") as error:
        drawn(workspace, count=DARK + 1)
    assert error.value.advice


def test_sheets_are_measured_against_the_class_to_become(workspace: Workspace) -> None:
    """A translation that does nothing is far from its goal, and the guards must not praise it."""
    make_set(workspace)
    options = METHOD.choose("tiny", TINY)
    data = data_for(METHOD, options, workspace.image_set("pairs"), "")
    plan = Plan(
        METHOD, options, "tiny", 1, seed=0, budget=Budget(images=8), classes=data.classes, exact=True, threads=1
    )
    session = Session(plan, data, JobContext.detached(workspace, workspace.folder("runs", "run")))
    assert session.sheets.reals.max() < 100 < session.sheets.goals.min()
    assert session.distance(session.sheets.reals) > 10 * abs(session.distance(session.sheets.goals))
