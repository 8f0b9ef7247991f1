"""Groups of pictures that look alike, found without labels: to train on one kind at a time (Chi, Fang, Wang 2018).

A GAN that sees several kinds of pictures at once may blend them. Chi et al. cut 5,547 patches into 4 clusters by SIFT
features, a bag of visual words and k-means, and trained on one. Where the paper is silent: 100 words, Hellinger scaling
of the histograms, and the number of clusters with the best silhouette.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from skimage.feature import SIFT
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score

from engines.errors import LabError
from engines.extractors.base import unit_grey
from engines.extractors.textures import texture_features
from engines.resize import resize

Grey = npt.NDArray[np.float32]
Features = npt.NDArray[np.float64]
Kind = Literal["sift", "pixels", "texture"]
Report = Callable[[float, str], None]
Picture = Callable[[int], npt.NDArray[Any]]

SIDE = 128  # pictures are looked at on this size at most
WORDS = 100
MOST_CLUSTERS = 10
# Kaufman and Rousseeuw, Finding Groups in Data (1990): up to 0.25 no substantial structure has been found.
NO_STRUCTURE = 0.25
_VOCABULARY_PICTURES = 2000
_VOCABULARY_DESCRIPTORS = 64  # of each picture: a picture full of edges must not fill the vocabulary
# Lowe's contrast threshold (0.04 over 3 scales) leaves smooth tissue without a keypoint: of 30 CBIS-DDSM mass patches,
# stretched, the median had 28 and the fewest 0. At 0.004 it is 71 and 9.
_CONTRAST = 0.004
_SILHOUETTE_PICTURES = 2000
_PIXEL_SIDE, _COMPONENTS = 32, 30


@dataclass(frozen=True)
class Clustering:
    """Cluster 1..k of each picture, by falling size; its distance to the centre; silhouettes; a flat map [N, 2]."""

    k: int
    clusters: npt.NDArray[np.intp]
    distances: Features
    silhouettes: dict[int, float]
    places: Features

    @property
    def sizes(self) -> dict[int, int]:
        return {n: int((self.clusters == n).sum()) for n in range(1, self.k + 1)}

    def spread(self, cluster: int, count: int = 12) -> list[int]:
        """Positions of `count` members from the most typical to the least, evenly by rank of their distance."""
        members = np.flatnonzero(self.clusters == cluster)
        members = members[np.argsort(self.distances[members], kind="stable")]
        chosen = np.unique(np.linspace(0, len(members) - 1, min(count, len(members))).round().astype(int))
        return [int(n) for n in members[chosen]]


def prepare(picture: npt.NDArray[Any]) -> Grey:
    """A picture (H,W,C) uint8 or uint16 as grey (h,w) float32 in [0, 1], longest side <= 128, stretched to be seen."""
    grey = unit_grey(picture[None])[0]
    scale = min(1.0, SIDE / max(grey.shape))
    if scale < 1:
        grey = np.asarray(resize(grey, (max(1, round(grey.shape[0] * scale)), max(1, round(grey.shape[1] * scale)))))
    seen = grey[grey > 0]
    low, high = np.percentile(seen, [1, 99]) if seen.size else (0.0, 1.0)
    return np.asarray(np.clip((grey - low) / max(float(high - low), 1e-6), 0, 1), dtype=np.float32)


def describe(picture: Picture, count: int, kind: Kind, seed: int, report: Report) -> Features:
    """Features [N, D] of `count` pictures; zeros where there was nothing to describe (SIFT without keypoints).

    `picture(n)` gives the n-th as (H,W,C) uint8 or uint16; `report` takes a fraction and words, and may raise to stop.
    """

    def told(n: int) -> npt.NDArray[Any]:
        report(n / count, f"Describing picture {n + 1} of {count}")
        return picture(n)

    if kind == "sift":
        return visual_words(told, count, seed)
    of = _pixels if kind == "pixels" else _texture
    rows = np.stack([of(told(n)) for n in range(count)])
    if kind == "texture":  # features of different units; what never varies says nothing
        spread = rows.std(axis=0)
        rows = (rows - rows.mean(axis=0))[:, spread > 1e-9] / spread[spread > 1e-9]
    components = min(_COMPONENTS, *rows.shape)
    return PCA(components, svd_solver="full").fit_transform(rows) if components else np.zeros((count, 1))


def visual_words(picture: Picture, count: int, seed: int) -> Features:
    """Bag of visual words [N, words]: square roots of each picture's shares of SIFT descriptors by nearest word.

    SIFT: Lowe, IJCV 2004. Words: Sivic and Zisserman, ICCV 2003. Square roots: Arandjelović and Zisserman, CVPR 2012.
    The vocabulary is learnt from up to 2,000 pictures, spread evenly; the others are described and forgotten.
    """
    rng = np.random.default_rng(seed)
    spread = np.linspace(0, count - 1, min(count, _VOCABULARY_PICTURES)).round().astype(int).tolist()
    teachers = {n: descriptors(picture(n)) for n in dict.fromkeys(spread)}
    taught = [
        found[rng.choice(len(found), min(len(found), _VOCABULARY_DESCRIPTORS), replace=False)]
        for found in teachers.values()
        if len(found)
    ]
    if not taught:
        raise LabError(
            "No picture has a keypoint.", "SIFT found no corner or blob in any of them.", "Choose pixels or texture."
        )
    sample = _scaled(np.concatenate(taught))
    words = MiniBatchKMeans(min(WORDS, len(sample)), random_state=seed, batch_size=4096, n_init=3).fit(sample)
    histograms = np.zeros((count, len(words.cluster_centers_)))
    for n in range(count):
        found = teachers[n] if n in teachers else descriptors(picture(n))
        if len(found):
            histograms[n] = np.bincount(words.predict(_scaled(found)), minlength=histograms.shape[1]) / len(found)
    return np.sqrt(histograms)


def descriptors(picture: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """SIFT descriptors [K, 128] of a picture (H,W,C); none where it has no keypoint."""
    grey = prepare(picture)
    sift = SIFT(upsampling=1 if max(grey.shape) > 96 else 2, c_dog=_CONTRAST)  # small patches have few octaves
    try:
        sift.detect_and_extract(grey)
    except (RuntimeError, ValueError):  # how skimage says that there is no keypoint, or that the picture is too small
        return np.empty((0, 128), dtype=np.uint8)
    return np.asarray(sift.descriptors, dtype=np.uint8)


def cluster(features: Features, k: int | None, seed: int, check: Callable[[], None] = lambda: None) -> Clustering:
    """Cut features [N, D] into k groups by k-means (best of ten starts); k None takes the best silhouette of 2..10.

    Silhouettes (Rousseeuw 1987) are computed for 2..10 in any case, on at most 2,000 pictures. Raises LabError for
    fewer pictures than three, or fewer different ones than clusters.
    """
    different = len(np.unique(features.round(9), axis=0))
    most = min(MOST_CLUSTERS, different, len(features) - 1)
    if len(features) < 3 or most < 2 or (k is not None and k > different):
        raise LabError(
            "There are too few different pictures to cluster.",
            f"{len(features)} pictures, {different} of them different.",
            "Choose a larger set, or fewer clusters.",
        )
    models: dict[int, KMeans] = {}
    silhouettes: dict[int, float] = {}
    for number in range(2, most + 1):
        check()
        models[number] = model = KMeans(number, n_init=10, random_state=seed).fit(features)
        silhouettes[number] = _silhouette(features, model.labels_, seed)
    k = max(silhouettes, key=lambda number: silhouettes[number]) if k is None else k
    chosen = models.get(k) or KMeans(k, n_init=10, random_state=seed).fit(features)
    if k not in silhouettes and k < len(features):
        silhouettes[k] = _silhouette(features, chosen.labels_, seed)
    by_size = np.argsort(-np.bincount(chosen.labels_, minlength=k), kind="stable")
    number_of = np.empty(k, dtype=np.intp)
    number_of[by_size] = np.arange(1, k + 1)
    distances = np.linalg.norm(features - chosen.cluster_centers_[chosen.labels_], axis=1)
    flat = PCA(min(2, *features.shape), svd_solver="full").fit_transform(features)
    places = np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))
    return Clustering(k, number_of[chosen.labels_], distances, dict(sorted(silhouettes.items())), places)


def _silhouette(features: Features, labels: npt.NDArray[Any], seed: int) -> float:
    size = _SILHOUETTE_PICTURES if len(features) > _SILHOUETTE_PICTURES else None
    return round(float(silhouette_score(features, labels, sample_size=size, random_state=seed)), 4)


def _pixels(picture: npt.NDArray[Any]) -> Features:
    return np.asarray(resize(prepare(picture), _PIXEL_SIDE, pad=True), dtype=np.float64).ravel()


def _texture(picture: npt.NDArray[Any]) -> Features:
    return np.asarray(texture_features(np.round(prepare(picture) * 255).astype(np.uint8)[..., None]))


def _scaled(found: npt.NDArray[np.uint8]) -> Grey:
    """Descriptors as RootSIFT: shares of their sum, square roots taken, so that distances are Hellinger's."""
    values = found.astype(np.float32)
    return np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1))


def row_of(pictures: Sequence[npt.NDArray[Any]], height: int = 96) -> npt.NDArray[np.uint8]:
    """Pictures (H,W,C) beside one another as one row (height, height * n, 3) of 8-bit pixels, for looking at."""
    tiles = []
    for picture in pictures:
        values = picture.astype(np.float32) / float(np.iinfo(picture.dtype).max)
        tile = np.asarray(resize(np.asarray(values, dtype=np.float32), height, pad=True))
        shown = np.round(255 * tile).astype(np.uint8)
        tiles.append(shown if shown.shape[2] == 3 else np.repeat(shown[..., :1], 3, axis=2))
    return np.concatenate(tiles, axis=1)
