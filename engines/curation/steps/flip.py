"""Turn all breasts the same way."""

from engines.curation.steps.base import NoOptions, Row, StepSpec, Work, doubtful_first


def apply(work: Work, _: NoOptions) -> None:
    """Mirror a picture whose chest wall lies on the right, so that the nipple always points right."""
    if work.found is None or work.found.chest != "right":
        return
    work.pixels = work.pixels[:, ::-1]
    work.veil = None if work.veil is None else work.veil[:, ::-1]
    work.mask = None if work.mask is None else work.mask[:, ::-1]
    work.chest = "left" if work.chest else ""
    work.said["flip"] = "mirrored"


def hardness(row: Row) -> float:
    """Images whose side contradicts the catalogue, then doubtful outlines."""
    return 2.0 * ("orientation in doubt" in row.get("flags", "")) + doubtful_first(row)


STEP = StepSpec(
    name="flip",
    title="Turn the same way",
    summary="Mirrors right breasts so that the nipple always points right: one thing less to learn.",
    options=NoOptions,
    order=50,
    apply=apply,
    hardness=hardness,
    built_in=True,
)
