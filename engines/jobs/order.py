"""The order of waiting jobs, in queue.json: it survives a restart of the app."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from engines import files
from engines.errors import LabError

QUEUE_FILE = "queue.json"


class Order:
    """Ids of waiting jobs, first one next; held ones keep their place and are passed over."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / QUEUE_FILE
        self._ids: list[str] = []
        self._held: set[str] = set()
        try:
            saved = files.read_json(self._path)
        except (OSError, LabError):  # missing or damaged: the job folders still say which jobs wait
            return
        if isinstance(saved, dict):
            self._ids = list(dict.fromkeys(id for id in saved.get("order", []) if isinstance(id, str)))
            self._held = {id for id in saved.get("held", []) if isinstance(id, str)} & set(self._ids)

    @property
    def ids(self) -> list[str]:
        return list(self._ids)

    def held(self, id: str) -> bool:
        return id in self._held

    def append(self, id: str, first: bool = False) -> None:
        if id not in self._ids:
            self._save([id, *self._ids] if first else [*self._ids, id], self._held)

    def remove(self, id: str) -> None:
        """Take a job out; also on a full disk, since its own folder says that it waits no more."""
        if id in self._ids:
            with suppress(OSError):
                self._save([other for other in self._ids if other != id], self._held - {id})
            self._ids = [other for other in self._ids if other != id]
            self._held.discard(id)

    def move(self, id: str, places: int) -> None:
        """Move a waiting job towards the front (negative) or the back; the ends stop it."""
        others = [other for other in self._ids if other != id]
        others.insert(min(max(self._ids.index(id) + places, 0), len(others)), id)
        self._save(others, self._held)

    def hold(self, id: str, held: bool) -> None:
        self._save(self._ids, self._held | {id} if held else self._held - {id})

    def replace(self, ids: list[str]) -> None:
        if ids != self._ids:
            self._save(ids, self._held & set(ids))

    def _save(self, ids: list[str], held: set[str]) -> None:
        # First the disk: an order that could not be kept is not taken up.
        files.write_json(self._path, {"order": ids, "held": [id for id in ids if id in held]})
        self._ids, self._held = list(ids), set(held)
