"""Logistic regression on pixels or features."""

from __future__ import annotations

from engines.classifiers.base import ClassifierPreset, ClassifierSpec, Fitted, Fitting
from engines.classifiers.checks import check
from engines.classifiers.classic import FittedVectors, unfinished_allowed
from engines.classifiers.searching import searched
from engines.classifiers.vectors import VectorOptions, vectors_of
from engines.options import option


class LogisticRegressionOptions(VectorOptions):
    """Options of logistic regression."""

    c: float = searched(
        option(
            0.01,
            "C",
            "Inverse of the penalty on large coefficients. scikit-learn's default of 1 learns a few hundred images by "
            "heart as soon as they are described by a thousand numbers.",
            too_low="Answers near the share of each class, whatever the image.",
            too_high="Learns its training images by heart, above all on pixels.",
            layer="basic",
            gt=0,
            le=1e6,
        ),
        low=1e-4,
        high=1e2,
        log=True,
    )
    iterations: int = option(
        300,
        "Most iterations",
        "Steps of the solver (L-BFGS); scikit-learn's default is 100. It ends earlier when nothing improves.",
        too_low="Stops before the best coefficients, which acts as a further penalty.",
        too_high="Nothing to fear but the time.",
        ge=1,
        le=100_000,
    )


def fit(options: LogisticRegressionOptions, fitting: Fitting) -> Fitted:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # of scikit-learn

    check(fitting)
    vectors, rows = vectors_of(options, fitting, lambda fraction: fitting.progress(0.8 * fraction))
    model = LogisticRegression(
        C=options.c, max_iter=options.iterations, class_weight="balanced" if options.balanced else None
    )
    # One thread: the solver's many small products only wait for one another on several.
    with unfinished_allowed(), threadpool_limits(1):
        model.fit(rows, fitting.train.labels)
    fitting.progress(1.0)
    return FittedVectors(vectors, model.predict_proba)


CLASSIFIER = ClassifierSpec(
    name="logistic_regression",
    title="Logistic regression",
    summary="A weighted sum of pixels or features; the baseline that anything deeper has to beat.",
    source="Cox, J. R. Stat. Soc. B 1958; scikit-learn (L2 penalty, L-BFGS); used by James 2024",
    options=LogisticRegressionOptions,
    fit=fit,
    presets={
        "james_2024": ClassifierPreset(
            "James 2024",
            "scikit-learn's defaults on pixels: C 1, 100 iterations, no scaling beyond [0, 1]. The paper is silent on "
            "the side to which its 140-pixel crops were made smaller, if at all; 32 is ours.",
            {"on": "pixels", "side": 32, "standardise": False, "c": 1.0, "iterations": 100},
        )
    },
)
