"""What a training is asked to do, and its plan: shared by the training itself and by the estimate before it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from engines import registry
from engines.errors import LabError, explain
from engines.jobs.context import JobContext
from engines.methods.base import MethodOptions, MethodSpec
from engines.options import Options, option
from engines.tasks.training_data import data_for, part_learned
from engines.training import checkpoints
from engines.training.checkpoints import Checkpoint
from engines.training.feed import Data
from engines.training.plan import Budget, Plan
from engines.workspace import ImageSet, Workspace

DEFAULT_IMAGES = 100_000


class TrainParameters(Options):
    """What a training is asked to do; `options` holds what differs from the preset."""

    image_set: str = option(..., "Image set", "The images to learn from.", layer="basic")
    method: str = option("custom_gan", "Method", "The way to generate.", layer="basic")
    preset: str | None = option(None, "Preset", "A named choice of options; the method's first one if empty.")
    options: dict[str, Any] = option({}, "Options", "What differs from the preset; see the method's own options.")
    images: int | None = option(
        None, "Images to see", "Train until so many images were seen.", unit="images", layer="basic", ge=1
    )
    epochs: float | None = option(
        None, "Epochs", "Train for so many passes over the set.", unit="passes", layer="basic", gt=0
    )
    minutes: float | None = option(
        None, "Minutes", "Train for so long; pauses do not count.", unit="minutes", layer="basic", gt=0
    )
    only_class: str = option(
        "", "Only class", "Learn the images of this class alone; all of them if empty. One run per class draws images "
        "whose class is sure.", max_length=200,
    )  # fmt: skip
    learn_from: Literal["training part", "all parts"] = option(
        "training part",
        "Learn from",
        "Of a set that is divided, only its training part: validation and test images stay unknown to the generator, "
        "so that a classifier can be tested on them fairly. A set without parts is learned whole.",
    )
    init_from: str = option(
        "", "Begin from", "A run of the same method whose weights this one begins with (transfer learning); RUN@IMAGES "
        "names an older checkpoint of it. Training on a larger set first helps most where images are few.",
        max_length=200,
    )  # fmt: skip
    parts: int = option(
        1,
        "Compute a batch in parts",
        "The gradients of so many parts of a batch are added up before each update, which saves memory.",
        too_low="A large batch may not fit into the memory.",
        too_high="Slower; and batch normalisation sees the few images of a part only.",
        ge=1,
        le=64,
    )
    measure_every_images: int = option(
        0,
        "Measure every",
        "Light metrics of the averaged generator at every so many images, shown on the Explore tab and in the chart. "
        "It takes time, and never changes the training. 0 leaves it to a measurement afterwards.",
        too_low="Measuring takes more time than training.",
        too_high="Few points to choose the best checkpoint by.",
        unit="images",
        ge=0,
    )
    measure_with: Literal["ftd", "kid", "light"] = option(
        "ftd", "Measure with", "The texture distance, the kernel distance, or all light metrics."
    )
    measure_count: int = option(
        256,
        "Images to measure",
        "How many images are drawn for it each time.",
        too_low="Wide intervals, and distances biased upwards.",
        too_high="Only slower.",
        unit="images",
        ge=50,
        le=10_000,
    )
    seed: int = option(0, "Seed", "The same seed draws the same numbers in the same order.", ge=0, lt=2**32)
    exact: bool = option(
        False,
        "Exact mode",
        "Everything in float32 with deterministic algorithms: a run that was stopped and resumed ends with the very "
        "same weights as an unbroken one on the same computer.",
        too_low="Faster; two runs of the same seed differ in rounding.",
        too_high="About half as fast on processors with bfloat16.",
    )
    sample_every_images: int = option(
        0,
        "Sample sheet every",
        "Draw the fixed latents at every so many images. 0 lets the clock decide, at most every ten seconds.",
        too_low="Drawing takes time from training.",
        too_high="The first minutes show nothing.",
        unit="images",
        layer="basic",
        ge=0,
    )
    sheet_columns: int = option(8, "Sheet columns", "Images side by side on a sample sheet.", ge=1, le=32)
    sheet_rows: int = option(4, "Sheet rows", "Rows of a sample sheet.", ge=1, le=32)
    checkpoint_every_minutes: float = option(
        1.0,
        "Checkpoint every",
        "After a crash at most this much is lost.",
        too_low="Writing takes time from training.",
        too_high="More is lost.",
        unit="minutes",
        gt=0,
        le=1440,
    )
    checkpoint_every_images: int = option(
        0, "Checkpoint every (images)", "At every so many images instead. 0 goes by the clock.", unit="images", ge=0
    )
    keep_checkpoints: int = option(
        3,
        "Keep checkpoints",
        "The newest so many stay; starred ones and milestones stay besides.",
        too_low="Nothing to fall back on if the newest is damaged.",
        too_high="Disk space.",
        ge=2,
        le=1000,
    )
    milestones: int = option(
        8, "Milestones", "Checkpoints spread evenly over the run that stay, to compare its stages.", ge=0, le=200
    )
    threads: int | None = option(
        None, "Threads", "Processor threads to compute with; all cores if empty.", ge=1, le=256
    )
    device: Literal["auto", "cpu", "cuda"] = option("auto", "Device", "Where to compute.")

    @model_validator(mode="before")
    @classmethod
    def _lift(cls, given: Any) -> Any:
        """The command line has one --set for both kinds of settings: those of the training move up."""
        if not isinstance(given, dict) or not isinstance(given.get("options"), dict):
            return given
        own = cls.model_fields.keys() - given.keys()
        lifted = {name: value for name, value in given["options"].items() if name in own}
        rest = {name: value for name, value in given["options"].items() if name not in own}
        return {**given, **lifted, "options": rest}


def prepared(parameters: TrainParameters, context: JobContext) -> tuple[Plan, Data, ImageSet]:
    """What to train on what. Raises LabError with advice for what cannot be trained."""
    method = method_named(parameters.method)
    options = chosen_options(method, parameters.preset, parameters.options)
    image_set = context.workspace.image_set(parameters.image_set)
    part = part_learned(image_set, parameters.learn_from == "all parts")
    data = data_for(method, options, image_set, parameters.only_class, part)
    plan = Plan(
        method=method,
        options=options,
        preset=parameters.preset or next(iter(method.presets)),
        channels=3 if image_set.record.channels == 3 else 1,
        classes=data.classes,
        parts=min(parameters.parts, options.batch // 2),
        init_from=_checkpoint(context.workspace, parameters.init_from),
        seed=parameters.seed,
        budget=budget(parameters, len(data.images)),
        exact=parameters.exact,
        sample_every_images=parameters.sample_every_images,
        sheet_columns=parameters.sheet_columns,
        sheet_rows=parameters.sheet_rows,
        checkpoint_every_s=parameters.checkpoint_every_minutes * 60,
        checkpoint_every_images=parameters.checkpoint_every_images,
        keep_checkpoints=parameters.keep_checkpoints,
        milestones=parameters.milestones,
        measure_every_images=parameters.measure_every_images,
        measure_count=parameters.measure_count,
        threads=parameters.threads,
        device=parameters.device,
        weights=context.workspace.weights,
    )
    return plan, data, image_set


def method_named(name: str) -> MethodSpec:
    methods = registry.load("methods")
    if name not in methods:
        raise LabError(
            f"There is no method “{name[:40]}”.", f"There are: {', '.join(methods)}.", "Choose one of these."
        )
    method: MethodSpec = methods[name]
    return method


def chosen_options(method: MethodSpec, preset: str | None, changes: dict[str, Any]) -> MethodOptions:
    """A preset's options with changes. Raises LabError for an unknown preset or a value out of bounds."""
    if preset and preset not in method.presets:
        known = ", ".join(method.presets)
        raise LabError(f"There is no preset “{preset[:40]}”.", f"There are: {known}.", "Choose one of these.")
    try:
        return method.choose(preset, changes)
    except ValueError as error:
        raise explain(error) from error


def budget(parameters: TrainParameters, set_items: int) -> Budget:
    """What ends the training, whichever comes first of those given."""
    images = [given for given in (parameters.images, _epoch_images(parameters.epochs, set_items)) if given]
    seconds = parameters.minutes * 60 if parameters.minutes else None
    if not images and not seconds:
        images = [DEFAULT_IMAGES]
    return Budget(min(images) if images else None, seconds)


def _epoch_images(epochs: float | None, set_items: int) -> int | None:
    return max(round(epochs * set_items), 1) if epochs else None


def _checkpoint(workspace: Workspace, wish: str) -> Checkpoint | None:
    """The checkpoint to begin from: `RUN`, or `RUN@IMAGES`. Raises LabError where it is not there."""
    if not wish:
        return None
    run, _, images = wish.partition("@")
    workspace.run(run)  # raises for an unknown one
    return checkpoints.choose(workspace.folder("runs", run), images or "latest")
