"""A linear support vector machine on pixels or features."""

from __future__ import annotations

from engines.classifiers.base import ClassifierSpec, Fitted, Fitting
from engines.classifiers.checks import check
from engines.classifiers.machines import fit_machine
from engines.classifiers.searching import searched
from engines.classifiers.vectors import VectorOptions
from engines.options import option


class LinearOptions(VectorOptions):
    """Options of a linear support vector machine."""

    c: float = searched(
        option(
            0.01,
            "C",
            "The price of a training image on the wrong side. scikit-learn's default of 1 learns a few hundred images "
            "by heart as soon as they are described by a thousand numbers.",
            too_low="A wide margin that ignores many images.",
            too_high="A narrow margin that follows single images, and slow.",
            layer="basic",
            gt=0,
            le=1e6,
        ),
        low=1e-4,
        high=1e2,
        log=True,
    )


def fit(options: LinearOptions, fitting: Fitting) -> Fitted:
    check(fitting)
    return fit_machine(options, fitting, "linear", options.c)


CLASSIFIER = ClassifierSpec(
    name="svm_linear",
    title="SVM, linear",
    summary="Separates two classes by the flat border with the widest margin; good on features of a network.",
    source="Cortes and Vapnik, Machine Learning 1995; scikit-learn (libsvm); probabilities by temperature, "
    "Guo et al., ICML 2017",
    options=LinearOptions,
    fit=fit,
)
