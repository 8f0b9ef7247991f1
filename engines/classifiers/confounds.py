"""What could tell the classes apart without looking at disease: the frame, the background, and the generator's traces.

A classifier that succeeds on these alone is as right on a test set with the same fault, and wrong everywhere else
(Zech et al., PLOS Medicine 2018; study 1's tumours and normals come from two collections). So the same question is put
to classifiers that see nothing else, and what they reach is shown beside the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from engines.classifiers.base import Array, Labelled
from engines.classifiers.intervals import Interval, interval
from engines.extractors.base import unit_grey
from engines.metrics.statistics import patient_halves
from engines.resize import resize_batch

SIDE = 32
FRAME = 3  # of 32 pixels on each side: about a tenth
COMPONENTS = 24
DARK = 0.03  # of the white: what is taken for background
FEWEST_BACKGROUND = 0.02  # share of dark pixels below which there is no background to speak of
MOST = 4000  # images of each set: more change nothing in the second digit


def frame_of(images: Array) -> Array:
    """The outermost tenth of images [N, H, W, C] as vectors [N, D] float64; nothing from inside."""
    small = unit_grey(resize_batch(images, SIDE))
    inside = np.zeros((SIDE, SIDE), bool)
    inside[FRAME:-FRAME, FRAME:-FRAME] = True
    return np.asarray(small[:, ~inside], np.float64)


def background_of(images: Array) -> Array:
    """Where images [N, H, W, C] are dark, as vectors [N, D] of 0 and 1: outlines and margins without any grey value."""
    return (unit_grey(resize_batch(images, SIDE)) < DARK).reshape(len(images), -1).astype(np.float64)


def reachable(
    look: Callable[[Array], Array], train: Labelled, test: Labelled, positive: int | None, seed: int = 0
) -> Interval | None:
    """AUROC that a linear classifier reaches on what `look` leaves of the images; None where that never varies.

    The interval is that of the test patients.
    """
    chosen = np.random.default_rng(seed).permutation(len(train.labels))[:MOST]
    learned, asked = look(train.images[chosen]), look(test.images)
    if np.ptp(learned, axis=0).max() == 0 or len(np.unique(train.labels[chosen])) < 2:
        return None
    classes = int(max(train.labels.max(), test.labels.max())) + 1
    probabilities = _probabilities(learned, train.labels[chosen], asked, classes)
    return interval(test.labels, probabilities[None], test.patients, positive, ["auroc"], seed=seed)["auroc"]


def has_background(images: Array) -> bool:
    """Whether enough of the images is dark for their outline to say something."""
    step = max(1, len(images) // 200)
    return bool(background_of(images[::step]).mean() >= FEWEST_BACKGROUND)


def told_apart(real: Array, synthetic: Array, patients: Sequence[str], seed: int = 0) -> float:
    """AUROC of telling synthetic from real images [N, H, W, C] by a linear look at 32 px, two-fold by patient.

    0.5: cannot be told apart that way; 1.0: always, so that a class that gets synthetic images is known by them. After
    the classifier two-sample test (Lopez-Paz and Oquab, ICLR 2017).
    """
    from sklearn.metrics import roc_auc_score

    generator = np.random.default_rng(seed)
    rows = generator.permutation(len(real))[:MOST]
    drawn = generator.permutation(len(synthetic))[: len(rows)]
    names = [patients[n] if len(patients) else "" for n in rows] + [""] * len(drawn)
    images = np.concatenate([real[rows], synthetic[drawn]])
    vectors = unit_grey(resize_batch(images, SIDE)).reshape(len(images), -1).astype(np.float64)
    labels = np.r_[np.zeros(len(rows), np.int64), np.ones(len(drawn), np.int64)]
    halves = patient_halves(names, seed)
    scores = np.zeros(len(labels))
    for learned, asked in (halves, halves[::-1]):
        scores[asked] = _probabilities(vectors[learned], labels[learned], vectors[asked], 2)[:, 1]
    return float(roc_auc_score(labels, scores))


def _probabilities(learned: Array, labels: Array, asked: Array, classes: int) -> Array:
    """Class probabilities [N, K] of a linear classifier on the principal components of what it is shown."""
    components = min(COMPONENTS, learned.shape[1], len(learned) - 1)
    model = make_pipeline(
        StandardScaler(), PCA(components, whiten=True, random_state=0), LogisticRegression(max_iter=1000)
    )
    model.fit(learned, labels)
    found = np.zeros((len(asked), classes))
    found[:, model[-1].classes_] = model.predict_proba(asked)
    return found
