"""mini-MIAS: 322 film mammograms, all MLO views, with their labels in Info.txt.

Source: J. Suckling et al. (1994), The Mammographic Image Analysis Society digital mammogram database, Excerpta Medica
International Congress Series 1069, 375-378; and the notes in Info.txt itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engines.layouts.base import Item, LayoutSpec, Note, Rejection, candidate, walk
from engines.layouts.tables import files_near

SIZE = 1024  # pixels along both sides of every film; Info.txt counts y from the bottom
TISSUES = {"F": "fatty", "G": "fatty-glandular", "D": "dense-glandular"}
ABNORMALITIES = {
    "CALC": "calcification", "CIRC": "circumscribed mass", "SPIC": "spiculated mass", "MISC": "other mass",
    "ARCH": "architectural distortion", "ASYM": "asymmetry", "NORM": "",
}  # fmt: skip
_SEVERITIES = {"B": "benign", "M": "malignant"}
_LABELS = ("normal", "benign", "malignant")  # mild to severe: a film has the label of its worst finding
_LINE = re.compile(
    r"(mdb\d{3})\s+([FGD])\s+(CALC|CIRC|SPIC|MISC|ARCH|ASYM|NORM)(?:\s+([BM]))?(?:\s+(\d+)\s+(\d+)\s+(\d+))?(?:\s|$)"
)
_NAME = re.compile(r"mdb(\d{3})(?:[a-z]*)?$", re.I)


@dataclass(frozen=True)
class Film:
    """All that Info.txt says of one film; lesions are boxes in pixels, origin at the top left."""

    tissue: str
    label: str
    abnormalities: tuple[str, ...]
    lesions: tuple[dict[str, str | int], ...]


def read_info(text: str) -> dict[str, Film]:
    """Read the table: a film has a line for each finding, and the notes around the table match no line."""
    films: dict[str, Film] = {}
    for line in text.splitlines():
        if not (found := _LINE.match(line.strip())):
            continue
        name, tissue, kind, severity, x, y, radius = found.groups()
        film = films.get(name, Film(TISSUES[tissue], "normal", (), ()))
        label = max(film.label, _SEVERITIES.get(severity or "", "normal"), key=_LABELS.index)
        seen = (*film.abnormalities, ABNORMALITIES[kind]) if ABNORMALITIES[kind] else film.abnormalities
        lesions = film.lesions
        if x is not None:
            # A circle whose y counts from the bottom becomes a box from the top, as in all our tables.
            box = {"x": int(x) - int(radius), "y": SIZE - int(y) - int(radius)}
            size = {"width": 2 * int(radius), "height": 2 * int(radius)}
            lesions = (*lesions, {"kind": ABNORMALITIES[kind], "severity": _SEVERITIES[severity], **box, **size})
        films[name] = replace(film, label=label, abnormalities=seen, lesions=lesions)
    return films


def detect(folder: Path) -> float:
    """Sure where an Info.txt lists films by name."""
    return 1.0 if _films(folder) else 0.0


def scan(folder: Path) -> Iterator[Item | Rejection | Note]:
    """Yield the films in the order of their numbers, whatever format they were converted to."""
    films = _films(folder)
    present: set[str] = set()
    for path in walk(folder):
        found = candidate(path)
        if not isinstance(found, Item):
            if found is not None:
                yield found
            continue
        number = _NAME.match(path.stem)
        name = f"mdb{number[1]}" if number else ""
        film = films.get(name)
        if number is None or film is None:
            yield Rejection(
                path, "Info.txt does not list this film.", "Leave it out, or restore the original Info.txt."
            )
        elif name in present:
            yield Rejection(path, "This film is there twice.", "Keep one copy of each film.")
        else:
            present.add(name)
            yield _item(found, int(number[1]), film)
    if missing := len(films.keys() - present):
        yield Note(f"Info.txt lists {missing} films that are not in this folder; the {len(present)} others were added.")


def _item(found: Item, number: int, film: Film) -> Item:
    """Films 2k-1 and 2k are the right and the left breast of woman k."""
    extra = {
        "tissue": film.tissue,
        "abnormality": "; ".join(dict.fromkeys(film.abnormalities)),
        "lesions": json.dumps(film.lesions),
        "source": "mini-MIAS",
    }
    side = "L" if number % 2 == 0 else "R"
    return replace(
        found, label=film.label, patient=f"mini-MIAS {(number + 1) // 2}", side=side, view="MLO", extra=extra
    )  # fmt: skip


def _films(folder: Path) -> dict[str, Film]:
    """The table of Info.txt in the folder or one below, since archives often unpack into a folder of their own."""
    for path in files_near(folder, lambda name: name.lower() == "info.txt", up=1):
        if path.stat().st_size < 2**20 and (films := read_info(path.read_text(encoding="latin-1"))):
            return films
    return {}


LAYOUT = LayoutSpec(
    name="mini_mias",
    title="mini-MIAS",
    summary="Film mammograms mdb001 to mdb322 with Info.txt: normal, benign or malignant by the worst finding; films "
    "2k-1 and 2k are one woman's right and left breast, all MLO. For research only, see its licence.",
    source="Suckling et al., 1994, Mammographic Image Analysis Society",
    detect=detect,
    scan=scan,
)
