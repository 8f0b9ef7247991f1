"""Compare classifiers trained on real, synthetic and mixed images: does synthetic data help, and can we tell?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from engines.classifiers.measures import MEASURES
from engines.classifiers.protocols import TITLES, Arm, Settings, arms_of
from engines.classifiers.studies import STUDIES
from engines.curation.leakage import is_reason
from engines.errors import LabError
from engines.jobs.context import JobContext, JobStopped
from engines.jobs.events import finite
from engines.tasks import comparison_guards as guards
from engines.tasks.base import TaskSpec
from engines.tasks.comparison_cells import chosen_classifiers
from engines.tasks.comparison_data import FEWEST_TEST, Material, gathered
from engines.tasks.comparison_parameters import CompareParameters
from engines.tasks.comparison_results import Results
from engines.workspace import Workspace


def run(parameters: CompareParameters, context: JobContext) -> dict[str, Any]:
    """Train every cell; each becomes an event as soon as it is known, and the record comes at the end.

    A stop keeps what is finished. A classifier that cannot be trained is told and passed over; raises LabError if none
    can, and for what cannot be compared at all.
    """
    workspace = context.workspace
    context.progress(0.0, "Looking at the images")
    chosen = chosen_classifiers(parameters.classifiers, parameters.options)
    material = gathered(
        workspace, parameters.real, parameters.synthetic, parameters.test, parameters.positive, parameters.classes,
        parameters.seed,
    )  # fmt: skip
    material, found, leaks = _guarded(workspace, material, parameters, context)
    arms = _arms(material, parameters)
    found += guards.about_arms(arms, material.pool.data.labels, material.sources, material.classes)
    found.append(guards.about_size(material.test, material.positive, material.classes))
    for one in found:
        context.emit("guard", **finite(one))
    if parameters.tune_trials:
        from engines.tasks.comparison_tuning import tuned  # optuna takes a second to import, and few comparisons tune

        chosen, tunings = tuned(chosen, material, parameters, context)
    else:
        tunings = []
    results = Results(workspace, context, parameters, material, arms, chosen)
    results.record.guards, results.record.leaks, results.record.tuned = found, leaks, tunings
    try:
        results.fill()
    except JobStopped as stop:
        if stop.discard or not results.record.rows:
            raise
        context.take("stop")
    if not results.record.rows:
        raise results.first_refusal()
    return results.save()


def _guarded(
    workspace: Workspace, material: Material, parameters: CompareParameters, context: JobContext
) -> tuple[Material, list[guards.Guard], list[dict[str, str]]]:
    """The material without test images that leak, what was looked at, and the leaks by name."""
    pool, test = material.pool, material.test
    items = {id: [row["item"] for row in workspace.image_set(id).items] for id in (pool.set_id, test.set_id)}
    learned = [
        guards.Learned(
            "the classifiers", pool.data.images, pool.data.patients, [items[pool.set_id][n] for n in pool.places]
        )
    ]
    unknown = []
    for source in material.sources:
        behind = guards.learned_by_generator(workspace, source)
        if behind is None:
            unknown.append(source.title)
        else:
            learned += behind
    names = [items[test.set_id][n] for n in test.places]
    context.progress(0.01, "Looking for leaks into the test images")
    leaks = guards.leaks_into(test, names, learned, context.check)
    kept = is_reason(parameters.leak_reason)
    nameless = sum(not patient for patient in test.data.patients)
    found = [*guards.about_leaks(leaks, kept, unknown, nameless)]
    if leaks and not kept:
        test = test.without(list(leaks))
        counts = np.bincount(test.data.labels, minlength=len(material.classes))
        if len(test.places) < FEWEST_TEST or counts.min() == 0:
            first = next(iter(leaks.values()))
            raise LabError(
                "The test images are not apart from what was learned.",
                f"{len(leaks)} of {len(names)} share a patient or their content with training images (for instance "
                f"{first['item']}: {first['kind']} as {first['other_item']}, among the {first['other_part']}); "
                f"{len(test.places)} would be left.",
                "Choose another real set as test images, of patients whom nothing here has learned; or divide this one "
                "on the Data tab, and train the generator anew on its training part.",
            )
        material = replace(material, test=test)
    context.progress(0.02, "Looking for what else could tell the classes apart")
    found += guards.about_sources(workspace, material, parameters.seed, context.check)
    return material, found, list(leaks.values())


def _arms(material: Material, parameters: CompareParameters) -> list[Arm]:
    names = material.classes
    if unknown := [name for name in parameters.synthetic_classes if name not in names]:
        raise LabError(
            f"There is no class “{unknown[0][:40]}” to get synthetic images.", f"There are: {', '.join(names)}.",
            "Choose among these.",
        )  # fmt: skip
    settings = Settings(
        parameters.ratio, parameters.share, parameters.phase_step, parameters.phases, parameters.augment_copies,
        tuple(names.index(name) for name in parameters.synthetic_classes), parameters.seed,
    )  # fmt: skip
    return arms_of(parameters.protocols, material.pool.data.labels, material.sources, names, settings)


TASK = TaskSpec(
    name="compare",
    title="Compare classifiers",
    summary="Classifiers trained on real, synthetic and mixed images, tested on real patients that nothing has seen.",
    parameters=CompareParameters,
    run=run,
    gpu=True,
    about={"measures": MEASURES, "protocols": TITLES, "studies": STUDIES},
)
