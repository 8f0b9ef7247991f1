"""The chain of steps that turns originals into pictures of a set: which steps, with which options, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from engines import registry
from engines.curation.parameters import CurateParameters
from engines.curation.steps.base import StepSpec, Work
from engines.options import Options

Chain = list[tuple[str, Options]]  # in the order in which the steps run


def specs() -> dict[str, StepSpec]:
    """All steps by name."""
    return registry.load("steps")


def checked(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a step that is switched on by name, with its defaults filled in. Raises ValueError in words."""
    spec = specs().get(name)
    if spec is None or spec.built_in:
        extra = sorted(other.name for other in specs().values() if not other.built_in)
        raise ValueError(f"“{name}” is not a further step; there are {', '.join(extra)}")
    try:
        return spec.options.model_validate(dict(given)).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"step {name}: {where}: {first['msg']}") from None


def plan(parameters: CurateParameters, channels: int, deep: bool) -> Chain:
    """The steps that these parameters ask for, in order."""
    wanted: dict[str, Mapping[str, Any]] = {
        "resize": {"size": parameters.size, "fit": parameters.fit},
        "rgb": {"channels": channels},
        "intensity": {"contrast": parameters.contrast, "deep": deep},
        **parameters.steps,
    }
    if parameters.crop:
        wanted["crop"] = {}
        if parameters.mask_background:
            wanted["background"] = {}
    if parameters.flip:
        wanted["flip"] = {}
    chosen = [(specs()[name], given) for name, given in wanted.items()]
    chosen.sort(key=lambda one: (one[0].order, one[0].name))
    return [(spec.name, spec.options.model_validate(given)) for spec, given in chosen]


def run(work: Work, chain: Iterable[tuple[str, Options]], seen: Callable[[str, Work], None] | None = None) -> Work:
    """Take a picture through the steps; `seen` is shown the picture after each."""
    for name, options in chain:
        specs()[name].apply(work, options)
        work.done.append(name)
        if seen is not None:
            seen(name, work)
    return work


def described(chain: Chain) -> list[dict[str, Any]]:
    """The chain for the record: each step's name, title and options, in order."""
    known = specs()
    return [
        {"name": name, "title": known[name].title, "options": options.model_dump(mode="json")}
        for name, options in chain
    ]
