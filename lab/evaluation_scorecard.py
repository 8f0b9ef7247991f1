"""The seven criteria of the FDA's scorecard for synthetic medical data: which numbers speak to each, in plain words.

After Zamzmi et al., Communications Engineering 2025, 4:130. It lists figures and says what they mean; it passes no
verdict on the set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from engines.errors import LabError
from engines.records import EvaluationRecord
from engines.workspace import Workspace
from lab.numbers import finite

Row = Mapping[str, Any]
SOURCE = "Zamzmi et al., Communications Engineering 2025, 4:130"


class Criterion(NamedTuple):
    """One of the seven; `advice` says how to assess it where no number does."""

    name: str
    question: str
    metrics: tuple[str, ...]
    advice: str


CRITERIA = (
    Criterion(
        "Congruence", "Are the synthetic images distributed like the real ones?",
        ("kid", "fid", "ftd", "swd", "grey_emd", "precision", "density", "realism", "psnr", "ssim"),
        "Measure one of the distances, such as KID or the texture distance.",
    ),
    Criterion(
        "Coverage", "Do they show the variety of the real ones?", ("recall", "coverage", "ms_ssim", "lpips"),
        "Measure recall, coverage or the diversity.",
    ),
    Criterion(
        "Constraint", "Do they keep to anatomy and physics?", (),
        "No metric here says it: look at the images, or curate the synthetic set for its shape.",
    ),
    Criterion(
        "Completeness", "Does the set hold the information that its use needs?", (),
        "The classes of one of the sets are not known: draw a synthetic set with labels, and measure that.",
    ),
    Criterion(
        "Compliance", "Do they protect the patients of the training images?", ("memorisation",),
        "Measure the copies of training images, with a held-out set.",
    ),
    Criterion(
        "Comprehension", "Is the set described so that others can judge it?", (),
        "The report and the export's data sheet are part of it; judging them is a reader's work.",
    ),
    Criterion(
        "Consistency", "Do the results hold for other seeds and other data?", (),
        "Measure runs of several seeds; every number here has the interval of one.",
    ),
)  # fmt: skip

# What it means to lie below and above what real images of other patients reach, where being near to it is best.
BESIDE = {
    "ms_ssim": ("Less alike than real images are.", "More alike than real images are: too little variety."),
    "lpips": ("Less varied than real images are.", "More varied than real images are."),
    "psnr": (
        "Less like any training image than a new patient's images are.",
        "More like a training image than a new patient's images are: look for copies.",
    ),
    "realism": ("Rarer than real images are: parts of them look like no real one.", "More ordinary than real images."),
}
BESIDE["ssim"] = BESIDE["psnr"]
NO_DIFFERENCE = "No difference seen from real images of other patients."


def in_plain_words(row: Row, better: str) -> str:
    """What a row's value means beside its baseline, at equal set sizes where that is known; "" if it cannot be said."""
    at = finite((row.get("details") or {}).get("at_equal_size"))
    at = finite(row.get("value")) if at is None else at
    base, low, high = (finite(row.get(name)) for name in ("baseline", "baseline_low", "baseline_high"))
    if at is None or base is None or low is None or high is None:
        return ""
    if row.get("name") == "memorisation":
        return _copies(row, high)
    value, least, most = (finite(row.get(name)) for name in ("value", "low", "high"))
    if value is None or least is None or most is None:
        return ""
    if at - (value - least) <= high and at + (most - value) >= low:  # the intervals overlap
        return NO_DIFFERENCE
    below = at < low
    if better == "near_baseline":
        return BESIDE.get(str(row.get("name")), ("Below what real images reach.", "Above what real images reach."))[
            at > high
        ]
    if below == (better == "lower"):
        return "Better than real images of other patients: look for copies."
    if better == "higher":
        return (
            f"{100 * at / base:.0f} % of what real images reach among themselves." if base > 0 else "Below real images."
        )
    if low > 0:
        ratio = at / base
        return f"{ratio:.{0 if ratio >= 10 else 1}f} times as far as real patients are from one another."
    return "Further from the real images than real patients are from one another."


def _copies(row: Row, by_chance: float) -> str:
    share, low = finite(row.get("value")) or 0.0, finite(row.get("low")) or 0.0
    if low > by_chance:
        return f"{100 * share:.1f} % of the images match a training image better than chance explains: see the copies."
    if share > by_chance:
        return "Somewhat more matches than images of new patients make: see the copies."
    return "No more matches with training images than images of new patients make."


def facts(workspace: Workspace, record: EvaluationRecord) -> dict[str, list[str]]:
    """What the records themselves say to a criterion: the classes of both sets."""
    said = []
    with suppress(LabError):
        for title, id in (("Synthetic", record.synthetic), ("Real", record.real)):
            about = workspace.image_set(id).record
            if not about.classes:
                return {}
            shares = [
                f"{name or 'no label'} {100 * count / about.items:.0f} %" for name, count in about.classes.items()
            ]
            said.append(f"{title}: {about.items:,} images, {', '.join(shares)}.")
        return {"Completeness": [*said, "Labels only: no lesion outlines, no acquisition data."]}
    return {}


def criteria(workspace: Workspace, record: EvaluationRecord) -> list[dict[str, Any]]:
    """The criteria as the page and the report show them, with the facts of this measurement."""
    known = facts(workspace, record)
    return [{**criterion._asdict(), "facts": known.get(criterion.name, [])} for criterion in CRITERIA]


def lines(criterion: Mapping[str, Any], rows: Sequence[Row]) -> list[str]:
    """A criterion in sentences for the report: its figures with what they mean, its facts, or how to assess it."""
    found = [
        f"{row['title']}: {row['text']} {row['unit']}".rstrip() + f" (real {row['baseline_text']}). {row['said']}"
        for row in rows
        if row["name"] in criterion["metrics"]
    ]
    return [*found, *criterion["facts"]] or [f"Not assessed. {criterion['advice']}"]
