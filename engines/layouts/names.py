"""What file and folder names tell: the split, the patient, the side and the view. Guesses are made only where sure."""

from __future__ import annotations

import re

SPLITS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip

# A word for a person followed by a number, or CBIS-DDSM's P_00001; never a bare number, which may count images.
_PATIENT = re.compile(
    r"(?<![a-z])(?:patient|subject|pat|sub|case)(?:[-_ ]?id)?[-_ ]?(\d+)|(?<![a-z])p_(\d{4,6})(?!\d)", re.I
)
_VIEW = r"MLO|CC|LMO|XCCL|XCCM|ML|LM"
_PART = r"(?:^|[-_. ])"
_END = r"(?=$|[-_. ])"
_SIDE_AND_VIEW = re.compile(rf"{_PART}(?P<side>L|R|LEFT|RIGHT)[-_. ]?(?P<view>{_VIEW}){_END}", re.I)
_VIEW_AND_SIDE = re.compile(rf"{_PART}(?P<view>{_VIEW})[-_. ](?P<side>L|R|LEFT|RIGHT){_END}", re.I)


def split_in(part: str) -> str:
    """The split that a folder's name stands for, or nothing."""
    return SPLITS.get(part.lower(), "")


def patient_in(name: str) -> str:
    """The patient's number in a name, or nothing."""
    found = _PATIENT.search(name)
    return (found[1] or found[2]) if found else ""


def side_and_view_in(stem: str) -> tuple[str, str]:
    """Side (L, R) and view (CC, MLO, …) where a name has both next to one another, as mammograms' names do."""
    found = _SIDE_AND_VIEW.search(stem) or _VIEW_AND_SIDE.search(stem)
    return (found["side"][0].upper(), found["view"].upper()) if found else ("", "")
