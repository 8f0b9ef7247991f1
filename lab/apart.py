"""Whether test images are apart from what the generators of synthetic sets learned: by patient, from the tables alone.

The comparison itself looks at the pixels too (engines/tasks/comparison_guards.py); this is what can be said before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from engines import files
from engines.errors import LabError
from engines.records import ImageSetRecord
from engines.workspace import Workspace

FEWEST_TEST = 20  # a set with fewer test images is refused by the comparison
SHOWN = 40  # characters of a set's name in a sentence


class Part(NamedTuple):
    """Images of a set: those of a part and of a class, "" for all."""

    set_id: str
    part: str = ""
    only_class: str = ""


class Overlap(NamedTuple):
    """How many test images there are, and how many of them share their patient with what was learned."""

    shared: int
    images: int
    by: str = ""  # who learned from them


@lru_cache(maxsize=32)
def _table(file: Path, changed_ns: int) -> tuple[tuple[str, str, str], ...]:
    """Who is on each image (the patient, else the image itself), its part and its class."""
    return tuple(
        (row.get("patient") or f"{file.parent.name}/{row.get('item', '')}", row.get("split", ""), row.get("label", ""))
        for row in files.read_csv(file)
    )


def people(workspace: Workspace, part: Part) -> list[str]:
    """Who is on each image of a part; [] if its set is gone."""
    file = workspace.folder("image_sets", part.set_id) / "items.csv"
    try:
        rows = _table(file, file.stat().st_mtime_ns)
    except (OSError, LabError, ValueError):
        return []
    return [who for who, of, label in rows if part.part in ("", of) and part.only_class in ("", label)]


def learned_by_generator(workspace: Workspace, synthetic: str) -> Iterator[Part]:
    """What the runs behind a synthetic set learned from, and the runs that these began from."""
    with suppress(LabError):
        runs = [
            name.split("/")[1] for name in workspace.image_set(synthetic).record.parents if name.startswith("runs/")
        ]
        done = set()
        while runs:
            if (id := runs.pop()) in done:
                continue
            done.add(id)
            run = workspace.run(id)
            yield Part(run.image_set, run.part, str(run.parameters.get("only_class", "")))
            runs += [name.split("/")[1] for name in run.parents if name.startswith("runs/")]


def own_test(record: ImageSetRecord) -> str | None:
    """The part that a set tests on by itself; None if it has none, and a fifth of its patients is set aside."""
    if "train" not in record.split_counts:
        return None
    return next((part for part in ("test", "validation") if part in record.split_counts), None)


def overlap(workspace: Workspace, real: ImageSetRecord, test: str, synthetic: Iterable[str]) -> Overlap:
    """How much of the test images was learned from; of a fifth still to be set aside, as for the whole set."""
    tested = people(workspace, Part(test or real.id, "" if test else own_test(real) or ""))
    found = Overlap(0, len(tested))
    learned = [(_named(workspace, id), part) for id in synthetic for part in learned_by_generator(workspace, id)]
    if test:
        learned.append(("", Part(real.id, "train" if "train" in real.split_counts else "")))
    by_title: dict[str, set[str]] = {}
    for title, part in learned:
        by_title.setdefault(title, set()).update(people(workspace, part))
    for title, known in by_title.items():
        shared = sum(who in known for who in tested)
        if shared > found.shared:
            found = Overlap(shared, len(tested), title)
    return found


def _named(workspace: Workspace, id: str) -> str:
    try:
        name = str(workspace.image_set(id).record.name)
    except LabError:
        return id
    return name if len(name) <= SHOWN else f"{name[: SHOWN - 1]}…"


def better(
    workspace: Workspace, real: ImageSetRecord, sets: Sequence[ImageSetRecord], synthetic: Sequence[str]
) -> str | None:
    """Test images that nothing learned from: "" for the set's own part, else the id of another real set; None if none.

    Another set must have the same classes, size and kind of pixels.
    """
    if own_test(real) and not overlap(workspace, real, "", synthetic).shared:
        return ""
    kind = ("width", "height", "channels", "dtype")
    for other in sets:
        if other.id == real.id or other.items < FEWEST_TEST or set(other.classes) - {""} != set(real.classes) - {""}:
            continue
        alike = all(getattr(other, name) == getattr(real, name) for name in kind)
        if alike and not overlap(workspace, real, other.id, synthetic).shared:
            return other.id
    return None


def at_first(
    workspace: Workspace, real: ImageSetRecord, sets: Sequence[ImageSetRecord], synthetic: Sequence[str]
) -> str:
    """The test images to begin with: the set's own, unless a generator learned from them and others are apart."""
    if not overlap(workspace, real, "", synthetic).shared:
        return ""
    return better(workspace, real, sets, synthetic) or ""


def advice(
    workspace: Workspace, real: ImageSetRecord, test: str, sets: Sequence[ImageSetRecord], synthetic: Sequence[str]
) -> dict[str, str]:
    """What is wrong with the test images, in words, and what mends it: {text, button, to}; {} if nothing is."""
    found = overlap(workspace, real, test, synthetic)
    if not found.shared:
        return {}
    whole = found.shared == found.images
    who = f"The generator of “{found.by}” learned from" if found.by else "The real images share their patients with"
    what = "all test images" if whole else f"{found.shared:,} of {found.images:,} test images"
    if not test and not own_test(real):
        what = "all these images" if whole else f"{found.shared:,} of these {found.images:,} images"
    then = "nothing is left to test on" if whole else "these are left out of the test"
    if not test and not own_test(real) and not whole:
        then = "test images among them are left out"
    to = better(workspace, real, sets, synthetic)
    if to is None:
        end = " Split the set on the Data tab, and train the generator on its training part."
        return {"text": f"{who} {what}: {then}.{end}", "button": "", "to": ""}
    name = next((one.name for one in sets if one.id == to), "")
    button = f"Test on “{name}”" if to else "Test on their own part"
    return {"text": f"{who} {what}: {then}.", "button": button, "to": to}
