"""Inception score: kept because it was published with."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_softmax

from engines.metrics.base import Inputs, MetricSpec, Score
from engines.metrics.features import extractor_of
from engines.metrics.sets import compare_sets

Array = np.ndarray[Any, np.dtype[Any]]
EXTRACTOR = "inception"
SPLITS = 10
SEED = 2020  # torch-fidelity's, so that the same images fall into the same splits


def inception_score(logits: Array) -> float:
    """exp of the mean KL divergence of p(class | image) from p(class), from logits [N, K], averaged over 10 splits.

    Salimans et al. (NeurIPS 2016), with the splits of torch-fidelity; at least 1, at most K.
    """
    logits = np.asarray(logits, np.float64)[np.random.RandomState(SEED).permutation(len(logits))]
    scores = []
    for split in range(SPLITS):
        part = log_softmax(logits[split * len(logits) // SPLITS : (split + 1) * len(logits) // SPLITS], axis=1)
        p = np.exp(part)
        divergence = (p * (part - np.log(p.mean(0)))).sum(1)
        scores.append(np.exp(divergence.mean()))
    return float(np.mean(scores))


def compute(inputs: Inputs) -> Score:
    head = extractor_of(inputs, EXTRACTOR).head
    assert head is not None
    return compare_sets(
        inputs, "isc", lambda real, synthetic: inception_score(synthetic), extractor=EXTRACTOR, better="higher",
        bounds=(1, np.inf), scaling=lambda real: lambda features: features @ head, copies=False,
        note="Says how sure and how varied a classifier of photographs is; it does not look at the real images. "
        "Kept for comparison with older work: do not rank by it.",
    )  # fmt: skip


METRIC = MetricSpec(
    name="isc",
    title="Inception score",
    summary="How distinct and varied the synthetic images are to a classifier of photographs. On images of one organ "
    "it says little; kept because older work reports it.",
    source="Salimans et al., NeurIPS 2016; why not to rank by it: Barratt and Sharma, arXiv 1801.01973",
    unit="",
    better="higher",
    compute=compute,
    legacy=True,
    needs=("fid_inception",),
)
