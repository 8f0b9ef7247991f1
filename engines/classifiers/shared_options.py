"""Options that many classifiers share."""

from __future__ import annotations

from typing import Any

from engines.options import Options, option


class BalancedOptions(Options):
    """Whether classes count alike."""

    balanced: bool = option(
        False,
        "Same weight for every class",
        "Images of a rare class count more, so that all classes weigh the same.",
        too_low="A rare class is overlooked.",
        too_high="More false alarms for the rare class, and probabilities that are too high for it.",
        layer="basic",
    )


def patience_of(default: int) -> Any:
    """When to end early; `default` epochs unless said otherwise."""
    return option(
        default,
        "Patience",
        "Ends when so many epochs brought no better log loss on the validation images, and keeps the best. 0, or "
        "without validation images: all epochs are run.",
        too_low="Ends at the first restless epoch.",
        too_high="Costs time.",
        unit="epochs",
        ge=0,
        le=1000,
    )


class LearningOptions(BalancedOptions):
    """Options of everything that learns in epochs."""

    batch: int = option(
        32,
        "Batch",
        "Images per training step.",
        too_low="Restless and slow; batch normalisation becomes unreliable.",
        too_high="Fewer steps for the same number of epochs; a deep network runs out of memory.",
        unit="images",
        ge=1,
        le=4096,
    )
    patience: int = patience_of(0)
