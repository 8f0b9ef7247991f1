"""What a researcher chooses when a catalogue becomes an image set."""

from typing import Any, Literal

from pydantic import field_validator

from engines.options import Options, option


class CurateParameters(Options):
    """Parameters of the task `curate`; bounds are checked here, words are shown in form and command line."""

    catalogue: str = option(..., "Catalogue", "The catalogue of source images to curate.", layer="dial", min_length=1)
    name: str = option(
        "", "Name", "A name for the image set; empty takes the catalogue's.", layer="basic", max_length=80
    )
    shape_confidence: float = option(
        0.75,
        "Shape confidence",
        "Keep images whose outline is that surely one whole breast. 0 keeps everything: use it for patches and for "
        "pictures that are no mammograms.",
        too_low="Cut-off breasts, merged labels and spoilt films enter the set, and the GAN learns them.",
        too_high="Unusual but sound breasts are lost: less variety.",
        layer="dial",
        ge=0.0,
        le=1.0,
    )
    keep_best: int | None = option(
        None,
        "Keep best",
        "Keep this many images with the highest shape confidence instead of using the threshold.",
        layer="basic",
        ge=1,
    )
    keep_share: float | None = option(
        None,
        "Keep best share",
        "Keep this share of the images, those with the highest shape confidence, instead of using the threshold.",
        too_low="Few images, all alike: the GAN learns them by heart.",
        too_high="Doubtful images enter the set.",
        gt=0.0,
        le=1.0,
    )
    keep_above: float = option(
        0.0,
        "Least confidence of the best",
        "With “keep best”, images below this confidence stay out even if fewer are then kept.",
        too_low="The best of a poor collection may be poor.",
        too_high="Fewer images than asked for.",
        ge=0.0,
        le=1.0,
    )
    size: int = option(
        128,
        "Size",
        "Side of the square pictures of the set.",
        too_low="Small lesions vanish.",
        too_high="Training takes four times as long with each doubling.",
        unit="px",
        layer="dial",
        ge=32,
        le=512,
    )
    crop: bool = option(True, "Crop to the breast", "Cut away background, labels and film borders.", layer="basic")
    flip: bool = option(
        True,
        "Turn the same way",
        "Mirror so that the nipple always points right: one thing less to learn.",
        layer="basic",
    )
    mask_background: bool = option(
        True, "Blank the background", "Put black where no breast was found, inside the crop too: labels disappear."
    )
    fit: Literal["pad", "stretch"] = option(
        "pad",
        "Fit",
        "Make it square with padding, keeping proportions, or by stretching (for square patches: the same).",
    )
    channels: Literal["auto", "grey", "rgb"] = option(
        "auto", "Channels", "Grey or RGB; auto takes RGB if any kept picture has colour.", layer="basic"
    )
    contrast: Literal["as stored", "percentile per image"] = option(
        "as stored",
        "Contrast",
        "As stored keeps brightness comparable between pictures. Percentile stretches each picture between its own "
        "0.5 % and 99.5 %: for sources with very different exposure.",
    )
    classes: list[str] = option([], "Classes", "Only images of these classes; empty takes all.", layer="basic")
    where: dict[str, list[str]] = option(
        {}, "Filters", "Only images whose column has one of these values, such as abnormality: mass, calcification."
    )
    intent: Literal["auto", "FOR PRESENTATION", "FOR PROCESSING"] = option(
        "auto",
        "Intent",
        "Raw (for processing) and processed (for presentation) mammograms look different and are never mixed in one "
        "set. Auto takes the commoner kind; images that do not say which they are stay in.",
    )
    steps: dict[str, dict[str, Any]] = option(
        {}, "More steps", "Further steps by name with their options, such as blur or clahe; each is off unless named."
    )
    split: Literal["none", "70/20/10", "67/33", "80/20", "folds"] = option(
        "none",
        "Split",
        "Divide by patient into training, validation and test (70/20/10), training and validation (67/33), training "
        "and test (80/20) or folds of one size. None keeps what the catalogue says.",
        layer="basic",
    )
    folds: int = option(
        5,
        "Folds",
        "How many parts of one size “folds” makes.",
        too_low="Each training leaves out many images.",
        too_high="Each test has few images, and every fold is one more training.",
        ge=2,
        le=20,
    )
    leak_reason: str = option(
        "",
        "Reason to keep a split that leaks",
        "A set with a patient or a picture in two parts is refused, unless a reason is written here (at least ten "
        "letters): it is stored with the set.",
        max_length=500,
    )
    replaces: str = option(
        "", "New version of", "The image set that this one replaces; sets themselves never change.", max_length=80
    )
    decisions_of: str = option(
        "",
        "Decisions of",
        "Use the decisions by hand stored with this image set instead of the catalogue's present ones: to go back to "
        "an older version.",
        max_length=80,
    )
    clustering: str = option(
        "", "Clustering", "The clustering that the chosen clusters belong to; empty keeps all images.", max_length=80
    )
    clusters: list[int] = option([], "Clusters", "Keep only images of these clusters; empty keeps all.")
    seed: int = option(0, "Seed", "Decides the split; the same seed gives the same split.", ge=0, le=2**31 - 1)

    @field_validator("classes")
    @classmethod
    def _no_repeats(cls, classes: list[str]) -> list[str]:
        return sorted({name.strip() for name in classes if name.strip()})

    @field_validator("where")
    @classmethod
    def _no_empty_filters(cls, where: dict[str, list[str]]) -> dict[str, list[str]]:
        return {column: sorted(set(values)) for column, values in sorted(where.items()) if values}

    @field_validator("steps")
    @classmethod
    def _known_steps(cls, steps: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        from engines.curation.chain import checked  # what a step is comes with its file

        return {name: checked(name, given) for name, given in sorted(steps.items())}
