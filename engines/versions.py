"""Versions of image sets: sets never change; a new one names the set that it replaces and what is different."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engines.errors import LabError
from engines.records import ImageSetRecord
from engines.workspace import Workspace

# Parameters that say where a version stands, not how it was made.
_NOT_MAKING = {"name", "replaces", "decisions_of", "catalogue"}
_WORDS = {True: "on", False: "off", None: "none", "": "none"}


def lineage(ws: Workspace, id: str) -> list[ImageSetRecord]:
    """All versions that belong to an image set, itself among them, by version number; branches included.

    `replaces` of each says which it came from. A version that was removed is missing, and ends the line before it.
    """
    records: dict[str, ImageSetRecord] = {record.id: record for record in ws.records("image_sets")}
    if id not in records:
        ws.record("image_sets", id)  # raises in words
    root, passed = id, {id}
    while (above := records[root].replaces) in records and above not in passed:
        root = above
        passed.add(above)
    family, fresh = {root}, {root}
    while fresh:
        fresh = {record.id for record in records.values() if record.replaces in fresh} - family
        family |= fresh
    return sorted((records[name] for name in family), key=lambda record: (record.version, record.created, record.id))


def next_version(ws: Workspace, replaces: str) -> int:
    """The number of a new version of that set: one more than any of its versions has. Raises LabError if unknown."""
    return 1 + max(record.version for record in lineage(ws, replaces))


def restore(ws: Workspace, id: str) -> dict[str, Any]:
    """Parameters for `curate` that make an older version anew, as the newest: same choices, decisions of that time.

    Raises LabError for a set that was not curated from a catalogue, or whose catalogue is gone.
    """
    record: ImageSetRecord = ws.record("image_sets", id)
    catalogue = str(record.parameters.get("catalogue", ""))
    if not catalogue:
        raise LabError(
            f"“{record.name}” was not made from a catalogue.",
            "Only such sets can be made again.",
            "Choose another set.",
        )
    ws.record("catalogues", catalogue)
    return {**record.parameters, "replaces": lineage(ws, id)[-1].id, "decisions_of": id}


def changes(
    old: ImageSetRecord,
    old_rows: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
) -> list[str]:
    """What a new version changes, in sentences: parameters, then items added, removed, re-labelled and moved.

    `rows` and `old_rows` are those of items.csv. Items of another catalogue have other numbers, so that then only the
    catalogue is said.
    """
    before = old.parameters
    if before.get("catalogue") != parameters.get("catalogue"):
        return [
            f"Made from another catalogue: {parameters.get('catalogue')} instead of {before.get('catalogue')}; "
            f"{len(rows)} images instead of {len(old_rows)}.",
            *_of_parameters(before, parameters),
        ]
    sentences = [*_of_parameters(before, parameters), *_of_items(old_rows, rows)]
    return sentences or ["Nothing changed: the same parameters keep the same images."]


def _of_parameters(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted((set(old) | set(new)) - _NOT_MAKING):
        # A setting that one version did not know yet had its default there, which cannot be told from here.
        if name in old and name in new and old[name] != new[name]:
            yield f"{name.replace('_', ' ').capitalize()}: {_say(old[name])} became {_say(new[name])}."


def _of_items(old_rows: Sequence[Mapping[str, Any]], new_rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    old, new = ({row["item"]: row for row in rows} for rows in (old_rows, new_rows))
    added, removed = [new[item] for item in new if item not in old], [old[item] for item in old if item not in new]
    if added:
        yield f"{_images(len(added))} added{_classes(added)}."
    if removed:
        yield f"{_images(len(removed))} removed{_classes(removed)}."
    both = [(old[item], new[item]) for item in new if item in old]
    if named := Counter((a["label"], b["label"]) for a, b in both if a["label"] != b["label"]):
        pairs = ", ".join(f"{count} from {_say(a)} to {_say(b)}" for (a, b), count in sorted(named.items()))
        yield f"{_images(named.total())} re-labelled: {pairs}."
    if moved := sum((a.get("split") or "") != (b.get("split") or "") for a, b in both):
        yield f"{_images(moved)} in another part of the split."


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def _classes(rows: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(row["label"] for row in rows if row["label"])
    return f" ({', '.join(f'{count} {name}' for name, count in sorted(counts.items()))})" if counts else ""


def _say(value: Any) -> str:
    if isinstance(value, bool) or value is None or value == "":
        return _WORDS[value]
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_say(part)}" for key, part in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_say(part) for part in value) or "none"
    return f"{value:g}" if isinstance(value, float) else f"“{value}”" if isinstance(value, str) else str(value)
