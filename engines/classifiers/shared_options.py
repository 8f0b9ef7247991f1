"""Options that many classifiers share."""

from __future__ import annotations

from typing import Any

from engines.classifiers.searching import searched
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


def adam_rate(too_high: str, high: float = 1e-2) -> Any:
    """The learning rate of what begins with random weights; searched up to `high`."""
    return searched(
        option(
            1e-3,
            "Learning rate",
            "Of Adam (Kingma and Ba, ICLR 2015); 0.001 is its default.",
            too_low="Hardly learns.",
            too_high=too_high,
            layer="basic",
            gt=0,
            le=1,
        ),
        low=1e-5,
        high=high,
        log=True,
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
