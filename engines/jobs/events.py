"""events.jsonl: what happened in a job, one line each, read from a byte cursor by any number of pages."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

from engines import files

FILE = "events.jsonl"
READ_BYTES = 256 * 1024
# Events that others rely on after a power cut; the rest may lose its last seconds.
DURABLE = frozenset({"checkpoint", "state", "error", "done"})


def finite(value: Any) -> Any:
    """The same value with NaN and infinities as None, and NumPy's numbers as Python's: what JSON can say."""
    if type(value).__module__ == "numpy":  # by name: this floor needs no NumPy
        return finite(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def append(folder: Path, kind: str, /, **fields: Any) -> None:
    """Append `{t, kind, …}` to a job's events; `t` is seconds since 1970."""
    event = {"t": round(time.time(), 3), "kind": kind, **finite(fields)}
    files.append_jsonl(folder / FILE, event, sync=kind in DURABLE)


def read_since(path: Path, since: int = 0, limit_bytes: int = READ_BYTES) -> tuple[int, list[str]]:
    """Whole lines after a byte cursor, as JSON text, and the next cursor.

    A cursor beyond the end starts anew (the log was replaced); one inside a line goes on with the next line. A torn
    last line waits for its end; a damaged line is passed over. A missing file reads as empty.
    """
    try:
        with open(path, "rb") as file:
            size_bytes = file.seek(0, 2)
            start = since if 0 < since <= size_bytes else 0
            file.seek(max(start - 1, 0))
            if start and file.read(1) != b"\n":
                start += len(file.readline())
            file.seek(start)
            block = file.read(limit_bytes)
            if b"\n" not in block:
                block += file.readline()
    except FileNotFoundError:
        return 0, []
    end = block.rfind(b"\n") + 1
    return start + end, [text for line in block[:end].split(b"\n") if (text := _valid(line))]


def _valid(line: bytes) -> str:
    try:
        text = line.decode()
        return text if isinstance(json.loads(text), dict) else ""
    except ValueError:
        return ""


def read(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """All events of a job, or those of one kind, oldest first."""
    whole = [event for event in files.read_jsonl(folder / FILE) if isinstance(event, dict)]
    return [event for event in whole if kind is None or event.get("kind") == kind]


def newest(folder: Path, kind: str, window_bytes: int = 64 * 1024) -> dict[str, Any] | None:
    """The last event of a kind, looked for in the end of the log only, so that it costs the same after a week."""
    path = folder / FILE
    try:
        since = max(path.stat().st_size - window_bytes, 0)
    except FileNotFoundError:
        return None
    for text in reversed(read_since(path, since, window_bytes)[1]):
        event: dict[str, Any] = json.loads(text)
        if event.get("kind") == kind:
            return event
    return None
