"""The job `cluster`: pictures of an image set or a catalogue in groups that look alike, to choose among."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engines import files
from engines.errors import LabError
from engines.jobs.context import JobContext
from engines.options import Options, option
from engines.tasks.base import TaskSpec

# Clusters are looked for in this share of the progress bar; describing the pictures fills the rest.
_LAST_SHARE = 0.1


class ClusterParameters(Options):
    """What is clustered, by which features, into how many."""

    image_set: str = option(
        "", "Image set", "The image set to look at; or name a catalogue instead.", layer="dial", max_length=80
    )
    catalogue: str = option(
        "",
        "Catalogue",
        "A catalogue to look at before anything is curated: the breasts of its analysis, as small pictures.",
        layer="basic",
        max_length=80,
    )
    features: Literal["sift", "pixels", "texture"] = option(
        "sift",
        "Features",
        "SIFT: local structure, as a bag of visual words (Chi 2018). Pixels: coarse shape and brightness. Texture: "
        "261 radiomics-like features, the ones of the Fréchet texture distance.",
        layer="basic",
    )
    k: int | None = option(
        None,
        "Clusters",
        "How many; empty takes the number from 2 to 10 with the best silhouette. Chi 2018 took 4.",
        too_low="Kinds that differ stay together.",
        too_high="Clusters too small to train on.",
        layer="basic",
        ge=2,
        le=50,
    )
    seed: int = option(0, "Seed", "The same seed finds the same clusters.", ge=0, le=2**31 - 1)


def run(parameters: ClusterParameters, context: JobContext) -> dict[str, Any]:
    """Cluster, and leave clusters.csv, clustering.json and a row of samples for each cluster in the job's folder."""
    # scikit-learn and scikit-image: a description of this task must not wait for them.
    from engines.curation import clustered, clusters
    from engines.curation.inspection import encode_webp

    items, picture, of, kept_at = _pictures(parameters, context)

    def report(fraction: float, words: str) -> None:
        context.pause_point()
        context.progress((1 - _LAST_SHARE) * fraction, words)

    features = _described(picture, len(items), kept_at, parameters, report)
    empty = int((~features.any(axis=1)).sum()) if parameters.features == "sift" else 0
    context.progress(1 - _LAST_SHARE, "Looking for clusters")
    found = clusters.cluster(features, parameters.k, parameters.seed, context.pause_point)
    spread = {number: found.spread(number) for number in found.sizes}
    result = {
        "clustering": context.folder.name,
        **of,
        "k": found.k,
        "silhouettes": {str(number): score for number, score in found.silhouettes.items()},
        "sizes": {str(number): size for number, size in found.sizes.items()},
        "samples": {str(number): [items[n] for n in members] for number, members in spread.items()},
        "features": parameters.features,
        "warnings": _warnings(found.silhouettes.get(found.k, 0.0), clusters.NO_STRUCTURE, empty, len(items)),
    }
    (context.folder / "samples").mkdir(exist_ok=True)
    for number, members in spread.items():
        row = clusters.row_of([picture(n) for n in members])
        files.write_bytes(context.folder / "samples" / f"{number}.webp", encode_webp(row))
    rows = zip(items, found.clusters.tolist(), found.distances.tolist(), found.places.tolist(), strict=True)
    files.write_csv(
        context.folder / clustered.CLUSTERS_FILE,
        [
            {"item": item, "cluster": cluster, "distance": round(distance, 5), "x": round(x, 5), "y": round(y, 5)}
            for item, cluster, distance, (x, y) in rows
        ],
        clustered.COLUMNS,
    )
    files.write_json(context.folder / clustered.RECORD_FILE, {**result, "seed": parameters.seed})
    return result


def _pictures(
    parameters: ClusterParameters, context: JobContext
) -> tuple[list[str], Callable[[int], Any], dict[str, str], Path | None]:
    """The items, a function that gives the picture of one by its position, what they belong to, and a file to keep
    their features in, so that another number of clusters does not describe the same pictures again."""
    from engines.curation import clustered
    from engines.curation.analysis import analyse_catalogue, is_current

    ws = context.workspace
    if bool(parameters.image_set) == bool(parameters.catalogue):
        raise LabError(
            "What is to be clustered is not clear.",
            "An image set and a catalogue were named." if parameters.image_set else "Nothing was named.",
            "Name an image set or a catalogue.",
        )
    if parameters.image_set:
        pixels = ws.image_set(parameters.image_set)
        images = pixels.images
        catalogue = str(pixels.record.parameters.get("catalogue", ""))
        of = {"image_set": parameters.image_set, "catalogue": catalogue}
        name = f"clusters1-{pixels.record.content_sha256[:32]}-{parameters.features}-{parameters.seed}.npy"
        kept_at = ws.path / "cache" / "features" / name
        return [row["item"] for row in pixels.items], lambda n: images[n], of, kept_at
    id = ws.catalogue(parameters.catalogue).id
    if not is_current(ws, id):
        analyse_catalogue(ws, id, context)
    rows = clustered.seen_rows(ws, id)
    return [row["item"] for row in rows], lambda n: clustered.seen_picture(ws, id, rows[n]), {"catalogue": id}, None


def _described(
    picture: Callable[[int], Any],
    count: int,
    kept_at: Path | None,
    parameters: ClusterParameters,
    report: Callable[[float, str], None],
) -> Any:
    """The features [N, D] of all pictures, from the file if they are there."""
    from engines.curation import clusters

    if kept_at and kept_at.exists():
        return np.asarray(files.open_npy(kept_at))
    features = clusters.describe(picture, count, parameters.features, parameters.seed, report)
    if kept_at:
        files.write_npy(kept_at, features)
    return features


def _warnings(silhouette: float, least: float, empty: int, count: int) -> list[str]:
    warnings = []
    if silhouette <= least:
        warnings.append(
            f"The silhouette is {silhouette:.2f}: up to {least:g} the clusters shade into one another. They are a way "
            "to sort pictures, not kinds that exist (Kaufman and Rousseeuw 1990)."
        )
    if empty:
        warnings.append(f"{empty} of {count} pictures have no SIFT keypoint, and were put together for that reason.")
    return warnings


TASK = TaskSpec(
    name="cluster",
    title="Find clusters",
    summary="Groups pictures that look alike, without labels, so that a set can be made of one kind only.",
    parameters=ClusterParameters,
    run=run,
)
