"""A support vector machine with a Gaussian kernel on pixels or features."""

from __future__ import annotations

import numpy as np

from engines.classifiers.base import Array, ClassifierPreset, ClassifierSpec, Fitted, Fitting
from engines.classifiers.checks import check
from engines.classifiers.machines import fit_machine
from engines.classifiers.searching import searched
from engines.classifiers.vectors import VectorOptions
from engines.options import option


class RbfOptions(VectorOptions):
    """Options of a support vector machine with a Gaussian kernel."""

    c: float = searched(
        option(
            1.0,
            "C",
            "The price of a training image on the wrong side; scikit-learn's default is 1.",
            too_low="A smooth border that ignores many images, above all those of a rare class.",
            too_high="Follows single images, and slow.",
            layer="basic",
            gt=0,
            le=1e6,
        ),
        low=1e-2,
        high=1e3,
        log=True,
    )
    gamma: float = searched(
        option(
            1.0,
            "Gamma",
            "How near an image must be to count, as a multiple of scikit-learn's “scale”: 1 / (features × variance).",
            too_low="Like a linear machine.",
            too_high="Every training image is an island, and new images get the commonest class.",
            layer="basic",
            gt=0,
            le=1e4,
        ),
        low=1e-2,
        high=1e2,
        log=True,
    )


def fit(options: RbfOptions, fitting: Fitting) -> Fitted:
    check(fitting)

    def gamma(rows: Array) -> float:
        return float(options.gamma / (rows.shape[1] * max(float(np.var(rows, dtype=np.float64)), 1e-12)))

    return fit_machine(options, fitting, "rbf", options.c, gamma)


CLASSIFIER = ClassifierSpec(
    name="svm_rbf",
    title="SVM, Gaussian kernel",
    summary="Compares an image with remembered training images; borders may be curved.",
    source="Cortes and Vapnik, Machine Learning 1995; scikit-learn (libsvm); probabilities by temperature, "
    "Guo et al., ICML 2017; used by James 2024",
    options=RbfOptions,
    fit=fit,
    presets={
        "james_2024": ClassifierPreset(
            "James 2024",
            "scikit-learn's defaults on pixels: Gaussian kernel, C 1, gamma “scale”, no scaling beyond [0, 1]. The "
            "paper is silent on the kernel and on the side to which its 140-pixel crops were made smaller; 32 is ours.",
            {"on": "pixels", "side": 32, "standardise": False, "c": 1.0, "gamma": 1.0},
        )
    },
)
