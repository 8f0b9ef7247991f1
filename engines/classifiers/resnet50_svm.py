"""A linear support vector machine on ResNet-50's features."""

from __future__ import annotations

from engines.classifiers.base import ClassifierPreset, ClassifierSpec, Fitted, Fitting
from engines.classifiers.checks import check
from engines.classifiers.machines import fit_machine
from engines.classifiers.searching import searched
from engines.classifiers.shared_options import BalancedOptions
from engines.classifiers.vectors import VectorOptions
from engines.options import option


class DeepSvmOptions(BalancedOptions):
    """Options of a linear support vector machine on features."""

    c: float = searched(
        option(
            1.0,
            "C",
            "The price of a training image on the wrong side; scikit-learn's default is 1.",
            too_low="A wide margin that ignores many images.",
            too_high="A narrow margin that follows single images.",
            layer="basic",
            gt=0,
            le=1e6,
        ),
        low=1e-4,
        high=1e2,
        log=True,
    )
    standardise: bool = option(
        False,
        "Same scale for every feature",
        "Each feature is shifted and scaled to mean 0 and standard deviation 1 over the training images.",
        too_low="Features with large numbers count more.",
        too_high="Features that hardly vary count as much as the others.",
    )


def fit(options: DeepSvmOptions, fitting: Fitting) -> Fitted:
    check(fitting)
    vectors = VectorOptions(on="resnet50", standardise=options.standardise, balanced=options.balanced)
    return fit_machine(vectors, fitting, "linear", options.c)


CLASSIFIER = ClassifierSpec(
    name="resnet50_svm",
    title="ResNet-50 and SVM",
    summary="A large network trained on photographs (ImageNet) describes each image; a linear SVM decides.",
    source="He et al., CVPR 2016; Cortes and Vapnik, Machine Learning 1995; used by Rahali 2025",
    options=DeepSvmOptions,
    fit=fit,
    weights=("resnet50",),
    presets={
        "rahali_2025": ClassifierPreset(
            "Rahali 2025",
            "Penultimate features of images at 224 pixels, normalised as ImageNet was, and a linear SVM. The paper is "
            "silent on C (1, scikit-learn's default) and on scaling the features (none): ours.",
            {"c": 1.0, "standardise": False},
        )
    },
)
