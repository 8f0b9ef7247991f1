"""Blank what is not breast: background, labels, tape and film edges inside the box."""

from engines.curation.steps.base import NoOptions, Row, StepSpec, Work, doubtful_first


def apply(work: Work, _: NoOptions) -> None:
    """Mark everything outside the breast to become black; the resizer does it, so that no label rings inside."""
    if work.veil is not None:
        work.mask = work.veil


def hardness(row: Row) -> float:
    """Labels that touch the breast, then any label, then doubtful outlines."""
    flags = row.get("flags", "")
    return 2.0 * ("label touches" in flags) + 1.0 * ("label" in flags) + doubtful_first(row)


STEP = StepSpec(
    name="background",
    title="Label and background removal",
    summary="Puts black where no breast was found, inside the crop too, so that labels disappear.",
    options=NoOptions,
    order=30,
    apply=apply,
    hardness=hardness,
    built_in=True,
)
