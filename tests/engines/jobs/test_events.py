from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.jobs import events

LINES = [json.dumps({"kind": "metrics", "images_seen": n, "text": "ü" * n}) for n in range(5)]
LOG = "".join(line + "\n" for line in LINES).encode()


def test_a_reader_gets_only_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / events.FILE
    assert events.read_since(path) == (0, [])
    path.write_bytes(LOG)
    cursor, lines = events.read_since(path)
    assert (cursor, lines) == (len(LOG), LINES)
    assert events.read_since(path, cursor) == (len(LOG), [])
    events.append(tmp_path, "done", state="done")
    cursor, lines = events.read_since(path, cursor)
    assert [json.loads(line)["kind"] for line in lines] == ["done"]
    assert cursor == path.stat().st_size


def test_a_torn_last_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / events.FILE
    path.write_bytes(LOG[:-4])
    cursor, lines = events.read_since(path)
    assert lines == LINES[:-1]
    path.write_bytes(LOG)
    assert events.read_since(path, cursor) == (len(LOG), LINES[-1:])


@given(st.integers(min_value=-5, max_value=len(LOG) + 5), st.integers(min_value=1, max_value=len(LOG) + 5))
def test_any_cursor_yields_whole_lines(tmp_path_factory: pytest.TempPathFactory, since: int, limit: int) -> None:
    path = tmp_path_factory.getbasetemp() / "any-cursor.jsonl"
    path.write_bytes(LOG)
    cursor, lines = events.read_since(path, since, limit)
    assert set(lines) <= set(LINES)
    assert lines or cursor == len(LOG)
    while cursor < len(LOG):
        cursor, more = events.read_since(path, cursor, limit)
        lines += more
    expected = LINES if since <= 0 or since > len(LOG) else [line for line in LINES if start_of(line) >= since]
    assert lines == expected


def start_of(line: str) -> int:
    return LOG.index(line.encode())


def test_a_damaged_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / events.FILE
    path.write_bytes(
        LINES[0].encode() + b'\n{"kind":"met{"kind":"sample"}\n\xff\xfe\n[1]\n' + LINES[1].encode() + b"\n"
    )
    cursor, lines = events.read_since(path)
    assert lines == LINES[:2]
    assert cursor == path.stat().st_size
    assert len(events.read(tmp_path, "metrics")) == 2


def test_what_json_cannot_say_becomes_what_it_can(tmp_path: Path) -> None:
    events.append(tmp_path, "metrics", g_loss=float("nan"), d_loss=np.float32(0.5), all=[float("inf"), np.arange(2)])
    (event,) = events.read(tmp_path)
    assert event["g_loss"] is None and event["d_loss"] == 0.5 and event["all"] == [None, [0, 1]]


def test_the_newest_event_of_a_kind(tmp_path: Path) -> None:
    assert events.newest(tmp_path, "metrics") is None
    for n in range(50):
        events.append(tmp_path, "metrics", images_seen=n)
    events.append(tmp_path, "sample", images_seen=3)
    newest = events.newest(tmp_path, "metrics", window_bytes=600)
    assert newest is not None and newest["images_seen"] == 49
