"""The train task: what it accepts, what it notes, and that it goes on where it stopped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from engines import files
from engines.device import find
from engines.errors import LabError
from engines.jobs import events
from engines.jobs.context import JobContext
from engines.records import ImageSetRecord
from engines.tasks.train import TASK, run
from engines.tasks.training_plan import TrainParameters, budget
from engines.training import perf
from engines.workspace import Workspace

SMALL = {"batch": 4, "size": 64, "latent_dim": 8, "networks": "light", "dropout": 0.0}
QUICK = {"exact": True, "threads": 1, "device": "cpu", "sheet_columns": 2, "sheet_rows": 2, "milestones": 0}


def make_set(workspace: Workspace, items: int = 64, channels: int = 1) -> str:
    """64 drawn images of 32x32 as an image set called `blobs`."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (items, 4, 4, channels), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    with files.new_folder(workspace.folder("image_sets", "blobs")) as folder:
        np.save(folder / "images.npy", images)
        record = ImageSetRecord(
            id="blobs", name="Blobs", origin="real", items=items, width=32, height=32, channels=channels, dtype="uint8",
            classes={"blob": items}, content_sha256=files.sha256_file(folder / "images.npy"),
        )  # fmt: skip
        rows = [{"item": f"{number:06d}", "label": "blob"} for number in range(items)]
        files.write_csv(folder / "items.csv", rows, ("item", "label"))
        workspace.save("image_sets", record, folder)
    return "blobs"


def context_of(workspace: Workspace, name: str = "run") -> JobContext:
    return JobContext.detached(workspace, workspace.folder("runs", name))


def parameters(**changes: Any) -> TrainParameters:
    return TrainParameters.model_validate({"image_set": "blobs", "options": SMALL, **QUICK, **changes})


def test_a_training_is_noted_and_goes_on(workspace: Workspace) -> None:
    make_set(workspace)
    first = run(parameters(images=8), context_of(workspace))
    assert first["id"] == "run" and first["state"] == "done" and first["images_seen"] == 8
    assert np.isfinite(list(first["losses"].values())).all()
    record = workspace.run("run")
    assert (record.method, record.preset, record.image_set) == ("custom_gan", "as_published", "blobs")
    assert record.options["batch"] == 4 and record.options["learning_rate_d"] == 1e-5
    assert record.budget == {"images": 8} and record.set_items == 64 and record.channels == 1
    assert record.parents == {"image_sets/blobs": workspace.image_set("blobs").record.content_sha256}
    again = run(parameters(images=16), context_of(workspace))
    assert again["images_seen"] == 16 and again["batches"] == 4
    seen = [event["images_seen"] for event in events.read(workspace.folder("runs", "run"), "metrics")]
    assert seen == sorted(seen) and seen[-1] == 16
    told = [one for one in events.read(workspace.folder("runs", "run"), "warning") if one["name"] == "enlarged"]
    assert len(told) == 1 and "32 pixels a side and are enlarged to 64" in told[0]["text"]


def test_changed_images_are_refused(workspace: Workspace) -> None:
    make_set(workspace)
    run(parameters(images=4), context_of(workspace))
    record = workspace.image_set("blobs").record
    workspace.save("image_sets", record.model_copy(update={"content_sha256": "other"}))
    with pytest.raises(LabError, match="images of this run have changed"):
        run(parameters(images=8), context_of(workspace))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "nonsense"}, "no method"),
        ({"preset": "nonsense"}, "no preset"),
        ({"options": {"batch": 1}}, "out of bounds"),
        ({"options": {"nonsense": 1}}, "out of bounds"),
        ({"image_set": "nonsense"}, "no “nonsense”"),
    ],
)
def test_mistakes_are_told_with_advice(change: dict[str, Any], message: str, workspace: Workspace) -> None:
    make_set(workspace)
    with pytest.raises(LabError, match=message) as error:
        run(parameters(**change), context_of(workspace))
    assert error.value.advice
    assert not (workspace.folder("runs", "run") / "checkpoints").exists()


def test_too_few_images_are_refused(workspace: Workspace) -> None:
    make_set(workspace, items=5)
    with pytest.raises(LabError, match="too few images"):
        run(parameters(), context_of(workspace))


def test_the_shortest_of_the_budgets_counts() -> None:
    assert budget(parameters(epochs=2.0), 64).images == 128
    both = budget(parameters(images=100, epochs=2.0, minutes=3.0), 64)
    assert (both.images, both.seconds) == (100, 180)
    assert budget(parameters(minutes=1.0), 64).images is None
    assert budget(parameters(), 64).images == 100_000


@pytest.mark.parametrize(
    "change",
    [{"images": 0}, {"epochs": 0}, {"minutes": -1}, {"seed": -1}, {"keep_checkpoints": 1}, {"sheet_rows": 0}, {"x": 1}],
)
def test_parameters_out_of_bounds_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        parameters(**change)


def test_settings_of_the_training_may_come_with_the_methods(workspace: Workspace) -> None:
    given = TrainParameters.model_validate({"image_set": "blobs", "options": {"exact": True, "batch": 8}})
    assert given.exact and given.options == {"batch": 8}
    explicit = TrainParameters.model_validate({"image_set": "blobs", "seed": 3, "options": {"batch": 8}})
    assert explicit.seed == 3
    assert TASK.parameters.model_validate(given.model_dump()) == given


def test_the_warm_up_takes_a_step_of_the_quickest_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[dict[str, Any]] = []
    step = perf.run_step
    monkeypatch.setattr(perf, "run_step", lambda *given: taken.append({"real": given[3][0].real.shape}) or step(*given))
    assert TASK.warm_up is not None
    TASK.warm_up()
    assert [tuple(one["real"]) for one in taken] == ([(16, 1, 64, 64)] if find().kind == "cpu" else [])
