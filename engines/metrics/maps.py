"""Where real, held-out and synthetic images lie beside one another: features brought to two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from engines.metrics.base import Inputs
from engines.metrics.distances import nearest_distances
from engines.metrics.features import described, extractor_of, spec_of
from engines.metrics.neighbours import radii
from engines.metrics.sets import scaled_by
from engines.metrics.statistics import groups_of

Array = np.ndarray[Any, np.dtype[Any]]

MOST = 2_000  # images of each kind: more points hide one another, and t-SNE takes minutes
DIRECTIONS = 50  # principal components that t-SNE and UMAP begin with, as is usual
FEWEST_FOR_CURVES = 30  # images in all below which t-SNE and UMAP have nothing to arrange
K = 5  # neighbours of a real image's ball, as in coverage
SETS = ("real", "held_out", "synthetic")


@dataclass(frozen=True)
class Map:
    """One row for each image shown: its set, its index there, and its place in every projection.

    `distance` is that to the nearest image on the other side: of a synthetic image to a real one, and back. `apart`
    marks synthetic images farther from any real one than 99 % of real ones are from other patients' (outliers), and
    real images in whose ball of five neighbours no synthetic one lies (unreached; Naeem et al. 2020).
    """

    columns: dict[str, Array]
    projections: tuple[str, ...]
    extractor: str
    left_out: int  # images beyond MOST of a kind, drawn at random


def projections() -> tuple[str, ...]:
    """What this computer can draw: UMAP only where it is installed."""
    return ("pca", "tsne", *(("umap",) if find_spec("umap") else ()))


def map_of(inputs: Inputs, labels: Sequence[Sequence[str]], wanted: Sequence[str]) -> Map:
    """The map of the inputs' sets; `labels` are the classes of real, held-out and synthetic images.

    Progress goes from 0 to 1; a projection cannot be stopped in its midst. PCA: directions of the real set alone, so
    that a map does not turn with the synthetic set. t-SNE: van der Maaten and Hinton 2008, begun from PCA.
    """
    chance = np.random.default_rng(inputs.seed)
    given = [inputs.real, inputs.held_out, inputs.synthetic]
    rows = [np.sort(chance.permutation(len(some))[:MOST]) if some is not None else np.empty(0, int) for some in given]
    left_out = sum(len(some) - len(kept) for some, kept in zip(given, rows, strict=True) if some is not None)
    found = []
    for n, (some, kept) in enumerate(zip(given, rows, strict=True)):
        part = replace(inputs, progress=inputs.part(n / 6, (n + 1) / 6))
        found.append(described(part, some[kept], part.progress) if some is not None else None)
    real, synthetic = found[0], found[2]
    assert real is not None and synthetic is not None
    change = scaled_by(real) if spec_of(inputs).mixed_units else lambda features: features
    real, synthetic = (change(np.asarray(some, np.float64)) for some in (real, synthetic))
    held_out = change(np.asarray(found[1], np.float64)) if found[1] is not None else None
    whole = np.concatenate([real, *([held_out] if held_out is not None else []), synthetic])
    columns: dict[str, Array] = {
        "set": np.repeat(SETS, [len(kept) for kept in rows]),
        "index": np.concatenate(rows),
        "label": np.concatenate(
            [np.asarray(names, dtype=object)[kept] for names, kept in zip(labels, rows, strict=True) if len(kept)]
        ),
    }
    distance, apart = _apart(real, held_out, synthetic, inputs, rows[0])
    columns |= {"distance": distance, "apart": apart}
    inputs.progress(0.6)
    reduced = (whole - real.mean(0)) @ _directions(real)
    for n, name in enumerate(wanted):
        places = reduced[:, :2] if name == "pca" else _curved(name, reduced, inputs.seed)
        columns |= {f"{name}_x": places[:, 0], f"{name}_y": places[:, 1]}
        inputs.progress(0.6 + 0.4 * (n + 1) / len(wanted))
    return Map(columns, tuple(wanted), extractor_of(inputs).label, left_out)


def _directions(real: Array) -> Array:
    """The real set's principal directions [D, up to 50]."""
    _, _, directions = np.linalg.svd(real - real.mean(0), full_matrices=False)
    return np.asarray(directions[:DIRECTIONS].T)


def _curved(name: str, reduced: Array, seed: int) -> Array:
    """t-SNE or UMAP of [N, 50]; PCA's own plane where there is too little to arrange."""
    if len(reduced) < FEWEST_FOR_CURVES:
        return reduced[:, :2]
    if name == "umap":
        from umap import UMAP

        return np.asarray(UMAP(random_state=seed).fit_transform(reduced))
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(reduced) - 1) / 3)
    return np.asarray(TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(reduced))


def _apart(real: Array, held_out: Array | None, synthetic: Array, inputs: Inputs, kept: Array) -> tuple[Array, Array]:
    """Distances to the nearest image of the other side, and who is alone there, in the order of the map's rows."""
    groups = groups_of([inputs.patients[n] for n in kept])
    among_real = nearest_distances(real, real, groups)[0] if groups.max() > 0 else np.zeros(len(real))
    to_real = nearest_distances(synthetic, real)[0]
    to_synthetic = nearest_distances(real, synthetic)[0]
    unreached = to_synthetic**2 >= radii(real, min(K, len(real) - 1))
    outliers = to_real > np.quantile(among_real, 0.99)
    if held_out is None:
        return np.concatenate([to_synthetic, to_real]), np.concatenate([unreached, outliers])
    of_held_out = nearest_distances(held_out, real)[0]
    none = np.zeros(len(held_out), bool)
    return (
        np.concatenate([to_synthetic, of_held_out, to_real]),
        np.concatenate([unreached, none, outliers]),
    )
