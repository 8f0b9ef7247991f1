"""Flags: secure by default, and unsafe combinations end with a sentence and exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.settings import Settings, parse, refusal

ROOT = Path(__file__).resolve().parents[2]


def test_the_defaults_keep_everything_on_this_computer(tmp_path: Path) -> None:
    settings = parse(["--workspace", str(tmp_path)])
    assert (settings.bind, settings.port, settings.lan, settings.share, settings.viewer) == (
        "127.0.0.1", 7860, False, False, False,
    )  # fmt: skip
    assert refusal(settings) == ""


def test_the_viewer_has_a_port_of_its_own(tmp_path: Path) -> None:
    assert parse(["--workspace", str(tmp_path), "--viewer"]).port == 7861


@pytest.mark.parametrize(
    ("about", "word"),
    [
        ({"lan": True}, "--viewer"),
        ({"share": True}, "--viewer"),
        ({"share": True, "viewer": True}, "de-identified"),
        ({"port": 0}, "Port 0"),
        ({"port": 70000}, "Port 70000"),
        ({"expire_hours": 0.0}, "--expire-hours"),
        ({"expire_hours": 1000.0}, "--expire-hours"),
        ({"expire_hours": float("nan")}, "--expire-hours"),
    ],
)
def test_unsafe_combinations_are_refused_in_words(tmp_path: Path, about: dict[str, object], word: str) -> None:
    settings = Settings(**{"workspace": tmp_path, "port": 7860, **about})  # type: ignore[arg-type]
    assert word in refusal(settings)


def test_a_deidentified_workspace_may_be_shared_and_a_viewer_seen(tmp_path: Path) -> None:
    assert refusal(Settings(tmp_path, 7861, viewer=True, share=True), may_be_shared=True) == ""
    lan = Settings(tmp_path, 7861, viewer=True, lan=True)
    assert refusal(lan) == ""
    assert lan.bind == "0.0.0.0"


def test_the_command_refuses_with_exit_code_two_before_anything_is_made(tmp_path: Path) -> None:
    command = [sys.executable, "launch.py", "--workspace", str(tmp_path / "new"), "--lan"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stdout.startswith("Phantom Lab is starting")
    assert "--viewer" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "new").exists()
