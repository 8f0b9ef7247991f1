"""Fixtures that every part of the suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engines.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace of its own."""
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images to test with: PHANTOM_LAB_DATA, else shared/data beside the checkout; skips where neither is."""
    folder = Path(os.environ.get("PHANTOM_LAB_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no research images: set PHANTOM_LAB_DATA to a folder that holds mini-mias and the others")
    return folder
