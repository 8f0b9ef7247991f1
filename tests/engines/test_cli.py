"""The command line: one JSON object, errors in words with exit code 2, and a whole job from a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import cli, files
from engines.records import ImageSetRecord
from engines.workspace import Workspace


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command; gives its exit code and what it printed as JSON."""

    def run(*words: str) -> tuple[int, Any]:
        monkeypatch.setattr(sys, "argv", ["phantom-lab", *words, "--json"])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        out = capsys.readouterr().out
        assert out.count("\n") == 1, "exactly one line"
        return code, json.loads(out)

    return run


def tiny_set(workspace: Workspace) -> None:
    record = ImageSetRecord(
        id="tiny", name="tiny", origin="real", items=3, width=8, height=8, channels=1, dtype="uint8"
    )
    with files.new_folder(workspace.folder("image_sets", "tiny")) as folder:
        files.create_npy(folder / "images.npy", (3, 8, 8, 1), np.uint8)[:] = 7
        files.write_csv(
            folder / "items.csv", [{"item": f"{n:06d}", "label": "a"} for n in (1, 2, 3)], ["item", "label"]
        )
        workspace.save("image_sets", record, folder)


def test_lists_and_shows_what_is_there(call: Any, workspace: Workspace) -> None:
    at = ("--workspace", str(workspace.path))
    assert call("list", "image-sets", *at) == (0, {"image-sets": []})
    tiny_set(workspace)
    code, found = call("list", "image-sets", *at)
    assert code == 0 and [row["id"] for row in found["image-sets"]] == ["tiny"]
    code, shown = call("show", "tiny", *at)
    assert code == 0 and shown["what"] == "image_sets" and shown["width"] == 8
    assert call("jobs", *at) == (0, {"jobs": []})


def test_errors_are_words_with_exit_code_2(call: Any, workspace: Workspace, tmp_path: Path) -> None:
    at = ("--workspace", str(workspace.path))
    for words in (
        ("show", "nothing", *at),
        ("list", "unicorns", *at),
        ("list", "runs", "--workspace", str(tmp_path / "no")),
    ):
        code, said = call(*words)
        assert code == 2 and said["error"]["what"] and set(said["error"]) == {"what", "why", "advice"}


def test_an_export_from_a_terminal(call: Any, workspace: Workspace, tmp_path: Path) -> None:
    tiny_set(workspace)
    code, said = call("export", "tiny", "--to", str(tmp_path / "out"), "--workspace", str(workspace.path))
    assert code == 0 and said["files"] == 3 and said["state"] == "done" and Path(said["path"]).is_file()
    code, jobs = call("jobs", "--workspace", str(workspace.path))
    assert [job["state"] for job in jobs["jobs"]] == ["done"]


def test_a_job_that_fails_says_why(call: Any, workspace: Workspace, tmp_path: Path) -> None:
    to = ("--to", str(tmp_path), "--workspace", str(workspace.path))
    code, said = call("export", "missing", *to)
    assert code == 2 and "missing" in said["error"]["what"]
    code, said = call("export", "missing", "--set", "nonsense", *to)
    assert code == 2 and "key=value" in said["error"]["what"]


def test_a_comparison_as_in_a_study(call: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    at = ("--workspace", str(workspace.path))
    assert len(call("list", "studies")[1]["studies"]) == 5
    tiny_set(workspace)
    record = workspace.image_set("tiny").record
    workspace.save("image_sets", record.model_copy(update={"classes": {"benign": 2, "malignant": 1}}))
    asked: list[dict[str, Any]] = []

    def keep(folder: Path, quiet: bool) -> dict[str, Any]:
        asked.append(json.loads((folder / "job.json").read_text())["parameters"])
        return {}

    monkeypatch.setattr(cli.follow, "run", keep)
    given = ("compare", "--real", "tiny", "--synthetic", "drawn", "--study")
    assert call(*given, "james_2024", "--classifiers", "cnn_small", "--set", "phases=2", *at)[0] == 0
    assert asked[0] == {
        "real": "tiny", "synthetic": ["drawn"], "classifiers": ["cnn_small"], "protocols": ["real", "phases"],
        "phase_step": 520, "phases": 2, "synthetic_classes": ["malignant"],
    }  # fmt: skip
    assert call(*given, "al_bouhairi", *at)[0] == 0
    assert asked[1]["tune_trials"] == 20 and len(asked[1]["classifiers"]) == 4
    code, found = call(*given, "nobody_1999", *at)
    assert code == 2 and "rahali_2025" in found["error"]["why"]
