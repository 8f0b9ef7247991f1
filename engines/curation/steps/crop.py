"""Cut the breast out of its film."""

from engines.curation.steps.base import NoOptions, StepSpec, Work


def apply(work: Work, _: NoOptions) -> None:
    """Cut to the breast's box with a small margin; at the chest wall it ends with the film."""
    from engines.curation.canonical import cut_out, find_crop

    if work.found is None:
        work.said["crop"] = "no breast found: stays whole"
        return
    work.crop = find_crop(work.found, work.proxy)
    work.pixels, work.veil, work.chest = cut_out(work.pixels, work.crop), work.crop.veil, work.crop.chest


STEP = StepSpec(
    name="crop",
    title="Breast crop",
    summary="Cuts away background, labels and film borders around the breast. An image in which no breast is found "
    "stays whole.",
    options=NoOptions,
    order=20,
    apply=apply,
    built_in=True,
)
