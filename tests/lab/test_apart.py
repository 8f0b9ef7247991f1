"""Whether test images are apart from what generators learned, as far as tables tell."""

from __future__ import annotations

import pytest

from engines.records import RunRecord
from engines.workspace import Workspace
from lab import apart, classify_form
from tests.lab.planted_comparison import masses, plant_set

CLASSES = ("benign", "malignant")


def rows(people: list[str], parts: list[str] | None = None) -> list[dict[str, object]]:
    """Images of both classes in turn, one for each name."""
    return [
        {"index": n, "item": f"{n}", "label": CLASSES[n % 2], "patient": who, "split": parts[n] if parts else ""}
        for n, who in enumerate(people)
    ]


def people(first: int, count: int = 20) -> list[str]:
    return [f"p{n}" for n in range(first, first + count)]


def plant_generator(workspace: Workspace, image_set: str, part: str = "", only_class: str = "") -> None:
    run = RunRecord(id="dreamer", name="dreamer", method="dcgan", image_set=image_set, part=part)
    workspace.save("runs", run.model_copy(update={"parameters": {"only_class": only_class}}))
    plant_set(workspace, "dreamed", "synthetic", masses(4), rows([""] * 4))
    record = workspace.image_set("dreamed").record
    workspace.save("image_sets", record.model_copy(update={"parents": {"runs/dreamer/00001000": "0"}}))


def plant_real(workspace: Workspace, id: str, whose: list[str], parts: list[str] | None = None) -> None:
    plant_set(workspace, id, "real", masses(len(whose)), rows(whose, parts))
    record = workspace.image_set(id).record
    counts: dict[str, dict[str, int]] = {}
    for n, part in enumerate(parts or []):
        counts.setdefault(part, dict.fromkeys(CLASSES, 0))[CLASSES[n % 2]] += 1
    workspace.save("image_sets", record.model_copy(update={"split_counts": counts}))


def advice(workspace: Workspace, test: str = "") -> dict[str, str]:
    real = workspace.image_set("real").record
    return apart.advice(workspace, real, test, classify_form.real_sets(workspace), ["dreamed"])


def at_first(workspace: Workspace) -> str:
    return classify_form.test_at_first(
        workspace, workspace.image_set("real").record, classify_form.real_sets(workspace)
    )


def test_another_set_is_offered_where_the_generator_learned_from_all(workspace: Workspace) -> None:
    plant_real(workspace, "real", people(0))
    plant_generator(workspace, "real")
    found = advice(workspace)
    assert "learned from all these images: nothing is left" in found["text"] and found["to"] == found["button"] == ""
    assert "Split the set on the Data tab" in found["text"] and at_first(workspace) == ""

    plant_real(workspace, "overlapping", people(19))
    assert advice(workspace)["to"] == ""
    plant_real(workspace, "apart", people(100))
    found = advice(workspace)
    assert found["to"] == "apart" and found["button"].startswith("Test on") and "Data tab" not in found["text"]
    assert at_first(workspace) == "apart" and advice(workspace, "apart") == {}


def test_a_set_that_holds_its_test_part_back_needs_no_warning(workspace: Workspace) -> None:
    plant_real(workspace, "real", people(0, 40), ["train"] * 20 + ["test"] * 20)
    plant_generator(workspace, "real", "train")
    assert advice(workspace) == {} and at_first(workspace) == ""
    # Other images of the training patients: the set's own part is better
    plant_real(workspace, "again", people(10))
    found = advice(workspace, "again")
    assert found["to"] == "" and found["button"] == "Test on their own part" and "10 of 20 test images" in found["text"]


@pytest.mark.parametrize(("only_class", "shared"), [("", 40), ("malignant", 20)])
def test_only_what_was_learned_counts(workspace: Workspace, only_class: str, shared: int) -> None:
    plant_real(workspace, "real", people(0, 40))
    plant_generator(workspace, "real", only_class=only_class)
    real = workspace.image_set("real").record
    assert apart.overlap(workspace, real, "", ["dreamed"]) == (shared, 40, workspace.image_set("dreamed").record.name)
    assert apart.overlap(workspace, real, "", []).shared == 0


def test_what_is_gone_or_was_made_elsewhere_is_passed_over(workspace: Workspace) -> None:
    plant_real(workspace, "real", people(0))
    plant_set(workspace, "bought", "synthetic", masses(4), rows([""] * 4))
    real = workspace.image_set("real").record
    assert apart.overlap(workspace, real, "", ["bought", "gone"]).shared == 0
    plant_generator(workspace, "gone")
    assert apart.overlap(workspace, real, "", ["dreamed"]).shared == 0


def test_without_patients_the_images_themselves_are_told_apart(workspace: Workspace) -> None:
    plant_real(workspace, "real", [""] * 20)
    plant_real(workspace, "other", [""] * 20)
    plant_generator(workspace, "real")
    assert advice(workspace)["to"] == "other"
