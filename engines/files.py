"""The only writer of the workspace: every file or folder appears whole, or not at all.

A write goes to a temporary sibling, is flushed to the disk, and takes its name by an atomic rename; then the folder
itself is flushed. A reader therefore never sees half a file, whenever the process or the machine stops.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from engines.errors import LabError

TEMPORARY = ".part-"  # names with this prefix are unfinished and may be swept
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
RESERVE_BYTES = 256 * 2**20


def _temporary(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY}{secrets.token_hex(4)}-{path.name}")


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names; Windows offers no such call and needs none on NTFS."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace(source: Path, target: Path) -> None:
    # On Windows a virus scanner or a reader may hold the target for a moment; elsewhere the first try succeeds.
    for wait_s in (0.01, 0.05, 0.2, 0.5):
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(wait_s)
    os.replace(source, target)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically and durably."""
    write_chunks(path, (data,))


def write_chunks(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file atomically and durably from parts that need not fit into memory together."""
    temporary = _temporary(path)
    try:
        with open(temporary, "xb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        _replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically, with the same line ends on every system."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; NaN is refused, since browsers cannot read it."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON; a missing file raises FileNotFoundError, a damaged one LabError."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise LabError(
            f"{path.name} is damaged.", f"It is not valid JSON: {error}.", "Restore it from a backup, or remove it."
        ) from error


def _cell(value: Any) -> Any:
    """Spreadsheet programs run text that starts like a formula, so such text is marked as text; numbers stay."""
    return "'" + value if isinstance(value, str) and value.lstrip("'").startswith(FORMULA_STARTS) else value


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write a table atomically, row by row; columns that a row lacks stay empty, extra ones are left out."""
    with _appearing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            values = (row.get(column) for column in columns)
            writer.writerow(["" if value is None else _cell(value) for value in values])


@contextmanager
def new_table(path: Path, columns: Sequence[str]) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Write a table that may be too large to hold, a row for each call; it appears whole when the block ends well.

    Columns that rows bring besides the known ones are put behind these.
    """
    names = dict.fromkeys(columns)
    body = _temporary(path)

    def write(row: Mapping[str, Any]) -> None:
        for name in row:
            names.setdefault(name)
        values = (row.get(name) for name in names)
        writer.writerow(["" if value is None else _cell(value) for value in values])

    try:
        with open(body, "x", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            yield write
        with open(body, encoding="utf-8", newline="") as written, _appearing(path) as target:
            whole = csv.writer(target, lineterminator="\n")
            whole.writerow(names)
            for cells in csv.reader(written):  # early rows lack the columns that turned up later
                whole.writerow(cells + [""] * (len(names) - len(cells)))
    finally:
        body.unlink(missing_ok=True)


@contextmanager
def _appearing(path: Path) -> Iterator[TextIO]:
    """A text file to be written that takes its name, flushed to the disk, when the block ends well."""
    temporary = _temporary(path)
    try:
        with open(temporary, "x", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a table that write_csv made, with the formula mark taken off again."""
    return list(iter_csv(path))


def iter_csv(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a table one by one: for tables that may be too large to hold."""
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {key: plain_cell(value) if value else value for key, value in row.items()}


def plain_cell(value: str) -> str:
    """A cell without the mark that keeps spreadsheet programs from running it."""
    return value[1:] if value[:1] == "'" and value.lstrip("'").startswith(FORMULA_STARTS) else value


def append_jsonl(path: Path, value: Any, sync: bool = False) -> None:
    """Append one line in a single write, so that a reader sees whole lines but for the torn last one of a crash.

    Raises OSError if the disk took only a part of it; the next append then starts on a line of its own.
    """
    line = (json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()
    with open(path, "ab+", buffering=0) as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else b"\n" + line
        if file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        if sync:
            os.fsync(file.fileno())


def read_jsonl(path: Path) -> list[Any]:
    """Read every whole line; a missing file is an empty list, and damaged lines are passed over."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    values = []
    for line in lines:
        try:
            values.append(json.loads(line))
        except ValueError:
            continue
    return values


def repair_jsonl(path: Path) -> None:
    """Cut off a torn last line, so that the next append starts on a line of its own."""
    if not path.exists():
        return
    with open(path, "rb+") as file:
        data = file.read()
        if data and not data.endswith(b"\n"):
            file.truncate(data.rfind(b"\n") + 1)
            os.fsync(file.fileno())


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder that appears under its name only when the block ends well; otherwise nothing remains.

    Raises LabError if the name is taken.
    """
    if path.exists():
        raise LabError(f"“{path.name}” exists already.", "", "Choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    temporary.mkdir()
    try:
        yield temporary
        _sync_tree(temporary)
        _replace(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)


def _sync_tree(folder: Path) -> None:
    mode = os.O_RDWR if os.name == "nt" else os.O_RDONLY  # Windows flushes only handles that may write
    for base, _, names in os.walk(folder):
        for name in names:
            handle = os.open(Path(base) / name, mode)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(Path(base))


def create_npy(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any] | type | str) -> np.memmap[Any, Any]:
    """Create an array file of that shape to be filled in place; use it inside new_folder and flush it at the end."""
    require_space(path.parent, int(np.prod(shape)) * np.dtype(dtype).itemsize)
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.dtype(dtype), shape=shape)


def open_npy(path: Path) -> np.ndarray[Any, np.dtype[Any]]:
    """Open an array file as a read-only memory map; files with pickled objects are refused (ValueError)."""
    array: np.ndarray[Any, np.dtype[Any]] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def sha256_file(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_folder(folder: Path) -> str:
    """Hash names and contents of all files below a folder; independent of dates and order on disk."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{sha256_file(path)}\n".encode())
    return digest.hexdigest()


def free_bytes(path: Path) -> int:
    """Free space of the disk that holds the path, which need not exist yet."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def require_space(path: Path, size_bytes: int) -> None:
    """Raise LabError unless the disk holds that much and a reserve."""
    free = free_bytes(path)
    if free < size_bytes + RESERVE_BYTES:
        raise LabError(
            "There is not enough room on the disk.",
            f"About {size_bytes / 2**20:,.0f} MB are needed besides a reserve of {RESERVE_BYTES / 2**20:,.0f} MB; "
            f"{free / 2**20:,.0f} MB are free.",
            "Free some space, or move the workspace to a larger disk; then try again.",
        )


def remove_folder(path: Path) -> None:
    """Remove a folder; it loses its name first, so that a half-removed one is never mistaken for a whole one."""
    if path.exists():
        doomed = _temporary(path)
        _replace(path, doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def sweep(folder: Path, older_than_s: float = 3600) -> None:
    """Remove what interrupted writes left behind; young leftovers may belong to a living process and stay."""
    for path in folder.rglob(f"{TEMPORARY}*"):
        try:
            if time.time() - path.stat().st_mtime > older_than_s:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError:
            continue  # another process got there first, or still holds it


def write_npy(path: Path, array: np.ndarray[Any, np.dtype[Any]]) -> None:
    """Write a small array atomically, creating its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
