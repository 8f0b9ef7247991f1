"""Folders that grow for a long time before they are whole: rows are appended, and all is flushed once at the end.

What stands in such a folder may be lost with the machine, but never half a row is taken for a whole one.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engines import files


def append_rows(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Append rows to a table in one write, beginning it with its header; line ends inside text become spaces."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    with open(path, "ab") as file:
        if not file.tell():
            writer.writerow(columns)
        for row in rows:
            writer.writerow(["" if (value := row.get(column)) is None else _flat(value) for column in columns])
        file.write(text.getvalue().encode())


def _flat(value: Any) -> Any:
    """A cell on one line, so that a line is a row; formulas are marked as in every table."""
    return files._cell(" ".join(value.splitlines())) if isinstance(value, str) else value


def write_unsynced(path: Path, data: bytes) -> None:
    """Write a file without waiting for the disk."""
    with open(path, "wb") as file:
        file.write(data)


def publish(part: Path, path: Path) -> None:
    """Give a folder its final name once all its files have reached the disk; an old one of that name is replaced."""
    if hasattr(os, "sync"):
        os.sync()  # one call for all: flushing 400,000 thumbnails one by one takes minutes
    else:
        files._sync_tree(part)
    files.remove_folder(path)
    files._replace(part, path)
    files.sync_folder(path.parent)
