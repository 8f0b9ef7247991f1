"""CBIS-DDSM from TCIA, full mammograms: the folders of the download joined with the four case description tables.

Source: R. S. Lee et al. (2017), Scientific Data 4:170177, doi 10.1038/sdata.2017.177; data on The Cancer Imaging
Archive, doi 10.7937/K9/TCIA.2016.7O02S9CY. 3,103 mammograms, 3,568 lesions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engines.layouts.base import UNLABELLED, Item, LayoutSpec, Note, Rejection
from engines.layouts.cbis_cases import Cases, Name, describe, name_of, read_cases
from engines.layouts.cbis_files import FULL, groups, is_swapped, role, share_of_cases, tell_apart
from engines.layouts.joining import Gaps


def detect(folder: Path) -> float:
    """Sure where pictures lie in folders of whole mammograms."""
    whole, lesions = share_of_cases(folder)
    return 0.98 if whole > 0 and whole + lesions >= 0.5 else 0.0


def scan(folder: Path) -> Iterator[Item | Rejection | Note]:
    """Yield every full mammogram once, however many lesions it shows; crops and masks are counted only."""
    cases = read_cases(folder)
    yield from cases.notes()
    seen: set[str] = set()
    crops = masks = swapped = 0
    for group in groups(folder):
        if isinstance(group, Rejection):
            yield group
            continue
        name, paths = group
        if not name.lesion:
            yield from _mammogram(name, paths, cases, seen)
            continue
        cropped, masked, unknown = tell_apart(paths)
        crops, masks = crops + len(cropped), masks + len(masked) + len(unknown)
        lesion = next((one for one in cases.lesions.get(name.case, []) if one.number == name.lesion), None)
        swapped += is_swapped(lesion, masked)
    if crops or masks:
        yield Note(
            f"{crops} cropped lesions and {masks} masks were passed over: this layout adds full mammograms. The layout "
            "cbis_ddsm_crops adds the crops."
        )
    if swapped:
        yield Note(f"{swapped} lesions have crop and mask swapped in the tables; the files' own headers were believed.")
    yield from cases.about(seen)
    yield from missing(cases, seen, folder)


def _mammogram(name: Name, paths: list[Path], cases: Cases, seen: set[str]) -> Iterator[Item | Rejection]:
    for path in paths:
        said = role(path)
        if said not in ("", FULL):
            yield Rejection(
                path, "It lies where the full mammogram should be, but says that it is a crop or a mask.",
                "Fetch the case again.",
            )  # fmt: skip
        elif name.case in seen:
            yield Rejection(path, "This mammogram is there twice.", "Keep one copy of each.")
        elif cases.tables and name.case not in cases.lesions:
            yield Rejection(
                path, "The case descriptions have no row for this mammogram.",
                "Leave it out, or restore the four original tables.",
            )  # fmt: skip
        else:
            seen.add(name.case)
            yield item(path, name, cases)


def item(path: Path, name: Name, cases: Cases) -> Item:
    """A full mammogram with what the tables say of it; without tables, what its folder's name says."""
    if lesions := cases.lesions.get(name.case):
        label, extra = describe(lesions)
    else:
        kind = "mass" if name.kind == "Mass" else "calcification"
        label, extra = UNLABELLED, {"abnormality": kind, "source": "CBIS-DDSM"}
    return Item(path, label, extra=extra, **name.known)


def missing(cases: Cases, seen: set[str], folder: Path) -> Iterator[Rejection | Note]:
    """Mammograms that the tables list and the folder lacks, for each of the four parts by itself."""
    gaps: dict[str, Gaps] = {}
    found: dict[str, int] = {}
    for case, path in cases.paths.items():
        name = name_of(case)
        part = f"{name.kind}-{name.part}" if name else ""
        if case in seen:
            found[part] = found.get(part, 0) + 1
        else:
            gaps.setdefault(part, Gaps(folder, f"The table of {part}", "mammogram")).add(path)
    for part, gap in gaps.items():
        yield from gap.told(found.get(part, 0))


LAYOUT = LayoutSpec(
    name="cbis_ddsm",
    title="CBIS-DDSM (TCIA)",
    summary="Full mammograms of CBIS-DDSM as TCIA hands them out: folders such as Mass-Training_P_00001_LEFT_CC with "
    "the four case description CSV files beside them. A mammogram with several lesions counts once and is called by "
    "its worst one.",
    source="Lee et al., 2017, Scientific Data 4:170177",
    detect=detect,
    scan=scan,
)
