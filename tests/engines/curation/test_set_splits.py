"""Image sets made with splits, leaks and versions: what the record says, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engines import files
from engines.curation.parameters import CurateParameters
from engines.curation.pipeline import make_image_set
from engines.decisions import record_decision
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.versions import lineage, restore
from engines.workspace import Workspace

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def make(
    workspace: Workspace, context: JobContext, draw: Callable[..., Any], make_catalogue: Callable[..., str]
) -> Callable[..., Any]:
    """Curate a catalogue of ten breasts of six women, of whom one film was added twice."""
    pictures = [draw("left" if n % 2 else "right", seed=n, level=120 + 4 * n) for n in range(9)]
    rng = np.random.default_rng(0)
    pictures = [np.clip(p + rng.normal(0, 30, (25, 20)).repeat(16, 0).repeat(15, 1), 0, 255) for p in pictures]
    pictures = [np.where(p0 > 40, p1, p0).astype(np.uint8) for p0, p1 in zip(pictures, pictures, strict=True)]
    id = make_catalogue([*pictures, pictures[0]], labels=["a", "b"] * 5, patients=list("aabbccdeff"))
    folder = workspace.folder("catalogues", id)

    def make(parts: str = "", **choices: Any) -> Any:
        if parts:
            rows = files.read_csv(folder / "items.csv")
            names = {"t": "train", "v": "test"}
            for row, part in zip(rows, parts, strict=True):
                row["split"] = names[part]
            files.write_csv(folder / "items.csv", rows, list(rows[0]))
        parameters = {"catalogue": id, "size": 48, "shape_confidence": 0, "crop": False, "flip": False, **choices}
        parameters.setdefault("mask_background", False)
        return make_image_set(workspace, id, CurateParameters(**parameters), context)

    return make


def test_folds_keep_the_copy_with_its_original_and_are_counted_in_the_record(
    workspace: Workspace, make: Callable[..., Any]
) -> None:
    record = make(split="folds", folds=3)
    rows = {row["item"]: row for row in workspace.image_set(record.id).items}
    assert list(record.split_counts) == ["fold1", "fold2", "fold3"]
    assert sum(sum(counts.values()) for counts in record.split_counts.values()) == 10
    assert rows["000001"]["split"] == rows["000010"]["split"] == rows["000002"]["split"] == rows["000009"]["split"]
    assert any("equal or nearly equal" in warning for warning in record.warnings)


def test_a_leaking_split_of_the_catalogue_is_refused_or_kept_in_writing(
    workspace: Workspace, make: Callable[..., Any]
) -> None:
    with pytest.raises(LabError, match="not apart") as refused:
        make("tvttttttvv")
    assert "1 patient is" in refused.value.why and "1 picture lies in two parts" in refused.value.why
    assert not workspace.ids("image_sets")
    record = make("tvttttttvv", leak_reason="the split of the paper")
    assert "the split of the paper" in record.warnings[0]
    leaks = files.read_csv(workspace.folder("image_sets", record.id) / "leaks.csv")
    assert {leak["kind"] for leak in leaks} == {"same patient", "equal pixels"}
    assert record.split_counts["test"] == {"a": 1, "b": 2}


def test_versions_say_what_changed_and_an_older_one_can_be_made_again(
    workspace: Workspace, make: Callable[..., Any]
) -> None:
    first = make(classes=["a"])
    home = workspace.folder("catalogues", "drawn")
    record_decision(home, "000001", "reject", client="c", seq=1)
    second = make(classes=[], size=64, replaces=first.id)
    assert (first.version, second.version, second.replaces) == (1, 2, first.id)
    assert second.changes == [
        "Classes: “a” became none.",
        "Size: 48 became 64.",
        "5 images added (5 b).",
        "1 image removed (1 a).",
    ]
    third = make_image_set(
        workspace, "drawn", CurateParameters(**restore(workspace, first.id)), JobContext.detached(workspace, home)
    )
    assert (third.version, third.replaces, third.items) == (3, second.id, 5)
    assert third.content_sha256 == first.content_sha256
    assert [record.id for record in lineage(workspace, second.id)] == [first.id, second.id, third.id]
    with pytest.raises(LabError, match="no “nothing”"):
        make(replaces="nothing")
