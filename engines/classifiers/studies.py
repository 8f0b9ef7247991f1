"""The classifier tables of the five studies that Phantom Lab reproduces: how each was made, and what it printed.

Facts and figures are the papers'; words are ours. Each study trained once and printed numbers without an interval, on
images divided by image and not by patient. Ours come from other images in most cases, so that nothing here is a mark to
be reached: it is what stood in print.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engines.errors import LabError
from engines.records import class_of_interest

INTEREST, OTHER = " of interest", " of other"  # end the name of a measure that speaks of one class


@dataclass(frozen=True)
class Published:
    """What a study printed for one classifier on one training set.

    `classifier` is the text that names it in a comparison, `arm` the training set's name as protocols.arms_of writes
    it, without its synthetic set. `values` are those of engines/classifiers/measures.py by name; where one speaks of a
    single class it ends in “of interest” (tumour, malignant, IDC) or “of other”. `source` says which generator's images
    these were, where the study had several, and `methods` are ours of that kind. `tuned` is None where it makes no
    difference.
    """

    classifier: str
    arm: str
    values: Mapping[str, float]
    test: str  # how many images it was asked about, in words
    variant: str = ""
    source: str = ""
    methods: tuple[str, ...] = ()
    tuned: bool | None = None


@dataclass(frozen=True)
class Study:
    """One study's classifier table: `numbers` are parameters of the job `compare`.

    `one_class` names, in the study's words, the only class that got synthetic images; "" where all did. `tune_trials`
    is above 0 where the study searched its options. `differs` says what a comparison here does otherwise.
    """

    name: str
    title: str
    citation: str
    data: str
    classifiers: tuple[str, ...]
    protocols: tuple[str, ...]
    numbers: Mapping[str, float] = field(default_factory=dict)
    one_class: str = ""
    tune_trials: int = 0
    published: tuple[Published, ...] = ()
    differs: tuple[str, ...] = ()


def _both(precision: float, recall: float, other_precision: float, other_recall: float) -> dict[str, float]:
    """Precision and recall of the class of interest, then of the other."""
    return {
        "precision" + INTEREST: precision, "recall" + INTEREST: recall,
        "precision" + OTHER: other_precision, "recall" + OTHER: other_recall,
    }  # fmt: skip


_SVM = "resnet50_svm:rahali_2025"
_RAHALI = Study(
    name="rahali_2025",
    title="Rahali 2025",
    citation="Rahali, Tlemcen 2025: a custom GAN for mammograms",
    data="Malignant mammograms of CBIS-DDSM against mammograms without tumour of RSNA: 400 + 400 to learn from",
    classifiers=(_SVM,),
    protocols=("replace",),
    numbers={"share": 0.25},
    one_class="tumour",
    published=(
        Published(_SVM, "real", {"accuracy": 0.995}, "100 + 100 images; 1 + 0 mistakes"),
        Published(_SVM, "replace-0.25", {"accuracy": 0.99}, "100 + 100 images; 2 + 0 mistakes"),
    ),
    differs=(
        "The study's classes came from two collections and scanners, so that a classifier can succeed without looking "
        "at disease. With a set of one collection this is another question; the checks look for it.",
        "The study is silent on C and on scaling the features.",
    ),
)

_FROZEN = "resnet18_frozen:aytar_2024"
_AYTAR = Study(
    name="aytar_2024",
    title="Aytar and Gündüç 2024",
    citation="Aytar and Gündüç, Ankara 2024: MSG-GAN for breast histopathology",
    data="Breast histopathology patches of 50 pixels (Kaggle, IDC): 38,000 real and 38,000 synthetic of each class",
    classifiers=(_FROZEN,),
    protocols=("synthetic", "real_to_synthetic", "synthetic_to_real"),
    published=tuple(
        Published(
            _FROZEN, arm, {"accuracy": accuracy, "macro_precision": precision, "macro_recall": recall, "macro_f1": f1},
            test,
        )
        for arm, accuracy, precision, recall, f1, test in (
            ("real", 0.84, 0.84, 0.84, 0.84, "22,800 images, 30 %"),
            ("synthetic", 0.99, 0.98, 0.98, 0.98, "30 % of the synthetic images"),
            ("real_to_synthetic", 0.81, 0.82, 0.78, 0.78, "76,000 synthetic images"),
            ("synthetic_to_real", 0.76, 0.77, 0.76, 0.76, "76,000 images"),
        )
    ),
    differs=(
        "The study divided 70 to 30 by image. Divide the set so on the Data tab to have as many; by patient is better.",
        "From real to synthetic and back it learned from all images of one kind and asked about all of the other; here "
        "the real test images stay apart, and the generator has not seen them.",
        "The study does not say whether precision, recall and F1 are means over the classes; beside them stand means. "
        "On equally many images of both classes mean recall is the accuracy, so that .78 beside .81 does not fit.",
    ),
)  # fmt: skip

_CNN, _VGG, _DENSE, _DEEP = (
    f"{name}:al_bouhairi" for name in ("cnn_small", "vgg16", "densenet169", "inception_resnet_v2")
)
_TEST_3 = "20 % of the images"
_AL_BOUHAIRI = Study(
    name="al_bouhairi",
    title="Al Bouhairi et al.",
    citation="Al Bouhairi, Yehya, Gill and Do, Passau: is data synthesis useful for augmentation?",
    data="Masses of CBIS-DDSM, blurred and made 224 pixels large: benign against malignant, 1,187 to learn from",
    classifiers=(_CNN, _DENSE, _VGG, _DEEP),
    protocols=("augmented", "mixed"),
    numbers={"ratio": 0.5},
    tune_trials=20,
    published=(
        Published(_CNN, "real", {"accuracy": 0.55, "auroc": 0.49}, _TEST_3, tuned=False),
        Published(_CNN, "real", {"accuracy": 0.56, "auroc": 0.50}, _TEST_3, "after tuning", tuned=True),
        Published(_VGG, "real", {"accuracy": 0.57, "auroc": 0.52}, _TEST_3),
        Published(
            _DEEP, "real", {"accuracy": 0.71, "auroc": 0.75, "recall" + INTEREST: 0.6533, "recall" + OTHER: 0.7487},
            _TEST_3,
        ),
        Published(_DEEP, "mixed-0.5", {"accuracy": 0.71, "auroc": 0.76}, _TEST_3, "mean of its trials"),
        Published(
            _DEEP, "mixed-0.5",
            {"accuracy": 0.86, "auroc": 0.89, "recall" + INTEREST: 0.7879, "recall" + OTHER: 0.9194},
            _TEST_3, "best trial: chosen by its result, so too high",
        ),
    ),
    differs=(
        "The study's blur is a step of the Data tab: a strength of 1.1 is what OpenCV takes for 5 × 5. It comes after "
        "images are made smaller, in the study before.",
        "Without a test part of its own a set is divided by patient; the study divided 70, 20 and 10 % by image.",
        "Augmented versions are drawn once, four of each image; the study is silent on their number.",
        "The study does not say of which classifier the tables by class are: they fit Inception-ResNet-v2's accuracy. "
        "DenseNet-169 is named without numbers.",
        "The study tuned its small CNN only, and is silent on the number of trials: 20 is ours, and here every "
        "classifier is tuned alike, within the tuning time.",
    ),
)  # fmt: skip

_RESNET = "resnet18_frozen:chi_2018"
_GANS = {"CycleGAN": ("cycle_gan",), "DCGAN": ("dcgan", "dcgan_plus")}
_CHI = Study(
    name="chi_2018",
    title="Chi et al. 2018",
    citation="Chi, Fang and Wang, Berkeley 2018: DCGAN and CycleGAN to augment histopathology",
    data="5,547 breast histopathology patches of 50 pixels, with and without invasive carcinoma: 3,716 to learn from",
    classifiers=(_RESNET,),
    protocols=("mixed", "synthetic_to_real"),
    numbers={"ratio": 1.0},
    published=tuple(
        Published(
            _RESNET, arm, {"precision" + OTHER: precision, "recall" + OTHER: recall, "accuracy": accuracy},
            "1,831 images", source=source, methods=_GANS.get(source, ()),
        )
        for arm, source, precision, recall, accuracy in (
            ("real", "", 0.642, 0.856, 0.682),
            ("synthetic_to_real", "CycleGAN", 0.513, 1.000, 0.513),
            ("mixed-1", "CycleGAN", 0.675, 0.783, 0.695),
            ("synthetic_to_real", "DCGAN", 0.495, 0.051, 0.471),
            ("mixed-1", "DCGAN", 0.760, 0.695, 0.731),
        )
    ),
    differs=(
        "Precision and recall stand beside ours of the class that is not of interest: on 940 images without carcinoma "
        "and 891 with it, four of the five rows give the printed accuracy only if they speak of the 940.",
        "The study turned, mirrored and roughened images while it learned; here every classifier learns from the same "
        "images, and such copies are a training set of their own (“augmented”).",
        "Its DCGAN learned one cluster of 404 images. Synthetic sets of two generators, one after the other or "
        "combined on the Export tab, stand for its two.",
        "The study is silent on how many synthetic images it added: one for each real one is ours. It asked about its "
        "validation images.",
    ),
)  # fmt: skip

# Benign precision and recall, malignant precision and recall on real images; the same after phase 5; and malignant
# recall after phases 1 to 4.
_JAMES_TABLE: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]] = {
    "logistic_regression": ((0.94, 0.82, 0.34, 0.22), (0.96, 0.91, 0.94, 0.93), (0.88, 0.90, 0.91, 0.92)),
    "svm_rbf": ((0.72, 0.84, 0.81, 0.04), (0.64, 0.57, 0.79, 0.33), (0.36, 0.38, 0.36, 0.34)),
    "random_forest": ((0.87, 0.80, 0.74, 0.57), (0.91, 0.85, 0.94, 0.97), (0.94, 0.95, 0.96, 0.96)),
    "cnn_small": ((0.94, 0.92, 0.85, 0.80), (0.98, 0.96, 0.97, 0.94), (0.86, 0.88, 0.89, 0.92)),
    "inception_v3_frozen": ((0.92, 0.86, 0.94, 0.86), (0.93, 0.83, 0.98, 0.98), (0.95, 0.96, 0.97, 0.97)),
    "efficientnet_b5_frozen": ((0.85, 0.81, 0.62, 0.20), (0.79, 0.71, 0.83, 0.68), (0.62, 0.64, 0.65, 0.66)),
}


def _james() -> tuple[Published, ...]:
    test, found = "93 + 93 images", []
    for name, (first, last, between) in _JAMES_TABLE.items():
        key = f"{name}:james_2024"
        found.append(Published(key, "real", _both(first[2], first[3], first[0], first[1]), test))
        for phase, recall in enumerate(between, 1):
            found.append(Published(key, f"phase-{phase}", {"recall" + INTEREST: recall}, test))
        found.append(Published(key, "phase-5", _both(last[2], last[3], last[0], last[1]), test))
    return tuple(found)


_JAMES = Study(
    name="james_2024",
    title="James 2024",
    citation="James, Galway 2024: CycleGAN with domain adaptation for rare melanoma",
    data="Skin lesions of ISIC 2024, crops of 140 pixels: 3,000 benign and 300 malignant to learn from",
    classifiers=tuple(f"{name}:james_2024" for name in _JAMES_TABLE),
    protocols=("phases",),
    numbers={"phase_step": 520, "phases": 5},
    one_class="malignant",
    published=_james(),
    differs=(
        "Precision and recall as printed do not fit one another on 93 + 93 images: with a benign recall of .82 and a "
        "malignant one of .22, as logistic regression on real images has them, benign precision would be .51, not .94.",
        "The study kept 30 % of its training images for validation; here a set's own validation part is used so.",
        "The study is silent on the side to which crops were made smaller for the classic classifiers, on their "
        "kernel, and on the layers of its networks.",
    ),
)

STUDIES: dict[str, Study] = {study.name: study for study in (_RAHALI, _AYTAR, _AL_BOUHAIRI, _CHI, _JAMES)}


def settings_of(study: Study, classes: Sequence[str], positive: str = "") -> dict[str, Any]:
    """The parameters of the job `compare` that make a study's table from a set with such classes.

    Raises LabError where one class only is to get synthetic images, and it is not clear which.
    """
    given: dict[str, Any] = {"classifiers": list(study.classifiers), "protocols": ["real", *study.protocols]}
    given |= study.numbers
    if study.tune_trials:
        given["tune_trials"] = study.tune_trials
    if study.one_class:
        interest = positive or class_of_interest(sorted(classes))
        if not interest:
            raise LabError(
                f"{study.title} made synthetic images of one class only: {study.one_class}.",
                f"The classes here are {', '.join(classes) or 'unknown'}.",
                "Say which of them gets synthetic images: synthetic_classes=NAME.",
            )
        given["synthetic_classes"] = [interest]
    return given
