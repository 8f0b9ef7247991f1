"""FID: the Fréchet inception distance, with the network it was defined with."""

from __future__ import annotations

import numpy as np

from engines.metrics.base import Inputs, MetricSpec, Score, few
from engines.metrics.frechet import frechet_distance
from engines.metrics.sets import compare_sets


def compute(inputs: Inputs) -> Score:
    return compare_sets(
        inputs,
        "fid",
        frechet_distance,
        extractor="inception",
        squared=True,
        bounds=(0, np.inf),
        ratio=True,
        note=few(inputs),
    )


METRIC = MetricSpec(
    name="fid",
    title="FID",
    summary="Distance between the two sets as Gaussians in the features of the FID Inception network. Lower is better, "
    "down to the real baseline. The network knows photographs, so on medical images trust comparisons, not values.",
    source="Heusel et al., NeurIPS 2017; bias in small sets: Chong and Forsyth, CVPR 2020",
    unit="",
    better="lower",
    compute=compute,
    needs=("fid_inception",),
)
