"""A catalogue or image set as tables: its items, a page at a time, and the files that its import refused."""

from __future__ import annotations

import json

from engines import files
from engines.records import Kind
from engines.workspace import Workspace

ROWS_PER_PAGE = 100
REFUSED_SHOWN = 500


def items_page(workspace: Workspace, kind: Kind, id: str, page: float | None) -> tuple[str, list[list[str]], int]:
    """One page of the items of a catalogue or image set, a line about it, and the number of pages."""
    if kind == "catalogues":
        rows, size, bits = workspace.catalogue_items(id), "", ""
    else:
        images = workspace.image_set(id)
        rows, record = images.items, images.record
        size, bits = f"{record.width} × {record.height}", record.dtype.removeprefix("uint")
    pages = max(1, -(-len(rows) // ROWS_PER_PAGE))
    number = min(max(int(page or 1), 1), pages)
    first = (number - 1) * ROWS_PER_PAGE
    shown = rows[first : first + ROWS_PER_PAGE]
    names = ("item", "label", "patient", "side", "view", "split")
    table = [
        [
            *(row.get(name) or "" for name in names),
            size or f"{row.get('width')} × {row.get('height')}",
            bits or row.get("bits") or "",
        ]
        for row in shown
    ]
    return f"Items {first + 1:,} to {first + len(shown):,} of {len(rows):,}, page {number} of {pages}.", table, pages


def refused_files(workspace: Workspace, kind: Kind, id: str) -> tuple[str, str, list[list[str]]]:
    """Files that the import refused, with reason and advice; the tab's title and a line about them."""
    path = workspace.folder(kind, id) / "rejected.csv"
    rows = files.read_csv(path) if path.exists() else []
    # Where they lie stands in a table of its own, which never leaves the workspace.
    sources = path.with_name("rejected_sources.csv")
    places = {row["file"]: row["path"] for row in files.iter_csv(sources)} if sources.exists() else {}
    table = [
        [places.get(row["file"], row["file"]) or "", row.get("reason") or "", row.get("advice") or ""] for row in rows
    ]
    if not table:
        return "Refused", "No file was refused.", []
    words = f"Refused: {len(table):,}. The other files are in the catalogue."
    if len(table) > REFUSED_SHOWN:
        words += f" The first {REFUSED_SHOWN} are shown; rejected.csv in the catalogue's folder has all."
    return f"Refused · {len(table):,}", words, table[:REFUSED_SHOWN]


def chosen_one(value: str) -> tuple[Kind, str] | None:
    """What is chosen in the left column, if anything."""
    selected = json.loads(value) or {}
    kind, id = selected.get("kind"), selected.get("id")
    return (kind, str(id)) if kind in ("catalogues", "image_sets") and id else None
