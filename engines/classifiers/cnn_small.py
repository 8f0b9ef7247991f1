"""A small convolutional network, from scratch."""

from __future__ import annotations

from typing import Literal

from engines.classifiers.base import ClassifierPreset, ClassifierSpec, Fitted, Fitting
from engines.classifiers.learning import Plan
from engines.classifiers.networks import Parts, View, fit_network
from engines.classifiers.searching import searched
from engines.classifiers.shared_options import LearningOptions, adam_rate
from engines.extractors.small_network import Architecture, last_layer, small_network
from engines.options import option

_ONE_THREAD = 64  # the largest side at which a step takes but milliseconds (see Plan.threads)


class SmallOptions(LearningOptions):
    """Options of a small convolutional network."""

    side: Literal[32, 64, 128, 224] = option(
        32,
        "Side in pixels",
        "Images are first made this small. At 32, an epoch of 3,300 images takes about a second on one processor core; "
        "each doubling costs four times as much.",
        too_low="Small lesions and their margins vanish.",
        too_high="Slow without a GPU.",
        unit="pixels",
        layer="basic",
    )
    depth: int = searched(
        option(
            3,
            "Depth",
            "Convolutions, each followed by max-pooling to half the side.",
            too_low="Sees single edges only.",
            too_high="More to learn than a few hundred images can teach.",
            ge=1,
            le=5,
        ),
        choices=(2, 3, 4),
    )
    width: int = option(
        16,
        "Width",
        "Filters of the first convolution; each further one has twice as many.",
        too_low="Too few patterns to tell the classes apart.",
        too_high="Slow, and learns few images by heart.",
        unit="filters",
        ge=1,
        le=256,
    )
    hidden: int = option(
        64,
        "Hidden units",
        "The dense layer before the answer.",
        too_low="Loses what the convolutions found.",
        too_high="Learns few images by heart.",
        ge=1,
        le=4096,
    )
    activation: Literal["relu", "leaky_relu", "elu", "tanh"] = searched(
        option("relu", "Activation", "What follows each convolution and the hidden units."),
        choices=("relu", "leaky_relu", "elu", "tanh"),
    )
    dropout: float = searched(
        option(
            0.5,
            "Dropout",
            "Share of the values before the answer, and before the hidden units, left out at each step.",
            too_low="Learns few images by heart.",
            too_high="Hardly learns.",
            ge=0,
            le=0.9,
        ),
        low=0.0,
        high=0.7,
    )
    output: Literal["softmax", "sigmoid"] = option(
        "softmax",
        "Output",
        "Of two classes: two softmax units with cross-entropy, or one sigmoid unit with binary cross-entropy. More "
        "classes always have softmax.",
    )
    epochs: int = option(
        10,
        "Epochs",
        "How often each training image is shown.",
        too_low="Has not yet learned.",
        too_high="Learns its training images by heart.",
        layer="basic",
        ge=1,
        le=10_000,
    )
    learning_rate: float = adam_rate("Restless, or answers the same for every image.")


def architecture_of(options: SmallOptions, channels: int, classes: int) -> Architecture:
    """The network that such options make for images of so many channels and classes."""
    return Architecture(
        channels=channels, classes=classes, side=options.side, depth=options.depth, width=options.width,
        hidden=options.hidden, activation=options.activation, dropout=options.dropout,
        one_logit=options.output == "sigmoid" and classes == 2,
    )  # fmt: skip


def fit(options: SmallOptions, fitting: Fitting) -> Fitted:
    def build(channels: int, classes: int) -> Parts:
        whole = small_network(architecture_of(options, channels, classes))
        return Parts(whole, last_layer(whole), whole[0])

    channels = fitting.train.images.shape[-1] if len(fitting.train.images) else 1
    threads = 1 if options.side <= _ONE_THREAD else 0
    plan = Plan(
        options.epochs, options.learning_rate, options.batch, options.balanced, options.patience, threads=threads
    )
    return fit_network(build, View(options.side, channels, channels), plan, fitting)


CLASSIFIER = ClassifierSpec(
    name="cnn_small",
    title="Small CNN",
    summary="A few convolutions with max-pooling, then a hidden layer; learns from scratch and needs many images.",
    source="LeCun et al., Proc. IEEE 1998; as used by James 2024 and Al Bouhairi et al.",
    options=SmallOptions,
    fit=fit,
    cost="medium",
    presets={
        "james_2024": ClassifierPreset(
            "James 2024",
            "Three convolutions with max-pooling, dropout, one hidden layer, sigmoid, Adam, binary cross-entropy, 10 "
            "epochs. The paper is silent on filters, side, hidden units, dropout, learning rate and batch: ours.",
            {"depth": 3, "output": "sigmoid", "epochs": 10},
        ),
        "al_bouhairi": ClassifierPreset(
            "Al Bouhairi et al.",
            "The simple CNN at 224 pixels in [0, 1], whose learning rate, activation and dropout were tuned. The "
            "paper is silent on its layers and epochs: ours, with 30 epochs. Slow without a GPU.",
            {"side": 224, "depth": 4, "epochs": 30},
        ),
    },
)
