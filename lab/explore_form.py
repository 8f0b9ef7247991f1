"""The Explore tab's form: what is compared with what, by which features and metrics; words come from the engine."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from engines import weights
from engines.errors import LabError
from engines.records import ImageSetRecord
from engines.workspace import Workspace
from lab import forms
from lab.components import cards
from lab.components.base import packed

OWN_FEATURES = "own_features"  # the task
NO_HELD_OUT = ("none", "")
LIGHT, FULL = "light", "full"  # which metrics are ticked at first: of many checkpoints the light ones, else all
GROUPS = (
    ("Light", "Quick enough for every checkpoint of a training."),
    ("Full", "Slower: single images, copies, fidelity and diversity apart."),
    ("Legacy", "Known from older papers; nothing is ranked by them."),
)
SETTINGS = ("real", "held_out", "count", "checkpoints", "map", "seed")
# The ticked metrics follow what is measured, without a way through the server.
MODE = "(chosen, wish, value) => window.lab.measures.forChoice(chosen, wish, value)"


def candidates(workspace: Workspace, chosen: str, measured: Sequence[Mapping[str, Any]] = ()) -> str:
    """Runs and synthetic sets that can be measured, newest first, with how often they were."""
    times = Counter(line["synthetic"] for line in measured)

    def card(kind: str, record: Any, text: str) -> dict[str, Any]:
        often = {0: "", 1: " · measured"}.get(times[record.id], f" · measured {times[record.id]}×")
        return {"id": f"{kind}/{record.id}", "title": record.name, "text": text + often, "hint": record.id}

    items = [card("runs", run, f"run · {run.method} on {run.image_set}") for run in reversed(workspace.records("runs"))]
    items += [
        card("image_sets", record, f"synthetic set · {record.items:,} images")
        for record in reversed(workspace.records("image_sets"))
        if record.origin == "synthetic"
    ]
    empty = "Nothing to measure yet. Train a run on the Train tab; it can be measured as soon as it has a checkpoint."
    return cards.value(items, chosen, empty, "Runs and synthetic sets")


def own_reals(workspace: Workspace, chosen: str) -> str | None:
    """The real set that a run learned from, or the one that a synthetic set's run did."""
    kind, _, id = chosen.partition("/")
    try:
        if kind == "image_sets":
            parents = workspace.image_set(id).record.parents
            id = next((name.split("/")[1] for name in parents if name.startswith("runs/")), "")
        return workspace.run(id).image_set if id else None
    except LabError:
        return None


def real_sets(workspace: Workspace) -> list[ImageSetRecord]:
    """Image sets of real images, newest first."""
    return [record for record in reversed(workspace.records("image_sets")) if record.origin == "real" and record.items]


def set_choice(record: ImageSetRecord) -> tuple[str, str]:
    return f"{record.name} · {record.items:,} · {record.width}×{record.height}", record.id


def map_choices() -> list[tuple[str, str]]:
    """The maps that this computer can draw."""
    umap = [("UMAP", "umap")] if find_spec("umap") else []
    return [("none", "none"), ("PCA", "pca"), ("t-SNE", "tsne"), *umap]


def words_of(description: Mapping[str, Any]) -> dict[str, forms.Setting]:
    """The task's settings by name, for labels, bounds and tooltips; {} while the engine has said nothing."""
    task = description.get("tasks", {}).get("evaluate", {}).get("parameters", {})
    return {setting.name: setting for setting in forms.settings(task) if setting.name in SETTINGS}


def reason(names: Any, workspace: Workspace) -> str:
    """Why something that needs these weights is not available, and what to do; "" if nothing is missing."""
    lacking = weights.missing([name for name in names if name in weights.KNOWN], workspace.weights)
    if not lacking:
        return ""
    error = weights.missing_error(lacking[0])
    return f"{error.what} {error.why} {error.advice}"


def own_features_help(description: Mapping[str, Any]) -> str:
    """What the button that trains own features is for; "" while the engine has said nothing."""
    return str(description.get("tasks", {}).get(OWN_FEATURES, {}).get("summary", ""))


def own_features(workspace: Workspace, real: Any) -> dict[str, Any]:
    """The parameters of the job that trains own features. Raises LabError for a set without two classes."""
    if not real:
        raise LabError("There are no real images to learn from.", "", "Make an image set on the Data tab first.")
    record = workspace.image_set(str(real)).record
    if len([name for name, count in record.classes.items() if name and count]) < 2:
        raise LabError(
            f"“{record.name}” has fewer than two classes.",
            "Own features are what tells classes apart.",
            "Choose real images that are labelled with two or more classes, or measure with texture features.",
        )
    return {"image_set": record.id}


def mode_of(chosen: str, wish: str) -> str:
    """Which metrics are ticked at first: the light ones for a run at all its checkpoints."""
    return LIGHT if chosen.startswith("runs/") and wish == "all" else FULL


def offered(description: Mapping[str, Any], workspace: Workspace, mode: str) -> str:
    """Features and metrics as the form shows them, those that lack weights with the reason."""
    extractors = [
        {
            "name": name, "title": spec["title"], "help": [spec["summary"], f"Source: {spec['source']}."],
            "missing": reason(spec.get("weights", ()), workspace),
        }
        for name, spec in description.get("extractors", {}).items()
    ]  # fmt: skip
    extractors.sort(key=lambda extractor: (bool(extractor["missing"]), extractor["name"] != "texture"))
    groups: list[dict[str, Any]] = [{"title": title, "help": text, "metrics": []} for title, text in GROUPS]
    for name, spec in description.get("metrics", {}).items():
        place = 2 if spec.get("legacy") else 0 if spec.get("light") else 1
        own = [spec["summary"], f"Source: {spec['source']}."]
        if spec.get("chooses"):
            own.insert(1, "Computed on the features chosen above.")
        metric = {
            "name": name,
            "title": spec["title"],
            "help": own,
            "missing": reason(spec.get("needs", ()), workspace),
        }
        groups[place]["metrics"].append(metric)
    return packed({"extractors": extractors, "groups": [group for group in groups if group["metrics"]], "mode": mode})


def parameters(
    listed: str, real: Any, held_out: Any, measures: str, count: Any, wish: Any, map: Any, seed: Any
) -> dict[str, Any]:
    """The task's parameters from the form's values. Raises LabError for what cannot be used."""
    kind, _, id = cards.chosen_of(listed).partition("/")
    if not id:
        raise LabError("Nothing is chosen to be measured.", "", "Choose a run or a synthetic set on the left.")
    if not real:
        raise LabError("There are no real images to compare with.", "", "Make an image set on the Data tab first.")
    chosen = json.loads(measures or "{}") or {}
    ticked = [str(name) for name in chosen.get("ticked") or []]
    if not ticked:
        raise LabError("No metric is ticked.", "", "Tick at least one.")
    given: dict[str, Any] = {"real": real, "synthetic": id, "metrics": ticked, "map": map, "seed": int(seed or 0)}
    if held_out:
        given["held_out"] = held_out
    if chosen.get("extractor"):
        given["extractor"] = str(chosen["extractor"])
    return given | ({"checkpoints": wish, "count": int(count or 0)} if kind == "runs" else {})
