"""Accept and reject: a journal of verdicts by hand, one line each, that is only ever appended to.

A page sends its verdicts as they are made, and they may overtake one another on the way. Each page therefore numbers
its own (`client`, `seq`): for one item, a later number of the same page wins over whatever arrives after it. Between
pages the last to arrive wins. Taking a verdict back is a verdict too: `none`.

Every line says whose verdict it is (`by`). Several readers may judge the same images without seeing one another's
marks. What holds for curation is then, image by image: the verdict that they made together (`by` is CONSENSUS) if
there is one, else the last verdict of any reader that was not taken back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from engines import files
from engines.errors import LabError
from engines.records import now

Verdict = Literal["accept", "reject", "none"]
DECISIONS_FILE = "decisions.jsonl"
LONGEST_REASON = 200
CONSENSUS = "consensus"  # two readers looking at their disagreements together
OWNER = "owner"  # who reads without giving a name
_Z_95 = 1.959963984540054
_ITEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class Line(NamedTuple):
    """One line of the journal. `undo`: it takes back the reader's latest decision on that image."""

    item: str
    verdict: str
    reason: str
    by: str
    client: str
    seq: int
    undo: bool


class Agreement(NamedTuple):
    """How far two readers agree on the `both` images that both judged.

    `table` has the first reader's accept and reject as rows, the second's as columns. `kappa` is None where it is not
    defined (no image, or both gave one and the same verdict throughout); its 95 % limits are None too without a
    disagreement, since then nothing tells how rare disagreement is. `differ` are the images to look at together.
    """

    both: int
    table: tuple[tuple[int, int], tuple[int, int]]
    kappa: float | None
    low: float | None
    high: float | None
    differ: tuple[str, ...]


def record_decision(
    folder: Path,
    item: str,
    verdict: str,
    reason: str = "",
    *,
    client: str = "",
    seq: int = 0,
    by: str = "",
    undo: bool = False,
) -> None:
    """Append one verdict about an item to the journal of a catalogue or image set folder, and flush it to the disk.

    With `undo` the line takes back this reader's latest decision on the item, and `verdict` is what held before it.
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
    line: dict[str, Any] = {
        "t": now(),
        "client": _plain(client, 64),
        "seq": seq,
        "item": item,
        "verdict": verdict,
        **words,
    }
    if undo:
        line["undo"] = True
    files.append_jsonl(path, line, sync=True)


def current(folder: Path, by: str | None = None) -> dict[str, tuple[str, str]]:
    """The verdict and reason that hold for each item; items without one, or with `none`, are left out.

    With `by`, only that reader's own verdicts. Else what holds for curation: the readers' consensus where there is
    one, otherwise the last verdict of any reader.
    """
    lines = list(_lines(folder))
    held = _held(lines)
    if by is not None:
        return held.get(by, {})
    together = held.pop(CONSENSUS, {})
    last: dict[str, tuple[str, str]] = {}
    for line in lines:  # the last reader to speak whose verdict still stands
        mine = held.get(line.by, {}).get(line.item)
        if mine is not None:
            last[line.item] = mine
    return {**last, **together}


def readers(folder: Path) -> dict[str, int]:
    """Who has judged images here, and how many of them; the consensus is no reader."""
    return {by: len(held) for by, held in _held(_lines(folder)).items() if by != CONSENSUS}


def history(folder: Path, by: str) -> list[tuple[str, str, str]]:
    """What undo would go back to, oldest first: item, and the verdict and reason that held before each decision."""
    before: dict[str, tuple[str, str]] = {}
    stack: list[tuple[str, str, str]] = []
    for line in _lines(folder):
        if line.by != by:
            continue
        if not line.undo:
            stack.append((line.item, *before.get(line.item, ("none", ""))))
        else:
            latest = next((n for n in range(len(stack) - 1, -1, -1) if stack[n][0] == line.item), None)
            if latest is not None:
                del stack[latest]
        before[line.item] = (line.verdict, line.reason)
    return stack


def agreement(folder: Path, first: str, second: str) -> Agreement:
    """Cohen's kappa of two readers with its 95 % interval.

    Cohen, Educ. Psychol. Meas. 20 (1960) 37; standard error: Fleiss, Cohen, Everitt, Psychol. Bull. 72 (1969) 323.
    """
    held = _held(_lines(folder))
    mine, theirs = held.get(first, {}), held.get(second, {})
    both = sorted(mine.keys() & theirs.keys())
    counts = [[0, 0], [0, 0]]
    for item in both:
        counts[mine[item][0] == "reject"][theirs[item][0] == "reject"] += 1
    (a, b), (c, d) = counts
    kappa, error = cohen_kappa(a, b, c, d)
    limits: tuple[float | None, float | None] = (None, None)
    if kappa is not None and b + c:
        limits = max(-1.0, kappa - _Z_95 * error), min(1.0, kappa + _Z_95 * error)
    differ = tuple(item for item in both if mine[item][0] != theirs[item][0])
    return Agreement(len(both), ((a, b), (c, d)), kappa, *limits, differ)


def cohen_kappa(a: int, b: int, c: int, d: int) -> tuple[float | None, float]:
    """Kappa of the table [[a, b], [c, d]] and its large-sample standard error; None where it is not defined."""
    total = a + b + c + d
    if not total:
        return None, 0.0
    shares = ((a / total, b / total), (c / total, d / total))
    rows = tuple(sum(row) for row in shares)
    columns = tuple(shares[0][k] + shares[1][k] for k in (0, 1))
    observed = shares[0][0] + shares[1][1]
    chance = sum(rows[k] * columns[k] for k in (0, 1))
    if 1 - chance < 1e-12:
        return None, 0.0
    kappa = (observed - chance) / (1 - chance)
    spread = sum(shares[k][k] * (1 - (rows[k] + columns[k]) * (1 - kappa)) ** 2 for k in (0, 1))
    spread += (1 - kappa) ** 2 * sum(shares[k][1 - k] * (columns[k] + rows[1 - k]) ** 2 for k in (0, 1))
    spread -= (kappa - chance * (1 - kappa)) ** 2
    return kappa, math.sqrt(max(0.0, spread) / total) / (1 - chance)


def _held(lines: Iterable[Line]) -> dict[str, dict[str, tuple[str, str]]]:
    """Reader -> item -> the verdict and reason that this reader stands by."""
    latest: dict[str, dict[str, tuple[str, str]]] = {}
    for line in lines:
        latest.setdefault(line.by, {})[line.item] = (line.verdict, line.reason)
    return {
        by: {item: said for item, said in verdicts.items() if said[0] in ("accept", "reject")}
        for by, verdicts in latest.items()
    }


def _lines(folder: Path) -> Iterator[Line]:
    """The journal's sound lines as they count: without repeats, and without those that a later one overtook."""
    numbers: dict[tuple[str, str, str], int] = {}
    for line in files.read_jsonl(folder / DECISIONS_FILE):
        try:
            item, verdict, client, seq = str(line["item"]), str(line["verdict"]), str(line["client"]), int(line["seq"])
            reason, by, undo = str(line.get("reason", "")), str(line.get("by", "")) or OWNER, line.get("undo") is True
        except (AttributeError, KeyError, TypeError, ValueError):
            continue  # a line damaged from outside is no verdict
        last = numbers.get((client, by, item), -1)
        if seq < last or (seq == last and client):  # overtaken, or sent twice since the answer was lost
            continue
        numbers[client, by, item] = seq
        yield Line(item, verdict, reason, by, client, seq, undo)


def _plain(text: str, longest: int) -> str:
    """Text on one line, without control characters, cut to a length."""
    return _UNPRINTABLE.sub(" ", text).strip()[:longest]
