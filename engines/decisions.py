"""Accept and reject: a journal of verdicts by hand, one line each, that is only ever appended to.

A page sends its verdicts as they are made, and they may overtake one another on the way. Each page therefore numbers
its own (`client`, `seq`): for one item, a later number of the same page wins over whatever arrives after it. Between
pages the last to arrive wins. Taking a verdict back is a verdict too: `none`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, get_args

from engines import files
from engines.errors import LabError
from engines.records import now

Verdict = Literal["accept", "reject", "none"]
DECISIONS_FILE = "decisions.jsonl"
LONGEST_REASON = 200
_ITEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def record_decision(
    folder: Path, item: str, verdict: str, reason: str = "", *, client: str = "", seq: int = 0, by: str = ""
) -> None:
    """Append one verdict about an item to the journal of a catalogue or image set folder, and flush it to the disk.

    Raises LabError for an unknown verdict, a malformed item, a too long text, or a folder that is not there.
    """
    if verdict not in get_args(Verdict):
        raise LabError(f"“{verdict[:40]}” is not a verdict.", "", "Use accept, reject or none.")
    if not _ITEM.fullmatch(item):
        raise LabError("This is not an item of the set.", f"“{item[:80]}” has the wrong form.", "Reload the page.")
    if len(client) > 64 or not 0 <= seq < 2**53:
        raise LabError("The verdict was not understood.", "Its page number or sequence is out of bounds.", "Reload.")
    if not folder.is_dir():
        raise LabError("The images are no longer there.", "Their folder is gone.", "Reload the page.")
    path = folder / DECISIONS_FILE
    words = {"reason": _plain(reason, LONGEST_REASON), "by": _plain(by, 64)}
    line = {"t": now(), "client": _plain(client, 64), "seq": seq, "item": item, "verdict": verdict, **words}
    files.append_jsonl(path, line, sync=True)


def current(folder: Path) -> dict[str, tuple[str, str]]:
    """The verdict and reason that hold for each item; items without one, or with `none`, are left out."""
    latest: dict[str, tuple[str, str]] = {}
    numbers: dict[tuple[str, str], int] = {}
    for line in files.read_jsonl(folder / DECISIONS_FILE):
        try:
            item, verdict, seq = str(line["item"]), str(line["verdict"]), int(line["seq"])
            key = (str(line["client"]), item)
            reason = str(line.get("reason", ""))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue  # a line damaged from outside is no verdict
        if seq < numbers.get(key, -1):
            continue
        numbers[key] = seq
        latest[item] = (verdict, reason)
    return {item: choice for item, choice in latest.items() if choice[0] in ("accept", "reject")}


def _plain(text: str, longest: int) -> str:
    """Text on one line, without control characters, cut to a length."""
    return _UNPRINTABLE.sub(" ", text).strip()[:longest]
