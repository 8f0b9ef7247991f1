"""The one writer, interrupted at every call: by a kill, and by a full disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("mode", ["kill", "full"])
def test_no_interruption_leaves_half_a_file(mode: str, tmp_path: Path) -> None:
    script = Path(__file__).with_name("inject.py")
    done = subprocess.run([sys.executable, str(script), mode, str(tmp_path)], stdout=subprocess.PIPE, check=True)
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(reports) == 5
    for report in reports:
        assert report["points"] >= 2, f"nothing was interrupted in “{report['scenario']}”"
        assert report["faults"] == [], report["scenario"]
