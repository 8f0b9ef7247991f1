"""Breast histopathology patches of Kaggle: 50 by 50 pixels of slides at 40x, with or without invasive carcinoma (IDC).

Source: A. Janowczyk, A. Madabhushi (2016), Deep learning for digital pathology image analysis, J Pathol Inform 7:29;
A. Cruz-Roa et al. (2014), Proc. SPIE 9041. Names tell all: <patient>_idx5_x<x>_y<y>_class<0|1>.png.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from engines.layouts.base import Item, LayoutSpec, Note, Rejection, candidate, walk
from engines.layouts.tables import first_pictures

LABELS = {"0": "no IDC", "1": "IDC"}
_NAME = re.compile(r"(?P<patient>\d+)_idx\d+_x(?P<x>\d+)_y(?P<y>\d+)_class(?P<label>[01])$")


def detect(folder: Path) -> float:
    """Sure where most of the first pictures have such names."""
    names = [path.stem for path in first_pictures(folder)]
    return 0.95 if names and sum(bool(_NAME.match(name)) for name in names) >= 0.8 * len(names) else 0.0


def scan(folder: Path) -> Iterator[Item | Rejection | Note]:
    """Yield every patch, odd sizes at a slide's edge included; the archive's second copy of everything counts once."""
    seen: set[int] = set()  # patient, place and class as one number: there are 277,524 patches
    copies = 0
    for path in walk(folder):
        found = candidate(path)
        if not isinstance(found, Item):
            if found is not None:
                yield found
            continue
        name = _NAME.match(path.stem)
        if name is None:
            yield Rejection(
                path, "Its name is not that of an IDC patch.",
                "Names are like 8863_idx5_x51_y1251_class0.png. Leave it out, or rename it.",
            )  # fmt: skip
            continue
        if path.parent.name in LABELS and path.parent.name != name["label"]:
            yield Rejection(
                path, "Its folder and its name say different classes.", "Look at it, then move or rename it."
            )
            continue
        mark = ((int(name["patient"]) * 10**6 + int(name["x"])) * 10**6 + int(name["y"])) * 2 + int(name["label"])
        if mark in seen:
            copies += 1
            continue
        seen.add(mark)
        yield replace(
            found, label=LABELS[name["label"]], patient=f"IDC {name['patient']}",
            extra={"x": name["x"], "y": name["y"], "source": "IDC patches"},
        )  # fmt: skip
    if copies:
        yield Note(f"{copies} patches are there twice, as in the archive from Kaggle; each was added once.")


LAYOUT = LayoutSpec(
    name="idc",
    title="IDC patches",
    summary="Breast histopathology patches of 50 by 50 pixels from Kaggle, in folders of the patient's number and 0 or "
    "1; patient, place on the slide and class (IDC, no IDC) come from each name.",
    source="Cruz-Roa et al., 2014; Janowczyk and Madabhushi, 2016",
    detect=detect,
    scan=scan,
)
