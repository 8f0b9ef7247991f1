"""A random forest on pixels or features."""

from __future__ import annotations

from typing import Literal

from engines import device
from engines.classifiers.base import ClassifierPreset, ClassifierSpec, Fitted, Fitting
from engines.classifiers.checks import check, class_weights
from engines.classifiers.classic import FittedVectors
from engines.classifiers.searching import searched
from engines.classifiers.vectors import VectorOptions, vectors_of
from engines.options import option

_TREES_AT_A_TIME = 20  # between two looks at whether to stop


class RandomForestOptions(VectorOptions):
    """Options of a random forest."""

    standardise: bool = option(
        False,
        "Same scale for every feature",
        "Trees only compare values of one feature, so this changes nothing but the distances between images.",
    )
    trees: int = searched(
        option(
            100,
            "Trees",
            "How many trees vote; scikit-learn's default is 100.",
            too_low="Probabilities in coarse steps, and another seed gives other answers.",
            too_high="Nothing to fear but the time.",
            layer="basic",
            ge=1,
            le=5000,
        ),
        low=50,
        high=500,
        log=True,
    )
    leaf: int = searched(
        option(
            1,
            "Fewest images in a leaf",
            "A tree stops splitting below this; scikit-learn's default is 1.",
            too_low="Each tree knows its images by heart, and probabilities lean to 0 and 1.",
            too_high="Every image gets about the same answer.",
            unit="images",
            ge=1,
            le=1000,
        ),
        low=1,
        high=20,
        log=True,
    )
    features_per_split: Literal["sqrt", "log2", "all"] = option(
        "sqrt",
        "Features tried at a split",
        "A random choice of so many features of all; scikit-learn's default is their square root.",
    )


def fit(options: RandomForestOptions, fitting: Fitting) -> Fitted:
    from sklearn.ensemble import RandomForestClassifier

    check(fitting)
    vectors, rows = vectors_of(options, fitting, lambda fraction: fitting.progress(0.5 * fraction))
    forest = RandomForestClassifier(
        n_estimators=0,
        min_samples_leaf=options.leaf,
        max_features=None if options.features_per_split == "all" else options.features_per_split,
        warm_start=True,
        n_jobs=device.cores(),
        random_state=fitting.seed,
    )
    weights = class_weights(fitting.train.labels, len(fitting.classes))[fitting.train.labels]
    while (grown := forest.n_estimators) < options.trees:
        forest.n_estimators = min(options.trees, grown + _TREES_AT_A_TIME)
        forest.fit(rows, fitting.train.labels, sample_weight=weights if options.balanced else None)
        fitting.progress(0.5 + 0.5 * forest.n_estimators / options.trees)
    return FittedVectors(vectors, forest.predict_proba)


CLASSIFIER = ClassifierSpec(
    name="random_forest",
    title="Random forest",
    summary="Many decision trees, each grown on a random draw of images and features; they vote.",
    source="Breiman, Machine Learning 2001; scikit-learn; used by James 2024",
    options=RandomForestOptions,
    fit=fit,
    presets={
        "james_2024": ClassifierPreset(
            "James 2024",
            "scikit-learn's defaults on pixels: 100 trees, leaves of one image. The paper is silent on the side to "
            "which its 140-pixel crops were made smaller, if at all; 32 is ours.",
            {"on": "pixels", "side": 32, "trees": 100, "leaf": 1},
        )
    },
)
