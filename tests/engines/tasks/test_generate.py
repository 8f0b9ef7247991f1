"""The generate task: a synthetic image set that can be traced and made again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import files
from engines.errors import LabError
from engines.jobs import control
from engines.jobs.context import JobContext, JobStopped
from engines.methods.base import NetSpec
from engines.methods.custom_gan import METHOD
from engines.records import ImageSetRecord, RunRecord
from engines.tasks.generate import GenerateParameters, run
from engines.training import checkpoints
from engines.training.generation import Sampler
from engines.training.state import TrainState
from engines.workspace import Workspace


@pytest.fixture
def trained(workspace: Workspace) -> Iterator[Path]:
    """A run with two checkpoints of untrained networks: what they draw does not matter here."""
    import torch

    options = METHOD.choose("quick_look", {"latent_dim": 8})
    files.write_json(_folder(workspace.folder("image_sets", "reals")) / "record.json", _real().model_dump())
    record = RunRecord(id="run", name="A run", method="custom_gan", image_set="reals")
    workspace.save("runs", record)
    about = {
        "method": "custom_gan",
        "options": options.model_dump(),
        "channels": 1,
        "dtype": "uint16",
        "classes": ["malignant"],
    }
    for images_seen in (1000, 2000):
        torch.manual_seed(images_seen)
        state = TrainState.new(METHOD.build(options, NetSpec(1)), torch.device("cpu"))
        state.images_seen = images_seen
        checkpoints.save(workspace.folder("runs", "run"), state, state.tensors(), about)
    yield workspace.folder("runs", "run")


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _real() -> ImageSetRecord:
    return ImageSetRecord(
        id="reals", name="Reals", origin="real", items=1, width=64, height=64, channels=1, dtype="uint16",
        classes={"malignant": 1},
    )  # fmt: skip


def context_of(workspace: Workspace) -> JobContext:
    return JobContext.detached(workspace, workspace.folder("jobs", "generate"))


def generate(workspace: Workspace, **given: Any) -> dict[str, Any]:
    return run(GenerateParameters(run="run", **given), context_of(workspace))


def test_places_between_seeds_make_a_set_too(workspace: Workspace, trained: Path) -> None:
    between = {"first": 7, "second": {"first": 8, "second": 9, "at": 0.5}, "at": 0.25}
    made = workspace.image_set(generate(workspace, places=[8, between, 7], count=1)["id"])
    assert made.record.items == 3 and [row["seed"] for row in made.items] == ["8", "", "7"]
    assert json.loads(made.items[1]["place"]) == between
    again = workspace.image_set(generate(workspace, places=[7, 8])["id"])
    assert "place" not in again.items[0]
    assert np.array_equal(again.images[1], made.images[0]) and not np.array_equal(made.images[1], made.images[0])
    with pytest.raises(LabError, match="no truncation"):
        generate(workspace, truncation=0.5)


def test_a_set_is_synthetic_labelled_and_traceable(workspace: Workspace, trained: Path) -> None:
    made = workspace.image_set(generate(workspace, count=18)["id"])
    record = made.record
    assert record.origin == "synthetic" and record.items == 18 and record.classes == {"malignant": 18}
    assert made.images.shape == (18, 64, 64, 1) and made.images.dtype == np.uint16
    assert record.content_sha256 == files.sha256_file(made.folder / "images.npy")
    newest = checkpoints.choose(trained, "latest")
    assert record.parents == {"runs/run/00002000": newest.sha256}
    assert {row["checkpoint_sha256"] for row in made.items} == {newest.sha256}
    assert len({row["seed"] for row in made.items}) == 18
    assert sorted(path.stem for path in (made.folder / "thumbnails").iterdir()) == [f"{n:06d}" for n in range(1, 19)]


def test_the_same_seed_makes_the_same_images(workspace: Workspace, trained: Path) -> None:
    sets = [workspace.image_set(generate(workspace, count=5, seed=seed)["id"]) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(sets[0].images, sets[1].images)
    assert sets[0].record.id != sets[1].record.id and (sets[0].images[:] != sets[2].images[:]).any()


def test_one_image_comes_back_from_its_own_seed(workspace: Workspace, trained: Path) -> None:
    made = workspace.image_set(generate(workspace, count=20)["id"])
    sampler = Sampler(checkpoints.choose(trained, "latest"))
    (alone,) = sampler.images([int(made.items[17]["seed"])], [0])
    # Another batch size may round differently in the last bits of 16.
    np.testing.assert_allclose(alone[0].astype(int), made.images[17].astype(int), atol=8)


def test_a_checkpoint_can_be_chosen(workspace: Workspace, trained: Path) -> None:
    assert generate(workspace, count=1, checkpoint="1000")["checkpoint"] == 1000
    with pytest.raises(LabError, match="no checkpoint “5”") as error:
        generate(workspace, count=1, checkpoint="5")
    assert "1000, 2000" in error.value.why


def test_damaged_and_missing_checkpoints_are_told(workspace: Workspace, trained: Path) -> None:
    (trained / "checkpoints" / "00002000" / "ema.safetensors").write_bytes(b"torn")
    assert generate(workspace, count=1)["checkpoint"] == 1000
    with pytest.raises(LabError, match="damaged"):
        generate(workspace, count=1, checkpoint="2000")
    for found in checkpoints.found(trained):
        files.remove_folder(found.folder)
    with pytest.raises(LabError, match="no checkpoint to generate from"):
        generate(workspace, count=1)


def test_a_stopped_job_leaves_nothing(workspace: Workspace, trained: Path) -> None:
    before = sorted((workspace.path / "image_sets").iterdir())
    context = context_of(workspace)
    control.request(context.folder, "stop")
    with pytest.raises(JobStopped):
        run(GenerateParameters(run="run", count=40), context)
    assert sorted((workspace.path / "image_sets").iterdir()) == before
