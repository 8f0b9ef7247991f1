"""Pictures and labels as two arrays: X.npy holds the stack, Y.npy a label for each picture.

Many notebooks save them so; used by Chi, Fang and Wang (2018) with 5,547 IDC patches of 50 by 50 pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engines.layouts.base import UNLABELLED, Item, LayoutSpec, Note, Rejection
from engines.layouts.names import split_in
from engines.layouts.tables import files_near

_STACK = re.compile(
    r"(?P<what>x|images?|data)(?P<rest>[_-]?(?:train(?:ing)?|val(?:id(?:ation)?)?|test(?:ing)?)?)$", re.I
)
_LABELS = ("y", "labels", "label", "targets", "target")
_MOST_LABEL_BYTES = 2**29
_MOST_CLASSES = 1000  # more distinct numbers are measurements, not classes


def detect(folder: Path) -> float:
    """Sure where a stack lies beside its labels, likely for a stack of such a name alone."""
    stacks = _stacks(folder)
    return (0.9 if any(_labels_of(path) for path in stacks) else 0.35) if stacks else 0.0


def scan(folder: Path) -> Iterator[Item | Rejection | Note]:
    """Yield every picture of every stack, with its label and with its number as `member`."""
    for path in _stacks(folder):
        count = _count(path)
        partner = _labels_of(path)
        labels = _classes(partner) if partner else None
        if partner is None:
            yield Note(f"There are no labels beside an array of {count} pictures: they are called “{UNLABELLED}”.")
        elif labels is None:
            yield Rejection(
                partner, "These are not labels: one whole number, word or row of zeros and a one for each picture.",
                "Save them with numpy.save as whole numbers.",
            )  # fmt: skip
        elif len(labels) != count:
            yield Rejection(
                partner, f"It holds {len(labels)} labels for {count} pictures.",
                "Find out which belong together; until then no picture has a label.",
            )  # fmt: skip
            labels = None
        found = _STACK.match(path.stem)
        split = split_in(found["rest"].strip("_-")) if found else ""
        for number in range(count):
            label = str(labels[number]) if labels is not None else UNLABELLED
            yield Item(path, label, split=split, member=str(number))


def _stacks(folder: Path) -> list[Path]:
    """Array files with a stack's name that hold several pictures."""
    named = files_near(folder, lambda name: name.lower().endswith(".npy") and bool(_STACK.match(name[:-4])), up=0)
    return [path for path in named if _count(path)]


def _count(path: Path) -> int:
    """How many pictures a stack holds: its first axis; 0 for what is one picture, or none."""
    array = _open(path)
    if array is None or array.ndim not in (3, 4):
        return 0
    if array.ndim == 3 and array.shape[2] in (1, 3):  # one colour picture, unless as many labels say otherwise
        partner = _labels_of(path)
        labels = _open(partner) if partner else None
        return len(array) if labels is not None and labels.ndim and len(labels) == len(array) else 0
    return len(array)


def _labels_of(stack: Path) -> Path | None:
    """The label file that belongs to a stack: the same name with y or labels for x or images."""
    found = _STACK.match(stack.stem)
    if not found:
        return None
    wanted = [f"{name}{found['rest']}.npy".lower() for name in _LABELS]
    return next((path for path in sorted(stack.parent.iterdir()) if path.name.lower() in wanted), None)


def _open(path: Path) -> np.ndarray[Any, np.dtype[Any]] | None:
    """The array as a memory map; None for what is no array, or could run code."""
    try:
        with open(path, "rb") as file:
            if file.read(6) != b"\x93NUMPY":
                return None
        found: np.ndarray[Any, np.dtype[Any]] = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception:  # a header from outside can say anything; what cannot be mapped is no stack
        return None
    return found


def _classes(path: Path) -> list[str] | None:
    """A word for each picture: numbers as they are, one-hot rows by their column; None for anything else."""
    found = _open(path)
    if found is None or found.dtype.kind not in "iubfUS" or found.nbytes > _MOST_LABEL_BYTES:
        return None
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    elif found.ndim == 2 and found.dtype.kind not in "US" and found.shape[1] <= _MOST_CLASSES:
        if not ((found == 0) | (found == 1)).all() or not (found.sum(axis=1) == 1).all():
            return None
        found = found.argmax(axis=1)
    if found.ndim != 1:
        return None
    if found.dtype.kind == "f":
        if not (np.isfinite(found).all() and (found == np.rint(found)).all()):
            return None
        found = found.astype(np.int64)
    words = {value: _word(value) for value in np.unique(found).tolist()}
    return [words[value] for value in found.tolist()] if len(words) <= _MOST_CLASSES else None


def _word(value: Any) -> str:
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    return " ".join(text.split())[:64] or UNLABELLED


LAYOUT = LayoutSpec(
    name="npy_pair",
    title="X.npy and Y.npy",
    summary="A stack of pictures of one size in X.npy and a label for each in Y.npy; also X_train.npy and Y_train.npy, "
    "images.npy and labels.npy. Every picture of the stack becomes an item.",
    source="",
    detect=detect,
    scan=scan,
)
