"""Comparing runs: exactly the settings that differ, in words, and the rest as a count."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engines import files, registry
from engines.errors import LabError
from engines.records import JobRecord, RunRecord
from engines.workspace import Workspace
from lab import comparing, run_routes

OPTIONS = {"size": 64, "batch": 16, "learning_rate_g": 2e-4, "networks": "light", "augment": False}
PARAMETERS = {"image_set": "discs", "method": "custom_gan", "preset": "tiny", "options": {}, "images": 4096, "seed": 0}
DESCRIPTION: dict[str, Any] = {
    "methods": {
        "custom_gan": {
            "title": "Custom GAN (2025)",
            "presets": {"tiny": {"title": "Tiny"}},
            "options": {
                "properties": {
                    "batch": {"title": "Batch", "unit": "images"},
                    "learning_rate_g": {"title": "Learning rate of the generator"},
                    "networks": {"title": "Networks", "enum": ["light", "as_published"]},
                }
            },
        }
    },
    "tasks": {"train": {"parameters": {"properties": {"images": {"title": "Images to see", "unit": "images"}}}}},
}


def plant(workspace: Workspace, id: str, **changes: Any) -> RunRecord:
    about: dict[str, Any] = {"method": "custom_gan", "preset": "tiny", "image_set": "discs", "options": OPTIONS}
    record = RunRecord(id=id, name=id, **{**about, "parameters": PARAMETERS, **changes})
    workspace.save("runs", record)
    job = JobRecord(id=id, kind="train", title=f"Run {id}", state="done")
    files.write_json(workspace.folder("runs", id) / "job.json", job.model_dump(mode="json"))
    return record


def found(workspace: Workspace, *ids: str) -> dict[str, list[str]]:
    rows = comparing.compared(workspace, ids, DESCRIPTION)["rows"]
    return {row["title"]: row["values"] for row in rows}


def test_equal_runs_differ_in_nothing(workspace: Workspace) -> None:
    plant(workspace, "a")
    plant(workspace, "b")
    both = comparing.compared(workspace, ["a", "b"], DESCRIPTION)
    assert both == {"runs": ["a", "b"], "rows": [], "equal": 4 + len(OPTIONS) + 1}


def test_only_what_differs_is_shown_in_the_order_of_the_form(workspace: Workspace) -> None:
    plant(workspace, "a")
    changed = {**OPTIONS, "batch": 8192, "networks": "as_published", "augment": True, "learning_rate_g": 1e-5}
    plant(workspace, "b", seed=1234, options=changed, parameters={**PARAMETERS, "images": None, "minutes": 1.5})
    assert found(workspace, "a", "b") == {
        "Seed": ["0", "1234"],
        "Images to see (images)": ["4,096", "not set"],
        "Minutes": ["–", "1.5"],
        "Batch (images)": ["16", "8,192"],
        "Learning rate of the generator": ["0.0002", "0.00001"],
        "Networks": ["light", "as published"],
        "Augment": ["off", "on"],
    }
    order = [row["name"] for row in comparing.compared(workspace, ["a", "b"], DESCRIPTION)["rows"]]
    assert order == ["seed", "images", "minutes", "batch", "learning_rate_g", "networks", "augment"]
    assert comparing.compared(workspace, ["a", "b"], DESCRIPTION)["equal"] == 4


def test_methods_with_other_options_show_a_dash(workspace: Workspace) -> None:
    plant(workspace, "a")
    plant(workspace, "b", method="other", preset="", options={"size": 64, "critic_steps": 5})
    rows = found(workspace, "a", "b")
    assert rows["Method"] == ["Custom GAN (2025)", "other"]
    assert rows["Preset"] == ["Tiny", "–"]
    assert rows["Critic steps"] == ["–", "5"]
    assert rows["Batch (images)"] == ["16", "–"]
    assert "Size" not in rows


def test_two_sets_of_one_name_are_told_apart(workspace: Workspace) -> None:
    from tests.engines.tasks.test_train import make_set

    set_id = make_set(workspace)
    plant(workspace, "a", image_set=set_id)
    plant(workspace, "b", image_set="gone")
    assert found(workspace, "a", "b") == {"Image set": ["Blobs (blobs)", "gone"]}


@pytest.mark.parametrize("ids", [["a"], ["a", "a"], ["a", "b", "c", "d", "e"], [""], ["a", "../a"], ["a", "unknown"]])
def test_what_cannot_be_compared_is_refused_in_words(workspace: Workspace, ids: list[str]) -> None:
    for id in "abcde":
        plant(workspace, id)
    with pytest.raises(LabError):
        comparing.compared(workspace, ids, {})


def test_real_options_have_the_titles_of_the_form(workspace: Workspace) -> None:
    description = registry.describe()
    options = registry.load("methods")["custom_gan"].choose("tiny", {}).model_dump(mode="json")
    plant(workspace, "a", options=options)
    plant(workspace, "b", options={**options, "learning_rate_d": 1e-3})
    (row,) = comparing.compared(workspace, ["a", "b"], description)["rows"]
    assert row["title"] == "Learning rate of the discriminator"
    assert row["values"][1] == "0.001"


def test_the_route_tells_states_and_refuses(workspace: Workspace) -> None:
    plant(workspace, "a")
    plant(workspace, "b", seed=2)
    app = FastAPI()
    app.include_router(run_routes.make(workspace))
    client = TestClient(app)
    said = client.get("/compare?runs=a,b").json()
    assert [(run["id"], run["state"], run["title"]) for run in said["runs"]] == [
        ("a", "done", "Run a"),
        ("b", "done", "Run b"),
    ]
    assert [row["values"] for row in said["rows"]] == [["0", "2"]]
    for runs in ("", "a", "a,../b", "a,nothing"):
        refused = client.get("/compare", params={"runs": runs})
        assert refused.status_code == 404 and refused.json()["error"]
