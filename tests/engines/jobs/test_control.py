from __future__ import annotations

from pathlib import Path

import pytest

from engines.errors import LabError
from engines.jobs import control


def test_a_request_waits_until_it_is_taken_once(tmp_path: Path) -> None:
    control.request(tmp_path, "stop")
    control.request(tmp_path, "stop")
    assert control.requested(tmp_path, "stop")
    assert control.take(tmp_path, "stop")
    assert not control.take(tmp_path, "stop")
    assert not control.requested(tmp_path, "stop")


def test_resume_cancels_a_pause_that_was_not_taken_yet(tmp_path: Path) -> None:
    control.request(tmp_path, "pause")
    control.request(tmp_path, "resume")
    assert not control.requested(tmp_path, "pause")
    assert not control.requested(tmp_path, "resume"), "it would end the next pause at once"


def test_pause_cancels_a_resume_that_came_too_late(tmp_path: Path) -> None:
    control.request(tmp_path, "resume")
    control.request(tmp_path, "pause")
    assert control.requested(tmp_path, "pause")
    assert not control.requested(tmp_path, "resume")


@pytest.mark.parametrize("verb", ["", "../../stop", "launch", "stop.json"])
def test_only_known_verbs_become_files(tmp_path: Path, verb: str) -> None:
    with pytest.raises(LabError):
        control.request(tmp_path, verb)
    assert not list(tmp_path.rglob("*"))


def test_clear_forgets_everything(tmp_path: Path) -> None:
    for verb in control.VERBS:
        control.request(tmp_path, verb)
    control.clear(tmp_path)
    assert not any(control.requested(tmp_path, verb) for verb in control.VERBS)
