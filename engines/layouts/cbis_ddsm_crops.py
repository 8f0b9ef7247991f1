"""CBIS-DDSM from TCIA, crops: one picture for each lesion, told apart from its mask by the header or the size.

Source: R. S. Lee et al. (2017), Scientific Data 4:170177.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engines.layouts.base import UNLABELLED, Item, LayoutSpec, Note, Rejection
from engines.layouts.cbis_cases import describe, read_cases
from engines.layouts.cbis_files import groups, is_swapped, share_of_cases, tell_apart


def detect(folder: Path) -> float:
    """Sure where pictures lie in folders of lesions only; beside full mammograms, those come first."""
    whole, lesions = share_of_cases(folder)
    return 0.97 if lesions >= 0.5 and not whole else 0.3 if lesions else 0.0


def scan(folder: Path) -> Iterator[Item | Rejection | Note]:
    """Yield the crop of every lesion; masks and full mammograms are counted only."""
    cases = read_cases(folder)
    yield from cases.notes()
    found = full = masks = swapped = filled = 0
    for group in groups(folder):
        if isinstance(group, Rejection):
            yield group
            continue
        name, paths = group
        if not name.lesion:
            full += len(paths)
            continue
        crops, masked, unknown = tell_apart(paths)
        masks += len(masked)
        for path in unknown:
            yield Rejection(
                path, "Nothing tells whether this is the crop or the mask of the lesion.", "Fetch the case again."
            )
        lesion = next((one for one in cases.lesions.get(name.case, []) if one.number == name.lesion), None)
        swapped += is_swapped(lesion, masked)
        for number, path in enumerate(crops):
            if number:
                yield Rejection(path, "This crop is there twice.", "Keep one copy of each.")
            elif lesion is None and cases.tables:
                yield Rejection(
                    path, "The case descriptions have no row for this lesion.",
                    "Leave it out, or restore the four original tables.",
                )  # fmt: skip
            else:
                label, extra = describe([lesion]) if lesion else (UNLABELLED, {})
                found, filled = found + 1, filled + (lesion is not None and lesion.filled)
                yield Item(path, label, extra=extra, **name.known)
    if full or masks:
        yield Note(f"{full} full mammograms and {masks} masks were passed over: this layout adds the crops of lesions.")
    if swapped:
        yield Note(f"{swapped} lesions have crop and mask swapped in the tables; the files' own headers were believed.")
    if filled:
        yield Note(f"{filled} masses without margins in the tables got those of the next row, and are marked.")
    lesions = sum(len(of) for of in cases.lesions.values())
    if lesions > found:
        yield Note(f"The tables list {lesions - found} lesions whose crop is not here; the {found} others were added.")


LAYOUT = LayoutSpec(
    name="cbis_ddsm_crops",
    title="CBIS-DDSM (TCIA), crops of lesions",
    summary="One cropped picture for each lesion of CBIS-DDSM, from folders such as Mass-Training_P_00001_LEFT_CC_1; "
    "masks are told apart by their headers, whatever the tables call them.",
    source="Lee et al., 2017, Scientific Data 4:170177",
    detect=detect,
    scan=scan,
)
