"""The case descriptions of CBIS-DDSM: four tables, a row for each lesion, joined to one case for each mammogram.

Source: R. S. Lee et al. (2017), A curated mammography data set for use in computer-aided detection and diagnosis
research, Scientific Data 4:170177. Quirks of the published tables: line ends inside quoted paths, `breast_density`
beside `breast density`, 17 + 43 masses without margins, several lesions for one mammogram, 31 patients in both parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engines.layouts.base import Note
from engines.layouts.tables import Table, known, rows, tables_near

COLUMNS = ("pathology", "image_file_path", "abnormality_id", "abnormality_type", "assessment")
LABELS = {"MALIGNANT": "malignant", "BENIGN": "benign", "BENIGN_WITHOUT_CALLBACK": "benign without callback"}
_WORST = tuple(LABELS)  # severe to mild: a mammogram has the label of its worst lesion
_NAME = re.compile(
    r"(?P<case>(?P<kind>Mass|Calc)-(?P<part>Training|Test)_(?P<patient>P_\d+)_(?P<side>LEFT|RIGHT)_(?P<view>[A-Z]+))"
    r"(?:_(?P<lesion>\d+))?$"
)
_MISSING = ("", "NA", "N/A", "nan")


@dataclass(frozen=True)
class Name:
    """What a folder's name tells; `lesion` is empty for a whole mammogram."""

    case: str
    kind: str
    part: str
    patient: str
    side: str
    view: str
    lesion: str

    @property
    def known(self) -> dict[str, str]:
        """The fields of an Item that the name fills."""
        return {
            "patient": f"CBIS-DDSM {self.patient}",
            "side": self.side[0],
            "view": self.view,
            "split": "train" if self.part == "Training" else "test",
        }


@dataclass
class Lesion:
    """A row: one lesion on one mammogram. Values are as published, but for lower case and blanks."""

    number: str
    kind: str
    pathology: str
    assessment: str
    subtlety: str
    density: str
    shape: str
    margins: str
    crop: str  # folder and name of the file that the table calls the crop
    filled: bool = False  # the margins are those of the next row


@dataclass
class Cases:
    """All tables joined: the lesions of every mammogram by its case's name, and what is odd about the tables."""

    lesions: dict[str, list[Lesion]] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)  # case -> its path in the tables
    tables: list[str] = field(default_factory=list)
    doubles: int = 0
    unnamed: int = 0

    def notes(self) -> Iterator[Note]:
        """Sentences on the tables as they are; the scan of a folder adds its own."""
        if not self.tables:
            yield Note(
                "None of the case description tables of CBIS-DDSM was found, so the pictures have no labels. Put the "
                "four CSV files beside the folders, then add it again."
            )
        if self.doubles:
            yield Note(
                f"{self.doubles} rows of the case descriptions are copies of other rows; each lesion counts once."
            )
        if self.unnamed:
            yield Note(f"{self.unnamed} rows of the case descriptions name no picture and were passed over.")

    def about(self, cases: Iterable[str]) -> Iterator[Note]:
        """Sentences on the mammograms that were found."""
        found = [(case, self.lesions[case]) for case in cases if case in self.lesions]
        if several := sum(len(lesions) > 1 for _, lesions in found):
            yield Note(f"{several} mammograms show several lesions; each counts once, with its worst finding.")
        if mixed := sum(len({one.pathology for one in lesions}) > 1 for _, lesions in found):
            yield Note(f"{mixed} mammograms have lesions of different pathology; they are called by the worst.")
        if filled := sum(any(one.filled for one in lesions) for _, lesions in found):
            yield Note(
                f"{filled} mammograms have a mass whose margins are missing in the tables. They were filled from the "
                "next row, as the Passau study did, and are marked; they say nothing about those masses."
            )
        parts: dict[str, set[str]] = {}
        for case, _ in found:
            if name := name_of(case):
                parts.setdefault(name.patient, set()).add(name.part)
        if both := sum(len(of) > 1 for of in parts.values()):
            yield Note(
                f"{both} patients are in the published training and test parts at once (masses in one, calcifications "
                "in the other). A split by patient keeps them together."
            )


def name_of(text: str) -> Name | None:
    """What the name of a case folder such as Mass-Training_P_00001_LEFT_CC_1 tells, or None for another name."""
    found = _NAME.match(text.strip())
    return Name(**{key: value or "" for key, value in found.groupdict().items()}) if found else None


def name_in(path: Path) -> Name | None:
    """The innermost case name among a file's folders, or its own name."""
    for part in (path.stem, *reversed(path.parent.parts)):
        if name := name_of(part):
            return name
    return None


def read_cases(folder: Path) -> Cases:
    """Read the case descriptions near a folder; each of the four tables counts once, the nearest copy."""
    cases = Cases()
    for table in tables_near(folder, *COLUMNS):
        if table.path.name not in cases.tables:
            cases.tables.append(table.path.name)
            _read(table, cases)
    return cases


def _read(table: Table, cases: Cases) -> None:
    waiting: list[Lesion] = []  # masses without margins, until a row has some
    for _, row in rows(table):
        lesion = Lesion(
            number=row["abnormality_id"],
            kind=row["abnormality_type"].lower(),
            pathology=row["pathology"],
            assessment=row["assessment"],
            subtlety=row.get("subtlety", ""),
            density=row.get("breast_density", ""),
            shape=_words(row.get("mass_shape") or row.get("calc_type", "")),
            margins=_words(row.get("mass_margins", "")),
            crop="/".join(row.get("cropped_image_file_path", "").split("/")[-2:]),
        )
        if "mass_margins" in row:
            waiting.append(lesion)
            if lesion.margins:
                for one in waiting[:-1]:
                    one.margins, one.filled = lesion.margins, True
                waiting.clear()
        path = row["image_file_path"]
        name = name_in(Path(path)) if path else None
        if name is None:
            cases.unnamed += 1
            continue
        others = cases.lesions.setdefault(name.case, [])
        if any(one.number == lesion.number for one in others):
            cases.doubles += 1
            continue
        others.append(lesion)
        cases.paths.setdefault(name.case, path)


def describe(lesions: list[Lesion]) -> tuple[str, dict[str, str]]:
    """Label and columns of a picture that shows these lesions: the worst pathology, the highest assessment."""
    worst = min((one.pathology for one in lesions), key=_rank)
    densities = _distinct(one.density for one in lesions if one.density in ("1", "2", "3", "4"))
    marks = [
        "several lesions" if len(lesions) > 1 else "",
        "margins back-filled" if any(one.filled for one in lesions) else "",
        "" if densities else "density not given",
    ]
    extra = known(
        abnormality=_distinct(one.kind for one in lesions),
        assessment=max(one.assessment for one in lesions),
        pathology=_distinct(one.pathology for one in lesions),
        subtlety=max(one.subtlety for one in lesions),
        density=densities,
        shape=_distinct(one.shape for one in lesions),
        margins=_distinct(one.margins for one in lesions),
        lesion_count=str(len(lesions)),
        mark="; ".join(filter(None, marks)),
        source="CBIS-DDSM",
    )
    return LABELS.get(worst, worst.lower().replace("_", " ")), extra


def _rank(pathology: str) -> int:
    return _WORST.index(pathology) if pathology in _WORST else len(_WORST)


def _words(value: str) -> str:
    return "" if value in _MISSING else value.lower().replace("_", " ")


def _distinct(values: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(value for value in values if value))
