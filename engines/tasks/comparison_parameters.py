"""What a comparison of classifiers is asked to do."""

from __future__ import annotations

from typing import Any

from engines.options import Options, option

DEFAULT_CLASSIFIERS = ["logistic_regression@texture", "random_forest@texture", "cnn_small"]


class CompareParameters(Options):
    """Which classifiers learn from what, and are tested on what."""

    real: str = option(
        ..., "Real images", "The real image set to learn from; labelled, best split by patient.", layer="dial"
    )
    synthetic: list[str] = option([], "Synthetic images", "Synthetic sets to learn from as well.", layer="dial")
    test: str = option(
        "",
        "Test images",
        "A real set of its own, such as one from another hospital. If empty, the test part of the real images, else "
        "their validation part, else a fifth of their patients.",
        layer="basic",
        max_length=200,
    )
    classifiers: list[str] = option(
        DEFAULT_CLASSIFIERS,
        "Classifiers",
        "Each as name, name:preset or name@features, such as svm_linear@mobilenet_v2.",
        layer="dial",
    )
    options: dict[str, dict[str, Any]] = option(
        {}, "Options", "What differs from a classifier's defaults, by the text that names it above."
    )
    protocols: list[str] = option(
        ["real", "mixed", "synthetic_to_real"],
        "Protocols",
        "real, synthetic, mixed, real_to_synthetic, synthetic_to_real, replace, phases, augmented. Training on real "
        "images alone is always among them: the others are compared with it.",
        layer="dial",
    )
    classes: list[str] = option([], "Classes", "Only these classes; all of the real set if empty.")
    positive: str = option(
        "",
        "Class of interest",
        "The class that sensitivity, AUROC and the like speak of. If empty, the one of two whose name does not say "
        "that nothing is there, such as malignant beside benign; of more classes the mean.",
        layer="basic",
        max_length=200,
    )
    synthetic_classes: list[str] = option(
        [], "Classes that get synthetic images", "If empty, all: each as many as it has real ones, times the ratio."
    )
    seeds: int = option(
        5,
        "Seeds",
        "Each cell of the table is trained so many times.",
        too_low="One training says nothing of chance: with one seed no difference is called one.",
        too_high="Takes proportionally longer; five to ten are usual.",
        unit="trainings",
        layer="basic",
        ge=1,
        le=50,
    )
    leave_out: bool = option(
        True,
        "Leave patients out in turn",
        "Each seed leaves out another share of the training patients, so that intervals also hold for other patients "
        "to learn from. Off: all seeds learn from the same images, as papers do, and intervals are too narrow.",
    )
    ratio: float = option(
        1.0,
        "Synthetic per real",
        "With “mixed”: synthetic images for each real one of a class.",
        too_low="Nothing to see.",
        too_high="Real images drown in synthetic ones.",
        layer="basic",
        gt=0,
        le=100,
    )
    share: float = option(0.25, "Share replaced", "With “replace”: this share of the real images.", gt=0, lt=1)
    phase_step: int = option(
        520, "Images a phase", "With “phases”: synthetic images added at a time.", unit="images", ge=1, le=1_000_000
    )
    phases: int = option(5, "Phases", "With “phases”: how often they are added.", ge=1, le=50)
    augment_copies: int = option(
        4, "Augmented copies", "With “augmented”: turned, shifted, mirrored versions of each image.", ge=1, le=50
    )
    tune_trials: int = option(
        0,
        "Tuning trials",
        "Tries so many settings of each classifier on the validation images before the comparison. 0 takes them as "
        "they are.",
        too_low="The settings found are luck.",
        too_high="Hours; and the settings fit the validation images by chance.",
        unit="trials",
        layer="basic",
        ge=0,
        le=1000,
    )
    tune_minutes: float = option(
        10.0, "Tuning time", "At most so long for each classifier.", unit="minutes", gt=0, le=1440
    )
    leak_reason: str = option(
        "",
        "Reason to keep leaking test images",
        "Test images whose patient or content was learned from are left out, unless a reason is written here (at least "
        "ten letters): it is stored with the result.",
        max_length=500,
    )
    seed: int = option(
        0, "Draw of chance", "Draws the synthetic images and the split of an undivided set.", ge=0, lt=2**31
    )
