"""The scorecard: a value's meaning beside its baseline, in words, and what counts for which criterion."""

from __future__ import annotations

import pytest

from engines.workspace import Workspace
from lab import evaluation_scorecard
from lab.evaluating import dressed
from lab.evaluation_scorecard import CRITERIA, in_plain_words
from tests.lab.planted_evaluation import SPECS, plant, row


@pytest.mark.parametrize(
    ("name", "value", "better", "said"),
    [
        ("kid", 0.65, "lower", "No difference seen from real images of other patients."),
        ("kid", 1.5, "lower", "3.0 times as far as real patients are from one another."),
        ("kid", 25.0, "lower", "50 times as far as real patients are from one another."),
        ("kid", 0.2, "lower", "Better than real images of other patients: look for copies."),
        ("recall", 0.25, "higher", "50 % of what real images reach among themselves."),
        ("recall", 0.9, "higher", "Better than real images of other patients: look for copies."),
        ("ms_ssim", 0.9, "near_baseline", "More alike than real images are: too little variety."),
        ("psnr", 0.9, "near_baseline", "More like a training image than a new patient's images are: look for copies."),
        ("memorisation", 0.9, "lower", "90.0 % of the images match a training image better than chance explains"),
        ("memorisation", 0.62, "lower", "Somewhat more matches than images of new patients make"),
        ("memorisation", 0.3, "lower", "No more matches with training images"),
    ],
)
def test_a_value_in_plain_words(name: str, value: float, better: str, said: str) -> None:
    assert in_plain_words(row(name, value), better).startswith(said)


def test_sets_of_one_size_are_compared_where_that_is_known() -> None:
    biased = row("fid", 9.0, details={"at_equal_size": 0.5})
    assert in_plain_words(biased, "lower") == evaluation_scorecard.NO_DIFFERENCE
    near_zero = row("kid", 9.0) | {"baseline_low": -0.1}
    assert in_plain_words(near_zero, "lower").startswith("Further from the real images")
    assert in_plain_words(row("kid", 1.0, baseline=None), "lower") == ""


def test_each_criterion_has_figures_facts_or_advice(workspace: Workspace) -> None:
    record = plant(workspace)
    for id, classes in (("mias", {"benign": 6, "malignant": 2}), ("drawn", {"benign": 3, "malignant": 3})):
        about = workspace.image_set(id).record
        workspace.save("image_sets", about.model_copy(update={"classes": classes}))
    rows = [dressed(one, SPECS) for one in record.metrics]
    said = {
        one["name"]: evaluation_scorecard.lines(one, rows) for one in evaluation_scorecard.criteria(workspace, record)
    }
    assert list(said) == [criterion.name for criterion in CRITERIA]
    assert said["Congruence"] == [
        f"PSNR to the nearest real: 0.30 [0.20, 0.40] dB (real 0.50 [0.40, 0.60]). {rows[1]['said']}"
    ]
    assert said["Completeness"][0] == "Synthetic: 6 images, benign 50 %, malignant 50 %."
    assert said["Compliance"][0].startswith("Copies of training images: 0.20")
    assert all(
        text[0].startswith("Not assessed. ") for name, text in said.items() if name in ("Coverage", "Constraint")
    )
