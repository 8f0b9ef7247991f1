from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engines import files
from engines.errors import LabError
from engines.jobs import lock, process
from engines.jobs.lock import WorkspaceLock

HOLD = """
import sys
from pathlib import Path
from engines.jobs.lock import WorkspaceLock
WorkspaceLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
input()
"""


def test_a_second_engine_is_refused_in_words(tmp_path: Path) -> None:
    first, second = WorkspaceLock(tmp_path), WorkspaceLock(tmp_path)
    first.acquire()
    with pytest.raises(LabError, match="open in another Phantom Lab"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LabError, match=f"process {holder.pid}"):
            WorkspaceLock(tmp_path).acquire()
        holder.kill()
        holder.wait()
    mine = WorkspaceLock(tmp_path)
    mine.acquire()
    mine.release()


def test_on_a_drive_without_locks_the_process_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(handle: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock, "_lock", no_locks)
    files.write_json(tmp_path / lock.HOLDER_FILE, {"pid": 1, "started": -1.0, "host": "gone"})
    mine = WorkspaceLock(tmp_path)
    mine.acquire()
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with parent:
        living = process.identify(parent.pid)
        assert living is not None
        files.write_json(
            tmp_path / lock.HOLDER_FILE, {"pid": living.pid, "started": living.started, "host": living.host}
        )
        with pytest.raises(LabError):
            WorkspaceLock(tmp_path).acquire()
        parent.kill()
    mine.release()
